"""What no interrupt ends: the process that asks the database is killed, and the next call works."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sqlite3
import sys
import threading
import time
from pathlib import Path

import pytest

from agentkit import Retry
from agentkit_tools import Sql, Table

# one call of one function, for seconds to minutes
SLOW = "instr(hex(zeroblob(499000)), hex(zeroblob(240000)) || {})"
BOMBS = {
    "sqlite": [
        f"SELECT {SLOW.format('a')} FROM t",
        "SELECT trim(hex(zeroblob(400000)), printf('%.*c', 60000, 'x') || '0') FROM t",
        "SELECT printf('%.*c', 999999, 'x') LIKE '%' || printf('%.*c', 900, 'x') || '%y' FROM t",
    ],
    "duckdb": [
        "SELECT levenshtein(repeat('a', 200000), repeat('b', 200000))",
        "SELECT length(repeat('x', 2000000000))",
        "SELECT list_aggregate(range(500000000), 'sum')",
        "SELECT len(range(2000000000))",
        "SELECT string_agg(repeat('x', 1000000)) FROM range(1000000)",
    ],
}


@pytest.fixture(params=["sqlite", "duckdb"])
def engine(request):
    if request.param == "duckdb":
        pytest.importorskip("duckdb")
    return request.param


def table_in(folder, engine, timeout):
    (folder / "t.csv").write_text("a\n1\n")
    return Table(folder / "t.csv", engine=engine, timeout=timeout)


def processes_of(path):
    """Those that have the path in their command line."""
    if not Path("/proc/self/cmdline").exists():
        pytest.skip("processes are looked for where there is /proc")
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = each.read_bytes()
        except OSError:  # ended meanwhile
            continue
        if str(path).encode() in words.split(b"\0"):
            found.append(int(each.parent.name))
    return found


async def gone(path):
    """Wait until there is no such process; the test fails after a while."""
    while processes_of(path):  # noqa: ASYNC110 - another program's processes set no event
        await asyncio.sleep(0.01)


async def test_one_call_of_a_function_cannot_outlast_the_timeout(tmp_path, engine):
    table = table_in(tmp_path, engine, timeout=1)
    for sql in BOMBS[engine]:
        begun = time.monotonic()
        try:
            await table.query(sql)
        except Retry as error:
            assert "took longer than 1 seconds" in str(error) or "emory" in str(error)
        assert time.monotonic() - begun < 4, sql
        assert await table.query("SELECT * FROM t") == "a\n1\n1 row"


def countries_in(folder):
    made = sqlite3.connect(folder / "countries.db")
    made.executescript("CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 'x'), (2, 'y');")
    made.close()
    return folder / "countries.db"


async def test_a_write_that_is_killed_has_changed_nothing(tmp_path):
    path = countries_in(tmp_path)
    sold = Sql(path, writable=True, timeout=1)
    rows = "WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n LIMIT 5000)"
    await sold.execute(f"INSERT INTO t {rows} SELECT i, zeroblob(2000) FROM n")
    before = path.read_bytes()
    # more pages than SQLite keeps in memory: some of them are in the file by the end of the time
    change = f"CASE WHEN a < 5000 THEN randomblob(2000) ELSE {SLOW.format('a')} END"
    with pytest.raises(Retry, match="took longer than"):
        await sold.execute(f"UPDATE t SET b = {change}")
    assert path.read_bytes() == before
    assert "1 | x" in await sold.query("SELECT * FROM t")
    assert await sold.execute("UPDATE t SET b = 'z' WHERE a = 1") == "1 row changed."
    assert os.listdir(tmp_path) == ["countries.db"]


async def test_a_process_is_kept_for_the_next_call_and_ends_with_its_toolbox(tmp_path):
    path, others = countries_in(tmp_path), set(threading.enumerate())
    sold = Sql(path)
    assert processes_of(path) == []
    await sold.schema("t")
    [first] = processes_of(path)
    with pytest.raises(Retry):
        await sold.query("SELECT nowhere FROM t")
    assert processes_of(path) == [first]
    del sold
    for thread in set(threading.enumerate()) - others:
        thread.join(10)  # the one that asked lets go of it when it ends
    await asyncio.sleep(0)  # the loop lets go of what it has called back
    gc.collect()  # its tools and it know each other
    assert processes_of(path) == []


async def test_a_process_that_was_ended_from_outside_is_replaced(tmp_path):
    path = countries_in(tmp_path)
    sold = Sql(path)
    await sold.query("SELECT 1")
    [first] = processes_of(path)
    os.kill(first, signal.SIGKILL)
    await asyncio.to_thread(os.waitid, os.P_PID, first, os.WEXITED | os.WNOWAIT)
    assert await sold.query("SELECT a FROM t WHERE b = 'y'") == "a\n2\n1 row"
    assert processes_of(path) != [first]


async def test_a_database_that_is_gone_meanwhile_is_told(tmp_path):
    path = countries_in(tmp_path)
    sold = Sql(path)
    path.unlink()
    with pytest.raises(RuntimeError, match=r"there is no database '\S+countries.db'"):
        await sold.schema()


async def test_ctrl_c_at_the_terminal_does_not_reach_the_process(tmp_path):
    path = countries_in(tmp_path)
    sold = Sql(path)
    await sold.query("SELECT 1")
    [process] = processes_of(path)
    assert os.getpgid(process) != os.getpgrp()  # the group is what a terminal sends it to


async def test_a_call_that_is_cancelled_ends_its_process(tmp_path):
    path = countries_in(tmp_path)
    sold = Sql(path, timeout=60)
    await sold.query("SELECT 1")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(sold.query(f"SELECT {SLOW.format('a')} FROM t"), 0.1)
    assert processes_of(path) == []


ASKS = """
import asyncio
import sys
from agentkit_tools import Sql
asyncio.run(Sql(sys.argv[1], timeout=60).query(sys.argv[2]))
"""


async def test_a_program_that_is_killed_leaves_no_process_behind(tmp_path):
    path = countries_in(tmp_path)
    words = [sys.executable, "-c", ASKS, str(path), f"SELECT {SLOW.format('a')} FROM t"]
    program = await asyncio.create_subprocess_exec(*words)
    while len(processes_of(path)) < 2:  # noqa: ASYNC110 - the program and its process
        await asyncio.sleep(0.01)
    program.kill()
    await program.wait()
    await gone(path)


async def test_the_process_has_nothing_of_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("A_SECRET_OF_THE_PROGRAM", "swordfish")
    path = countries_in(tmp_path)
    sold = Sql(path)
    await sold.query("SELECT 1")
    [process] = processes_of(path)
    environment = await asyncio.to_thread(Path(f"/proc/{process}/environ").read_bytes)
    assert b"swordfish" not in environment
