"""A session is held as long as its process lives, and no longer."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agentkit.errors import Conflict
from agentkit.stores.sqlite import SQLiteStore
from agentkit.testing.stores.holding import once

HOLD = """
import asyncio, os, sys
from agentkit.stores.sqlite import SQLiteStore

async def main():
    async with SQLiteStore(sys.argv[1]).hold("s"):
        {while_held}
        print("held", flush=True)
        sys.stdin.read()

asyncio.run(main())
"""


@contextmanager
def holder(path: Path, while_held: str = "pass") -> Iterator[subprocess.Popen]:
    """A process that holds the session until it is killed."""
    command = [sys.executable, "-c", HOLD.format(while_held=while_held), str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()
            process.stdin.close()


async def test_what_another_process_holds_is_a_conflict_until_it_is_killed(tmp_path):
    store = SQLiteStore(tmp_path / "log.db")
    with holder(tmp_path / "log.db") as process:
        with pytest.raises(Conflict, match="'s' is being run by another process") as raised:
            await once(store, "s")
        assert 'when_busy="wait" in Python, --wait on the command line' in str(raised.value)
        await once(store, "t")
        process.kill()
        process.wait()
        await once(store, "s")


async def test_who_waits_for_another_process_looks_ever_less_often(tmp_path):
    pauses = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 9:
            process.kill()
            process.wait()

    store = SQLiteStore(tmp_path / "log.db", sleep=sleep)
    with holder(tmp_path / "log.db") as process:
        await once(store, "s", wait=True)
    assert pauses == [0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.25, 0.25, 0.25]


async def test_a_wait_for_another_process_that_is_cancelled_leaves_nothing_behind(tmp_path):
    waits, gate = asyncio.Event(), asyncio.Event()

    async def sleep(_seconds: float) -> None:
        waits.set()
        await gate.wait()

    store = SQLiteStore(tmp_path / "log.db", sleep=sleep)
    with holder(tmp_path / "log.db") as process:
        task = asyncio.create_task(once(store, "s", wait=True))
        await waits.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        process.kill()
        process.wait()
        await once(store, "s")


async def test_two_stores_of_one_process_take_turns_at_one_file(tmp_path):
    one, other = SQLiteStore(tmp_path / "log.db"), SQLiteStore(tmp_path / "log.db")
    async with one.hold("s"):
        with pytest.raises(Conflict, match="'s' is being run by another in this process"):
            await once(other, "s")
        await once(other, "t")
        task = asyncio.create_task(once(other, "s", wait=True))
    await task


async def test_who_lets_go_of_one_session_keeps_the_others(tmp_path):
    held = "async with SQLiteStore(sys.argv[1]).hold('t'): pass"
    with holder(tmp_path / "log.db", held) as process:
        with pytest.raises(Conflict):
            await once(SQLiteStore(tmp_path / "log.db"), "s")
        process.kill()


FORK = """
        read, write = os.pipe()
        if os.fork() == 0:
            os.write(write, b".")
            sys.stdin.read()
            os._exit(0)
        os.read(read, 1)
"""


async def test_a_child_that_was_forked_does_not_keep_what_its_parent_held(tmp_path):
    store = SQLiteStore(tmp_path / "log.db")
    with holder(tmp_path / "log.db", FORK) as process:
        with pytest.raises(Conflict):
            await once(store, "s")
        process.kill()
        process.wait()
        # the child still lives, and waits for the end of its input
        await once(store, "s")


async def test_a_lock_that_is_taken_away_by_hand_locks_nobody_out(tmp_path):
    store = SQLiteStore(tmp_path / "log.db")
    async with store.hold("s"):
        (tmp_path / "log.db-held").unlink()
    await once(store, "s")
