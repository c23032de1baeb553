"""A process that runs an agent to its end, and is killed on the way as it was told."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

import agentkit
from agentkit import Agent, Answer, Approve, PendingCall, ResponsesModel, ToolContext, tool
from agentkit.records import Record
from agentkit.stores.opened import opened_store
from agentkit.stores.protocol import Store, Summary

PACKAGE = os.path.dirname(agentkit.__file__)
SESSION = "victim"
FINISHED = 0
BY_HAND = "a person looked: it is done"


@dataclass(frozen=True)
class Kill:
    """When a process kills itself: at the place of that name, the how-manieth time it is there.

    Places: `before append`, `after append`, `waiting`, `instruction`, `begin CALL` and `end CALL`.
    """

    place: str = ""
    number: int = 1


class Countdown:
    """Kills the process when it has come to its place."""

    def __init__(self, kill: Kill) -> None:
        self.kill, self.left = kill, kill.number

    def at(self, place: str) -> None:
        if place != self.kill.place:
            return
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def profile(self, frame: FrameType, event: str, _: Any) -> None:
        """Counts the functions of agentkit that are entered, left and gone on with."""
        if frame.f_code.co_filename.startswith(PACKAGE):
            self.at("instruction")


class Dying:
    """A store whose process may die before or after it keeps something."""

    def __init__(self, store: Store, countdown: Countdown) -> None:
        self._store, self._countdown = store, countdown
        self.appends = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def append(
        self,
        session: str,
        expected_seq: int,
        records: Sequence[Record],
        summary: Summary | None = None,
    ) -> None:
        self._countdown.at("before append")
        await self._store.append(session, expected_seq, records, summary)
        self.appends += 1
        self._countdown.at("after append")


def tools_of(ledger: str, countdown: Countdown) -> list[Any]:
    """Tools that leave a line in a file outside the process whenever they run."""

    def note(line: str) -> None:
        file = os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(file, f"{line}\n".encode())
        os.close(file)

    def work(context: ToolContext[Any]) -> str:
        countdown.at(f"begin {context.call_id}")
        note(f"{context.call_id} {context.idempotency_key}")
        countdown.at(f"end {context.call_id}")
        return f"did {context.call_id}"

    @tool(effect="read")
    def look(context: ToolContext[Any]) -> str:
        return work(context)

    @tool(effect="idempotent")
    async def keep(context: ToolContext[Any]) -> str:
        await asyncio.sleep(0)
        return work(context)

    @tool
    async def pay(context: ToolContext[Any]) -> str:
        return work(context)

    @tool(approval=True)
    def wipe(context: ToolContext[Any]) -> str:
        return work(context)

    return [look, keep, pay, wipe]


def word_on(pending: PendingCall) -> Approve | Answer:
    """What the person says who is asked: yes, but nothing runs a second time."""
    if pending.reason == "may have run":
        return Answer(pending.call_id, BY_HAND)
    return Approve(pending.call_id)


async def go(url: str, place: str, ledger: str, countdown: Countdown) -> int:
    """Begin the run, or go on where it stands, and decide until it has ended."""
    store = Dying(opened_store(place), countdown)
    model = ResponsesModel("scripted", url)
    agent = Agent(model, tools=tools_of(ledger, countdown), store=store)
    try:
        if (await store.load(SESSION)).records:
            result = await agent.resume(SESSION)
        else:
            result = await agent.run("Go.", session=SESSION)
        while result.status == "waiting":
            countdown.at("waiting")
            result = await agent.resume(SESSION, [word_on(call) for call in result.pending])
    finally:
        await store.close()
    assert (result.status, result.output) == ("completed", "All done."), result
    return store.appends


def victim(url: str, place: str, ledger: str, kill: Kill) -> None:
    """The process: ends with the code FINISHED, or is killed."""
    countdown = Countdown(kill)
    if kill.place == "instruction":
        threading.setprofile(countdown.profile)
        sys.setprofile(countdown.profile)
    appends = asyncio.run(go(url, place, ledger, countdown))
    sys.setprofile(None)
    threading.setprofile(None)  # type: ignore[arg-type]
    with open(f"{ledger}.end", "w") as end:
        end.write(f"{appends} {countdown.kill.number - countdown.left}")
