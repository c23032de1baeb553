"""Right answers over HTTP as few send it, and as a client has to read it."""

from __future__ import annotations

from collections.abc import Callable

from agentkit.testing.faults.answers import Answer, on_answers, one_by_one
from agentkit.testing.faults.cuts import close
from agentkit.testing.faults.definition import Asked, Effect, Fault
from agentkit.testing.http import Pieces, Reply

TINY = 7
"""Bytes of a chunk, so that characters, lines and words are cut."""
_HINTS = b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n"
_TOO_LATE = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\r\n"


def tapped(tap: Callable[[Pieces], Pieces]) -> Effect:
    """The right answer with its bytes changed on their way."""

    def change(answer: Answer, _: Asked) -> Reply:
        reply = answer.reply(answer.pieces)
        return Reply(200, reply.body, reply.headers, tap)

    return on_answers(change)


def _tiny_chunks(answer: Answer, _: Asked) -> Reply:
    content = b"".join(answer.pieces)
    tiny = [content[at : at + TINY] for at in range(0, len(content), TINY)]
    return Reply(200, one_by_one(tiny), dict(answer.headers))


async def _with_hints(pieces: Pieces) -> Pieces:
    yield _HINTS
    async for piece in pieces:
        yield piece


async def _with_more(pieces: Pieces) -> Pieces:
    async for piece in pieces:
        yield piece
    yield _TOO_LATE


async def _then_closed(pieces: Pieces) -> Pieces:
    async for piece in pieces:
        yield piece
    await close()


def _until_close(answer: Answer, _: Asked) -> Reply:
    async def tap(pieces: Pieces) -> Pieces:
        async for _ in pieces:
            pass
        kind = answer.headers["content-type"].encode()
        yield b"HTTP/1.1 200\r\ncontent-type: %b\r\nconnection: close\r\n\r\n" % kind
        for piece in answer.pieces:
            yield piece
        await close()

    return Reply(200, b"", tap=tap)


async def _with_odd_headers(pieces: Pieces) -> Pieces:
    head = await anext(pieces)
    odd = b"Set-Cookie: a=1\r\nSET-COOKIE: b=2\r\nX-Empty:\r\nX-Place: Z\xfcrich\r\n\r\n"
    yield head.removesuffix(b"\r\n") + odd
    async for piece in pieces:
        yield piece


FRAMINGS = [
    Fault("tiny-chunks", f"sends chunks of {TINY} bytes", on_answers(_tiny_chunks)),
    Fault("until-close", "ends the body by closing the connection", on_answers(_until_close)),
    Fault("early-hints", "sends another head before that of the answer", tapped(_with_hints)),
    Fault("odd-headers", "sends headers twice, empty, or not in ASCII", tapped(_with_odd_headers)),
    Fault("late-timeout", "sends status 408 behind the answer", tapped(_with_more)),
    Fault("silent-close", "closes the connection behind the answer", tapped(_then_closed)),
]
