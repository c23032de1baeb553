"""Stream events, as views over the wire's own objects.

Five kinds are read; everything else is kept as `OtherEvent`. The names of the wire stay in
`type`. A `Notice` is the one kind that no server sends. Knows nothing of how bytes become events
or events a response.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agentkit.encoding import Wire


@dataclass(slots=True)
class Delta:
    """A piece of an item's text, refusal, reasoning or arguments."""

    type: str
    """Such as `response.output_text.delta`."""
    delta: str
    item_id: str | None = None
    output_index: int | None = None
    part: int | None = None
    """`content_index` or `summary_index`."""


@dataclass(slots=True)
class PartDone:
    """The whole of what deltas brought in pieces, such as `response.output_text.done`."""

    type: str
    value: str
    item_id: str | None = None
    output_index: int | None = None
    part: int | None = None


@dataclass(slots=True)
class ItemEvent:
    """An output item begins (`…added`) or is complete (`…done`)."""

    type: str
    item: Wire
    output_index: int | None = None

    @property
    def is_done(self) -> bool:
        return self.type == "response.output_item.done"


@dataclass(slots=True)
class Snapshot:
    """A whole response object: at the start, and last with its terminal status."""

    type: str
    response: Wire

    @property
    def is_terminal(self) -> bool:
        return self.type in TERMINAL


@dataclass(slots=True)
class ErrorEvent:
    """The server gave up after the stream had begun; HTTP status was 200."""

    error: Wire
    """With whatever there is of `code`, `message`, `param`, `type`."""


@dataclass(slots=True)
class OtherEvent:
    """An event not read here."""

    wire: Wire


@dataclass(slots=True)
class Notice:
    """Something the client did differently from what it was asked, and why."""

    text: str


StreamEvent = Delta | PartDone | ItemEvent | Snapshot | ErrorEvent | OtherEvent | Notice

TERMINAL = frozenset(
    {
        "response.completed",
        "response.incomplete",
        "response.failed",
        "response.cancelled",
    }
)
TEXT_DELTA = "response.output_text.delta"
REFUSAL_DELTA = "response.refusal.delta"
ARGUMENTS_DELTA = "response.function_call_arguments.delta"
INPUT_DELTA = "response.custom_tool_call_input.delta"
SUMMARY_DELTA = "response.reasoning_summary_text.delta"
REASONING_DELTA = "response.reasoning_text.delta"

_DELTAS = frozenset(
    {
        TEXT_DELTA,
        REFUSAL_DELTA,
        ARGUMENTS_DELTA,
        INPUT_DELTA,
        SUMMARY_DELTA,
        REASONING_DELTA,
    }
)
_ITEM_EVENTS = frozenset({"response.output_item.added", "response.output_item.done"})
_ERRORS = frozenset({"error", "response.error"})
_DONE_KEY = {
    "response.output_text.done": "text",
    "response.refusal.done": "refusal",
    "response.function_call_arguments.done": "arguments",
    "response.custom_tool_call_input.done": "input",
    "response.reasoning_summary_text.done": "text",
    "response.reasoning_text.done": "text",
}


def read_event(wire: Wire) -> StreamEvent:
    """The event of one stream payload; unknown and misshapen ones read as `OtherEvent`."""
    kind = str(wire.get("type"))
    if kind in _DELTAS:
        delta = wire.get("delta")
        return Delta(kind, delta, *_place(wire)) if isinstance(delta, str) else OtherEvent(wire)
    if kind in _DONE_KEY:
        value = wire.get(_DONE_KEY[kind])
        return PartDone(kind, value, *_place(wire)) if isinstance(value, str) else OtherEvent(wire)
    if kind in _ITEM_EVENTS and isinstance(wire.get("item"), dict):
        return ItemEvent(kind, wire["item"], _place(wire)[1])
    return _read_rest(kind, wire)


def _read_rest(kind: str, wire: Wire) -> StreamEvent:
    response = wire.get("response")
    if isinstance(response, dict):
        return Snapshot(kind, response)
    if kind in TERMINAL:
        return Snapshot(kind, {"status": kind.removeprefix("response.")})
    # an event of an item may carry the item's own error
    if kind in _ERRORS or (wire.get("error") and not kind.startswith("response.")):
        return ErrorEvent(_error(wire))
    return OtherEvent(wire)


def _place(wire: Wire) -> tuple[str | None, int | None, int | None]:
    item_id, index = wire.get("item_id"), wire.get("output_index")
    part = wire.get("content_index", wire.get("summary_index"))
    return (
        item_id if isinstance(item_id, str) else None,
        index if isinstance(index, int) and index >= 0 else None,
        part if isinstance(part, int) and part >= 0 else None,
    )


def _error(wire: Wire) -> Wire:
    """Three shapes are seen: flat, nested under `error`, and `error` without a type."""
    error: Any = wire.get("error")
    if isinstance(error, dict):
        return error
    return {**wire, "message": error} if isinstance(error, str) else wire
