"""Runs that are killed and gone on with, and what must be true of them in the end."""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from victim import BY_HAND, FINISHED, SESSION, Kill

from agentkit import Log, Request
from agentkit.stores.opened import opened_store
from agentkit.testing import ResponsesServer, ScriptedModel, call, reasoning

FAIL_AFTER = 60.0
"""Seconds after which a process that still runs has failed."""

TURNS: tuple[Any, ...] = (
    [
        reasoning("Several things at once."),
        call("look", "look_1"),
        call("keep", "keep_1"),
        call("pay", "pay_1"),
        call("wipe", "wipe_1"),
        call("nothing", "nothing_1"),
        call("look", "look_2"),
    ],
    [call("pay", "pay_2"), call("keep", "keep_2")],
    [call("wipe", "wipe_2")],
    [call("look", "look_3")],
    "All done.",
)
EFFECTS = {"look": "read", "keep": "idempotent", "pay": "once", "wipe": "once"}


@cache
def zygote() -> Any:
    """Forked from a process that has loaded everything, a victim costs a few milliseconds."""
    command = [sys.executable, str(Path(__file__).with_name("zygote.py"))]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, bufsize=1)
    atexit.register(process.communicate)
    return process


def turn_of(request: Request) -> int:
    """How many answers the conversation has, so that a request that is repeated gets its own."""
    return sum(
        any(item.wire.get("call_id") == said.get("call_id") for item in request.input)
        for said in (turn[-1] for turn in TURNS[:-1])
    )


@dataclass
class World:
    """What is outside of the processes that are killed: the server, the store, the ledger."""

    place: str
    ledger: Path
    url: str = ""
    asked: list[int] = field(default_factory=list)
    """The turns that the server was asked for, in order."""
    kill_at_request: int | None = None
    pid: int = 0

    def answer(self, request: Request) -> Any:
        turn = turn_of(request)
        self.asked.append(turn)
        if len(self.asked) == self.kill_at_request:
            os.kill(self.pid, signal.SIGKILL)
        return TURNS[turn]

    def run(self, kill: Kill = Kill()) -> int:
        """Run a process to its end or its death; its exit code."""
        told = (self.url, self.place, str(self.ledger), kill.place, kill.number)
        zygote().stdin.write(json.dumps(told) + "\n")
        self.pid = int(zygote().stdout.readline())
        hung = threading.Timer(FAIL_AFTER, os.kill, (self.pid, signal.SIGABRT))
        hung.start()
        code = int(zygote().stdout.readline())
        hung.cancel()
        assert code != -signal.SIGABRT, "it hangs"
        return code

    def log(self) -> Log:
        """The log as it is stored."""

        async def load() -> Log:
            store = opened_store(self.place)
            try:
                return Log((await store.load(SESSION)).records)
            finally:
                await store.close()

        return asyncio.run(load())

    def ran(self) -> list[tuple[str, str]]:
        """The calls that have run, each with its key, in order."""
        lines = self.ledger.read_text().split("\n")[:-1] if self.ledger.exists() else []
        return [(line.split()[0], line.split()[1]) for line in lines]

    def end(self) -> tuple[int, int]:
        """Of the last process that finished: its appends, and how often it was at its place."""
        appends, times = Path(f"{self.ledger}.end").read_text().split()
        return int(appends), int(times)


@contextmanager
def world(folder: Path, place: str | None = None) -> Iterator[World]:
    """A server, a ledger, and a store that is empty."""
    made = World(place or str(folder / "runs.db"), folder / "ledger")
    model = ScriptedModel(*([made.answer] * 100))
    with ResponsesServer(model) as server:
        made.url = server.url
        yield made


@dataclass(frozen=True)
class Moment:
    """How things stood when a process had been killed."""

    answers: int
    finished: frozenset[str]
    unsure: frozenset[str]
    """Calls that may have run, and must not run again unasked."""
    asked: int
    ran: int


def moment(made: World) -> Moment:
    log = made.log()
    records = [(record.kind, record) for record in log.records]
    finished = frozenset(record.call_id for kind, record in records if kind == "output")
    answers = sum(kind == "answer" for kind, _ in records)
    unsure = frozenset(call.call_id for call in log.open_calls if call.may_have_run)
    return Moment(answers, finished, unsure, len(made.asked), len(made.ran()))


def survive(made: World, kills: Sequence[Kill]) -> int:
    """Kill one process after the other, let the last one finish, and check what was promised.

    How many were killed: one may end before it is at its place.
    """
    moments = []
    for kill in kills:
        if made.run(kill) == FINISHED:
            break
        moments.append(moment(made))
    assert made.run() == FINISHED
    check(made, moments)
    return len(moments)


def check(made: World, moments: Sequence[Moment]) -> None:
    """Promises 1 to 3, counted outside of the processes."""
    ran, log = made.ran(), made.log()
    for each in moments:
        behind = {call_id for call_id, _ in ran[each.ran :]}
        assert not behind & each.finished, "a finished call ran again"
    runs = Counter(call_id for call_id, _ in ran)
    keys: dict[str, set[str]] = {}
    for call_id, key in ran:
        keys.setdefault(call_id, set()).add(key)
    for call_id, times in runs.items():
        effect = EFFECTS[call_id.split("_")[0]]
        assert keys[call_id] == {f"{SESSION}/{call_id}"}, "another key"
        assert times == 1 if effect == "once" else times <= 1 + len(moments), (call_id, times)
    unsure = {call_id for each in moments for call_id in each.unsure}
    for record in log.records:
        if record.kind != "output" or record.call_id.startswith("nothing"):
            continue
        if record.call_id in unsure:
            assert record.item.wire["output"] == BY_HAND, "it did not wait for a person"
        else:
            assert record.item.wire["output"].startswith(f"did {record.call_id}")
            assert runs[record.call_id] >= 1, "an output of a call that did not run"
    answers = sum(record.kind == "answer" for record in log.records)
    lost = sum(unanswered(moments))
    assert answers == len(TURNS)
    assert len(made.asked) == answers + lost, "an answer was paid for twice"
    wanted = [each["call_id"] for turn in TURNS[:-1] for each in turn if "call_id" in each]
    given = [item.wire["call_id"] for item in log.items if item.type == "function_call_output"]
    assert given == wanted, "the outputs in call order"
    assert log.trip.turns == len(TURNS)


def unanswered(moments: Sequence[Moment]) -> list[int]:
    """Of each process, the requests whose answer had not been kept when it was killed."""
    lost, asked, answers = [], 0, 0
    for each in moments:
        lost.append((each.asked - asked) - (each.answers - answers))
        asked, answers = each.asked, each.answers
    assert all(count in (0, 1) for count in lost), lost
    return lost


__all__ = ["EFFECTS", "TURNS", "Kill", "World", "survive", "world"]
