"""Stream events to a response.

Servers rotate item ids, leave out indexes, share them between items, skip events and end with
an empty output, so an event finds its item by whatever it does carry, and no item is lost.
How the stream's items and those of the terminal event become one list stands in `merge`.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from agentkit.encoding import Wire
from agentkit.errors import ProtocolError, StreamTruncatedError
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
from agentkit.responses.merge import (
    CALLS,
    Streamed,
    is_repeated,
    lacks_a_call,
    marks,
    may_be_one,
    merged,
    says_something,
)
from agentkit.responses.response import Response, read_response

_ITEM_OF = {
    TEXT_DELTA: "message",
    REFUSAL_DELTA: "message",
    ARGUMENTS_DELTA: "function_call",
    INPUT_DELTA: "custom_tool_call",
    SUMMARY_DELTA: "reasoning",
    REASONING_DELTA: "reasoning",
}
# What an item begins as where no event says how it begins.
_NEW: dict[str, Wire] = {
    "message": {"type": "message", "role": "assistant"},
    "function_call": {"type": "function_call"},
    "custom_tool_call": {"type": "custom_tool_call"},
    "reasoning": {"type": "reasoning", "summary": []},
}
_BARE = {"status": "completed"}
_FIELD_OF = {ARGUMENTS_DELTA: "arguments", INPUT_DELTA: "input"}
_PART_OF = {
    TEXT_DELTA: ("content", "output_text", "text"),
    REFUSAL_DELTA: ("content", "refusal", "refusal"),
    SUMMARY_DELTA: ("summary", "summary_text", "text"),
    REASONING_DELTA: ("content", "reasoning_text", "text"),
}


MOST_ALIKE = 16
"""Open items of one name among which the one that an event is about is looked for."""


class Fold:
    """Takes the events of one stream in order; `response` is what they add up to."""

    def __init__(self) -> None:
        self._slots = _Slots()
        self._terminal: Wire | None = None
        self._error: Wire | None = None

    def add(self, event: StreamEvent) -> None:
        """Take the next event."""
        if isinstance(event, Delta):
            self._slots.add_piece(event)
        elif isinstance(event, PartDone):
            self._slots.end_part(event)
        elif isinstance(event, ItemEvent):
            self._slots.take_item(event)
        elif isinstance(event, Snapshot) and event.is_terminal:
            self._terminal = event.response
        elif isinstance(event, ErrorEvent):
            self._error = event.error

    def response(self) -> Response:
        """The response. Raises ModelError where no terminal event has come.

        One that says `completed` and nothing else proves it only of items that came whole, and
        none does of items that cannot be read.
        """
        if self._terminal is None and self._error:
            raise model_error(None, {"error": self._error})
        if self._terminal is None:
            raise StreamTruncatedError("The stream ended before its terminal event.")
        streamed = self._slots.streamed()
        if self._terminal == _BARE and not (streamed and all(each.is_done for each in streamed)):
            raise StreamTruncatedError(
                "The stream ended without its response, and not every item of it had come whole."
            )
        output = merged(self._terminal.get("output"), streamed)
        response = {**self._terminal, "output": output}
        if self._error and not response.get("error"):
            response["error"] = self._error
        read = read_response(response)
        if read.is_complete:
            _check(self._terminal.get("output"), output, streamed)
        return read

    def so_far(self, reason: str) -> Response:
        """What has come of it, as an incomplete response with that reason."""
        output = [each.item for each in self._slots.streamed() if each.is_an_item]
        details = {"reason": reason}
        return read_response(
            {"status": "incomplete", "incomplete_details": details, "output": output}
        )


async def collect(events: AsyncIterator[StreamEvent]) -> Response:
    """The response that a model's events add up to. Raises ModelError where there is none."""
    fold = Fold()
    async for event in events:
        fold.add(event)
    return fold.response()


def _check(final: Any, output: list[Wire], streamed: list[Streamed]) -> None:
    """Raise ProtocolError where something was said of which no item can be made."""
    if isinstance(final, list) and final and not output:
        raise ProtocolError("The answer has an output, and no item in it that can be read.")
    if not final and lacks_a_call(output, streamed):
        raise ProtocolError("The answer has the arguments of a call, and nowhere its name.")


_Key = tuple[str | int | None, ...]
"""A type, alone or with a name or an index of an item."""


