"""Real processes on one table: killed at any time, or several at once, they ask each row once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from asked import Answers, table

from agentkit import Agent
from agentkit.stores.sqlite import SQLiteStore
from agentkit.testing import ResponsesServer, ScriptedModel, refusal

ROWS = 60
VICTIM = Path(__file__).with_name("victim.py")


class Killing(Answers):
    """Answers, and kills who asks at certain requests."""

    def __init__(self, *at: int, answers_first: bool) -> None:
        super().__init__()
        self.at, self.answers_first = set(at), answers_first
        self.process: subprocess.Popen[bytes] | None = None

    async def stream(self, request):
        if len(self.asked) in self.at:
            self.asked.append(request.input[0].text)
            if not self.answers_first:
                self.kill()
            async for event in ScriptedModel("killed").stream(request):
                yield event
            self.kill()
            return
        async for event in super().stream(request):
            yield event

    def kill(self):
        os.kill(self.process.pid, signal.SIGKILL)


def works(url: str, folder: Path, concurrency: object, *out: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, str(VICTIM), url, str(folder), str(concurrency), *out])


def write_rows(folder: Path) -> list[str]:
    names = [str(n) for n in range(ROWS)]
    (folder / "in.csv").write_text("n\n" + "".join(f"{name}\n" for name in names))
    return names


async def finished(folder: Path) -> set[str]:
    """The rows whose answers are in the store."""
    store = SQLiteStore(folder / "runs.db")
    found = {info.summary.title for info in await store.list(status=["completed"], limit=None)}
    await store.close()
    return found


@pytest.mark.parametrize("answers_first", [False, True], ids=["asked", "answered"])
@pytest.mark.parametrize("concurrency", [1, 8, "auto"])
async def test_a_killed_job_goes_on_where_it_was(tmp_path, concurrency, answers_first):
    names = write_rows(tmp_path)
    model = Killing(0, 15, 30, 45, 59, answers_first=answers_first)
    with ResponsesServer(model) as server:
        kills = 0
        while True:
            done, before = await finished(tmp_path), len(model.asked)
            model.process = works(server.url, tmp_path, concurrency)
            code = model.process.wait(30)
            assert not done & set(model.asked[before:]), "a finished row is not asked again"
            if code == 0:
                break
            assert code == -signal.SIGKILL
            kills += 1
    assert kills == 5
    assert set(model.asked) == set(names)
    if concurrency == 1:
        assert len(model.asked) <= ROWS + kills
    rows = table(tmp_path / "out.csv")
    assert [row["n"] for row in rows] == names
    assert {row["answer"] for row in rows} <= {*names, "killed"}
    assert await finished(tmp_path) == set(names)


async def test_processes_on_the_same_table_at_once_ask_each_row_once(tmp_path):
    names = write_rows(tmp_path)
    model = Answers()
    with ResponsesServer(model) as server:
        processes = [works(server.url, tmp_path, 4, f"out{n}.csv") for n in range(3)]
        assert [process.wait(30) for process in processes] == [0, 0, 0]
    assert sorted(model.asked, key=int) == names
    tables = [table(tmp_path / f"out{n}.csv") for n in range(3)]
    assert [row["answer"] for row in tables[0]] == names
    assert tables[0] == tables[1] == tables[2]


class Killed(BaseException):
    """What is left of a process that was killed."""


class Dying(SQLiteStore):
    """A store whose process is killed before or after it has written so many times."""

    def __init__(self, path, *, at, is_after):
        super().__init__(path)
        self.left, self.is_after = at, is_after

    async def written(self, work):
        self.left -= 1
        if self.left < 0 or (self.left == 0 and not self.is_after):
            work.close()
            raise Killed
        await work
        if self.left == 0:
            raise Killed

    async def append(self, *arguments):
        await self.written(super().append(*arguments))

    async def delete(self, session):
        await self.written(super().delete(session))

    async def fork(self, *arguments):
        await self.written(super().fork(*arguments))


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, 16))
async def test_a_row_that_is_begun_anew_survives_a_kill_at_any_write(tmp_path, at, is_after):
    path, rows = tmp_path / "runs.db", [{"n": "a"}, {"n": "b"}, {"n": "c"}]
    model = Answers(lambda said: said if model.times[said] > 1 else refusal("No."))
    await Agent(model, store=path).map(rows, "{n}")
    dying = Agent(model, store=Dying(path, at=at, is_after=is_after))
    with pytest.raises(BaseExceptionGroup) as caught:
        await dying.map(rows, "{n}", concurrency=1)
    assert caught.group_contains(Killed)
    store = SQLiteStore(path)
    result = await Agent(model, store=store).map(rows, "{n}")
    assert [row.output for row in result.rows] == ["a", "b", "c"]
    asked_twice = sum(model.times.values()) - 6
    assert asked_twice == (0 if is_after else int(at % 5 == 0)), "only what was not kept"
    assert len(await store.spent()) == 6, "each answer that was kept, once"
    # between the old session's end and the new one's beginning, the row looks as if it never ran
    is_between = at % 5 == 3 if is_after else at % 5 == 4
    assert sum(row.attempts >= 2 for row in result.rows) == 3 - is_between
