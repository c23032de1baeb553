"""Runs of the openai-agents package. Runs in an environment of its own."""

from __future__ import annotations

import asyncio
from typing import Any

import agents
from openai import AsyncOpenAI
from pydantic import BaseModel
from told import Place, obey

agents.set_tracing_disabled(True)

QUESTION = "How many people live in Lyon and Nice?"


class City(BaseModel):
    name: str
    people: int


def agent_at(place: Place, **options: Any) -> agents.Agent:
    client = AsyncOpenAI(base_url=place.url, api_key="none")
    kinds = {"responses": agents.OpenAIResponsesModel, "chat": agents.OpenAIChatCompletionsModel}
    model = kinds[place.wire]("gpt-5-mini", client)
    return agents.Agent("A", instructions="Use the tools.", model=model, **options)


@agents.function_tool
def population(city: str) -> int:
    """How many people live there."""
    return {"Lyon": 500_000, "Nice": 350_000}[city]


async def a_text(place: Place) -> dict[str, Any]:
    result = await agents.Runner.run(agent_at(place), QUESTION)
    return {"output": result.final_output, "tokens": result.context_wrapper.usage.total_tokens}


async def a_tool_loop(place: Place) -> dict[str, Any]:
    result = await agents.Runner.run(agent_at(place, tools=[population]), QUESTION)
    return {"output": result.final_output}


async def parallel_calls(place: Place) -> dict[str, Any]:
    gate = asyncio.Barrier(2)

    @agents.function_tool
    async def population(city: str) -> str:
        """How many people live there."""
        await asyncio.wait_for(gate.wait(), 20)
        return f"many in {city}"

    result = await agents.Runner.run(agent_at(place, tools=[population]), QUESTION)
    return {"output": result.final_output}


async def a_typed_answer(place: Place) -> dict[str, Any]:
    result = await agents.Runner.run(agent_at(place, output_type=City), QUESTION)
    return {"output": result.final_output.model_dump()}


async def a_stream(place: Place) -> dict[str, Any]:
    result = agents.Runner.run_streamed(agent_at(place, tools=[population]), QUESTION)
    heard = [event async for event in result.stream_events()]
    raw = [event.data for event in heard if event.type == "raw_response_event"]
    deltas = [event.delta for event in raw if event.type == "response.output_text.delta"]
    return {"output": result.final_output, "deltas": deltas}


async def a_conversation(place: Place) -> dict[str, Any]:
    agent = agent_at(place, tools=[population])
    first = await agents.Runner.run(agent, QUESTION)
    told = [*first.to_input_list(), {"role": "user", "content": "Sure?"}]
    second = await agents.Runner.run(agent, told)
    return {"output": second.final_output}


async def a_chain(place: Place) -> dict[str, Any]:
    result = await agents.Runner.run(
        agent_at(place, tools=[population]), QUESTION, auto_previous_response_id=True
    )
    return {"output": result.final_output}


obey(a_text, a_tool_loop, parallel_calls, a_typed_answer, a_stream, a_conversation, a_chain)