@dataclass(slots=True, eq=False)
class _Slot:
    """One item while its events arrive."""

    item: Wire
    index: int | None = None
    ids: set[str] = field(default_factory=set)
    is_done: bool = False
    pieces: dict[tuple[int, str], list[str]] = field(default_factory=dict)
    keys: set[_Key] = field(default_factory=set)
    """What it is found by."""

    @property
    def type(self) -> str:
        return str(self.item.get("type"))

    def whole(self) -> Wire:
        """The item with what its pieces say, which replaces what it said when it began."""
        if not self.pieces or (self.is_done and self._says_it_all()):
            return self.item
        lists = {key: list(parts) for key, parts in self.item.items() if isinstance(parts, list)}
        item = {**self.item, **lists}
        for (part, kind), pieces in sorted(self.pieces.items()):
            if text := "".join(pieces):
                _put(item, kind, part, text)
        return item

    def take(self, event: ItemEvent) -> None:
        self.item = event.item
        self.is_done = event.is_done
        self.index = event.output_index if self.index is None else self.index
        self.ids.update(_names(event.item))

    def is_begun_by(self, event: ItemEvent) -> bool:
        """Whether it is open, and nothing speaks against the event being about it."""
        is_fit = not self.is_done and may_be_one(self.item, event.item)
        return is_fit and not self._is_another(_id(event.item), event.output_index)

    def is_repeated_by(self, event: ItemEvent) -> bool:
        """Whether it is this item that comes once more, and not another with its call id."""
        index, call_id = event.output_index, event.item.get("call_id")
        is_here = index is not None and index == self.index
        is_same = event.item == self.item
        is_same_call = bool(call_id) and call_id == self.item.get("call_id")
        return (is_here and (is_same or is_same_call)) or is_repeated(self.item, event.item)

    def _is_another(self, item_id: str | None, index: int | None) -> bool:
        """Whether both what names an item and its place speak against this one."""
        other_id = item_id is not None and bool(self.ids) and item_id not in self.ids
        return other_id and None not in (index, self.index) and index != self.index

    def _says_it_all(self) -> bool:
        if self.type in CALLS:
            return bool(self.item.get("arguments") or self.item.get("input"))
        return says_something(self.item)


_Named = defaultdict[_Key, deque[_Slot]]
"""Items in the order in which they began. A server may send thousands: none is looked for by
going through all of them."""


