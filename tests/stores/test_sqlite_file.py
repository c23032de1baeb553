"""Where a SQLite store keeps its file, who may read it, and what it refuses to open."""

from __future__ import annotations

import asyncio
import gc
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from agentkit.errors import ConfigurationError, Conflict, StoreError
from agentkit.records import Started
from agentkit.stores.sqlite import SQLiteStore
from agentkit.testing.stores.said import answered, holds, said


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def connected(path: str, hear) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    connection.set_trace_callback(hear)
    return connection


def edited(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


async def written(path: Path, *records) -> None:
    store = SQLiteStore(path)
    await store.append("s", 0, records or [said("one"), answered("two")])
    await store.close()


async def held(store: SQLiteStore) -> None:
    async with store.hold("s"):
        pass


async def test_the_log_and_its_locks_are_their_owners_alone(tmp_path):
    before = os.umask(0)
    try:
        store = SQLiteStore(tmp_path / "log.db")
        async with store.hold("s"):
            await store.append("s", 0, [said("one")])
            modes = {path.name: mode_of(path) for path in tmp_path.rglob("*")}
    finally:
        os.umask(before)
    await store.close()
    names = ("log.db", "log.db-wal", "log.db-shm", "log.db-held")
    assert modes == dict.fromkeys(names, 0o600)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["log.db", "log.db-held"]


async def test_nothing_is_written_before_the_first_use(tmp_path):
    SQLiteStore(tmp_path / "log.db")
    assert list(tmp_path.iterdir()) == []


async def test_a_path_may_begin_with_the_users_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    await written("~/log.db")
    assert (tmp_path / "log.db").exists()


async def test_a_relative_path_stays_where_it_was_said(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    store = SQLiteStore("log.db")
    monkeypatch.chdir("elsewhere")
    await store.append("s", 0, [said("one")])
    await store.close()
    assert (tmp_path / "log.db").exists()


async def test_two_ways_to_one_file_share_its_locks(tmp_path):
    (tmp_path / "link.db").symlink_to(tmp_path / "log.db")
    one, other = SQLiteStore(tmp_path / "log.db"), SQLiteStore(tmp_path / "link.db")
    async with one.hold("s"):
        with pytest.raises(Conflict):
            async with other.hold("s"):
                pass
    await other.append("s", 0, [said("one")])
    assert mode_of(tmp_path / "log.db") == 0o600
    await other.close()


@pytest.mark.parametrize("path", ["", ":memory:", "a\0b", b"log.db"])
def test_what_is_no_path_is_refused_at_once(path):
    with pytest.raises(ConfigurationError, match="store:"):
        SQLiteStore(path)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("nowhere/log.db", "there is no folder .*nowhere"),
        (".", "is no file"),
        ("/dev/null", "is no file"),
    ],
)
async def test_a_place_where_no_file_can_be_is_the_callers_mistake(tmp_path, path, why):
    store = SQLiteStore(tmp_path / path)
    for doing in (store.load("s"), store.append("s", 0, [said("one")]), store.list()):
        with pytest.raises(ConfigurationError, match=why):
            await doing
    with pytest.raises(ConfigurationError, match=why):
        async with store.hold("s"):
            pass


async def test_an_empty_file_becomes_a_log(tmp_path):
    (tmp_path / "log.db").touch()
    await written(tmp_path / "log.db")
    await holds(SQLiteStore(tmp_path / "log.db"), "s", said("one"), answered("two"))


async def test_a_file_that_is_no_database_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("Dear diary, " * 1000)
    for doing in (SQLiteStore.list, lambda store: store.append("s", 0, [said("one")]), held):
        with pytest.raises(StoreError, match="notes.txt is no SQLite database"):
            await doing(SQLiteStore(tmp_path / "notes.txt"))
    assert (tmp_path / "notes.txt").read_text() == "Dear diary, " * 1000
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    "sign", ["CREATE TABLE birds(name)", "PRAGMA application_id = 7", "PRAGMA user_version = 7"]
)
async def test_another_programs_database_is_left_alone(tmp_path, sign):
    edited(tmp_path / "birds.db", "PRAGMA page_size = 512", sign)
    before = (tmp_path / "birds.db").read_bytes()
    for doing in (lambda store: store.append("s", 0, [said("one")]), held):
        with pytest.raises(ConfigurationError, match=r"birds\.db is a database of another program"):
            await doing(SQLiteStore(tmp_path / "birds.db"))
    assert (tmp_path / "birds.db").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["birds.db"]


async def test_a_database_of_a_newer_version_is_refused_by_number(tmp_path):
    await written(tmp_path / "log.db")
    edited(tmp_path / "log.db", "PRAGMA user_version = 99")
    with pytest.raises(StoreError, match=r"log\.db is of version 99; this agentkit reads up to"):
        await SQLiteStore(tmp_path / "log.db").load("s")


async def test_many_that_open_a_new_file_at_once_make_one_log(tmp_path):
    stores = [SQLiteStore(tmp_path / "log.db") for _ in range(8)]
    await asyncio.gather(
        *(store.append(f"s{n}", 0, [said("one")]) for n, store in enumerate(stores))
    )
    assert len(await stores[0].list()) == 8
    await asyncio.gather(*(store.close() for store in stores))


