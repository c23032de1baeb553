"""Whatever fails, what was acknowledged stays, and what was not is there whole or not at all."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from agentkit.errors import Conflict, StoreError
from agentkit.stores.sqlite import SQLiteStore
from agentkit.testing.stores.said import conversation, gave, holds, said

RECORDS = conversation("one", "two", "three", "four")


class Failing(sqlite3.Connection):
    """A connection whose statement number `at`, counted over all, fails: before it or after it."""

    at, is_after, count = -1, False, 0

    def execute(self, statement, *values):
        cls = type(self)
        cls.count += 1
        if cls.count - 1 != cls.at:
            return super().execute(statement, *values)
        if cls.is_after:
            super().execute(statement, *values)
        raise sqlite3.OperationalError("disk I/O error")


def failing(at: int, is_after: bool):
    kind = type("Failing", (Failing,), {"at": at, "is_after": is_after, "count": 0})
    return kind, lambda path: sqlite3.connect(path, factory=kind)


class Answers(sqlite3.Connection):
    """A connection that answers as many commits with an error as `errors` says."""

    errors, are_kept = 0, True

    def execute(self, statement, *values):
        cls = type(self)
        if statement != "COMMIT" or cls.errors == 0:
            return super().execute(statement, *values)
        cls.errors -= 1
        super().execute("COMMIT" if cls.are_kept else "ROLLBACK")
        raise sqlite3.OperationalError("disk I/O error")


async def answering(path: Path, *, are_kept: bool):
    """A store of a session `first`, and the connections' class whose errors can be set."""
    kind = type("Answers", (Answers,), {"are_kept": are_kept})
    store = SQLiteStore(path, connect=lambda path: sqlite3.connect(path, factory=kind))
    await store.append("first", 0, RECORDS)
    return store, kind


async def test_a_commit_whose_answer_was_lost_is_not_made_twice(tmp_path):
    store, answers = await answering(tmp_path / "log.db", are_kept=True)
    answers.errors = 1000
    await store.append("s", 0, RECORDS[:2])
    await store.append("s", 2, RECORDS[2:3])
    await store.fork("s", 1, "f")
    await asyncio.gather(*(store.append(f"s{n}", 0, RECORDS[:1]) for n in range(5)))
    assert await store.delete("first") is True
    assert answers.errors < 1000 - 4
    await holds(store, "s", *RECORDS[:3])
    await holds(store, "f", *RECORDS[:1])
    assert len(await store.list()) == 7
    await store.close()


async def test_a_commit_that_failed_once_is_made_after_all(tmp_path):
    store, answers = await answering(tmp_path / "log.db", are_kept=False)
    answers.errors = 1
    await store.append("s", 0, RECORDS)
    await holds(store, "s", *RECORDS)
    await store.close()


async def test_a_commit_that_fails_again_is_reported_and_keeps_nothing(tmp_path):
    store, answers = await answering(tmp_path / "log.db", are_kept=False)
    answers.errors = 2
    with pytest.raises(StoreError, match=r"log\.db cannot be used: SQLite says disk I/O error"):
        await store.append("s", 0, RECORDS)
    await holds(store, "s")
    await store.append("s", 0, RECORDS[:1])
    await holds(store, "s", *RECORDS[:1])
    await store.close()


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
async def test_whichever_statement_fails_nothing_acknowledged_is_lost_or_doubled(
    tmp_path, is_after
):
    for at in range(1000):
        folder = tmp_path / f"{at}"
        folder.mkdir()
        kind, connect = failing(at, is_after)
        store = SQLiteStore(folder / "log.db", connect=connect)
        acknowledged = 0
        for _ in range(2):
            for number in range(acknowledged, 2):
                two = RECORDS[2 * number : 2 * number + 2]
                try:
                    await store.append("s", 2 * number, two)
                except StoreError:
                    break
                acknowledged = number + 1
        await store.close()
        kept = (await SQLiteStore(folder / "log.db").load("s")).records
        assert list(kept) == RECORDS[: len(kept)]
        assert len(kept) == 2 * acknowledged == 4, f"statement {at}"
        shutil.rmtree(folder)
        if kind.count <= at:
            break
    assert at > 20


async def test_one_that_fails_among_many_fails_alone(tmp_path):
    # room for the tables and some hundred small records, not for a large one
    def connect(path: str) -> sqlite3.Connection:
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA max_page_count = 60")
        return connection

    store = SQLiteStore(tmp_path / "log.db", connect=connect)
    large = [gave("x " * 1_000_000)]
    ended = await asyncio.gather(
        *(store.append(f"s{n}", 0, large if n == 5 else [said("small")]) for n in range(10)),
        return_exceptions=True,
    )
    failed = [end for end in ended if end is not None]
    assert [str(end) for end in failed] == [
        f"The disk of {tmp_path / 'log.db'} is full. Free some space and go on from there."
    ]
    assert ended[5] is failed[0]
    assert len(await store.list()) == 9
    await store.close()


async def test_a_full_disk_loses_nothing_that_was_acknowledged(tmp_path):
    limits = []

    def connect(path: str) -> sqlite3.Connection:
        connection = sqlite3.connect(path)
        if not limits:
            connection.execute("PRAGMA max_page_count = 80")
        return connection

    store = SQLiteStore(tmp_path / "log.db", connect=connect)
    acknowledged = 0
    with pytest.raises(StoreError, match="is full"):
        while True:
            await store.append("s", acknowledged, [gave(f"words {acknowledged} " * 100)])
            acknowledged += 1
    assert acknowledged > 10
    await holds(store, "s", *(gave(f"words {seq} " * 100) for seq in range(acknowledged)))
    limits.append("space was made")
    await store.append("s", acknowledged, [said("and on")])
    await store.close()


