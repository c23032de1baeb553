"""pydantic-ai, which is not instrumented unless it is asked to be; said here once more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from openai import AsyncOpenAI
from pydantic_ai import Agent, Tool, UsageLimits
from pydantic_ai.models.openai import OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider
from work_of_peers import KEY, MODEL, QUESTION, TOLD, add

FIRST_TOOL = """
from pydantic_ai import Agent, Tool
from pydantic_ai.models.openai import OpenAIResponsesModel

def population(city: str, year: int = 2024) -> int:
    "How many people live in a city."
    return 0

Tool(population)
"""
NO_LIMITS = UsageLimits(request_limit=None)

Agent.instrument_all(False)


class Loop:
    """One agent for all runs."""

    def __init__(self, url: str) -> None:
        client = AsyncOpenAI(base_url=url, api_key=KEY, max_retries=0)
        model = OpenAIResponsesModel(MODEL, provider=OpenAIProvider(openai_client=client))
        self._agent = Agent(model, instructions=TOLD, tools=[add])

    async def run(self) -> None:
        await self._agent.run(QUESTION, usage_limits=NO_LIMITS)

    async def stream(self) -> int:
        async with self._agent.run_stream(QUESTION, usage_limits=NO_LIMITS) as result:
            return sum([1 async for _ in result.stream_text(delta=True, debounce_by=None)])


def schema(function: Callable[..., Any]) -> object:
    return Tool(function).function_schema.json_schema
