"""The right answer, taken apart and put together again: its bytes, events, response object."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import cached_property
from itertools import takewhile
from typing import AnyStr

from agentkit.encoding import Wire, decode, encode
from agentkit.responses.events import TERMINAL
from agentkit.testing.faults.definition import Asked, Effect
from agentkit.testing.http import Pieces, Reply

JSON = {"content-type": "application/json"}
DONE = b"data: [DONE]\n\n"
STREAM = {"content-type": "text/event-stream; charset=utf-8"}

Headers = Mapping[str, str]
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

    @property
    def is_chat(self) -> bool:
        """Whether it is a chat completion, or chunks of one."""
        return b'"choices":' in self.pieces[0]

    @cached_property
    def events(self) -> list[Wire]:
        """The events of a stream."""
        return [event for event in map(_event, self.pieces) if event]

    @cached_property
    def response(self) -> Wire:
        """The response object, or the JSON body that there is instead."""
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
    """An effect that changes the events of a response's stream; another answer stays as it is."""

    def changed(answer: Answer, _: Asked) -> Reply:
        if answer.is_chat or not answer.is_stream:
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
    event = _event(piece)
    brought = (choice.get("delta") or {} for choice in event.get("choices") or ())
    is_of_chat = any(delta.get("content") or delta.get("tool_calls") for delta in brought)
    return is_of_chat or str(event.get("type")).endswith(".delta")


def is_terminal(piece: bytes) -> bool:
    """Whether it is the last event of a stream, or behind it."""
    event = _event(piece)
    ended = (choice.get("finish_reason") for choice in event.get("choices") or ())
    is_behind = payload_of(piece) == b"[DONE]" or event.get("choices") == []
    return is_behind or any(ended) or event.get("type") in TERMINAL


def lifecycle(pieces: Iterable[bytes]) -> list[bytes]:
    """The events that say that an answer has begun, and nothing of it."""
    return list(takewhile(lambda piece: _event(piece).get("type") in _BEGUN, pieces))


def up_to_a_delta(pieces: Iterable[bytes]) -> list[bytes]:
    """The events up to the first that brings a piece of an answer, without the last of all."""
    begun = []
    for piece in pieces:
        if not is_terminal(piece):
            begun.append(piece)
        if is_delta(piece):
            break
    return begun


def half(content: AnyStr) -> AnyStr:
    """The first half of a text, or of bytes."""
    return content[: len(content) // 2]


def _event(piece: bytes) -> Wire:
    payload = payload_of(piece)
    event: Wire = decode(payload) if payload.startswith(b"{") else {}
    return event
