"""The right answer, taken apart and put together again: its bytes, events, response object."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import cached_property
from itertools import takewhile

from agentkit.encoding import Wire, decode, encode
from agentkit.responses.events import TERMINAL
from agentkit.testing.faults.fault import Asked, Effect
from agentkit.testing.http import Pieces, Reply

JSON = {"content-type": "application/json"}
STREAM = {"content-type": "text/event-stream; charset=utf-8"}

Headers = Mapping[str, str]
# of responses and of chat completions
_DELTAS = (b'.delta"', b'"delta":{"content"', b'"delta":{"tool_calls"')
_BEGUN = ("response.created", "response.queued", "response.in_progress")

End = Callable[[], Awaitable[None]]
"""What happens where a body has been sent; it may never return."""


@dataclass(frozen=True)
class Answer:
    """The right reply, all of it."""

    headers: Headers = field(repr=False)
    pieces: tuple[bytes, ...]
    """The server-sent events of a stream, or one JSON body."""
    is_stream: bool

    @cached_property
    def events(self) -> list[Wire]:
        """The events of a stream."""
        payloads = map(payload_of, self.pieces)
        return [decode(payload) for payload in payloads if payload.startswith(b"{")]

    @cached_property
    def response(self) -> Wire:
        """The response object."""
        if not self.is_stream:
            body: Wire = decode(self.pieces[0])
            return body
        ended = (event["response"] for event in self.events if event.get("type") in TERMINAL)
        return next(ended, {})

    def reply(self, pieces: Iterable[bytes], headers: Headers | None = None) -> Reply:
        """A reply of the same kind, its body in other pieces."""
        labels = {**self.headers, **(headers or {})}
        body = one_by_one(pieces) if self.is_stream else b"".join(pieces)
        return Reply(200, body, labels)


Change = Callable[[Answer, Asked], Reply]


def on_answers(change: Change) -> Effect:
    """An effect that changes the right answer; an error of the model's passes as it is."""

    async def effect(asked: Asked) -> Reply:
        reply = await asked.proceed()
        if reply.status != 200:
            return reply
        answer = Answer(reply.headers, await pieces_of(reply), not isinstance(reply.body, bytes))
        return change(answer, asked)

    return effect


def on_pieces(change: Callable[[bytes], bytes]) -> Effect:
    """An effect that changes the bytes of each server-sent event, or of the JSON body."""
    return on_answers(lambda answer, _: answer.reply(map(change, answer.pieces)))


def on_events(change: Callable[[list[Wire]], Iterable[Wire]]) -> Effect:
    """An effect that changes the events of a stream; a JSON answer stays as it is."""

    def changed(answer: Answer, _: Asked) -> Reply:
        if not answer.is_stream:
            return answer.reply(answer.pieces)
        return stream_of(map(framed, change(answer.events)))

    return on_answers(changed)


async def pieces_of(reply: Reply) -> tuple[bytes, ...]:
    """The pieces of a body, once the last of them is there."""
    if isinstance(reply.body, bytes):
        return (reply.body,)
    async with aclosing(reply.body) as pieces:
        return tuple([piece async for piece in pieces if piece])


def framed(event: Wire) -> bytes:
    """A server-sent event."""
    return b"event: %b\ndata: %b\n\n" % (str(event.get("type")).encode(), encode(event))


def payload_of(piece: bytes) -> bytes:
    """What stands behind `data:` in a server-sent event."""
    lines = (line for line in piece.splitlines() if line.startswith(b"data:"))
    return b"\n".join(line.removeprefix(b"data:").strip() for line in lines)


def stream_of(pieces: Iterable[bytes], end: End | None = None) -> Reply:
    """A stream of these bytes."""
    return Reply(200, one_by_one(pieces, end), STREAM)


def whole(body: Wire) -> Reply:
    """A JSON answer."""
    return Reply(200, encode(body), JSON)


async def one_by_one(pieces: Iterable[bytes], end: End | None = None) -> Pieces:
    """The pieces, one at a time."""
    for piece in pieces:
        yield piece
    if end is not None:
        await end()


def is_delta(piece: bytes) -> bool:
    """Whether an event brings a piece of an answer."""
    payload = payload_of(piece)
    return any(mark in payload for mark in _DELTAS)


def is_terminal(piece: bytes) -> bool:
    """Whether it is the last event of a stream, or behind it."""
    payload = payload_of(piece)
    return payload == b"[DONE]" or _kind(payload) in TERMINAL


def lifecycle(pieces: Iterable[bytes]) -> list[bytes]:
    """The events that say that an answer has begun, and nothing of it."""
    return list(takewhile(lambda piece: _kind(payload_of(piece)) in _BEGUN, pieces))


def _kind(payload: bytes) -> str:
    wire = decode(payload) if payload.startswith(b"{") else {}
    return str(wire.get("type"))


def up_to_a_delta(pieces: Iterable[bytes]) -> list[bytes]:
    """The events up to the first that brings a piece of an answer, without the last of all."""
    begun = []
    for piece in pieces:
        if not is_terminal(piece):
            begun.append(piece)
        if is_delta(piece):
            break
    return begun
