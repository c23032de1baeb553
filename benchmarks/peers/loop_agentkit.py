"""agentkit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from work_of_peers import KEY, MODEL, QUESTION, TOLD, add

from agentkit import Agent, Limits, ResponsesModel, tool
from agentkit.events import TextDelta

FIRST_TOOL = """
from agentkit import Agent, tool

@tool
def population(city: str, year: int = 2024) -> int:
    "How many people live in a city."
    return 0
"""


class Loop:
    """One agent for all runs."""

    def __init__(self, url: str) -> None:
        model = ResponsesModel(MODEL, url, api_key=KEY)
        limits = Limits(turns=None)
        self._agent = Agent(model, instructions=TOLD, tools=[tool(add)], limits=limits)

    async def run(self) -> None:
        await self._agent.run(QUESTION)

    async def stream(self) -> int:
        heard = 0
        async with self._agent.stream(QUESTION) as stream:
            async for event in stream:
                heard += isinstance(event, TextDelta)
        return heard


def schema(function: Callable[..., Any]) -> object:
    return tool(function).schema()
