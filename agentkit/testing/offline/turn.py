"""A request as the offline model reads it: the last question, and what was done about it."""

from __future__ import annotations

from dataclasses import dataclass

from agentkit.encoding import JSON, Wire, decode
from agentkit.testing.offline.wording import Result

LONGEST = 10_000
"""Characters of a question that are read."""

_AGAIN = (
    "That answer does not fit the required format:",
    "The outputs of the tools do not show these values:",
)
"""How a run begins that has an answer mended."""

_FILES = {"input_image": "image", "input_file": "file", "input_audio": "recording"}


@dataclass(frozen=True)
class Turn:
    """What the request says that matters for its answer."""

    question: str
    results: tuple[Result, ...]
    """What the calls since the question gave, in call order."""
    tools: tuple[Wire, ...]
    """The function tools that may be called."""
    choice: str
    """`none`, `auto`, `required`, or `forced` where the one tool left must be called."""
    format: Wire
    one_at_a_time: bool
    seen: tuple[str, ...]
    """What the question holds that cannot be read: `image`, `file`."""


def read_turn(body: Wire) -> Turn:
    """The turn of a request body."""
    items = body.get("input") or []
    asked = max((at for at, item in enumerate(items) if _is_question(item)), default=-1)
    question = items[asked].get("content") if asked >= 0 else ""
    parts = question if isinstance(question, list) else []
    tools = [tool for tool in body.get("tools") or () if tool.get("type") == "function"]
    choice, allowed = _choice(body.get("tool_choice"), tools)
    return Turn(
        question=_text(question)[:LONGEST],
        results=_results(items[asked + 1 :]),
        tools=tuple(allowed),
        choice=choice,
        format=(body.get("text") or {}).get("format") or {"type": "text"},
        one_at_a_time=body.get("parallel_tool_calls") is False,
        seen=tuple(_FILES[part["type"]] for part in parts if part.get("type") in _FILES),
    )


def _is_question(item: Wire) -> bool:
    """Whether a person speaks, and not a run that asks for the same answer once more."""
    return item.get("role") == "user" and not _text(item.get("content")).startswith(_AGAIN)


def _choice(choice: JSON, tools: list[Wire]) -> tuple[str, list[Wire]]:
    """How calls are wanted, and of which tools."""
    if not isinstance(choice, dict):
        return str(choice or "auto"), tools
    if choice.get("type") == "function":
        return "forced", [tool for tool in tools if tool["name"] == choice.get("name")]
    names = {tool.get("name") for tool in choice.get("tools") or ()}
    return str(choice.get("mode") or "auto"), [tool for tool in tools if tool["name"] in names]


def _results(items: list[Wire]) -> tuple[Result, ...]:
    outputs = {item["call_id"]: item for item in items if _is_output(item)}
    calls = [item for item in items if item.get("type") == "function_call"]
    called = {call["call_id"] for call in calls}
    # with chained state the server holds the calls, and only their outputs are here
    lone = [
        Result("result", {}, _text(output.get("output")), call_id)
        for call_id, output in outputs.items()
        if call_id not in called
    ]
    paired = [
        Result(call["name"], _arguments(call), _text(outputs[call_id].get("output")), call_id)
        for call in calls
        if (call_id := call["call_id"]) in outputs
    ]
    return (*paired, *lone)


def _is_output(item: Wire) -> bool:
    return item.get("type") == "function_call_output"


def _arguments(call: Wire) -> Wire:
    try:
        arguments = decode(call.get("arguments") or "{}")
    except ValueError:
        return {}
    return arguments if isinstance(arguments, dict) else {}


def _text(content: JSON) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(part["text"] for part in parts if part.get("text"))