FULL = """
import asyncio, resource, signal, sys
from agentkit.errors import StoreError
from agentkit.stores.sqlite import SQLiteStore
from agentkit.testing.stores.said import gave
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))

async def main():
    store, seq = SQLiteStore(sys.argv[1]), 0
    try:
        while True:
            await store.append("s", seq, [gave(f"words {seq} " * 100)])
            seq += 1
    except StoreError as error:
        print(seq, error, sep="\\n")

asyncio.run(main())
"""


async def test_a_file_that_cannot_grow_loses_nothing_that_was_acknowledged(tmp_path):
    ended = run(FULL, tmp_path / "log.db")
    acknowledged, error = ended.splitlines()
    assert "log.db" in error
    assert "space" in error
    store = SQLiteStore(tmp_path / "log.db")
    await holds(store, "s", *(gave(f"words {seq} " * 100) for seq in range(int(acknowledged))))
    assert int(acknowledged) > 10
    await store.close()


async def test_a_file_that_another_program_has_locked_is_waited_for_then_reported(tmp_path):
    store = SQLiteStore(tmp_path / "log.db", timeout=0.05)
    await store.append("s", 0, [said("one")])
    with closing(sqlite3.connect(tmp_path / "log.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        tasks = [store.append("s", 1, [said("two")]), store.append("t", 0, [said("three")])]
        for end in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(end, StoreError)
            assert "log.db is locked by another program, and still was after 0.05 seconds" in str(
                end
            )
        await holds(store, "s", said("one"))
    await store.append("s", 1, [said("two")])
    await holds(store, "s", said("one"), said("two"))
    await store.close()


async def test_runs_that_fail_together_have_errors_of_their_own(tmp_path):
    store = SQLiteStore(tmp_path / "nowhere" / "log.db")
    tasks = [store.append(f"s{n}", 0, [said("one")]) for n in range(3)]
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert len({id(end) for end in ended}) == 3
    assert len({str(end) for end in ended}) == 1
    await store.close()


async def test_a_file_that_is_taken_away_is_noticed(tmp_path):
    store = SQLiteStore(tmp_path / "log.db")
    await store.append("s", 0, [said("one")])
    (tmp_path / "log.db").rename(tmp_path / "old.db")
    with pytest.raises(StoreError, match="was moved, replaced or deleted"):
        await store.append("s", 1, [said("two")])
    with pytest.raises(Conflict, match="has 0 records, not 1"):
        await store.append("s", 1, [said("two")])
    await store.close()


READ_ONLY = """
import asyncio, os, sys, tempfile
from agentkit.errors import StoreError
from agentkit.stores.sqlite import SQLiteStore
from agentkit.testing.stores.said import said

async def held(store):
    async with store.hold("s"):
        pass

async def errors(path):
    store, found = SQLiteStore(path), []
    for doing in (lambda: store.append("t", 0, [said("two")]), lambda: held(store)):
        try:
            await doing()
        except StoreError as error:
            found.append(str(error))
    await store.close()
    return found

if os.getuid() == 0:
    # once before: nobody may not read what is only loaded at its first use
    with tempfile.TemporaryDirectory() as folder:
        assert asyncio.run(errors(folder + "/log.db")) == []
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
print(*asyncio.run(errors(sys.argv[1])), sep="\\n")
"""


def run(program: str, path: Path) -> str:
    command = [sys.executable, "-W", "error", "-c", program, str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


@pytest.fixture
def open_folder(tmp_path_factory):
    """A folder that others may pass into, unlike pytest's own."""
    import tempfile

    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


async def test_a_read_only_file_is_reported(open_folder):
    path = open_folder / "log.db"
    store = SQLiteStore(path)
    await store.append("s", 0, [said("one")])
    await store.close()
    path.chmod(0o444)
    open_folder.chmod(0o777)
    (error,) = run(READ_ONLY, path).splitlines()
    assert error.startswith(f"{path} cannot be written: the file or its folder is read-only.")


async def test_a_folder_where_no_file_can_be_made_is_reported(open_folder):
    path = open_folder / "log.db"
    open_folder.chmod(0o555)
    appended, held = run(READ_ONLY, path).splitlines()
    assert (
        appended
        == held
        == f"{path} cannot be made: Permission denied. Allow it, or give another path."
    )


async def test_a_read_only_folder_is_reported(open_folder):
    path = open_folder / "log.db"
    store = SQLiteStore(path)
    await store.append("s", 0, [said("one")])
    await store.close()
    path.chmod(0o666)
    open_folder.chmod(0o555)
    appended, held = run(READ_ONLY, path).splitlines()
    assert appended.startswith(f"{path} cannot be written: the file or its folder is read-only.")
    assert held == appended


async def test_what_stands_in_the_way_of_the_locks_is_named(tmp_path):
    (tmp_path / "log.db-held").mkdir()
    store = SQLiteStore(tmp_path / "log.db")
    with pytest.raises(StoreError, match=r"No session can be held: .*log\.db-held: Is a directory"):
        async with store.hold("s"):
            pass
    await store.close()


async def test_whatever_fails_nobody_waits_for_ever(tmp_path):
    def connect(path: str) -> sqlite3.Connection:
        raise ZeroDivisionError(path)

    store = SQLiteStore(tmp_path / "log.db", connect=connect)
    for doing in (store.append("s", 0, [said("one")]), store.load("s")):
        with pytest.raises(ZeroDivisionError):
            await doing
    await store.close()
