"""Stream events to a response.

What counts, best first: `output_item.done`, the terminal event's output, deltas. Servers rotate
item ids, leave out indexes, share them between items, skip events and end with an empty output,
so an event finds its item by whatever it does carry, and no item is lost.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from agentkit.errors import StreamTruncatedError
from agentkit.responses.encoding import Wire
from agentkit.responses.events import (
    ARGUMENTS_DELTA,
    INPUT_DELTA,
    REASONING_DELTA,
    REFUSAL_DELTA,
    SUMMARY_DELTA,
    TEXT_DELTA,
    Delta,
    ErrorEvent,
    ItemEvent,
    PartDone,
    Snapshot,
    StreamEvent,
)
from agentkit.responses.failures import model_error
from agentkit.responses.response import Response, read_response

_ITEM_OF = {
    TEXT_DELTA: "message",
    REFUSAL_DELTA: "message",
    ARGUMENTS_DELTA: "function_call",
    INPUT_DELTA: "custom_tool_call",
    SUMMARY_DELTA: "reasoning",
    REASONING_DELTA: "reasoning",
}
_PART_OF = {
    TEXT_DELTA: ("content", "output_text", "text"),
    REFUSAL_DELTA: ("content", "refusal", "refusal"),
    SUMMARY_DELTA: ("summary", "summary_text", "text"),
    REASONING_DELTA: ("content", "reasoning_text", "text"),
}
_FIELD_OF = {ARGUMENTS_DELTA: "arguments", INPUT_DELTA: "input"}

# What an item says, by its type: an item without it is poorer than one with it.
_PAYLOAD = {
    "message": ("content",),
    "function_call": ("arguments",),
    "custom_tool_call": ("input",),
    "reasoning": ("encrypted_content", "summary", "content"),
}


@dataclass(slots=True)
class _Slot:
    """One item while its events arrive."""

    item: Wire
    index: int | None = None
    ids: set[str] = field(default_factory=set)
    is_done: bool = False
    pieces: dict[tuple[str, int], list[str]] = field(default_factory=dict)

    def whole(self) -> Wire:
        """The item with what its deltas say, where the item itself says nothing."""
        if not self.pieces or (self.is_done and _says_something(self.item)):
            return self.item
        item = dict(self.item)
        for (kind, part), pieces in sorted(self.pieces.items()):
            text = "".join(pieces)
            if kind in _FIELD_OF:
                item[_FIELD_OF[kind]] = text
            else:
                _put_part(item, _PART_OF[kind], part, text)
        return item


class Fold:
    """Takes the events of one stream in order; `response` is what they add up to."""

    def __init__(self) -> None:
        self._slots: list[_Slot] = []
        self._last: tuple[str, str | None, int | None, _Slot] | None = None
        self._terminal: Wire | None = None
        self._error: Wire | None = None

    def add(self, event: StreamEvent) -> None:
        """Take the next event."""
        if isinstance(event, Delta):
            slot = self._slot_of(event.type, event)
            slot.pieces.setdefault((event.type, event.part or 0), []).append(event.delta)
        elif isinstance(event, PartDone):
            self._end_part(event)
        elif isinstance(event, ItemEvent):
            self._take_item(event)
        elif isinstance(event, Snapshot) and event.is_terminal:
            self._terminal = event.response
        elif isinstance(event, ErrorEvent):
            self._error = event.error

    def response(self) -> Response:
        """The response. Raises ModelError where no terminal event has come."""
        if self._terminal is None and self._error:
            raise model_error(None, {"error": self._error})
        if self._terminal is None:
            raise StreamTruncatedError("The stream ended before its terminal event.")
        output = _merged(self._terminal.get("output") or [], self._ordered_slots())
        response = {**self._terminal, "output": output}
        if self._error and not response.get("error"):
            response["error"] = self._error
        return read_response(response)

    def so_far(self, reason: str) -> Response:
        """What has come of it, as an incomplete response with that reason."""
        output = [slot.whole() for slot in self._ordered_slots()]
        details = {"reason": reason}
        return read_response(
            {"status": "incomplete", "incomplete_details": details, "output": output}
        )

    def _end_part(self, event: PartDone) -> None:
        kind = event.type.removesuffix("done") + "delta"
        if event.value:
            self._slot_of(kind, event).pieces[kind, event.part or 0] = [event.value]

    def _slot_of(self, kind: str, event: Delta | PartDone) -> _Slot:
        last = self._last
        if last and last[:3] == (kind, event.item_id, event.output_index):
            return last[3]
        slot = self._find(_ITEM_OF[kind], event.item_id, event.output_index)
        if slot is None:
            slot = self._new({"type": _ITEM_OF[kind]}, event.item_id, event.output_index)
        self._last = (kind, event.item_id, event.output_index, slot)
        return slot

    def _find(self, item_type: str, item_id: str | None, index: int | None) -> _Slot | None:
        fits = [slot for slot in reversed(self._slots) if slot.item.get("type") == item_type]
        if by_id := [slot for slot in fits if item_id in slot.ids]:
            return by_id[0]
        if index is not None:
            return next((slot for slot in fits if slot.index in (index, None)), None)
        return next((slot for slot in fits if not slot.is_done), None)

    def _take_item(self, event: ItemEvent) -> None:
        self._last = None
        item, item_id = event.item, event.item.get("id")
        slot = self._begun(event)
        if slot is None:
            slot = self._new(item, item_id, event.output_index)
        slot.item = item
        slot.is_done = event.is_done
        if item_id:
            slot.ids.add(item_id)

    def _begun(self, event: ItemEvent) -> _Slot | None:
        """The open slot that this item belongs to."""
        item = event.item
        same = [
            slot
            for slot in self._slots
            if not slot.is_done
            and slot.item.get("type") == item.get("type")
            and _may_be_same_call(slot.item, item)
        ]
        named = [s for s in same if item.get("id") in s.ids or _is_same_call(s.item, item)]
        if named or not event.is_done:
            return named[0] if named else None
        placed = [
            s for s in same if event.output_index is not None and s.index == event.output_index
        ]
        return next(iter(placed or same), None)

    def _new(self, item: Wire, item_id: str | None, index: int | None) -> _Slot:
        slot = _Slot(item, index, {item_id} if item_id else set())
        self._slots.append(slot)
        return slot

    def _ordered_slots(self) -> list[_Slot]:
        indexes = [slot.index for slot in self._slots]
        if None in indexes or len(set(indexes)) < len(indexes):
            return self._slots
        return sorted(self._slots, key=lambda slot: slot.index or 0)


async def collect(events: AsyncIterator[StreamEvent]) -> Response:
    """The response that a model's events add up to. Raises ModelError where there is none."""
    fold = Fold()
    async for event in events:
        fold.add(event)
    return fold.response()


