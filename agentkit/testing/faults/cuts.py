"""Connections that break off: where, and how.

A reset is a TCP reset, a close ends the connection in order, and a stall waits until the client
leaves or the server closes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NoReturn

from agentkit.testing.faults.answers import (
    JSON,
    STREAM,
    Answer,
    End,
    half,
    on_answers,
    one_by_one,
    up_to_a_delta,
)
from agentkit.testing.faults.definition import Asked, Effect, Fault
from agentkit.testing.http import CutError, Pieces, Reply


async def reset() -> NoReturn:
    """Reset the connection."""
    raise CutError(is_reset=True)


async def close() -> NoReturn:
    """Close the connection in order."""
    raise CutError(is_reset=False)


async def stall() -> None:
    """Send nothing more; does not return."""
    await asyncio.Event().wait()


def before_headers(end: End) -> Effect:
    """Nothing is sent, and the model is not asked."""

    async def nothing(_: Pieces) -> Pieces:
        await end()
        yield b""

    async def effect(_: Asked) -> Reply:
        return Reply(0, b"", tap=nothing)

    return effect


def in_headers(end: End) -> Effect:
    """Half of the head is sent, and the model is not asked."""

    async def begun(pieces: Pieces) -> Pieces:
        yield half(await anext(pieces))
        await end()

    async def effect(asked: Asked) -> Reply:
        return Reply(200, b"", STREAM if asked.is_streamed else JSON, begun)

    return effect


def in_body(end: End) -> Effect:
    """Half of a JSON body is sent, or half of a stream's first event in a chunk of its own."""
    return on_answers(lambda answer, _: _cut(answer, [half(answer.pieces[0])], end))


def in_chunk(end: End) -> Effect:
    """Half of the first chunk is sent, less than its length says."""

    async def begun(pieces: Pieces) -> Pieces:
        yield await anext(pieces)
        yield half(await anext(pieces))
        await end()

    return on_answers(
        lambda answer, _: Reply(200, one_by_one(answer.pieces), dict(answer.headers), begun)
    )


def after_events(end: End) -> Effect:
    """So many events of a stream are sent, or half of a JSON body."""

    def cut(answer: Answer, asked: Asked) -> Reply:
        if not answer.is_stream:
            return _cut(answer, [half(answer.pieces[0])], end)
        return _cut(answer, answer.pieces[: int(asked.number("events"))], end)

    return on_answers(cut)


def mid_stream(end: End) -> Effect:
    """A stream is sent up to its first piece of text or arguments, or half of a JSON body."""

    def cut(answer: Answer, _: Asked) -> Reply:
        if not answer.is_stream:
            return _cut(answer, [half(answer.pieces[0])], end)
        return _cut(answer, up_to_a_delta(answer.pieces), end)

    return on_answers(cut)


def _cut(answer: Answer, pieces: Sequence[bytes], end: End) -> Reply:
    """The beginning of an answer; a JSON body says how long all of it would be."""
    length = {} if answer.is_stream else {"content-length": str(len(answer.pieces[0]))}
    return Reply(200, one_by_one(pieces, end), {**answer.headers, **length})


_ENDS: dict[str, tuple[End, str]] = {
    "reset": (reset, "resets the connection"),
    "close": (close, "closes the connection"),
    "stall": (stall, "falls silent"),
}
_PLACES: dict[str, tuple[Callable[[End], Effect], str]] = {
    "before-headers": (before_headers, "before the headers"),
    "in-headers": (in_headers, "amid the headers"),
    "in-body": (in_body, "amid the body, of a stream amid its first event"),
    "in-chunk": (in_chunk, "amid a chunk"),
    "mid-stream": (mid_stream, "after the first piece of the answer"),
    "after-events": (after_events, "after so many events of a stream"),
}
_OPTIONS = {"after-events": {"events": "3"}}

REFUSED = Fault(
    "refused",
    "has its port and does not listen; asked for by a model's name it resets the connection",
    before_headers(reset),
    times=None,
)

CUTS = [
    REFUSED,
    *(
        Fault(f"{how}-{where}", f"{does} {place}", at(end), _OPTIONS.get(where, {}), loses=True)
        for where, (at, place) in _PLACES.items()
        for how, (end, does) in _ENDS.items()
    ),
]
