"""A table that is there loses no rows by a job that ends before its time."""

import asyncio
import sqlite3

import pytest
from asked import Answers, Gate, table

from agentkit import Agent, AuthenticationError, ConfigurationError

ROWS = [{"n": n} for n in range(600)]


def numbers(out):
    """The numbers of a table's rows, in its order."""
    path, _, inner = str(out).partition("::")
    if not inner:
        return [int(row["n"]) for row in table(out)]
    with sqlite3.connect(path) as database:
        found = [n for (n,) in database.execute(f"SELECT n FROM {inner}")]
    database.close()
    return found


async def made(tmp_path, name, rows=ROWS):
    """A whole table, and its agent."""
    agent, out = Agent(Answers(), store=tmp_path / "runs.db"), tmp_path / name
    await agent.map(rows, "{n}", out=out)
    return agent, out


@pytest.mark.parametrize("name", ["out.csv", "out.db::answers"])
@pytest.mark.parametrize("at", [0, 7, 599])
async def test_a_key_that_is_refused_leaves_all_rows_in_the_table(tmp_path, name, at):
    _, out = await made(tmp_path, name)
    refusing = Answers(lambda said: AuthenticationError("no key", status=401))
    agent = Agent(refusing, store=tmp_path / "runs.db")
    rows = [*ROWS[:at], {"n": 1000}, *ROWS[at:]]
    with pytest.raises(AuthenticationError) as caught:
        await agent.map(rows, "{n}", out=out, concurrency=1)
    assert numbers(out) == [row["n"] for row in rows]
    result = caught.value.result
    assert (result.done, result.failed, result.left, result.kept) == (600, 1, 0, 600)


@pytest.mark.parametrize("name", ["out.csv", "out.db::answers"])
async def test_an_interrupted_refresh_keeps_the_answers_that_it_did_not_get_to(tmp_path, name):
    _, out = await made(tmp_path, name)
    gate = Gate()
    agent = Agent(Answers(lambda said: gate if said == "3" else "new"), store=tmp_path / "runs.db")
    job = agent.map(ROWS, "{n}", out=out, refresh=True, concurrency=1)
    task = asyncio.ensure_future(job)
    await gate.is_asked.wait()
    task.cancel()
    gate.is_open.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert numbers(out) == list(range(600))
    assert (job.result.done, job.result.left, job.result.kept) == (600, 0, 596)


async def test_a_job_that_has_no_time_to_look_at_all_rows_leaves_the_table_as_it_was(tmp_path):
    agent, out = await made(tmp_path, "out.csv")
    before, gate = out.read_bytes(), Gate()
    agent = Agent(Answers(lambda said: gate), store=tmp_path / "runs.db")
    task = asyncio.ensure_future(agent.map(ROWS, "{n}", out=out, refresh=True, grace=0))
    await gate.is_asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert out.read_bytes() == before


async def test_rows_that_end_behind_what_ended_the_job_are_in_the_table(tmp_path):
    gate, out = Gate(), tmp_path / "out.csv"
    model = Answers(lambda said: gate if said == "0" else AuthenticationError("no", status=401))
    listened = asyncio.Event()
    agent = Agent(model, store=tmp_path / "runs.db")
    job = agent.map(ROWS, "{n}", out=out, concurrency=2, on_row=lambda row: listened.set())
    task = asyncio.ensure_future(job)
    await listened.wait()
    gate.is_open.set()
    with pytest.raises(AuthenticationError):
        await task
    assert [row["_status"] for row in table(out)] == ["completed", "failed"]


async def test_rows_that_cannot_be_read_to_the_end_leave_the_table_as_it_was(tmp_path):
    agent, out = await made(tmp_path, "out.csv")
    before = out.read_bytes()

    class Broken(list):
        looks = 0

        def __iter__(self):
            self.looks += 1
            if self.looks < 3:
                return super().__iter__()
            return iter([*ROWS[:5], "no mapping"])

    with pytest.raises(ConfigurationError, match="row 6: expected a mapping"):
        await agent.map(Broken(ROWS), "{n}", out=out)
    assert out.read_bytes() == before


async def test_a_whole_job_over_fewer_rows_gives_the_shorter_table(tmp_path):
    agent, out = await made(tmp_path, "out.csv", ROWS[:9])
    await agent.map(ROWS[:4], "{n}", out=out)
    assert numbers(out) == [0, 1, 2, 3]
    await agent.map([], "{n}", out=out)
    assert numbers(out) == []
