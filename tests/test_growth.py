"""A log grows with what is new in each turn, and not with what was there before."""

from __future__ import annotations

import pytest

from agentkit import Agent, Limits, ResponsesModel, tool
from agentkit.encoding import encode
from agentkit.testing import ResponsesServer, ScriptedModel, call
from tests.stores.memory_store import MemoryStore


@tool(effect="read", description="A page. " * 250)
async def look(number: int) -> str:
    return f"{number:04} " + "y" * 500


async def kept(turns: int) -> list[int]:
    """Bytes of each record, with a server that repeats the request in its answers."""
    store = MemoryStore()
    script = [call("look", number=number) for number in range(turns)]
    with ResponsesServer(ScriptedModel(*script, "Done.")) as server:
        told = "Instructions that would be seen too. " * 50
        agent = Agent(
            ResponsesModel("m", server.url),
            instructions=told,
            tools=[look],
            limits=Limits(turns=None),
            store=store,
        )
        await agent.run("Go.", session="s")
    return [len(encode(wire.body())) for wire in (await store.load("s")).records]


@pytest.mark.parametrize("turns", [5, 40])
async def test_no_turn_keeps_what_an_earlier_one_has_kept(turns: int):
    setup, _said, *rest = await kept(turns)
    assert setup > 3000
    assert len(rest) == 3 * turns + 1
    assert sum(rest) / turns < 1600
    assert max(rest) < 1000
