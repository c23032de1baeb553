"""The ways to run an agent, so that what holds for one is shown to hold for all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from agentkit import Agent, RunResult, ToolOutput
from agentkit.events import Event
from agentkit.responses.items import FunctionCall, FunctionCallOutput
from agentkit.testing import ResponsesServer, ScriptedModel


@dataclass(frozen=True)
class Ran:
    """What a run came to, and what was heard of it."""

    result: RunResult
    heard: Sequence[Event]

    @property
    def reads(self) -> tuple[Any, ...]:
        """What the model reads of its calls, in their order; each call has one output."""
        items = self.result.items
        called = [item.call_id for item in items if isinstance(item, FunctionCall)]
        outputs = {item.call_id: item for item in items if isinstance(item, FunctionCallOutput)}
        assert len(set(called)) == len(called) == len(outputs)
        return tuple(outputs[call_id].output for call_id in called)

    @property
    def errors(self) -> dict[str, BaseException | None]:
        """What the caller hears of each call's error, by the name of the tool."""
        return {each.name: each.error for each in self.heard if isinstance(each, ToolOutput)}


async def run(model: ScriptedModel, **options: Any) -> Ran:
    """Over nothing, as one awaits it."""
    heard: list[Event] = []
    return Ran(await Agent(model, **options).run("go", on_event=heard.append), heard)


async def run_quietly(model: ScriptedModel, **options: Any) -> Ran:
    """Over nothing, and with nobody who listens."""
    return Ran(await Agent(model, **options).run("go"), ())


async def stream(model: ScriptedModel, **options: Any) -> Ran:
    """Over nothing, as one iterates."""
    async with Agent(model, **options).stream("go") as events:
        heard = [event async for event in events]
    return Ran(events.result, heard)


async def run_sync(model: ScriptedModel, **options: Any) -> Ran:
    """On the background loop."""
    heard: list[Event] = []
    agent = Agent(model, **options)
    return Ran(await asyncio.to_thread(agent.run_sync, "go", on_event=heard.append), heard)


async def http_json(model: ScriptedModel, **options: Any) -> Ran:
    """Over HTTP, each answer one JSON object."""
    async with ResponsesServer(model) as server:
        agent = Agent("m", base_url=server.url, environment={}, **options)
        return Ran(await agent.run("go"), ())


async def http_stream(model: ScriptedModel, **options: Any) -> Ran:
    """Over HTTP, each answer a stream of events."""
    heard: list[Event] = []
    async with ResponsesServer(model) as server:
        agent = Agent("m", base_url=server.url, environment={}, **options)
        return Ran(await agent.run("go", on_event=heard.append), heard)


Face = Callable[..., Awaitable[Ran]]

FACES: list[Face] = [run, run_sync, stream]
UNHEARD: list[Face] = [run_quietly, http_json]
WIRES: list[Face] = [*UNHEARD, run, http_stream]
