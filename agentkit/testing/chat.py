"""`POST …/chat/completions` answered with any model: the body read, the answer written.

Nothing is kept between requests, since chat completions have no state. Knows nothing of sockets.
Source: the reference of POST /chat/completions.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from agentkit.encoding import JSON, Wire, encode
from agentkit.errors import StreamTruncatedError
from agentkit.responses.events import TERMINAL, StreamEvent
from agentkit.responses.fold import collect
from agentkit.responses.items import read_items
from agentkit.responses.response import Fields, Model, Request
from agentkit.testing.chat_answer import Chunks, check_answer, completion
from agentkit.testing.chat_body import check_chat_body, fields_of, items_of
from agentkit.testing.complete import complete_response
from agentkit.testing.http import Reply
from agentkit.testing.rejection import RejectionError
from agentkit.testing.relay import Complete, relayed
from agentkit.testing.strictness import check_strictness

Refused = Callable[[Exception], RejectionError]


async def chat_reply(model: Model, body: JSON, new_id: str, now: float, refused: Refused) -> Reply:
    """The reply to a request of that body; `refused` words what a stream breaks off with.

    Raises RejectionError for a body that is none, and what the model raises.
    """
    asked = check_chat_body(body)
    fields = fields_of(asked)
    check_strictness(fields)
    request = Request(Fields(fields), read_items(items_of(asked)), stream=bool(asked.get("stream")))
    complete = partial(_completed, fields, new_id, now)
    events = model.stream(request)
    if not request.stream:
        async with _closing(events):
            response = complete((await collect(events)).wire)
        check_answer(response)
        return Reply(200, encode(completion(response)), {"content-type": "application/json"})
    options = asked.get("stream_options") or {}
    chunks = Chunks(complete({}), wants_usage=bool(options.get("include_usage")))
    payloads = _payloads(_wires(events, complete, chunks), refused)
    await anext(payloads)
    return Reply(200, payloads, {"content-type": "text/event-stream; charset=utf-8"})


def _completed(fields: Wire, new_id: str, now: float, wire: Wire) -> Wire:
    return {**complete_response(wire, fields, new_id=new_id, now=now), "id": new_id}


async def _payloads(
    wires: AsyncGenerator[Wire, None], refused: Refused
) -> AsyncGenerator[bytes, None]:
    """Server-sent events. The first is empty and says that the answer has begun: until then the
    model's error can still become the status of the reply.
    """
    async with _closing(wires):
        first = await anext(wires)
        yield b""
        try:
            yield _payload(first)
            async for wire in wires:
                yield _payload(wire)
        except Exception as error:  # noqa: BLE001 — whatever the model raises ends the stream
            yield _payload(refused(error).envelope)
        else:
            yield b"data: [DONE]\n\n"


async def _wires(
    events: AsyncIterator[StreamEvent], complete: Complete, chunks: Chunks
) -> AsyncGenerator[Wire, None]:
    """The chunks that a model's events come to."""
    has_ended = False
    async with _closing(events):
        async for wire in relayed(events, complete):
            has_ended = has_ended or wire["type"] in TERMINAL
            for chunk in chunks.of(wire):
                yield chunk
    if not has_ended:
        raise StreamTruncatedError("The model's stream ended before its answer did.")


def _payload(wire: Wire) -> bytes:
    return b"data: %b\n\n" % encode(wire)


@asynccontextmanager
async def _closing(events: object) -> AsyncIterator[None]:
    try:
        yield
    finally:
        if isinstance(events, AsyncGenerator):
            await events.aclose()