class _Slots:
    """The items of one stream, in the order in which they began."""

    def __init__(self) -> None:
        self._slots: list[_Slot] = []
        self._known: _Named = defaultdict(deque)
        self._open: _Named = defaultdict(deque)
        self._done: dict[str, _Slot] = {}
        self._place: tuple[str, str | None, int | None, int | None] | None = None
        self._pieces: list[str] = []

    def add_piece(self, event: Delta) -> None:
        """Append to the item's text, refusal, reasoning, arguments or input."""
        place = (event.type, event.item_id, event.output_index, event.part)
        if place != self._place:
            slot = self._slot_of(event.type, event)
            self._pieces = slot.pieces.setdefault((event.part or 0, event.type), [])
            self._place = place
        self._pieces.append(event.delta)

    def end_part(self, event: PartDone) -> None:
        """Put the whole of a text in the place of its pieces; an empty one says nothing."""
        if event.value:
            kind = event.type.removesuffix("done") + "delta"
            self._slot_of(kind, event).pieces[event.part or 0, kind] = [event.value]
            self._place = None

    def take_item(self, event: ItemEvent) -> None:
        """Begin an item, or complete the one that had begun."""
        slot = self._named(event) or self._repeated(event) or self._begun(event)
        slot = slot or self._begin(event.item)
        if event.is_done or not slot.is_done:
            slot.take(event)
            self._note(slot, _names(event.item))
        self._place = None

    def streamed(self) -> list[Streamed]:
        """The items so far: by index where each has its own, else as they began."""
        slots, indexes = self._slots, [slot.index for slot in self._slots]
        if None not in indexes and len(set(indexes)) == len(indexes):
            slots = sorted(slots, key=lambda slot: slot.index or 0)
        return [Streamed(slot.whole(), slot.is_done) for slot in slots]

    def _slot_of(self, kind: str, event: Delta | PartDone) -> _Slot:
        slot = self._found(_ITEM_OF[kind], event)
        if slot is None:
            slot = self._begin(_NEW[_ITEM_OF[kind]])
            slot.index = event.output_index
            slot.ids = {event.item_id} if event.item_id else set()
            self._note(slot, slot.ids)
        return slot

    def _found(self, kind: str, event: Delta | PartDone) -> _Slot | None:
        """The item of a piece: by id, by index, else the latest open one of its type."""
        index, known, begun = event.output_index, self._known, self._open
        if event.item_id and (named := _latest(known, (kind, event.item_id))):
            return named
        if index is None:
            late = _latest(known, (kind,)) if isinstance(event, PartDone) else None
            return _latest(begun, (kind,), _is_open) or late
        placed = _latest(begun, (kind, index), _is_open) or _latest(known, (kind, index))
        return placed or _latest(begun, (kind, None), _is_open_anywhere)

    def _named(self, event: ItemEvent) -> _Slot | None:
        """The open item that this event is about, by name."""
        kind = str(event.item.get("type"))
        return self._fit(event, [(kind, name) for name in _names(event.item)])

    def _begun(self, event: ItemEvent) -> _Slot | None:
        """The open item that this event ends: by index, else by turn."""
        kind, index = str(event.item.get("type")), event.output_index
        if not event.is_done:
            return None
        return self._fit(event, [(kind,)] if index is None else [(kind, index), (kind,)])

    def _fit(self, event: ItemEvent, keys: list[_Key]) -> _Slot | None:
        fit = (
            slot for key in keys for slot in _first_open(self._open, key) if slot.is_begun_by(event)
        )
        return next(fit, None)

    def _repeated(self, event: ItemEvent) -> _Slot | None:
        """The finished item that the server sends a second time."""
        alike = (self._done.get(mark) for mark in marks(event.item, event.output_index))
        return next((slot for slot in alike if slot and slot.is_repeated_by(event)), None)

    def _begin(self, item: Wire) -> _Slot:
        slot = _Slot(item)
        self._slots.append(slot)
        return slot

    def _note(self, slot: _Slot, names: Iterable[str]) -> None:
        """Have the item found by its type, its place and these names, from now on."""
        kind = slot.type
        keys: list[_Key] = [(kind,), (kind, slot.index), *((kind, name) for name in names)]
        for key in keys:
            if key not in slot.keys:
                slot.keys.add(key)
                self._known[key].append(slot)
                self._open[key].append(slot)
        if slot.is_done:
            for mark in marks(slot.item, slot.index):
                self._done.setdefault(mark, slot)


def _latest(named: _Named, key: _Key, holds: Callable[[_Slot], bool] | None = None) -> _Slot | None:
    """The last of this name for which it holds; those for which it does not are let go."""
    slots = named.get(key)
    while slots and holds and not holds(slots[-1]):
        slots.pop()
    return slots[-1] if slots else None


def _first_open(named: _Named, key: _Key) -> list[_Slot]:
    """The first few open ones of this name; those before them that are done are let go."""
    slots = named.get(key, deque())
    while slots and slots[0].is_done:
        slots.popleft()
    return list(islice(slots, MOST_ALIKE))


def _is_open(slot: _Slot) -> bool:
    return not slot.is_done


def _is_open_anywhere(slot: _Slot) -> bool:
    return not slot.is_done and slot.index is None


def _id(item: Wire) -> str | None:
    return name if isinstance(name := item.get("id"), str) else None


def _names(item: Wire) -> list[str]:
    said = (item.get("id"), item.get("call_id"))
    return [name for name in said if isinstance(name, str) and name]


def _put(item: Wire, kind: str, index: int, text: str) -> None:
    """Say a text in an item whose lists are its own."""
    if kind in _FIELD_OF:
        item[_FIELD_OF[kind]] = text
        return
    where, part_type, key = _PART_OF[kind]
    if not isinstance(item.get(where), list):
        item[where] = []
    parts = item[where]
    begun = parts[index] if index < len(parts) and isinstance(parts[index], dict) else {}
    if begun.get("type") == part_type:
        parts[index] = {**begun, key: text}
    else:
        extra: Wire = {"annotations": []} if part_type == "output_text" else {}
        parts.append({"type": part_type, key: text, **extra})
