"""The stream events of a complete response, in the order a server sends them.

Source: ResponseStreamEvent of POST /responses; `[DONE]` is no event and not part of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from agentkit.encoding import Wire
from agentkit.responses.events import TERMINAL

_BLANKED: dict[str, Wire] = {
    "message": {"content": []},
    "function_call": {"arguments": ""},
    "custom_tool_call": {"input": ""},
    "reasoning": {"summary": []},
}
"""What an item does not have yet when it is added."""


def event_sequence(response: Wire) -> Iterator[Wire]:
    """Every event of a response, from `response.created` to its terminal one, numbered from 0.

    Text comes word by word, arguments in up to three pieces.
    """
    for number, event in enumerate(_events(response)):
        yield {"type": event["type"], "sequence_number": number, **event}


def terminal_type(response: Wire) -> str:
    """The type of a response's last event, such as `response.incomplete`."""
    kind = f"response.{response.get('status')}"
    return kind if kind in TERMINAL else "response.completed"


def _events(response: Wire) -> Iterator[Wire]:
    begun = dict.fromkeys(("usage", "error", "incomplete_details", "completed_at"))
    started = {**response, **begun, "status": "in_progress", "output": []}
    yield {"type": "response.created", "response": started}
    yield {"type": "response.in_progress", "response": started}
    for index, item in enumerate(response.get("output") or ()):
        yield from _item_events(item, index)
    yield {"type": terminal_type(response), "response": response}


def _item_events(item: Wire, index: int) -> Iterator[Wire]:
    kind = str(item.get("type"))
    added = {**item, **_BLANKED.get(kind, {})}
    if "status" in item:
        added["status"] = "in_progress"
    yield {"type": "response.output_item.added", "output_index": index, "item": added}
    place = {"item_id": item.get("id"), "output_index": index}
    match kind:
        case "message":
            yield from _content(item.get("content") or (), place)
        case "function_call":
            yield from _arguments(item, place)
        case "custom_tool_call":
            yield from _custom_input(item, place)
        case "reasoning":
            yield from _summary(item.get("summary") or (), place)
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _content(parts: Any, place: Wire) -> Iterator[Wire]:
    for index, part in enumerate(parts):
        here = {**place, "content_index": index}
        yield {"type": "response.content_part.added", **here, "part": _blank(part)}
        yield from _said(part, here)
        yield {"type": "response.content_part.done", **here, "part": part}


def _blank(part: Wire) -> Wire:
    blank: Wire = {key: "" for key in ("text", "refusal") if key in part}
    return {**part, **blank}


def _said(part: Wire, here: Wire) -> Iterator[Wire]:
    refused = part.get("type") == "refusal"
    name, key = ("response.refusal", "refusal") if refused else ("response.output_text", "text")
    said = part.get(key) or ""
    # the official client wants logprobs in text events, also where there are none
    extra: Wire = {} if refused else {"logprobs": []}
    for piece in _words(said):
        yield {"type": f"{name}.delta", **here, "delta": piece, **extra}
    yield {"type": f"{name}.done", **here, key: said, **extra}


def _arguments(call: Wire, place: Wire) -> Iterator[Wire]:
    name, arguments = "response.function_call_arguments", call.get("arguments") or ""
    for piece in _thirds(arguments):
        yield {"type": f"{name}.delta", **place, "delta": piece}
    yield {"type": f"{name}.done", **place, "name": call.get("name"), "arguments": arguments}


def _custom_input(call: Wire, place: Wire) -> Iterator[Wire]:
    name = "response.custom_tool_call_input"
    for piece in _thirds(call.get("input") or ""):
        yield {"type": f"{name}.delta", **place, "delta": piece}
    yield {"type": f"{name}.done", **place, "input": call.get("input")}


def _summary(parts: Any, place: Wire) -> Iterator[Wire]:
    name = "response.reasoning_summary"
    for index, part in enumerate(parts):
        here, text = {**place, "summary_index": index}, part.get("text") or ""
        yield {"type": f"{name}_part.added", **here, "part": {**part, "text": ""}}
        for piece in _words(text):
            yield {"type": f"{name}_text.delta", **here, "delta": piece}
        yield {"type": f"{name}_text.done", **here, "text": text}
        yield {"type": f"{name}_part.done", **here, "part": part}


def _words(text: str) -> list[str]:
    return re.findall(r"\s*\S+|\s+$", text)


def _thirds(text: str) -> list[str]:
    size = -(-len(text) // 3)
    return [text[start : start + size] for start in range(0, len(text), size)] if text else []
