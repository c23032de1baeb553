"""A file of rows, read twice: for what its columns hold, and for the values."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Protocol, TextIO

from agentkit import ConfigurationError
from agentkit_tools.table.types import Seen, Type

MOST_COLUMNS = 1_000

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    # before those of UTF-16, one of which it begins with
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Rows(Protocol):
    """A file as rows of text; None where there is nothing."""

    @property
    def names(self) -> Sequence[str]:
        """Of the columns, as the file has them."""

    def __iter__(self) -> Iterator[Sequence[str | None]]: ...


@dataclass(frozen=True)
class Columns:
    """What a table is to be made of."""

    names: tuple[str, ...]
    types: tuple[Type, ...]


@dataclass(frozen=True)
class TextFile:
    """A file of text; what it is written in is seen from its first bytes, else UTF-8."""

    path: Path
    encoding: str | None = None

    @contextmanager
    def opened(self) -> Iterator[TextIO]:
        """The text with its line ends as they are.

        Raises ConfigurationError where it is not written in that encoding.
        """
        try:
            with self.path.open("rb") as stream:
                encoding = self.encoding or _encoding_of(stream.read(4))
                stream.seek(0)
                yield TextIOWrapper(stream, encoding=encoding, newline="")
        except UnicodeError as error:
            raise ConfigurationError(
                f"{self.path} is not written in {self.encoding or 'UTF-8'}: {error}. Say what it "
                "is written in: encoding='cp1252', 'latin-1', 'utf-16', …"
            ) from error
        except LookupError as error:
            raise ConfigurationError(f"encoding: {error}.") from error


def columns_of(rows: Rows) -> Columns:
    """The columns with their types, after a look at every row."""
    seen = [Seen() for _ in rows.names]
    for row in rows:
        for value, column in zip(row, seen, strict=True):
            if value is not None:
                column.see(value)
    return Columns(distinct(rows.names), tuple(each.type for each in seen))


def distinct(names: Iterable[str]) -> tuple[str, ...]:
    """Names that can be told apart, also by a database to which A and a are the same."""
    taken: set[str] = set()
    told: list[str] = []
    for place, given in enumerate(names, 1):
        name = wanted = " ".join(given.replace("\0", "").split()) or f"column_{place}"
        number = 2
        while name.casefold() in taken:
            name, number = f"{wanted}_{number}", number + 1
        taken.add(name.casefold())
        told.append(name)
    return tuple(told)


def _encoding_of(head: bytes) -> str:
    return next((name for mark, name in _MARKS if head.startswith(mark)), "utf-8")
