"""Tables that the caller's own program has: an iterable of mappings, of whatever kind."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property
from typing import Any

from agentkit.errors import ConfigurationError
from agentkit.tables.cells import as_json
from agentkit.tables.table import Row
from agentkit.tables.text_source import checked_names

NAME = "rows"
"""What messages call what has no name."""


@dataclass(frozen=True)
class MappingsSource:
    """Mappings that can be read again, as of a list; the columns are the keys of all of them."""

    mappings: Iterable[Any]
    name: str = NAME
    is_once: bool = False
    origins: frozenset[str] = frozenset()

    @property
    def columns(self) -> tuple[str, ...]:
        """The keys of all mappings, in the order of their first appearance."""
        return self._scanned[0]

    @property
    def count(self) -> int:
        """How many mappings there are."""
        return self._scanned[1]

    def __iter__(self) -> Iterator[Row]:
        columns = self.columns
        for number, each in enumerate(self.mappings, 1):
            row = checked_row(each, number)
            yield {name: row[name] for name in columns if name in row}

    def place(self, index: int) -> str:
        """`row 7`."""
        return _place(index)

    @cached_property
    def _scanned(self) -> tuple[tuple[str, ...], int]:
        keys: dict[str, None] = {}
        count = 0
        for number, each in enumerate(self.mappings, 1):
            count = number
            keys.update(dict.fromkeys(checked_row(each, number)))
        return checked_names(tuple(keys), NAME), count


@dataclass(frozen=True)
class _Behind:
    """Mappings behind a first one, which alone has been seen: its keys are the columns."""

    first: Row
    _: KW_ONLY
    name: str = NAME
    count: int | None = None
    is_once: bool = True
    origins: frozenset[str] = frozenset()
    _readers: list[int] = field(default_factory=list)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The keys of the first mapping."""
        return checked_names(tuple(self.first), NAME)


@dataclass(frozen=True)
class OnceSource(_Behind):
    """Mappings that can be read only once; the columns are the keys of the first one."""

    others: Iterator[Any]

    def __iter__(self) -> Iterator[Row]:
        only_once(self._readers)
        yield self.first
        for number, each in enumerate(self.others, 2):
            yield in_order(checked_row(each, number), self.columns, number)

    def place(self, index: int) -> str:
        """`row 7`."""
        return _place(index)


@dataclass(frozen=True)
class WaitedSource(_Behind):
    """Mappings that are waited for; the columns are the keys of the first one."""

    others: AsyncIterator[Any]

    async def __aiter__(self) -> AsyncIterator[Row]:
        only_once(self._readers)
        yield self.first
        number = 1
        async for each in self.others:
            number += 1
            yield in_order(checked_row(each, number), self.columns, number)


def mappings_source(mappings: Iterable[Any]) -> MappingsSource | OnceSource:
    """The table of an iterable. Raises ConfigurationError for one of something else."""
    if isinstance(mappings, Mapping):
        raise ConfigurationError(
            f"{NAME}: expected mappings, one a row, and got a single one. Give a list of them."
        )
    others = iter(mappings)
    if others is not mappings:
        return MappingsSource(mappings)
    for first in others:
        return OnceSource(checked_row(first, 1), others)
    return MappingsSource(())


async def waited_source(mappings: AsyncIterable[Any]) -> WaitedSource | MappingsSource:
    """The table of an asynchronous iterable, whose first mapping is waited for."""
    others = aiter(mappings)
    async for first in others:
        return WaitedSource(checked_row(first, 1), others)
    return MappingsSource(())


def checked_row(row: Any, number: int) -> Row:
    """The row itself. Raises ConfigurationError for what is no mapping that can be written."""
    if not isinstance(row, Mapping):
        raise ConfigurationError(
            f"{NAME}, row {number:,}: expected a mapping of columns to values, got {row!r:.80}. "
            "Of a data frame, give frame.to_dict('records')."
        )
    for key, value in row.items():
        if not isinstance(key, str):
            raise ConfigurationError(f"{NAME}, row {number:,}: the key {key!r:.80} is no text.")
        if value is not None and not isinstance(value, str | int | float):
            _check_value(value, key, number)
    return row


def in_order(row: Row, columns: tuple[str, ...], number: int) -> Row:
    """The row in the order of the columns. Raises ConfigurationError where it has another key."""
    if more := [name for name in row if name not in columns]:
        raise ConfigurationError(
            f"{NAME}, row {number:,}: {more[0]!r} is no column of the first row. Give the first "
            "row all keys, or give a list, which is read before it begins."
        )
    return {name: row[name] for name in columns if name in row}


def only_once(readers: list[int]) -> None:
    """Count a reader. Raises ConfigurationError for a second one."""
    if readers:
        raise ConfigurationError(
            f"{NAME}: they can be read only once, and were. Give a list to read them again."
        )
    readers.append(1)


def _check_value(value: Any, key: str, number: int) -> None:
    try:
        as_json(value)
    except ConfigurationError as error:
        raise ConfigurationError(f"{NAME}, row {number:,}, {key!r}: {error}") from error


def _place(index: int) -> str:
    return f"row {index + 1:,}"
