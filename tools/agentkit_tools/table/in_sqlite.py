"""Files as tables of a SQLite database."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from agentkit import ConfigurationError
from agentkit_tools.sql.described import identifier
from agentkit_tools.table.rows import Columns, Rows, columns_of
from agentkit_tools.table.source import Source
from agentkit_tools.table.types import Type


def load(sources: Sequence[tuple[Source, Rows]], database: Path) -> None:
    """Make the database and put the rows into it. Raises ConfigurationError for bad files."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        for source, rows in sources:
            try:
                _fill(connection, source.name, rows)
            except ConfigurationError:
                raise
            except (ValueError, OverflowError, RecursionError, sqlite3.Error) as error:
                reason = f"{source.path} cannot be taken into SQLite: {error}."
                raise ConfigurationError(reason) from error
        connection.execute("COMMIT")


def _fill(connection: sqlite3.Connection, name: str, rows: Rows) -> None:
    columns = columns_of(rows)
    kinds = [_kind(each) for each in columns.types]
    pairs = zip(columns.names, kinds, strict=True)
    declared = ", ".join(f"{identifier(each)} {kind}" for each, kind in pairs)
    connection.execute(f"CREATE TABLE {identifier(name)} ({declared})")
    places = ", ".join("?" * len(kinds))
    insert = f"INSERT INTO {identifier(name)} VALUES ({places})"  # noqa: S608
    connection.executemany(insert, _values(columns, rows))


def _values(columns: Columns, rows: Rows) -> Iterator[list[object]]:
    read = [_VALUES[_kind(each)] for each in columns.types]
    for row in rows:
        yield [None if value is None else as_(value) for value, as_ in zip(row, read, strict=True)]


def _kind(of: Type) -> str:
    if of.kind == "integer":
        return "INTEGER"
    is_number = of.kind in ("decimal", "real") and of.fits_float
    return "REAL" if is_number else "TEXT"


_VALUES: dict[str, Callable[[str], object]] = {"INTEGER": int, "REAL": float, "TEXT": str}
