"""Conversations of several runs, and what is said in their requests."""

from __future__ import annotations

from agentkit import Agent, Request, RunResult, tool
from agentkit.compact import HEADING
from agentkit.responses.items import Item, Message


@tool
async def look(what: str) -> str:
    """Look something up."""
    return f"seen {what}"


async def talk(agent: Agent, *words: str, session: RunResult | None = None) -> RunResult:
    """Say these things one after the other, each in a run of its own."""
    for word in words:
        session = await agent.run(word, session=session)
    assert session is not None
    return session


def texts(request: Request) -> list[str]:
    """What is said in a request: messages, calls by their arguments, and outputs."""
    return [said(item) for item in request.input]


def said(item: Item) -> str:
    """What is said in an item; of a summary, what it says."""
    if isinstance(item, Message):
        return item.text.removeprefix(f"{HEADING}\n\n")
    return str(item.wire.get("arguments") or item.wire.get("output") or item.type)