@pytest.mark.parametrize(
    ("effects", "level"),
    [
        ({"a": "read"}, "NORMAL"),
        ({"a": "idempotent"}, "NORMAL"),
        ({"a": "read", "b": "once"}, "FULL"),
    ],
)
async def test_what_starts_a_call_that_must_not_run_twice_outlives_a_loss_of_power(
    tmp_path, effects, level
):
    heard: list[str] = []
    store = SQLiteStore(tmp_path / "log.db", connect=lambda path: connected(path, heard.append))
    await store.append("s", 0, [said("one")])
    for doing in (
        store.append("s", 1, [said("two"), Started(effects)]),
        store.fork("s", 1, "f", [Started(effects)]),
    ):
        heard.clear()
        await doing
        assert heard[:2] == [f"PRAGMA synchronous = {level}", "BEGIN IMMEDIATE"]
    heard.clear()
    await store.append("s", 3, [said("three")])
    assert heard[:2] == ["PRAGMA synchronous = NORMAL", "BEGIN IMMEDIATE"]
    await store.close()


async def test_appends_that_wait_for_a_commit_are_committed_together(tmp_path):
    heard: list[str] = []
    gate = threading.Event()

    def connect(path: str) -> sqlite3.Connection:
        gate.wait(30)
        return connected(path, heard.append)

    store = SQLiteStore(tmp_path / "log.db", connect=connect)
    first = asyncio.create_task(store.append("first", 0, [said("one")]))
    await asyncio.sleep(0)
    tasks = [asyncio.create_task(store.append(f"s{n}", n % 5, [said("one")])) for n in range(100)]
    await asyncio.sleep(0)
    gate.set()
    await first
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(end, Conflict) for end in ended] == [bool(n % 5) for n in range(100)]
    assert len(await store.list()) == 21
    # one for the tables, one for the first, one for all others
    assert heard.count("COMMIT") <= 3
    await store.close()


async def test_what_is_deleted_is_not_in_the_file_any_more(tmp_path):
    store = SQLiteStore(tmp_path / "log.db")
    for number in range(40):
        await store.append(f"s{number}", 0, [said(f"common words {number}")])
    await store.append("s", 0, [said("xylophone"), answered("zeppelin")])
    await store.delete("s")
    await store.close()
    whole = (tmp_path / "log.db").read_bytes()
    assert b"common words" in whole
    # an index leaves out what a word has in common with the one before it
    assert b"ylophone" not in whole
    assert b"eppelin" not in whole


async def test_the_times_are_those_of_the_clock_it_was_given(tmp_path):
    times = [
        datetime(2031, 5, 6, 7, 8, 9, 123456, tzinfo=timezone(timedelta(hours=2))),
        datetime(1999, 1, 1, tzinfo=UTC),
    ]
    store = SQLiteStore(tmp_path / "log.db", now=iter(times).__next__)
    await store.append("s", 0, [said("one")])
    await store.append("s", 1, [said("two")])
    at = (await store.load("s")).at
    assert at[0].isoformat() == "2031-05-06T05:08:09.123456+00:00"
    assert at[1] == at[0], "a clock that is put back does not put the log out of order"
    await store.close()


async def test_a_store_that_is_forgotten_ends_its_threads(tmp_path):
    others = set(threading.enumerate())
    store = SQLiteStore(tmp_path / "log.db")
    await store.append("s", 0, [said("one")])
    await store.load("s")
    own = set(threading.enumerate()) - others
    assert {thread.name for thread in own} == {"agentkit-sqlite", "agentkit-sqlite-read"}
    del store
    gc.collect()
    assert [thread for thread in own if thread.is_alive()] == []
    assert [path.name for path in tmp_path.iterdir()] == ["log.db"], "the write-ahead log is in"


PROGRAM = """
import asyncio, os, sys
from agentkit.stores.sqlite import SQLiteStore
from agentkit.testing.stores.said import said
store = SQLiteStore(sys.argv[1])
"""


def ran(program: str, path: Path) -> str:
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-X", "dev", "-c", PROGRAM + program, str(path)],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


async def test_a_program_that_ends_without_closing_loses_and_says_nothing(tmp_path):
    program = "asyncio.run(store.append('s', 0, [said('one')])); asyncio.run(store.load('s'))"
    assert ran(program, tmp_path / "log.db") == ""
    assert [path.name for path in tmp_path.iterdir()] == ["log.db"]
    await holds(SQLiteStore(tmp_path / "log.db"), "s", said("one"))


FORK = """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)

async def work():
    async with store.hold("s"):
        await store.append("s", 0, [said("parent")])
        child = os.fork()
        return child

child = asyncio.run(work())
asyncio.run(store.append("c" if child == 0 else "p", 0, [said("x")]))
if child:
    assert os.waitpid(child, 0)[1] == 0
    print(len(asyncio.run(store.list())))
else:
    asyncio.run(store.close())
    os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_has_threads_and_connections_of_its_own(tmp_path):
    assert ran(FORK, tmp_path / "log.db") == "3\n"


CLOSED_BY_THE_PARENT = """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)
asyncio.run(store.append("p", 0, [said("parent")]))
to_child, to_parent = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    asyncio.run(store.append("c", 0, [said("one")]))
    os.write(to_parent[1], b".")
    os.read(to_child[0], 1)
    asyncio.run(store.append("c", 1, [said("two")]))
    os._exit(0)
os.read(to_parent[0], 1)
asyncio.run(store.close())
os.write(to_child[1], b".")
assert os.waitpid(child, 0)[1] == 0
print(len(asyncio.run(store.load("c")).records))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_loses_nothing_when_its_parent_closes_the_file(tmp_path):
    assert ran(CLOSED_BY_THE_PARENT, tmp_path / "log.db") == "2\n"


def test_agentkit_without_a_store_loads_no_database():
    program = (
        "import agentkit, sys; from agentkit import Agent; assert 'sqlite3' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
