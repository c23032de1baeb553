"""The tables that a job reads: a file, a query, standard input, or mappings.

`source_of` gives a Source from whatever the caller has; `checked` reads it once, before anything
is spent. Knows nothing of prompts but which columns they use, and nothing of answers.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from os import PathLike
from typing import BinaryIO

from agentkit.errors import ConfigurationError
from agentkit.tables.mapping_source import mappings_source, waited_source
from agentkit.tables.places import Place, place_of
from agentkit.tables.query_source import query_source
from agentkit.tables.spool import Spool
from agentkit.tables.table import AsyncSource, Row, Rows, Source
from agentkit.tables.template import Prompt
from agentkit.tables.text_source import Text, read_as, text_source

__all__ = [
    "AsyncSource",
    "Row",
    "Rows",
    "Source",
    "checked",
    "rows_of",
    "source_from",
    "source_of",
]


def source_of(rows: Rows, *, kind: str | None = None, stdin: BinaryIO | None = None) -> Source:
    """The table at a path, behind a query (`db.sqlite::select …`), at `-`, or of mappings.

    `kind` is `"csv"`, `"tsv"` or `"jsonl"`, where a name does not say it (`-` is CSV otherwise).
    A file whose name ends in `.gz` is unpacked as it is read. Standard input and the result of a
    query are copied to a temporary file. Raises ConfigurationError for what is no table, and for
    an asynchronous iterable, which `source_from` takes.
    """
    if isinstance(rows, str | PathLike):
        return _at(place_of(rows, kind, "rows"), stdin)
    if isinstance(rows, AsyncIterable):
        raise ConfigurationError("rows: an asynchronous iterable needs source_from(rows).")
    if isinstance(rows, Iterable) and not isinstance(rows, bytes):
        return mappings_source(rows)
    raise ConfigurationError(
        f"rows: expected a path, a query or an iterable of mappings, got {rows!r:.80}."
    )


async def source_from(rows: Rows, *, kind: str | None = None) -> Source | AsyncSource:
    """The same, also of an asynchronous iterable, whose first row is waited for."""
    if isinstance(rows, AsyncIterable):
        return await waited_source(rows)
    return source_of(rows, kind=kind)


@dataclass(frozen=True)
class _Counted:
    """A source whose rows were counted."""

    source: Source
    count: int
    is_once: bool = False

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def columns(self) -> tuple[str, ...]:
        return self.source.columns

    @property
    def origins(self) -> frozenset[str]:
        return self.source.origins

    def __iter__(self) -> Iterator[Row]:
        return iter(self.source)

    def place(self, index: int) -> str:
        return self.source.place(index)


def checked(source: Source, prompt: Prompt) -> Source:
    """The source with its `count`, having read all of it once; the prompt is checked, too.

    One that can be read only once is not read: of it, only the columns are checked. Raises
    ConfigurationError for the first thing that is wrong, naming file, line and remedy. A table
    without rows is none that is wrong; where it has no columns either, no prompt is.
    """
    if not source.columns and source.count == 0:
        return source
    prompt.check(source.columns)
    if source.is_once:
        return source
    used = [name for name in prompt.columns_used if name in source.columns]
    count = 0
    for row in source:
        if lacking := [name for name in used if name not in row]:
            raise ConfigurationError(
                f"{source.name}, {source.place(count)}: it has no {lacking[0]!r}, which the prompt "
                "uses. Give each row one, or leave it out of the prompt."
            )
        count += 1
    return _Counted(source, count)


async def rows_of(source: Source | AsyncSource) -> AsyncIterator[Row]:
    """The rows of either kind of source."""
    if isinstance(source, AsyncIterable):
        async for row in source:
            yield row
    else:
        for row in source:
            yield row


def _at(place: Place, stdin: BinaryIO | None) -> Source:
    if place.kind == "sqlite":
        return query_source(place)
    if place.is_standard:
        spool = Spool.of(stdin or sys.stdin.buffer)
        return read_as(place.kind, Text("standard input", spool.opened))
    if os.path.isdir(place.path):
        raise ConfigurationError(f"rows: {place.path!r} is a folder. Give a file in it.")
    if not os.path.exists(place.path):
        raise ConfigurationError(f"rows: there is no file {place.path!r}.")
    return text_source(place)
