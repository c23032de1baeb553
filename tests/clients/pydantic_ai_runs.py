"""Runs of the pydantic-ai package. Runs in an environment of its own."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput
from pydantic_ai.models.openai import (
    OpenAIChatModel,
    OpenAIResponsesModel,
    OpenAIResponsesModelSettings,
)
from pydantic_ai.providers.openai import OpenAIProvider
from told import Place, obey

QUESTION = "How many people live in Lyon and Nice?"


class City(BaseModel):
    name: str
    people: int


def agent_at(place: Place, **options: Any) -> Agent:
    provider = OpenAIProvider(base_url=place.url, api_key="none")
    kinds = {"responses": OpenAIResponsesModel, "chat": OpenAIChatModel}
    model = kinds[place.wire]("gpt-5-mini", provider=provider)
    return Agent(model, instructions="Use the tools.", **options)


def population(city: str) -> int:
    """How many people live there."""
    return {"Lyon": 500_000, "Nice": 350_000}[city]


async def a_text(place: Place) -> dict[str, Any]:
    result = await agent_at(place).run(QUESTION)
    return {"output": result.output, "tokens": result.usage.total_tokens}


async def a_tool_loop(place: Place) -> dict[str, Any]:
    result = await agent_at(place, tools=[population]).run(QUESTION)
    return {"output": result.output}


async def parallel_calls(place: Place) -> dict[str, Any]:
    gate = asyncio.Barrier(2)

    async def population(city: str) -> str:
        """How many people live there."""
        await asyncio.wait_for(gate.wait(), 20)
        return f"many in {city}"

    result = await agent_at(place, tools=[population]).run(QUESTION)
    return {"output": result.output}


async def a_typed_answer(place: Place) -> dict[str, Any]:
    result = await agent_at(place, output_type=NativeOutput(City)).run(QUESTION)
    return {"output": result.output.model_dump()}


async def an_answer_by_tool(place: Place) -> dict[str, Any]:
    result = await agent_at(place, output_type=City).run(QUESTION)
    return {"output": result.output.model_dump()}


async def a_stream(place: Place) -> dict[str, Any]:
    agent = agent_at(place, tools=[population])
    async with agent.run_stream(QUESTION) as streamed:
        deltas = [text async for text in streamed.stream_text(delta=True, debounce_by=None)]
        return {"output": await streamed.get_output(), "deltas": deltas}


async def a_conversation(place: Place) -> dict[str, Any]:
    agent = agent_at(place, tools=[population])
    first = await agent.run(QUESTION)
    second = await agent.run("Sure?", message_history=first.all_messages())
    return {"output": second.output}


async def a_chain(place: Place) -> dict[str, Any]:
    settings = OpenAIResponsesModelSettings(openai_previous_response_id="auto")
    agent = agent_at(place, tools=[population], model_settings=settings)
    result = await agent.run(QUESTION)
    return {"output": result.output}


obey(
    a_text,
    a_tool_loop,
    parallel_calls,
    a_typed_answer,
    an_answer_by_tool,
    a_stream,
    a_conversation,
    a_chain,
)
