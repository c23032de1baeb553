"""How long a conversation is, in tokens: as the server counted them, else by bytes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from agentkit.encoding import Wire, encode
from agentkit.records import Answer, Compaction, Input, Output, Setup
from agentkit.responses.items import FunctionCallOutput, Item

if TYPE_CHECKING:
    from agentkit.log import Log

BYTES_A_TOKEN = 4
"""Of JSON, as it is sent; roughly right for English, too few tokens for other scripts."""

IMAGE_TOKENS = 1000
"""What an image counts for, however many bytes it has."""


def size(log: Log) -> int:
    """About how many tokens the next request has.

    The last answer's, as the server counted them, and what has come since. Zero where something
    was asked to stand for the beginning since: how long it is now, the next answer says.
    """
    since = 0
    for seq, record in zip(reversed(range(len(log))), reversed(log.records), strict=True):
        match record:
            case Answer() if not record.response.is_failed:
                known = record.response.usage.total_tokens
                return known + since if known else estimated(log.items)
            case Compaction():
                return 0
            case Setup() if _asks_otherwise(log, seq, record):
                break
            case Input():
                since += estimated(record.items)
            case Output():
                since += estimated((record.item,))
    return estimated(log.items)


def _asks_otherwise(log: Log, seq: int, setup: Setup) -> bool:
    """Whether the requests before were other ones: their model may count otherwise."""
    earlier = (log.records[place] for place in reversed(range(seq)))
    before = next((record for record in earlier if isinstance(record, Setup)), None)
    asked = None if before is None else (before.model, dict(before.fields.values))
    return asked != (setup.model, dict(setup.fields.values))


def span_of_step(log: Log, at: int) -> slice:
    """Where the items of a step are, given by its number."""
    is_last = at + 1 == len(log.steps)
    return slice(log.steps[at].start, len(log.items) if is_last else log.steps[at + 1].start)


def tokens_of_step(log: Log, at: int) -> int:
    """About how many tokens a step has."""
    step, items = log.steps[at], log.items[span_of_step(log, at)]
    if step.tokens:
        items = [item for item in items if _is_reply(item)]
    return step.tokens + estimated(items)


def _is_reply(item: Item) -> bool:
    """Whether an item of an answer's step is not the model's own."""
    return isinstance(item, FunctionCallOutput) or item.wire.get("role") == "user"


def estimated(items: Iterable[Item]) -> int:
    """About how many tokens the items have, by their bytes."""
    length = 0
    for item in items:  # a loop, since it may go over all of a long conversation
        encoded = item.encoded
        length += _without_images(item) if b'"input_image"' in encoded else len(encoded)
    return length // BYTES_A_TOKEN


def _without_images(item: Item) -> int:
    """The bytes of an item, with each image counted as what it costs."""
    parts = item.wire.get("output") or item.wire.get("content")
    return sum(_part_bytes(part) for part in parts) if isinstance(parts, list) else 0


def _part_bytes(part: Wire) -> int:
    return IMAGE_TOKENS * BYTES_A_TOKEN if part.get("type") == "input_image" else len(encode(part))
