"""Where the rows of a job over a table are read from, and where they are written."""

from __future__ import annotations

import argparse
import codecs
import io
import os
import sys
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any, TextIO

from agentkit.cli.safe_text import visible
from agentkit.errors import ConfigurationError
from agentkit.tables.places import STANDARD, place_of
from agentkit.tables.sources import Source, source_of
from agentkit.tables.table import TableWriter
from agentkit.tables.writing import table_for


def source_for(arguments: argparse.Namespace) -> Source:
    """The table that the command names; standard input is read to its end.

    Raises ConfigurationError for one that cannot be read.
    """
    kind = _kind_of(arguments.rows, arguments.kind)
    if arguments.rows != STANDARD:
        return source_of(arguments.rows, kind=kind)
    if sys.stdin is None or sys.stdin.isatty():
        raise ConfigurationError(
            "ROWS is standard input, and nothing is piped in. Name a file, or pipe one in."
        )
    return source_of(STANDARD, kind=kind, stdin=_bytes_of(sys.stdin))


def out_for(arguments: argparse.Namespace) -> Out:
    """Where the command says that the rows go."""
    stdout = _Written(sys.stdout) if arguments.out == STANDARD else None
    kind = _kind_of(arguments.out, arguments.kind)
    return Out(arguments.out, kind, stdout, arguments.replace)


class Out:
    """Makes the writer of a job's table, as `agent.map(out=…)` takes one."""

    def __init__(
        self, place: str, kind: str | None, stdout: io.RawIOBase | None, replaces: bool
    ) -> None:
        self.place, self._kind, self._stdout, self._replaces = place, kind, stdout, replaces
        self._made: TableWriter | None = None

    def __call__(
        self, columns: Sequence[str], *, origins: Collection[str] = frozenset()
    ) -> TableWriter:
        self._made = self._writer(columns, origins)
        return self._made

    @property
    def has_rows(self) -> bool:
        """Whether the rows of a job are there, and not a former table that has more of them."""
        return self._made is not None and getattr(self._made, "is_published", True)

    def _writer(self, columns: Sequence[str], origins: Collection[str]) -> TableWriter:
        return table_for(
            self.place,
            columns,
            kind=self._kind,
            origins=origins,
            replace=self._replaces,
            stdout=self._stdout,  # type: ignore[arg-type]
        )

    @property
    def is_standard(self) -> bool:
        """Whether it is standard output."""
        return self.place == STANDARD

    @property
    def is_new(self) -> bool:
        """Whether there is nothing yet that a pilot's few rows would take the place of."""
        path = place_of(self.place, self._kind, "out").path
        return not self.is_standard and not os.path.exists(path)

    def checked_only(
        self, columns: Sequence[str], *, origins: Collection[str] = frozenset()
    ) -> TableWriter:
        """The same, but nothing is written."""
        return _Unwritten(self._writer(columns, origins).name)


class _Unwritten:
    """A table that stays as it is."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> _Unwritten:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def write(self, index: int, cells: Sequence[Any]) -> None:
        pass

    def finish(self) -> None:
        pass


class _Written(io.RawIOBase):
    """Bytes of a table, written to a stream of text; harmless where that is a terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._text = codecs.getincrementaldecoder("utf-8")("replace")

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        text = self._text.decode(bytes(piece))
        if self._is_terminal:
            self._stream.write(visible(text))
        elif (binary := getattr(self._stream, "buffer", None)) is not None:
            binary.write(piece)
        else:
            self._stream.write(text)
        return len(piece)

    def flush(self) -> None:
        self._stream.flush()


def _bytes_of(stream: TextIO) -> Any:
    return getattr(stream, "buffer", None) or io.BytesIO(stream.read().encode())


def _kind_of(name: str, said: str | None) -> str | None:
    """The kind that is said, for a table whose name does not say it."""
    if name == STANDARD:
        return said
    with suppress(ConfigurationError):
        place_of(name, None, "")
        return None
    return said
