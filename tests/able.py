"""A model that can do all that `agentkit doctor` asks for, and servers that lack something of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from agentkit.errors import BadRequestError
from agentkit.responses.items import Message
from agentkit.responses.response import Fields, Request
from agentkit.testing import ScriptedModel, call, incomplete, reasoning

Change = Callable[[Request], Request]


def able(change: Change = lambda request: request) -> ScriptedModel:
    """Says, calls, sees and remembers what it is asked to; `change` is done to a request first."""
    return ScriptedModel(*[lambda request: answer_to(change(request))] * 100)


def without(*names: str) -> Change:
    """What a server does that does not read these fields."""

    def change(request: Request) -> Request:
        values = {k: v for k, v in request.fields.values.items() if k not in names}
        return replace(request, fields=Fields(values))

    return change


def refusing(is_refused: Callable[[Request], Any], message: str, **facts: Any) -> Change:
    """What a server does that answers such requests with an error."""

    def change(request: Request) -> Request:
        if is_refused(request):
            raise BadRequestError(message, **{"status": 400, **facts})
        return request

    return change


def answer_to(request: Request) -> Any:
    """What is asked for."""
    if request.value_of("model") == "agentkit-no-such-model":
        raise BadRequestError("There is no such model.", status=400, code="model_not_found")
    if request.value_of("agentkit_probe"):
        message = "Unknown parameter: 'agentkit_probe'."
        raise BadRequestError(message, status=400, code="unknown_parameter")
    asked = next(item for item in reversed(request.input) if isinstance(item, Message)).wire
    if isinstance(asked["content"], list):
        return "It is red." if asked["role"] == "user" else "Both."
    return calls(request, asked["content"]) or said(request, asked["content"])


def calls(request: Request, question: str) -> list[Any]:
    """The calls that the question or `tool_choice` asks for."""
    tools, choice = request.value_of("tools"), request.value_of("tool_choice")
    if not tools or choice == "none" or request.outputs:
        return []
    if not choice and "Call the tool" not in question:
        return []
    more = {"year": None} if tools[0]["strict"] else {}
    return [
        call("population", city=city, **more) for city in ("Oslo", "Lima") if city in question
    ] or [call("population", city="Oslo")]


def said(request: Request, question: str) -> Any:
    """The answer in words."""
    if request.outputs:
        return f"It gave {request.outputs[0]}."
    if request.value_of("text"):
        return '{"city": "Oslo", "population": 717710}'
    if request.value_of("max_output_tokens") == 16:
        return incomplete("one, two, three")
    if "prime" in question and request.value_of("reasoning"):
        return [reasoning("7 times 13"), "No."]
    if "did you just" in question:
        spoken = [item for item in request.input if isinstance(item, Message)]
        earlier = [item.text for item in spoken if item.role == "assistant"]
        return earlier[-1] if earlier else "I do not know."
    word = re.search(r"single word (\w+)", question)
    return word[1] if word else "Hello."
