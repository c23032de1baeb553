"""Bytes of an event stream to the payloads of its `data` fields.

Framing follows the WHATWG text on server-sent events, read from bytes: lines end in CR, LF or
CRLF, comments are dropped, several `data` lines are one payload. Event names, ids and retry
hints are dropped too: the payload's own `type` says what it is.
"""

from __future__ import annotations

import re

MAX_BODY = 64 * 1024 * 1024
"""Bytes a whole answer may have, decompressed; generated images come in it."""
MAX_EVENT = MAX_BODY
"""Bytes one event may have."""

_BOM = b"\xef\xbb\xbf"
_PLAIN = re.compile(rb"(?:event:[^\n]*\n)?data: ?([^\n]*)\n\n|[^\n]*\n")
"""An event as nearly all are, one data line, alone or behind the event's name; or any line."""


def too_large(most: int) -> str:
    """That an answer has more bytes than that."""
    return f"The answer has more than {most:,} bytes."


class EventTooLargeError(ValueError):
    """The server sent more than MAX_EVENT bytes without ending the event."""


class Frames:
    """Takes the chunks of one stream in order and gives the payloads they complete."""

    def __init__(self) -> None:
        self._pending: list[bytes] = []
        self._size = 0
        self._ended_in_cr = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The payloads that this chunk completes. Raises EventTooLargeError."""
        text = self._with_line_feeds(chunk)
        if b"\n\n" not in text and not (text.startswith(b"\n") and self._ends_a_line()):
            self._keep(text)
            return []
        self._pending.append(text)
        text = b"".join(self._pending)
        end = text.rfind(b"\n\n") + 2
        self._pending, self._size = [], 0
        self._keep(text[end:])
        return _payloads(text[:end])

    def flush(self) -> list[bytes]:
        """The payload of an event that the end of the stream cut off before its blank line."""
        payload = _payload(self.unframed)
        self._pending, self._size = [], 0
        return [] if payload is None else [payload]

    @property
    def unframed(self) -> bytes:
        """What came after the last blank line, with line feeds as line ends."""
        return b"".join(self._pending)

    def _with_line_feeds(self, chunk: bytes) -> bytes:
        if not chunk or (b"\r" not in chunk and not self._ended_in_cr):
            return chunk
        ended_in_cr, self._ended_in_cr = self._ended_in_cr, chunk.endswith(b"\r")
        if ended_in_cr:
            # the second half of a CRLF whose first half ended the chunk before
            chunk = chunk.removeprefix(b"\n")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _ends_a_line(self) -> bool:
        return bool(self._pending) and self._pending[-1].endswith(b"\n")

    def _keep(self, text: bytes) -> None:
        if not text:
            return
        self._pending.append(text)
        self._size += len(text)
        if self._size > MAX_EVENT:
            raise EventTooLargeError(f"one event has more than {MAX_EVENT:,} bytes")


def _payloads(events: bytes) -> list[bytes]:
    """What whole events carry, each with its blank line behind it."""
    plain: list[bytes] = _PLAIN.findall(events)
    if b"" not in plain:
        return plain
    blocks = events.split(b"\n\n")
    return [payload for block in blocks if (payload := _payload(block)) is not None]


def _payload(block: bytes) -> bytes | None:
    fields = (line.partition(b":") for line in block.removeprefix(_BOM).split(b"\n"))
    values = [value.removeprefix(b" ") for name, _, value in fields if name == b"data"]
    return b"\n".join(values) if values else None
