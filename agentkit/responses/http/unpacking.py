"""Compressed bodies, decompressed a little at a time: a few packed bytes can be gigabytes.

Knows nothing of what is in them.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Protocol

from agentkit.errors import ModelError, ProtocolError

STEP = 64 * 1024
"""Bytes that one step makes at most."""

_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


_FLUSHED = b"\0\0\xff\xff"
"""How the bytes of a packer end that was flushed."""


class Body(Protocol):
    """The pieces of a body, which is closed when no more of it is wanted."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def __anext__(self) -> bytes: ...

    async def aclose(self) -> None: ...


def codings(headers: Mapping[str, str]) -> list[str]:
    """What has been done to a body, in order; none where it is as it is."""
    named = headers.get("content-encoding", "").lower().split(",")
    return [name.strip() for name in named if name.strip() not in ("", "identity")]


def is_packed(headers: Mapping[str, str]) -> bool:
    """Whether a body has a form that can be unpacked here."""
    named = codings(headers)
    return len(named) == 1 and named[0] in _WINDOWS


class Unpacked:
    """The decompressed pieces of a body; iterating raises ModelError."""

    def __init__(
        self, packed: Body, headers: Mapping[str, str], broken: Callable[[Exception], ModelError]
    ) -> None:
        self.packed = packed
        self._broken = broken
        self._coding = codings(headers)[0]
        self._unpacker: zlib._Decompress | None = None
        self._head = b""
        self._tail = b""
        self._waiting = b""

    def __aiter__(self) -> Unpacked:
        return self

    async def __anext__(self) -> bytes:
        if self._waiting:
            await asyncio.sleep(0)  # others have their turn between two steps
        while packed := self._waiting or await self._next():
            if piece := self._step(packed):
                return piece
        if self._unpacker is None:
            raise StopAsyncIteration
        if last := self._unpacker.flush():  # what the last step had no room for
            return last
        if not self._is_whole(self._unpacker):
            raise self._broken(EOFError("the compressed body ends too early"))
        raise StopAsyncIteration

    async def aclose(self) -> None:
        await self.packed.aclose()

    async def _next(self) -> bytes:
        packed = await anext(self.packed, b"")
        self._tail = (self._tail + packed[-4:])[-4:]
        return packed

    def _is_whole(self, unpacker: zlib._Decompress) -> bool:
        """Whether nothing lacks but what goes around it: not every server sends the end of that."""
        if unpacker.eof or self._tail == _FLUSHED:
            return True
        return all(_wants_a_sum(unpacker, more) for more in (bytes(8), b"\xff" * 8))

    def _step(self, packed: bytes) -> bytes:
        if self._unpacker is None:
            packed = self._head = self._head + packed
            if len(packed) < 2:
                self._waiting = b""
                return b""
            self._unpacker = zlib.decompressobj(_window(self._coding, packed))
        if self._unpacker.eof:  # what comes behind it means nothing
            return b""
        try:
            piece = self._unpacker.decompress(packed, STEP)
        except zlib.error as error:
            raise self._broken(error) from error
        self._waiting = self._unpacker.unconsumed_tail
        return piece


def _wants_a_sum(unpacker: zlib._Decompress, more: bytes) -> bool:
    """Whether these bytes would be taken for the sums behind the content."""
    tried = unpacker.copy()
    try:
        tried.decompress(more)
    except zlib.error as error:
        return "data check" in str(error) or "length check" in str(error)
    return tried.eof


def _window(coding: str, head: bytes) -> int:
    """What zlib calls the kind of packing; some servers leave out what goes around deflate."""
    is_framed = head[0] & 15 == zlib.DEFLATED and int.from_bytes(head[:2], "big") % 31 == 0
    return _WINDOWS[coding] if coding != "deflate" or is_framed else -zlib.MAX_WBITS


class Refused:
    """A body that nobody reads: each of its codings multiplies what the one before it made."""

    def __init__(self, body: Body, headers: Mapping[str, str]) -> None:
        self._body = body
        self._named = ", ".join(codings(headers))[:100]

    def __aiter__(self) -> Refused:
        return self

    async def __anext__(self) -> bytes:
        raise ProtocolError(f"The answer is compressed more than once: {self._named}.")

    async def aclose(self) -> None:
        await self._body.aclose()
