"""Bytes of an event stream to the payloads of its `data` fields.

Framing follows the WHATWG text on server-sent events, read from bytes: lines end in CR, LF or
CRLF, comments are dropped, several `data` lines are one payload. Event names, ids and retry
hints are dropped too: the payload's own `type` says what it is.
"""

from __future__ import annotations

MAX_EVENT = 64 * 1024 * 1024
"""Bytes one event may have; generated images come as one."""


class EventTooLargeError(ValueError):
    """The server sent more than MAX_EVENT bytes without ending the event."""


class Frames:
    """Takes the chunks of one stream in order and gives the payloads they complete."""

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """The payloads that this chunk completes. Raises EventTooLargeError."""
        text = self._pending + chunk if self._pending else chunk
        held = b""
        if b"\r" in text:
            # a CR at the very end may be the first half of a CRLF
            text, held = (text[:-1], b"\r") if text.endswith(b"\r") else (text, b"")
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *blocks, rest = text.split(b"\n\n")
        self._pending = rest + held
        if len(self._pending) > MAX_EVENT:
            raise EventTooLargeError(f"one event has more than {MAX_EVENT:,} bytes")
        return [payload for block in blocks if (payload := _payload(block)) is not None]

    def flush(self) -> list[bytes]:
        """The payload of an event that the end of the stream cut off before its blank line."""
        text, self._pending = self._pending.replace(b"\r", b"\n"), b""
        payload = _payload(text)
        return [] if payload is None else [payload]


def _payload(block: bytes) -> bytes | None:
    block = block.removeprefix(b"\xef\xbb\xbf")
    if block.startswith(b"data: ") and b"\n" not in block:
        return block[6:]
    lines = [
        value.removeprefix(b" ")
        for name, _, value in (line.partition(b":") for line in block.split(b"\n"))
        if name == b"data"
    ]
    return b"\n".join(lines) if lines else None
