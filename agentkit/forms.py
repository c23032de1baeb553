r"""The forms of a value: the ways in which a text may carry it, and how each is found.

As it stands; with the escapes of JSON or of a URL, also several times over, as in JSON within
JSON; and its base64, also inside the base64 of something longer, in one line or in several.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

UTF8 = ("utf-8", "surrogatepass")

_LINE = 60
"""Characters of base64 in which there is one line break at most: lines have 64 or 76."""

_PLAIN = re.compile(rb"[\w.-]+")
"""What no encoder writes in another way; bytes have no other word characters than ASCII."""

# a possessive quantifier (*+) keeps a long run of backslashes from being tried in every way
_ESCAPES = rb"\\*+"
_LINE_BREAK = rb"(?:\s|\\++[nr]|(?i:%(?:25)*0[ad]))*+"
_IN_LINE_BREAK = rb"\\++|%(?:25)*[02]?"
_BEFORE_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-%\\"
_BEHIND_BASE64 = re.compile(
    rb"(?:[\w+/-]|\\++(?:/|u002[bf])|%(?:25)*2[bf])*+(?:\\*+(?:=|(?<=\\)u003d)|%(?:25)*3d){0,2}",
    re.IGNORECASE,
)
_LETTERS = {"\b": b"b", "\f": b"f", "\n": b"n", "\r": b"r", "\t": b"t"}


@dataclass(frozen=True, repr=False)
class Form:
    """One way to write a secret, and how to find it."""

    text: bytes
    """It as most programs write it."""
    landmarks: tuple[bytes, ...]
    """Pieces that are written in one way only; any text with the form has one of them."""
    is_base64: bool = False

    @cached_property
    def is_escaped(self) -> bool:
        """Whether backslashes may escape its first character."""
        return not _PLAIN.match(self.text)

    @cached_property
    def pattern(self) -> re.Pattern[bytes]:
        """It with every escape that there may be; made where a landmark was found, so rarely."""
        written = [_written(part, self._otherwise) for part in self._parts]
        pairs = zip(self._between, written[1:], strict=True)
        return re.compile(written[0] + b"".join(between + way for between, way in pairs))

    def begun(self, most: int | None) -> bytes:
        """An expression for its first parts, as many of them as there are before a text's end.

        If the last part of the form is among them, it is not whole before that end.
        """
        first, *others = self._parts
        ways = [_open(_begun(first)) if self.is_escaped else []]
        ways += [_open([_IN_LINE_BREAK] * self.is_base64 + _begun(part)) for part in others]
        if first.startswith("\\"):  # it is among the escapes
            ways[0].append(rb"(?<=\\)")
        for part, each in zip(self._parts[:-1], ways, strict=False):
            each.append(_written(part, self._otherwise))
        before = [rb"(?<!\\)" + _ESCAPES if self.is_escaped else b"", *self._between]
        pieces = zip(before, map(_either, ways), strict=True)
        return b"".join(lead + way for lead, way in islice(pieces, most))

    @cached_property
    def _parts(self) -> list[str]:
        """Its characters, and its runs of backslashes."""
        return re.findall(r"\\+|[^\\]", self.text.decode(*UTF8))

    @cached_property
    def _between(self) -> list[bytes]:
        """Expressions for what may stand before its second part, its third, and so on.

        Behind a first run of backslashes there are no escapes: from each, all would be read again.
        """
        between = _LINE_BREAK if self.is_base64 else b""
        is_run = self._parts[0].startswith("\\")
        escapes = [_escapes(part) for part in self._parts[1:]]
        return [between + (b"" if is_run and not n else each) for n, each in enumerate(escapes)]

    @property
    def _otherwise(self) -> Mapping[str, bytes]:
        """Characters that have another in their place."""
        return {"+": b"-", "/": b"_"} if self.is_base64 else {" ": rb"\+"}

    def first(self, encoded: bytes, begin: int = 0) -> re.Match[bytes] | None:
        """Where it is next."""
        has_landmark = any(encoded.find(mark, begin) >= 0 for mark in self.landmarks)
        return self.pattern.search(encoded, begin) if has_landmark else None

    def spans(self, encoded: bytes) -> Iterator[tuple[int, int]]:
        """All the places where it is; of base64, with all that it is the middle of."""
        end = 0
        while found := self.first(encoded, end):
            start, stop = self._place(encoded, end, found)
            if self.is_base64:
                start = end + len(encoded[end:start].rstrip(_BEFORE_BASE64))
                behind = _BEHIND_BASE64.match(encoded, stop)
                stop = behind.end() if behind else stop
            yield start, stop
            end = stop

    def places(self, encoded: bytes) -> Iterator[tuple[int, int]]:
        """All the places where it is, and nothing around it."""
        end = 0
        while found := self.first(encoded, end):
            start, end = self._place(encoded, end, found)
            yield start, end

    def _place(self, encoded: bytes, begin: int, found: re.Match[bytes]) -> tuple[int, int]:
        """Where it was found, with the backslashes that escape its first character.

        One of them that was left would escape what comes in its place.
        """
        start, stop = found.span()
        if self.is_escaped:
            start = begin + len(encoded[begin:start].rstrip(b"\\"))
        return start, stop


def forms_of(value: str) -> Iterator[Form]:
    """Every form of a value, with the escapes that there may be."""
    text = value.encode(*UTF8)
    yield Form(text, (_landmark(text),))
    for middle in _base64_middles(text):
        line, half = middle[:_LINE], min(len(middle), _LINE) // 2
        yield Form(middle, (_landmark(line[:half]), _landmark(line[half:])), is_base64=True)


def _base64_middles(text: bytes) -> Iterator[bytes]:
    """What stays the same in the base64 of all that the text is in, for its three alignments."""
    for before, first in ((0, 0), (1, 2), (2, 3)):
        end = (before + len(text)) * 8 // 6
        yield b64encode(bytes(before) + text)[first:end]


def _written(part: str, otherwise: Mapping[str, bytes]) -> bytes:
    """An expression for a character or a run of backslashes, as it is or as escapes write it."""
    encoded = part.encode(*UTF8)
    if _PLAIN.fullmatch(encoded):
        return re.escape(encoded)
    if part.startswith("\\"):  # JSON doubles them, and JSON within JSON again
        runs = [rb"\\{%d}" % (len(part) * times) for times in (8, 4, 2, 1)]
        return rb"(?:%b|(?i:%%(?:25)*5c){%d})" % (b"|".join(runs), len(part))
    percents = b"".join(rb"%%(?:25)*%02x" % byte for byte in encoded)
    units = part.encode("utf-16-be", "surrogatepass").hex(" ", 2).encode().split()
    words = [rb"\\++".join(b"u" + unit for unit in units), *_LETTERS.get(part, b"").split()]
    ways = [re.escape(encoded), b"(?i:%b)" % percents, rb"(?<=\\)(?i:%b)" % b"|".join(words)]
    return b"(?:%b)" % b"|".join([*ways, *otherwise.get(part, b"").split()])


def _escapes(part: str) -> bytes:
    """An expression for the backslashes before a part."""
    is_plain = part.startswith("\\") or _PLAIN.fullmatch(part.encode(*UTF8))
    return b"" if is_plain else _ESCAPES


def _begun(part: str) -> list[bytes]:
    r"""Expressions for the ways to write a part as far as they are at the end of a text.

    Each character in them may also be missing, if the text ends: `(?:d|\Z)`.
    """
    encoded = part.encode(*UTF8)
    if _PLAIN.fullmatch(encoded):
        return []
    digits = [divmod(byte, 16) for byte in encoded]
    percents = [rb"(?:%%(?:25)*|\Z)(?:%x|2?\Z)(?:%x|\Z)" % pair for pair in digits]
    if part.startswith("\\"):
        return [rb"\\{1,%d}" % (8 * len(part) - 1), b"(?i:%b)" % b"".join(percents)]
    units = part.encode("utf-16-be", "surrogatepass").hex(" ", 2).split()
    letters = [rb"\\++" if each == "\\" else each.encode() for each in "\\u".join(["", *units])[1:]]
    word = b"".join(rb"(?:%b|\Z)" % letter for letter in letters)
    return [b"(?i:%b)" % b"".join(percents), rb"(?<=\\)(?i:%b)" % word]


def _open(begun: list[bytes]) -> list[bytes]:
    """The way to write a part that a text ends in, or before."""
    return [rb"(?:%b)\Z" % b"|".join([*begun, b""])]


def _either(ways: list[bytes]) -> bytes:
    return b"(?:%b)" % b"|".join(ways) if len(ways) > 1 else b"".join(ways)


def _landmark(text: bytes) -> bytes:
    """The longest piece that is written in one way only; empty, so in any text, where none is."""
    return max(_PLAIN.findall(text), key=len, default=b"")
