"""Stream events and items, written short."""

from __future__ import annotations

from agentkit.responses.events import read_event
from agentkit.responses.fold import Fold
from agentkit.responses.response import Response


def fold(*events: dict) -> Response:
    folded = Fold()
    for event in events:
        folded.add(read_event(event))
    return folded.response()


def wires(*events: dict) -> list[dict]:
    return [item.wire for item in fold(*events).output]


def added(item: dict, index: int | None = None) -> dict:
    return {"type": "response.output_item.added", "item": item, "output_index": index}


def done(item: dict, index: int | None = None) -> dict:
    return {"type": "response.output_item.done", "item": item, "output_index": index}


def text(piece: str | None, **place) -> dict:
    return {"type": "response.output_text.delta", "delta": piece, **place}


def thought(piece: str, **place) -> dict:
    return {"type": "response.reasoning_summary_text.delta", "delta": piece, **place}


def arguments(piece: str | None, **place) -> dict:
    return {"type": "response.function_call_arguments.delta", "delta": piece, **place}


def arguments_done(whole: str | None, **place) -> dict:
    return {"type": "response.function_call_arguments.done", "arguments": whole, **place}


def completed(*output: dict, **fields) -> dict:
    response = {"id": "resp_1", "status": "completed", "output": list(output), **fields}
    return {"type": "response.completed", "response": response}


def message(said: str, **fields) -> dict:
    part = {"type": "output_text", "text": said, "annotations": []}
    return {"type": "message", "role": "assistant", "content": [part], **fields}


def call(call_id: str, said: str = "{}", **fields) -> dict:
    named = {"type": "function_call", "call_id": call_id, "name": "add"}
    return {**named, "arguments": said, **fields}


EMPTY = {"type": "message", "role": "assistant", "content": []}
STARTED = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "early"}
REASONED = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "late"}
