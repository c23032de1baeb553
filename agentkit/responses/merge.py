"""The items that a stream sent one by one and those of its terminal event, each once.

The two lists differ on real servers: the terminal output may be empty, in another order, or
without an item; ids and encrypted content may be others. Knows nothing of events.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from agentkit.encoding import Wire, encode

CALLS = ("function_call", "custom_tool_call")

# What an item says, by its type: one account of an item may lack some of it.
_SAID_IN = {
    "message": ("content",),
    "function_call": ("call_id", "name", "arguments"),
    "custom_tool_call": ("call_id", "name", "input"),
    "reasoning": ("encrypted_content", "summary", "content"),
}


@dataclass(frozen=True)
class Streamed:
    """An item as the stream's own events gave it."""

    item: Wire
    is_done: bool
    """Whether it came whole, in an `output_item.done`."""

    @property
    def is_an_item(self) -> bool:
        """Whether it is to be kept even where the terminal output lacks it."""
        if self.is_done:
            return True
        if self.item.get("type") in CALLS:
            # without its name a call can be neither run nor sent back
            return bool(self.item.get("name"))
        return says_something(self.item)


def merged(final: Any, streamed: Sequence[Streamed]) -> list[Wire]:
    """The items of the terminal output and of the stream, each once.

    Of one item, what came whole counts most, then the terminal output, then what deltas add up
    to. The order is the terminal output's, unless that lacks an item.
    """
    items = [item for item in final if isinstance(item, dict)] if isinstance(final, list) else []
    if len(items) > 1:
        items = _each_once(items)
    if not streamed:
        return items
    pair = _pairs(items, [each.item for each in streamed])
    best = [
        _best(item, streamed[pair[at]]) if at in pair else item for at, item in enumerate(items)
    ]
    place = {streamed_at: at for at, streamed_at in pair.items()}
    kept = [at for at, each in enumerate(streamed) if at in place or each.is_an_item]
    if len(kept) == len(place):
        return best
    own = [best[place[at]] if at in place else streamed[at].item for at in kept]
    return own + [item for at, item in enumerate(best) if at not in pair]


def lacks_a_call(output: Sequence[Wire], streamed: Sequence[Streamed]) -> bool:
    """Whether the stream said what a call is to do, and there is none."""
    if any(item.get("type") in CALLS for item in output):
        return False
    return any(each.item.get("type") in CALLS and says_something(each.item) for each in streamed)


def says_something(item: Wire) -> bool:
    """Whether there is any content; an item of a type not known here always has some."""
    keys = _SAID_IN.get(str(item.get("type")))
    return keys is None or any(_has(item, key) for key in keys)


def may_be_one(one: Wire, other: Wire) -> bool:
    """Whether these may be two accounts of one item: of one type, and not two calls."""
    if one.get("type") != other.get("type"):
        return False
    call_id, other_id = one.get("call_id"), other.get("call_id")
    return not (call_id and other_id) or call_id == other_id


def is_repeated(one: Wire, other: Wire) -> bool:
    """Whether these are certainly one item: the same identity, or a call with all it says."""
    if not may_be_one(one, other):
        return False
    if one.get("id") and one.get("id") == other.get("id"):
        return True
    return _call(one) is not None and _content(one) == _content(other)


def marks(item: Wire, index: int | None) -> list[str]:
    """What a finished item is found by when it comes once more; `is_repeated` has the last word.

    Of two items that are one, the second has a mark of the first.
    """
    kind, call_id, content = item.get("type"), item.get("call_id"), _content(item)
    found = [f"id {kind} {item['id']}"] if item.get("id") else []
    if call_id:
        found += [f"call {index} {call_id}", f"says {kind} {call_id} {content}"]
    elif index is not None and not item.get("id"):
        found.append(f"at {index} {encode(item)!r}")
    return [*found, f"says {kind} {content}"]


def _each_once(items: list[Wire]) -> list[Wire]:
    """The items without those that come again: a server that lists one twice means one call."""
    ids = [f"{item['id']}" if item.get("id") else None for item in items]
    if len(set(ids)) + max(ids.count(None) - 1, 0) == len(ids):
        return items
    kept: dict[bytes, Wire] = {}
    for at, (item, name) in enumerate(zip(items, ids, strict=True)):
        kept.setdefault(encode(item) if name else b"%d" % at, item)
    return list(kept.values())


def _pairs(final: list[Wire], streamed: list[Wire]) -> dict[int, int]:
    """The position in the stream of each terminal item, by its position.

    Found by call id, by id, by what a call says, and last by its turn among those of its type.
    """
    pair: dict[int, int] = {}
    for key in (_call, _identity, _content):
        if len(pair) < len(final):
            _pair_by(key, final, streamed, pair)
    if len(pair) < len(final):
        _pair_by_turn(final, streamed, pair)
    return pair


def _pair_by_turn(final: list[Wire], streamed: list[Wire], pair: dict[int, int]) -> None:
    """Pair those of one type of which at most one has a call id, the others are paired by then."""
    taken = set(pair.values())
    free: defaultdict[tuple[str, bool], deque[int]] = defaultdict(deque)
    for at, item in enumerate(streamed):
        if at not in taken:
            free[str(item.get("type")), True].append(at)
            if not item.get("call_id"):
                free[str(item.get("type")), False].append(at)
    for at, item in enumerate(final):
        waiting = free[str(item.get("type")), not item.get("call_id")]
        while at not in pair and waiting:
            found = waiting.popleft()
            if found not in taken:
                taken.add(found)
                pair[at] = found


def _pair_by(
    key: Callable[[Wire], str | None], final: list[Wire], streamed: list[Wire], pair: dict[int, int]
) -> None:
    taken = set(pair.values())
    waiting: defaultdict[str | None, deque[int]] = defaultdict(deque)
    for at, item in enumerate(streamed):
        if at not in taken:
            waiting[key(item)].append(at)
    for at, item in enumerate(final):
        name = key(item)
        if at not in pair and name is not None and waiting[name]:
            pair[at] = waiting[name].popleft()


def _call(item: Wire) -> str | None:
    return f"{item.get('type')} {item['call_id']}" if item.get("call_id") else None


def _identity(item: Wire) -> str | None:
    return f"{item.get('type')} {item['id']}" if item.get("id") else None


def _content(item: Wire) -> str | None:
    """A bridge may give a call a new id with every event."""
    if item.get("type") not in CALLS or not item.get("name"):
        return None
    return f"{item['type']} {item['name']} {item.get('arguments', item.get('input'))}"


def _best(final: Wire, streamed: Streamed) -> Wire:
    """The better account of one item, with what only the other one says."""
    item, other = (streamed.item, final) if streamed.is_done else (final, streamed.item)
    keys = _SAID_IN.get(str(item.get("type")), ())
    lacking = {key: other[key] for key in keys if _has(other, key) and not _has(item, key)}
    return {**item, **lacking} if lacking else item


def _has(item: Wire, key: str) -> bool:
    value = item.get(key)
    if key == "content" and item.get("type") == "message" and isinstance(value, list):
        return any(
            part.get("text") or part.get("refusal") for part in value if isinstance(part, dict)
        )
    return bool(value)
