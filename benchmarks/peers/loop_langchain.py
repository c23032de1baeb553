"""langchain's create_agent; tracing is off by the environment that `compare.py` gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain.agents import create_agent
from langchain_core.messages import AIMessageChunk
from langchain_core.tools import StructuredTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_openai import ChatOpenAI
from work_of_peers import KEY, MODEL, QUESTION, TOLD, add

FIRST_TOOL = """
from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

@tool
def population(city: str, year: int = 2024) -> int:
    "How many people live in a city."
    return 0
"""
CONFIG: Any = {"recursion_limit": 10**6}


class Loop:
    """One graph for all runs."""

    def __init__(self, url: str) -> None:
        given: dict[str, Any] = {"base_url": url, "api_key": KEY, "max_retries": 0}
        model = ChatOpenAI(model=MODEL, use_responses_api=True, **given)
        tools = [StructuredTool.from_function(coroutine=add, name="add")]
        self._agent: Any = create_agent(model, tools=tools, system_prompt=TOLD)
        self._input = {"messages": [{"role": "user", "content": QUESTION}]}

    async def run(self) -> None:
        await self._agent.ainvoke(self._input, CONFIG)

    async def stream(self) -> int:
        heard = 0
        events = self._agent.astream(self._input, CONFIG, stream_mode="messages")
        async for message, _ in events:
            heard += isinstance(message, AIMessageChunk) and bool(message.text)
        return heard


def schema(function: Callable[..., Any]) -> object:
    return convert_to_openai_tool(StructuredTool.from_function(function))
