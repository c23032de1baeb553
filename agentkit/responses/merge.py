"""The items that a stream sent one by one and those of its terminal event, each once.

The two lists differ on real servers: the terminal output may be empty, in another order, or
without an item; ids and encrypted content may be others. Knows nothing of events.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from agentkit.responses.encoding import Wire

# What an item says, by its type: of two accounts of an item, one may lack some of it.
_SAID_IN = {
    "message": ("content",),
    "function_call": ("name", "call_id", "arguments"),
    "custom_tool_call": ("name", "call_id", "input"),
    "reasoning": ("encrypted_content", "summary", "content"),
}


@dataclass(frozen=True)
class Streamed:
    """An item as the stream's own events gave it."""

    item: Wire
    is_done: bool
    """Whether it came whole, in an `output_item.done`."""


def merged(final: Any, streamed: Sequence[Streamed]) -> list[Wire]:
    """The items of the terminal output and of the stream, each once.

    An item that came whole counts most, then the terminal output's, then what deltas add up to.
    The order is the terminal output's, unless that lacks an item.
    """
    items = [item for item in final if isinstance(item, dict)] if isinstance(final, list) else []
    pair = _pairs(items, [each.item for each in streamed])
    best = [_best(item, streamed[pair[at]]) if at in pair else item for at, item in enumerate(items)]
    place = {streamed_at: at for at, streamed_at in pair.items()}
    lost = {at for at, each in enumerate(streamed) if at not in place and is_worth_keeping(each)}
    if not lost:
        return best
    kept = [at for at in range(len(streamed)) if at in place or at in lost]
    own = [best[place[at]] if at in place else streamed[at].item for at in kept]
    return own + [item for at, item in enumerate(best) if at not in pair]


def is_worth_keeping(streamed: Streamed) -> bool:
    """Whether an item that the terminal output lacks is one: it came whole, or says something.

    A call without a name can neither be run nor be answered.
    """
    item = streamed.item
    if item.get("type") in ("function_call", "custom_tool_call") and not streamed.is_done:
        return bool(item.get("name"))
    keys = _SAID_IN.get(str(item.get("type")))
    return streamed.is_done or keys is None or any(_says(item, key) for key in keys)


def same_item(one: Wire, other: Wire) -> bool:
    """Whether two whole items are the same one, sent twice."""
    return any(key(one) is not None and key(one) == key(other) for key in (_by_id, _by_content))


def fits(one: Wire, other: Wire) -> bool:
    """Whether two accounts may be of one item: of one type, and not two calls."""
    if one.get("type") != other.get("type"):
        return False
    call_id, other_id = one.get("call_id"), other.get("call_id")
    return not (call_id and other_id) or call_id == other_id


def _pairs(final: list[Wire], streamed: list[Wire]) -> dict[int, int]:
    """For terminal items, by position, the position of the same item in the stream.

    Found by call id, by id, by what a call says, and last by its turn among those of its type.
    """
    pair: dict[int, int] = {}
    for key in (_by_call, _by_id, _by_content, _by_turn):
        taken = set(pair.values())
        waiting: defaultdict[Hashable, deque[int]] = defaultdict(deque)
        for at, item in enumerate(streamed):
            if at not in taken:
                waiting[key(item)].append(at)
        for at, item in enumerate(final):
            if at not in pair and key(item) is not None and waiting[key(item)]:
                pair[at] = waiting[key(item)].popleft()
        if len(pair) == len(final):
            break
    return pair
