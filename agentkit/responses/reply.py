"""The bytes of a server's answer as events, whatever shape the server gave them.

A JSON answer is one terminal event. A stream ends with a terminal event or as an error: an end
of the bytes is no success, and neither is `[DONE]`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from agentkit.encoding import Wire, decode
from agentkit.errors import ModelError, ProtocolError, StreamTruncatedError
from agentkit.responses.chat import shape as chat_shape
from agentkit.responses.chat.stream import ChatStream
from agentkit.responses.events import TERMINAL, Delta, ErrorEvent, Snapshot, StreamEvent, read_event
from agentkit.responses.failures import model_error, request_id, unreadable
from agentkit.responses.sse import MAX_BODY, EventTooLargeError, Frames, too_large

DONE = b"[DONE]"

GRACE = 1.0
"""Seconds to wait for what may still follow an error, `[DONE]` or a finish reason."""

Headers = Mapping[str, str]


def is_event_stream(headers: Headers) -> bool:
    """Whether the answer is a stream, whatever was asked for."""
    return "text/event-stream" in headers.get("content-type", "").lower()


def read_reply(status: int, content: bytes, headers: Headers) -> list[StreamEvent]:
    """The events of a whole answer. Raises ModelError for one that is no response."""
    try:
        body = decode(content)
    except ValueError:
        if content.lstrip().startswith((b"data:", b"event:", b":")):
            return _read_mislabelled_stream(content, headers)
        raise unreadable(status, content, headers, "The answer is not JSON.") from None
    if not isinstance(body, dict):
        raise unreadable(status, content, headers, "The answer is not a JSON object.")
    return [_terminal(status, body, content, headers)]


async def stream_events(
    chunks: AsyncIterator[bytes], headers: Headers
) -> AsyncIterator[StreamEvent]:
    """The events of a stream, the terminal one last. Raises ModelError where it has none."""
    reader = Reader(headers)
    while not reader.is_over and (chunk := await next_chunk(chunks, reader)) is not None:
        for event in reader.feed(chunk):
            yield event
    for event in reader.end():
        yield event


async def next_chunk(chunks: AsyncIterator[bytes], reader: Reader) -> bytes | None:
    """The next chunk, None at the end; not every server closes a stream that is over."""
    if not reader.is_ending:
        return await anext(chunks, None)
    now = asyncio.get_running_loop().time()
    reader.ends_at = reader.ends_at or now + GRACE
    try:
        # what only keeps the line open gets no more time
        async with asyncio.timeout_at(reader.ends_at):
            return await anext(chunks, None) if now < reader.ends_at else None
    except TimeoutError:
        return None


class Reader:
    """Takes the chunks of one stream; gives events, and the error of a stream that has none."""

    def __init__(self, headers: Headers) -> None:
        self.is_over = False
        """Whether the terminal event has come."""
        self.is_ending = False
        """Whether an error, `[DONE]` or a finish reason has come, so that little can follow."""
        self.ends_at: float | None = None
        """When the wait for that little is over, on the loop's clock."""
        self.number: Any = None
        """The `sequence_number` of the last event that had one."""
        self._frames = Frames()
        self._chat: ChatStream | None = None
        self._error: Wire | None = None
        self._is_framed = False
        self._left = MAX_BODY
        self._headers = headers

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """The events that a chunk completes. Raises ProtocolError."""
        self._left -= len(chunk)
        if self._left < 0:
            raise ProtocolError(too_large(MAX_BODY))
        try:
            payloads = self._frames.feed(chunk)
        except EventTooLargeError as error:
            raise ProtocolError(f"The stream cannot be read: {error}.") from error
        events: list[StreamEvent] = []
        for payload in payloads:
            self._read(payload, events)
        return events

    def end(self) -> list[StreamEvent]:
        """What the end of the bytes means: last events, or an error."""
        rest = self._frames.unframed
        if not self._is_framed and rest.lstrip().startswith(b"{"):
            return read_reply(200, rest, self._headers)
        events: list[StreamEvent] = []
        with contextlib.suppress(ProtocolError):
            for payload in self._frames.flush():
                self._read(payload, events)
        self._end_chat(events)
        if self._error is not None and not self.is_over:
            raise model_error(None, {"error": self._error}, self._headers)
        if not self.is_over:
            raise self._truncated()
        return events

    def _read(self, payload: bytes, events: list[StreamEvent]) -> None:
        self._is_framed = True
        if self.is_over:
            return
        if payload[:1] != b"{" and not payload.lstrip().startswith(b"{"):
            # any other word keeps the connection open
            if payload.strip() == DONE:
                self.is_ending = True
                self._end_chat(events)
            return
        try:
            wire = decode(payload)
        except ValueError:
            raise unreadable(200, payload, self._headers, "An event is not JSON.") from None
        event = read_event(wire)
        if type(event) is Delta:  # nearly all of a stream
            self.number = wire.get("sequence_number", self.number)
            events.append(event)
        else:
            self._read_object(wire, event, events)

    def _read_object(self, wire: Wire, event: StreamEvent, events: list[StreamEvent]) -> None:
        if chat_shape.is_chunk(wire):
            self._chat = self._chat or ChatStream()
            said = self._chat.add(wire)
            events += said
            # usage may follow, and not every server says `[DONE]` or closes the stream
            self.is_ending = self.is_ending or self._chat.is_finished
            self.ends_at = None if said else self.ends_at
            return
        self.number = wire.get("sequence_number", self.number)
        if isinstance(event, ErrorEvent):
            # OpenAI sends response.failed behind it, others end the stream
            self._error, self.is_ending = event.error, True
            return
        if isinstance(event, Snapshot) and event.is_terminal:
            self._end_with(event)
        events.append(event)

    def _end_chat(self, events: list[StreamEvent]) -> None:
        terminal = None if self.is_over or self._chat is None else self._chat.end()
        if terminal is not None:
            self._end_with(terminal)
            events.append(terminal)

    def _end_with(self, terminal: Snapshot) -> None:
        """Take the terminal event, which has the error that came before it."""
        self.is_over = True
        if self._error and not terminal.response.get("error"):
            terminal.response = {**terminal.response, "error": self._error}

    def _truncated(self) -> ModelError:
        return StreamTruncatedError(
            "The stream ended before its terminal event, so the answer is not complete.",
            status=200,
            request_id=request_id(self._headers),
        )


def _terminal(status: int, body: Wire, content: bytes, headers: Headers) -> Snapshot:
    if chat_shape.is_completion(body) and not body.get("error"):
        if not chat_shape.first_choice(body):
            raise unreadable(status, content, headers, "The answer has no choice.")
        body = chat_shape.response_of(body)
    if body.get("error") and body.get("object") != "response":
        raise model_error(status, body, headers)
    if not isinstance(body.get("output"), list) and not _may_lack_output(body):
        raise unreadable(status, content, headers, "The answer is not a response with output.")
    kind = f"response.{body.get('status')}"
    return Snapshot(kind if kind in TERMINAL else "response.completed", body)


def _may_lack_output(body: Wire) -> bool:
    """Whether it is a response that is not said to be complete: then it may say nothing."""
    return body.get("object") == "response" and body.get("status") not in (None, "completed")


def _read_mislabelled_stream(content: bytes, headers: Headers) -> list[StreamEvent]:
    reader = Reader(headers)
    return [*reader.feed(content), *reader.end()]
