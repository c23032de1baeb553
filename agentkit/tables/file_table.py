"""A table in a file that is replaced whole, so that no reader ever sees half a row.

Rows are appended to a part file beside it; publishing copies them in input order to a new file,
which takes the place of the former one. In memory are 8 bytes a row, where it is in the part file,
and as many again while it is published.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

from agentkit.errors import ConfigurationError
from agentkit.tables.lines import header_of, lines_of
from agentkit.tables.part_file import PartFile, beside, taken
from agentkit.tables.places import Place
from agentkit.tables.text_source import text_source

_LENGTH = 4
"""Bytes before each row in the part file, which say how long it is."""

_NOWHERE = -1


class FileGathering:
    """Rows of a CSV, TSV or JSONL file."""

    def __init__(self, place: Place, columns: Sequence[str]) -> None:
        self.name = place.given
        # a link stays one: what it points to is replaced
        self._place, self._path = place, os.path.realpath(place.path)
        self._header = header_of(place.kind, columns)
        self._as_line = lines_of(place.kind, columns)
        self._starts = array("q")
        self._end = self._count = self._former_count = 0
        self._part: PartFile | None = None

    def begin(self) -> None:
        """Have a part file. Raises ConfigurationError where another job writes to the same file."""
        self._part = taken(beside(self._path, "part"), self.name)
        if self.was_there:
            with suppress(ConfigurationError):  # what is no table has no rows to keep
                self._former_count = sum(1 for _ in text_source(self._place))

    @property
    def was_there(self) -> bool:
        """Whether there is a file with something in it."""
        with suppress(OSError):
            return os.path.getsize(self._path) > 0
        return False

    @property
    def is_shorter(self) -> bool:
        """Whether it has fewer rows so far than the former table."""
        return self._count < self._former_count

    def add(self, index: int, cells: Sequence[Any]) -> bool:
        """Append a row to the part file."""
        line = self._as_line(cells)
        # where a write has failed, the next one goes over what is left of it
        self._held.write_at(self._end, len(line).to_bytes(_LENGTH, "little") + line)
        missing = index + 1 - len(self._starts)
        if missing > 0:
            self._starts.extend([_NOWHERE] * missing)
        self._count += self._starts[index] == _NOWHERE
        self._starts[index] = self._end
        self._end += _LENGTH + len(line)
        return False

    def snapshot(self) -> Callable[[], None]:
        """What publishes the rows so far."""
        return _Publication(self._path, self._held.path, self._header, self._starts[:])

    def close(self) -> None:
        """Take the part file away."""
        part, self._part = self._part, None
        if part is not None:
            part.close()

    @property
    def _held(self) -> PartFile:
        if self._part is None:
            raise ConfigurationError(f"{self.name} is written within `with` only.")
        return self._part


@dataclass(frozen=True)
class _Publication:
    """The rows of a moment, in input order, to a new file in the place of the former one."""

    path: str
    part: str
    header: bytes
    starts: array[int]

    def __call__(self) -> None:
        new = beside(self.path, "new")
        try:
            with open(self.part, "rb") as part, _created(new, self.path) as file:
                file.write(self.header)
                for line in self._lines(part):
                    file.write(line)
                file.flush()
                os.fsync(file.fileno())
            os.replace(new, self.path)
        except BaseException:
            with suppress(OSError):
                os.unlink(new)
            raise

    def _lines(self, part: BinaryIO) -> Iterator[bytes]:
        for start in self.starts:
            if start != _NOWHERE:
                part.seek(start)
                length = int.from_bytes(part.read(_LENGTH), "little")
                yield part.read(length)


def _created(new: str, path: str) -> BinaryIO:
    """A new file with the permissions of the former one, or those that new files get."""
    with suppress(FileNotFoundError):  # a killed job's, or what somebody else has laid there
        os.unlink(new)
    file = open(new, "xb")  # noqa: SIM115 - the caller closes it
    with suppress(OSError):
        os.chmod(new, os.stat(path).st_mode & 0o777)
    return file
