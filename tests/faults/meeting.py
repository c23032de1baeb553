"""A run of two answers, of which the second, or both, meet a fault."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import httpx

from agentkit import (
    Agent,
    Limits,
    Model,
    ModelError,
    ResponsesModel,
    RunResult,
    TextDelta,
    Tool,
    tool,
)
from agentkit.responses.client import HTTPClient, Timeouts
from agentkit.responses.events import StreamEvent
from agentkit.responses.response import Request
from agentkit.responses.retry import Retries
from agentkit.testing import ResponsesServer, ScriptedModel, call

SUM = "The sum is 5."
SCRIPT = (call("add", a=2, b=3), SUM)
PATIENT = Timeouts(connect=5.0, first_byte=20.0, idle=20.0, answer=20.0)


@dataclass
class Met:
    """What came of it."""

    result: RunResult
    raised: ModelError | None
    requests: list[dict[str, Any]]
    """What the server was asked."""
    ran: list[tuple[int, int]]
    """What the tool was called with."""
    waits: list[float]
    """Seconds that would have been slept."""
    heard: list[str] = field(default_factory=list)
    """The pieces of text that a listener heard."""

    @property
    def error(self) -> Exception | None:
        return self.raised or self.result.error


def adding(ran: list[tuple[int, int]]) -> Tool:
    """A tool that keeps what it is called with."""

    @tool
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        ran.append((a, b))
        return a + b

    return add


def bounds_of(fault: str, *, leisure: float = 1.0) -> Timeouts:
    """Timeouts of which the one that a fault is to meet is short; `leisure` makes it longer."""
    if fault in ("stall-before-headers", "stall-in-headers"):
        return replace(PATIENT, first_byte=0.05 * leisure)
    if fault.startswith("stall"):
        return replace(PATIENT, idle=0.08 * leisure)
    if fault.startswith(("endless-answer", "endless-keepalive")):
        return replace(PATIENT, answer=0.1 * leisure)
    return PATIENT


@dataclass
class InTurn:
    """The first answer is one model's, all others another's: what is to come has time to come."""

    first: Model
    then: Model
    name: str = "m"
    has_begun: bool = False

    def stream(self, request: Request) -> AsyncIterator[StreamEvent]:
        model, self.has_begun = self.then if self.has_begun else self.first, True
        return model.stream(request)


async def meet(
    *faults: str,
    stream: bool,
    bounds: Timeouts = PATIENT,
    script: Sequence[Any] = SCRIPT,
    wire: Literal["responses", "chat"] = "responses",
    limits: Limits | None = None,
    http_client: HTTPClient | None = None,
    state: Literal["replay", "chained", "hosted"] = "replay",
) -> Met:
    """Run until the end at a server with these faults; `bounds` are for all but the first answer."""
    ran: list[tuple[int, int]] = []
    waits: list[float] = []
    heard: list[str] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    def listen(event: object) -> None:
        if isinstance(event, TextDelta):
            heard.append(event.text)

    async with ResponsesServer(ScriptedModel(*script), faults=faults) as server:
        retries = Retries(jitter=lambda: 0.0)
        options = {"wire": wire, "sleep": sleep, "retries": retries, "http_client": http_client}
        hurried, patient = (
            ResponsesModel("m", server.url, timeouts=timeouts, **options)
            for timeouts in (bounds, PATIENT)
        )
        kept = await new_conversation(server) if state == "hosted" else state
        model = InTurn(patient, hurried)
        agent = Agent(model, tools=[adding(ran)], limits=limits, state=kept)
        try:
            result = await agent.run("2 and 3?", on_event=listen if stream else None)
        except ModelError as error:
            return Met(error.result, error, server.requests, ran, waits, heard)
        return Met(result, None, server.requests, ran, waits, heard)


async def new_conversation(server: ResponsesServer) -> str:
    """The id of a conversation that the server keeps."""
    async with httpx.AsyncClient() as client:
        made = await client.post(f"{server.url}/conversations", json={})
    return str(made.json()["id"])


async def go_on(met: Met) -> RunResult:
    """Resume at a server that is well; the tool is the one that was there."""
    async with ResponsesServer(ScriptedModel(SUM)) as server:
        agent = Agent(ResponsesModel("m", server.url), tools=[adding(met.ran)])
        return await agent.resume(met.result)
