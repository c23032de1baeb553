"""openai-agents, with its tracing switched off: by `set_tracing_disabled` and in each run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agents import (
    Agent,
    OpenAIResponsesModel,
    RunConfig,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from openai import AsyncOpenAI
from work_of_peers import KEY, MODEL, QUESTION, TOLD, add

FIRST_TOOL = """
from agents import Agent, Runner, function_tool

@function_tool
def population(city: str, year: int = 2024) -> int:
    "How many people live in a city."
    return 0
"""
TURNS = 10**6

set_tracing_disabled(True)


class Loop:
    """One agent for all runs."""

    def __init__(self, url: str) -> None:
        client = AsyncOpenAI(base_url=url, api_key=KEY, max_retries=0)
        model = OpenAIResponsesModel(model=MODEL, openai_client=client)
        self._agent = Agent("adder", instructions=TOLD, tools=[function_tool(add)], model=model)
        self._config = RunConfig(tracing_disabled=True)

    async def run(self) -> None:
        await Runner.run(self._agent, QUESTION, max_turns=TURNS, run_config=self._config)

    async def stream(self) -> int:
        heard = 0
        result = Runner.run_streamed(self._agent, QUESTION, run_config=self._config)
        async for event in result.stream_events():
            if event.type == "raw_response_event":
                heard += event.data.type == "response.output_text.delta"
        return heard


def schema(function: Callable[..., Any]) -> object:
    return function_tool(function).params_json_schema
