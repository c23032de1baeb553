"""HTTP/1.1 as bytes: the head of a request, and an answer taken apart as it comes.

As strict as RFC 9112 where two readers could see different answers in the same bytes, and lenient
where servers are known to be. Opens nothing and waits for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agentkit.errors import ConfigurationError

MAX_HEAD = 100 * 1024
"""Bytes the head of an answer may have, and what follows its last chunk."""
MAX_LINE = 4096
"""Bytes the line before a chunk may have."""

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_STATUS_LINE = re.compile(r"HTTP/1\.([01]) ([0-9]{3})(?: .*)?")
_TOKEN = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_LENGTH = re.compile(r"[0-9]{1,18}")
_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?")


class BrokenError(Exception):
    """The connection ended too early, or what came over it is not HTTP."""


@dataclass(slots=True)
class Head:
    """What an answer begins with."""

    status: int
    headers: dict[str, str]
    """By their names in small letters."""
    is_last: bool
    """Whether the server closes the connection behind the answer."""


def request_head(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    """The head of a request, but for the empty line that ends it.

    Raises ConfigurationError for a name or a value that no header may have.
    """
    lines = [f"{method} {target} HTTP/1.1"]
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name) or re.search(r"[\0\r\n]", value):
            raise ConfigurationError(f"The header {name!r} is none that a request can carry.")
        lines.append(f"{name}: {value.strip()}")
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1")


class Incoming:
    """Takes the bytes of one answer as they come."""

    def __init__(self) -> None:
        self.head: Head | None = None
        self.is_whole = False
        """Whether the answer has come to its end."""
        self.has_surplus = False
        """Whether more came than the answer, so that nobody knows what the next one is."""
        self._rest = b""
        self._left = 0
        """Bytes that are to come of a body of known length, or of the chunk."""
        self._is_behind_a_chunk = False
        self._read: Callable[[bytes], bytes] = self._read_nothing

    def take_head(self, data: bytes) -> Head | None:
        """The head, None as long as it is not whole. What only announces it is left out."""
        self._rest += data
        while found := _BLANK_LINE.search(self._rest):
            text, self._rest = self._rest[: found.start()], self._rest[found.end() :]
            head = _read_head(text.decode("latin-1"))
            if head.status == 101:
                raise BrokenError("the server goes on in another protocol")
            if head.status >= 200:
                self.head = head
                self._choose_framing(head)
                return head
        if len(self._rest) > MAX_HEAD:
            raise BrokenError(f"the head of the answer has more than {MAX_HEAD:,} bytes")
        return None

    def take(self, data: bytes) -> bytes:
        """What these bytes, and those behind the head, are of the body."""
        if self._rest:
            data, self._rest = self._rest + data, b""
        return self._read(data) if data else b""

    def end(self) -> None:
        """Take the end of the connection. Raises BrokenError where it is none of the answer."""
        if self.head is None:
            raise BrokenError("the server closed the connection without an answer")
        if self._read != self._read_all and not self.is_whole:
            raise BrokenError("the server closed the connection in the middle of its answer")
        self.is_whole = True

    def _choose_framing(self, head: Head) -> None:
        coding, length = head.headers.get("transfer-encoding"), head.headers.get("content-length")
        if head.status in (204, 304):
            self.is_whole = True
        elif coding is not None:
            if coding.lower() != "chunked":
                raise BrokenError(f"the body of the answer is coded as {coding!r}")
            self._read = self._read_chunks
        elif length is not None:
            self._left = _length(length)
            self._read, self.is_whole = self._read_length, self._left == 0
        else:
            self._read, head.is_last = self._read_all, True
        if self.is_whole:
            self._read = self._read_nothing
            self.has_surplus = bool(self._rest)

    def _read_nothing(self, data: bytes) -> bytes:
        self.has_surplus = self.has_surplus or bool(data)
        return b""

    def _read_all(self, data: bytes) -> bytes:
        return data

    def _read_length(self, data: bytes) -> bytes:
        piece = data[: self._left]
        self._left -= len(piece)
        if not self._left:
            self.is_whole, self._read = True, self._read_nothing
            self.has_surplus = len(data) > len(piece)
        return piece

    def _read_chunks(self, data: bytes) -> bytes:
        pieces, at = list[bytes](), 0
        while at < len(data):
            if self._left:
                pieces.append(data[at : at + self._left])
                at += len(pieces[-1])
                self._left -= len(pieces[-1])
                self._is_behind_a_chunk = not self._left
                continue
            end = data.find(b"\n", at)
            if end < 0:
                self._keep(data[at:], MAX_LINE)
                break
            line, at = data[at:end].removesuffix(b"\r"), end + 1
            if self._is_behind_a_chunk:
                self._is_behind_a_chunk = False
                if line:
                    raise BrokenError("a chunk of the answer does not end where it says")
            elif not self._begin_chunk(line):
                self._read = self._read_trailers
                self._read_trailers(data[at:])
                break
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _begin_chunk(self, line: bytes) -> int:
        found = _SIZE_LINE.fullmatch(line)
        if found is None:
            raise BrokenError(f"a chunk of the answer begins with {line[:40]!r}")
        self._left = int(found[1], 16)
        return self._left

    def _read_trailers(self, data: bytes) -> bytes:
        while (end := data.find(b"\n")) >= 0:
            line, data = data[:end].removesuffix(b"\r"), data[end + 1 :]
            if not line:
                self.is_whole, self._read = True, self._read_nothing
                self.has_surplus = bool(data)
                return b""
        self._keep(data, MAX_HEAD)
        return b""

    def _keep(self, data: bytes, most: int) -> None:
        """Have a line that is not whole wait for its rest."""
        if len(data) > most:
            raise BrokenError(f"a line of the answer has more than {most:,} bytes")
        self._rest = data


def _read_head(text: str) -> Head:
    first, *lines = text.split("\n")
    found = _STATUS_LINE.fullmatch(first.removesuffix("\r"))
    if found is None:
        raise BrokenError(f"the answer is not HTTP: it begins with {first[:40]!r}")
    headers, name = dict[str, str](), ""
    for line in lines:
        if line[:1] in (" ", "\t") and name:  # goes on with the line before
            headers[name] = f"{headers[name]} {line.strip()}"
            continue
        name, colon, value = line.partition(":")
        name, value = name.lower(), value.strip()
        if not colon or not _TOKEN.fullmatch(name):
            raise BrokenError(f"the answer has a header that is none: {line[:40]!r}")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    words = {word.strip() for word in headers.get("connection", "").lower().split(",")}
    is_last = "close" in words or (found[1] == "0" and "keep-alive" not in words)
    return Head(int(found[2]), headers, is_last)


def _length(said: str) -> int:
    """A length; one that is said twice has to be the same."""
    lengths = {each.strip() for each in said.split(",")}
    length = lengths.pop()
    if lengths or not _LENGTH.fullmatch(length):
        raise BrokenError(f"the answer has a length of {said[:40]!r}")
    return int(length)
