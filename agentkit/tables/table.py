"""What a table is, to be read and to be written; the files beside this one say how."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from os import PathLike
from types import TracebackType
from typing import Any, Protocol, Self

Row = Mapping[str, Any]
"""A row's cells by column, in the order of the columns; it lacks a column that its line lacks."""

Rows = str | PathLike[str] | Iterable[Row] | AsyncIterable[Row]
"""What a caller may give as a table."""


class Columned(Protocol):
    """What is known of a table before its first row is read."""

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of its columns, in order."""

    @property
    def count(self) -> int | None:
        """How many rows there are, None where that is not known without reading them."""

    @property
    def is_once(self) -> bool:
        """Whether it can be read only once."""

    @property
    def origins(self) -> frozenset[str]:
        """The places that it reads, as `table_for` names its own: those it does not write."""


class Source(Columned, Protocol):
    """A table that is read row by row; never more of it is in memory than a row."""

    def __iter__(self) -> Iterator[Row]:
        """Its rows from the first on. Raises ConfigurationError, naming line and remedy."""

    def place(self, index: int) -> str:
        """Where the row number `index`, from 0 on, stands, for messages: `line 7`."""


class AsyncSource(Columned, Protocol):
    """A table whose rows are waited for; it can be read only once."""

    def __aiter__(self) -> AsyncIterator[Row]:
        """Its rows from the first on. Raises ConfigurationError, naming row and remedy."""


class TableWriter(Protocol):
    """A table while it is written. Left by an error, it publishes the rows that it has, too."""

    @property
    def name(self) -> str:
        """What messages call it: where the results are."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def write(self, index: int, cells: Sequence[Any]) -> None:
        """Take the row number `index`, from 0 on, in any order; a second one of a number replaces.

        Raises AgentkitError where it cannot be written; nothing before it is lost then.
        """

    def finish(self) -> None:
        """Have all rows where they belong, in input order. Raises AgentkitError."""
