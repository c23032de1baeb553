"""Bytes that were read once, kept in a nameless temporary file to be read again."""

from __future__ import annotations

import io
import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterable
from typing import BinaryIO, cast


class Spool:
    """A temporary file that nobody else sees, and that is gone with the process."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open for as long as the spool is
        self._lock = threading.Lock()
        weakref.finalize(self, self._file.close)

    @classmethod
    def of(cls, stream: BinaryIO) -> Spool:
        """All that a stream still has."""
        spool = cls()
        shutil.copyfileobj(stream, spool._file)
        return spool

    @classmethod
    def of_lines(cls, lines: Iterable[bytes]) -> Spool:
        """Lines, none of which has a line end of its own."""
        spool = cls()
        spool._file.writelines(line + b"\n" for line in lines)
        return spool

    def opened(self) -> BinaryIO:
        """A reader of it from the beginning, independent of other readers."""
        return cast(BinaryIO, io.BufferedReader(_Reader(self)))

    def read_at(self, position: int, into: memoryview) -> int:
        """Read some bytes from a position on; how many there were."""
        with self._lock:
            self._file.seek(position)
            return self._file.readinto(into)


class _Reader(io.RawIOBase):
    def __init__(self, spool: Spool) -> None:
        self._spool, self._position = spool, 0

    def readable(self) -> bool:
        return True

    def readinto(self, into: memoryview) -> int:  # type: ignore[override]
        count = self._spool.read_at(self._position, into)
        self._position += count
        return count