def _merged(final: list[Wire], slots: list[_Slot]) -> list[Wire]:
    """The items of the terminal output and of the stream, each once."""
    final = [item for item in final if isinstance(item, dict)]
    streamed = [(slot.whole(), slot.is_done) for slot in slots]
    pairs = _paired(final, [item for item, _ in streamed])
    unmatched = set(range(len(streamed))) - set(pairs.values())
    lost = {at for at in unmatched if streamed[at][1] or _says_something(streamed[at][0])}
    best = {at: _better(final[at], *streamed[pair]) for at, pair in pairs.items()}
    output = [best.get(at, item) for at, item in enumerate(final)]
    if not lost:
        return output
    place = {pair: at for at, pair in pairs.items()}
    rest = [item for at, item in enumerate(output) if at not in pairs]
    kept = [at for at in range(len(streamed)) if at in place or at in lost]
    return [output[place[at]] if at in place else streamed[at][0] for at in kept] + rest


def _paired(final: list[Wire], streamed: list[Wire]) -> dict[int, int]:
    """The streamed item of each terminal item: by call id, by id, else by its turn in its type."""
    pairs: dict[int, int] = {}
    for is_same in (_is_same_call, _has_same_id, _may_be_same_call):
        for at, item in enumerate(final):
            free = (n for n in range(len(streamed)) if n not in pairs.values())
            if at not in pairs and streamed:
                found = next((n for n in free if is_same(item, streamed[n])), None)
                pairs |= {} if found is None else {at: found}
    return pairs


def _is_same_call(one: Wire, other: Wire) -> bool:
    return bool(one.get("call_id")) and _key(one) == _key(other)


def _has_same_id(one: Wire, other: Wire) -> bool:
    same_type = one.get("type") == other.get("type")
    return same_type and bool(one.get("id")) and one.get("id") == other.get("id")


def _may_be_same_call(one: Wire, other: Wire) -> bool:
    if one.get("type") != other.get("type"):
        return False
    return not (one.get("call_id") and other.get("call_id")) or _key(one) == _key(other)


def _key(item: Wire) -> tuple[object, object]:
    return item.get("type"), item.get("call_id")


def _better(final: Wire, streamed: Wire, is_done: bool) -> Wire:
    if is_done:
        return streamed if _says_something(streamed) or not _says_something(final) else final
    return final if _says_something(final) or not _says_something(streamed) else streamed


def _says_something(item: Wire) -> bool:
    keys = _PAYLOAD.get(str(item.get("type")))
    if keys is None:
        return True
    if item.get("type") != "message":
        return any(item.get(key) for key in keys)
    parts = item.get("content")
    return any(
        part.get("text") or part.get("refusal")
        for part in (parts if isinstance(parts, list) else [])
        if isinstance(part, dict)
    )


def _put_part(item: Wire, shape: tuple[str, str, str], index: int, text: str) -> None:
    where, kind, key = shape
    parts = list(item.get(where) or [])
    part: Wire = {"type": kind, key: text} | ({"annotations": []} if kind == "output_text" else {})
    if index < len(parts) and isinstance(parts[index], dict):
        parts[index] = {**parts[index], **part, **_annotations(parts[index])}
    else:
        parts.append(part)
    item[where] = parts


def _annotations(part: Wire) -> Wire:
    return {"annotations": part["annotations"]} if part.get("annotations") else {}
