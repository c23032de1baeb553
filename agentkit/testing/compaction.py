"""Compaction as a server does it, but for what is in the item: that only marks its place.

The items that stand for a conversation are what its users said, and an item nobody can read.
Source: recorded answers of POST /responses/compact, and of POST /responses with
`context_management`.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any

from agentkit.encoding import Wire
from agentkit.responses.compaction import CompactRequest
from agentkit.responses.events import ItemEvent, Snapshot, StreamEvent
from agentkit.responses.items import COMPACTION, Item, Message
from agentkit.responses.response import Request, Response, Usage, read_response
from agentkit.testing.rejection import RejectionError
from agentkit.testing.usage import usage_wire, words

MIN_THRESHOLD = 1000


def compacted(request: CompactRequest) -> Response:
    """What a server answers to `POST /responses/compact`."""
    output = [item.wire for item in request.input if _is_said_by_a_user(item)]
    output.append(compaction_item(request.input))
    usage = usage_wire(words(request, output))
    return read_response({"object": "response.compaction", "output": output, "usage": usage})


def compaction_item(items: Sequence[Item]) -> Wire:
    """An item that stands for others; the same for the same ones."""
    mark = hashlib.sha256(b"".join(item.encoded for item in items)).hexdigest()[:32]
    return {"id": f"cmp_{mark}", "type": COMPACTION, "encrypted_content": f"opaque_{mark}"}


def threshold_of(body: Wire) -> int | None:
    """From how many tokens on a request wants compaction, None for never.

    Raises RejectionError for a threshold that no server takes.
    """
    wanted = body.get("context_management") or ()
    for each in wanted:
        threshold = each.get("compact_threshold") if each.get("type") == COMPACTION else None
        if threshold is not None and threshold < MIN_THRESHOLD:
            raise RejectionError(
                "Invalid 'context_management[0].compact_threshold': integer below minimum value. "
                f"Expected a value >= {MIN_THRESHOLD}, but got {threshold} instead.",
                code="integer_below_min_value",
                param="context_management[0].compact_threshold",
            )
        if threshold is not None:
            return int(threshold)
    return None


async def compacting(
    events: AsyncIterator[StreamEvent], request: Request, threshold: int
) -> AsyncGenerator[StreamEvent]:
    """The events of an answer, with a compaction behind it where it has read that many tokens."""
    has_begun = False
    try:
        async for event in events:
            if isinstance(event, Snapshot) and _has_read(event, threshold):
                output = event.response.get("output") or []
                item = compaction_item((*request.input, *(Item(each) for each in output)))
                for kind in ("added", "done") if has_begun else ():
                    yield ItemEvent(f"response.output_item.{kind}", item, len(output))
                yield Snapshot(event.type, {**event.response, "output": [*output, item]})
            else:
                yield event
            has_begun = True
    finally:
        if isinstance(events, AsyncGenerator):
            await events.aclose()


def _has_read(event: Snapshot, threshold: int) -> bool:
    usage: Any = event.response.get("usage")
    is_whole = event.type == "response.completed"
    return is_whole and Usage.read(usage).input_tokens >= threshold


def _is_said_by_a_user(item: Item) -> bool:
    return isinstance(item, Message) and item.role == "user"
