"""The loop that one writes by hand around the openai package."""

from __future__ import annotations

import json
from typing import Any

from openai import AsyncOpenAI
from work_of_peers import KEY, MODEL, QUESTION, TOLD, add

FIRST_TOOL = """
import openai
from pydantic import TypeAdapter

def population(city: str, year: int = 2024) -> int:
    "How many people live in a city."
    return 0

client = openai.AsyncOpenAI
TypeAdapter(population).json_schema()
"""
SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
    "additionalProperties": False,
}
TOOL = {"type": "function", "name": "add", "description": add.__doc__, "strict": True}


class Loop:
    """What the SDK gives goes back as it is."""

    def __init__(self, url: str) -> None:
        client = AsyncOpenAI(base_url=url, api_key=KEY, max_retries=0)
        self._create: Any = client.responses.create
        self._same = {
            "model": MODEL,
            "instructions": TOLD,
            "tools": [TOOL | {"parameters": SCHEMA}],
        }

    async def run(self) -> None:
        items: list[Any] = [{"role": "user", "content": QUESTION}]
        while True:
            response = await self._create(input=items, **self._same)
            items += response.output
            calls = [item for item in response.output if item.type == "function_call"]
            if not calls:
                return
            for call in calls:
                output = str(await add(**json.loads(call.arguments)))
                made = {"call_id": call.call_id, "output": output}
                items.append({"type": "function_call_output", **made})

    async def stream(self) -> int:
        items = [{"role": "user", "content": QUESTION}]
        events = await self._create(input=items, stream=True, **self._same)
        return sum([event.type == "response.output_text.delta" async for event in events])


schema = None
"""It makes none of a function."""
