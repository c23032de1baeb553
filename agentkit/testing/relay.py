"""A model's stream events as a server's: JSON objects, complete and numbered from 0."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import assert_never

from agentkit.encoding import Wire
from agentkit.responses.events import (
    Delta,
    ErrorEvent,
    ItemEvent,
    Notice,
    OtherEvent,
    PartDone,
    Snapshot,
    StreamEvent,
)
from agentkit.testing.sequence import event_sequence

Sent = Delta | PartDone | ItemEvent | Snapshot | ErrorEvent | OtherEvent
"""What a server may send; a `Notice` is a client's own."""

Complete = Callable[[Wire], Wire]
"""Fills the fields that a response lacks."""


async def relayed(events: AsyncIterator[StreamEvent], complete: Complete) -> AsyncIterator[Wire]:
    """Every event of the stream; a model that only gives its last gets the ones before made up."""
    names: dict[int | None, str] = {}
    number = 0
    async for event in events:
        if isinstance(event, Notice):
            continue
        if number == 0 and isinstance(event, Snapshot) and event.is_terminal:
            for wire in event_sequence(complete(event.response)):
                yield wire
            return
        if isinstance(event, ItemEvent) and event.item.get("name"):
            names[event.output_index] = event.item["name"]
        yield {**_wire(event, complete, names), "sequence_number": number}
        number += 1


def error_event(error: Wire, number: int) -> Wire:
    """The event that ends a stream which cannot go on."""
    facts = {key: error.get(key) for key in ("code", "message", "param")}
    return {"type": "error", **facts, "sequence_number": number}


def _wire(event: Sent, complete: Complete, names: dict[int | None, str]) -> Wire:
    match event:
        case Snapshot():
            return {"type": event.type, "response": complete(event.response)}
        case ItemEvent():
            return {"type": event.type, "output_index": event.output_index, "item": event.item}
        case Delta():
            return {**_place(event), "delta": event.delta}
        case PartDone():
            return {**_place(event), **_value(event, names)}
        case ErrorEvent():
            return error_event(event.error, 0)
        case OtherEvent():
            return event.wire
        case _:
            assert_never(event)


def _place(event: Delta | PartDone) -> Wire:
    place = {"type": event.type, "item_id": event.item_id, "output_index": event.output_index}
    if event.part is None:
        return place
    index = "summary_index" if "summary" in event.type else "content_index"
    logprobs: Wire = {"logprobs": []} if "output_text" in event.type else {}
    return {**place, index: event.part, **logprobs}


def _value(event: PartDone, names: dict[int | None, str]) -> Wire:
    key = next((key for key in ("arguments", "input", "refusal") if key in event.type), "text")
    value: Wire = {key: event.value}
    return {**value, "name": names.get(event.output_index, "")} if key == "arguments" else value
