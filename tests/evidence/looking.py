"""An agent that looks something up and says where it found it."""

from __future__ import annotations

import json
from typing import Any

from agentkit import Agent, RunResult, tool
from agentkit.evidence.found import Evidence
from agentkit.testing import ScriptedModel, call


def field(value: Any, quote: str | None = None, call_id: str | None = "call_1") -> dict[str, Any]:
    """A field as a model writes it."""
    return {"call_id": call_id, "quote": quote, "value": value}


def answer(**fields: Any) -> str:
    """An answer as a model writes it."""
    return json.dumps(fields)


def schema_of(*names: str) -> dict[str, Any]:
    """The schema of an object with fields of any kind."""
    anything = {"type": ["string", "number", "boolean", "array", "object"], "items": {}}
    return {"type": "object", "properties": dict.fromkeys(names, anything), "required": [*names]}


async def looked_up(
    *outputs: Any, answers: list[str], evidence: Any = True, output: Any = None
) -> tuple[RunResult, ScriptedModel]:
    """What comes of an agent whose tool gives these outputs, and whose model then says this."""
    given = iter(outputs)

    @tool(effect="read")
    async def look(at: int) -> Any:
        """What is there."""
        return next(given)

    calls = [call("look", at=number) for number, _ in enumerate(outputs)]
    model = ScriptedModel(*([calls] if calls else []), *answers)
    agent = Agent(model, tools=[look], output=output or schema_of("it"), evidence=evidence)
    return await agent.run("What is it?"), model


async def verdict(value: Any, quote: str | None, *outputs: Any, **named: Any) -> Evidence:
    """The evidence for a value with a quote, where a tool gave these outputs."""
    said = answer(it=field(value, quote, **named))
    result, _ = await looked_up(*outputs, answers=[said, said])
    return result.evidence["it"]
