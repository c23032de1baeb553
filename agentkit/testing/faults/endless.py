"""Answers that come slowly, or never come to an end."""

from __future__ import annotations

import asyncio

from agentkit.testing.faults.answers import JSON, STREAM, Answer, framed, on_answers
from agentkit.testing.faults.definition import Asked, Effect, Fault
from agentkit.testing.http import Pieces, Reply

_BEGUN = framed({"type": "response.created", "response": {"object": "response", "output": []}})
_DELTA = framed(
    {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "on "}
)
_FILL = b" " * 65536


def endless(begin: bytes, again: bytes, *, as_stream: bool) -> Effect:
    """A body that begins and then says the same again and again."""

    async def effect(asked: Asked) -> Reply:
        body = _again_and_again(begin, again, asked.number("every"))
        return Reply(200, body, STREAM if as_stream else JSON)

    return effect


def either(in_json: Effect, in_stream: Effect) -> Effect:
    """One effect for those who want JSON, the other for those who want a stream."""

    async def effect(asked: Asked) -> Reply:
        return await (in_stream if asked.is_streamed else in_json)(asked)

    return effect


async def _again_and_again(begin: bytes, again: bytes, every: float) -> Pieces:
    yield begin
    while True:
        await asyncio.sleep(every)
        yield again


def _slow_bytes(answer: Answer, asked: Asked) -> Reply:
    async def tap(pieces: Pieces) -> Pieces:
        async for piece in pieces:
            for at in range(len(piece)):
                yield piece[at : at + 1]
                await asyncio.sleep(asked.number("every"))

    reply = answer.reply(answer.pieces)
    return Reply(200, reply.body, reply.headers, tap)


async def _endless_headers(asked: Asked) -> Reply:
    async def tap(pieces: Pieces) -> Pieces:
        head = await anext(pieces)
        yield head.removesuffix(b"\r\n")
        while True:
            await asyncio.sleep(asked.number("every"))
            yield b"x-again: and again\r\n" * 100

    return Reply(200, b"", tap=tap)


_BODY = endless(b'{"id":"resp_1","object":"response",', _FILL, as_stream=False)
_DELTAS = endless(_BEGUN, _DELTA, as_stream=True)
_PAUSED = {"every": "0.01"}
_AT_ONCE = {"every": "0"}

ENDLESS = [
    Fault("slow-bytes", "sends the answer byte by byte", on_answers(_slow_bytes), _AT_ONCE),
    Fault("endless-headers", "sends headers for ever", _endless_headers, _AT_ONCE),
    Fault(
        "endless-body",
        "sends a body for ever, of a stream one event",
        either(_BODY, endless(b"data: {", _FILL, as_stream=True)),
        _AT_ONCE,
    ),
    Fault(
        "endless-answer",
        "sends pieces of an answer for ever",
        either(_BODY, _DELTAS),
        _PAUSED,
    ),
    Fault(
        "endless-keepalives",
        "keeps the connection alive for ever and says nothing: white space, or comments",
        either(
            endless(b"\n", b" ", as_stream=False),
            endless(b": hello\n\n", b": keepalive\n\n", as_stream=True),
        ),
        _PAUSED,
    ),
    Fault(
        "endless-keepalive-events",
        "sends `keepalive` events for ever, and nothing else",
        either(
            endless(b"\n", b" ", as_stream=False),
            endless(_BEGUN, framed({"type": "keepalive"}), as_stream=True),
        ),
        _PAUSED,
    ),
]
