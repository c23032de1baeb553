"""A body as it comes, unpacked, and never more of it than is wanted.

Only gzip is asked for and only gzip is unpacked, once: an answer that is packed in another way, or
twice, is refused before a byte of it is read.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

GZIP = frozenset({"gzip", "x-gzip"})


class PackedError(Exception):
    """The body is packed in a way that was not asked for, or is not what it says."""


@dataclass
class Body:
    """What has come of a body."""

    most: int
    """Bytes that are kept, and that are read."""
    encoding: str = ""
    """The Content-Encoding of the answer."""
    content: bytearray = field(default_factory=bytearray)
    is_cut: bool = False
    """Whether there was more."""

    def __post_init__(self) -> None:
        encodings = [each.strip().lower() for each in self.encoding.split(",")]
        if len(encodings) > 1 or not {*encodings} <= GZIP | {"", "identity"}:
            raise PackedError(f"its encoding {self.encoding!r:.60} was not asked for")
        self._unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16) if encodings[0] in GZIP else None
        self._come = 0

    def take(self, piece: bytes) -> bool:
        """Take what has come; whether more is wanted. Raises PackedError for what is no gzip."""
        self._come += len(piece)
        # one byte more than there is room for tells whether there was more
        self.content += self._unpacked(piece, self.most - len(self.content) + 1)
        if len(self.content) > self.most or self._come > self.most:
            self.is_cut = True
            del self.content[self.most :]
        return not self.is_cut

    def end(self) -> None:
        """Note that nothing more comes."""
        unpacker = self._unpacker
        if unpacker and self._come and (unpacker.unused_data or not unpacker.eof):
            self.is_cut = True  # of what is packed in several parts, the first is read

    def _unpacked(self, piece: bytes, most: int) -> bytes:
        if self._unpacker is None:
            return piece[:most]
        if self._unpacker.eof:
            return b""
        try:
            return self._unpacker.decompress(piece, most)
        except zlib.error:
            raise PackedError("it is not gzip, as it says") from None
