"""The rows of a SQLite query.

The result is copied to a temporary file at once: a job of hours must keep no lock on the database,
and reads the same rows each time.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from agentkit.encoding import decode, encode
from agentkit.errors import ConfigurationError
from agentkit.tables.places import Place, place_of_table
from agentkit.tables.spool import Spool
from agentkit.tables.table import Row
from agentkit.tables.text_source import checked_names

_WAIT = 10.0
"""Seconds that another program's lock is waited for."""

_REFUSED = (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH)
"""What a file that is open for reading does not keep a statement from."""


@dataclass(frozen=True)
class QuerySource:
    """What a query gave; values have SQLite's types: int, float, str, None."""

    name: str
    columns: tuple[str, ...]
    count: int
    origins: frozenset[str]
    rows: Spool
    is_once: bool = False

    def __iter__(self) -> Iterator[Row]:
        with self.rows.opened() as lines:
            for line in lines:
                yield dict(zip(self.columns, decode(line), strict=True))

    def place(self, index: int) -> str:
        """`row 7`."""
        return f"row {index + 1:,}"


def query_source(place: Place) -> QuerySource:
    """The rows of a query. Raises ConfigurationError where it gives none or would write."""
    if not os.path.isfile(place.path):
        raise ConfigurationError(f"rows: there is no file {place.path!r}.")
    name, statement = place.path, (place.inner or "").strip()
    try:
        with closing(_opened(place.path)) as connection:
            if not statement:
                raise ConfigurationError(_no_statement(connection, name))
            return _read(connection, place, statement)
    except sqlite3.Error as error:
        raise ConfigurationError(
            f"{name}: SQLite says: {error}. Give one statement that reads: {name}::select …"
        ) from error


def _opened(path: str) -> sqlite3.Connection:
    uri = f"file:{quote(os.path.abspath(path))}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, timeout=_WAIT)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _read(connection: sqlite3.Connection, place: Place, statement: str) -> QuerySource:
    read: set[str] = set()

    def authorized(action: int, first: str | None, *_: str | None) -> int:
        if action == sqlite3.SQLITE_READ and first:
            read.add(first)
        return sqlite3.SQLITE_DENY if action in _REFUSED else sqlite3.SQLITE_OK

    connection.set_authorizer(authorized)
    cursor = connection.execute(statement)
    if cursor.description is None:
        raise ConfigurationError(
            f"{place.path}: the statement gives no rows. Give one that does: select …"
        )
    columns = checked_names([each[0] for each in cursor.description], place.path)
    spooled = _Spooled(place.path, columns, cursor)
    rows = Spool.of_lines(spooled)
    origins = frozenset(place_of_table(place.path, table) for table in read)
    return QuerySource(place.path, columns, spooled.count, origins, rows)


@dataclass
class _Spooled:
    """The rows as lines of JSON, counted as they come."""

    name: str
    columns: tuple[str, ...]
    cursor: sqlite3.Cursor
    count: int = 0

    def __iter__(self) -> Iterator[bytes]:
        for row in self.cursor:
            self.count += 1
            if any(isinstance(value, bytes) for value in row):
                raise self._bytes(row)
            yield _line(row)

    def _bytes(self, row: tuple[Any, ...]) -> ConfigurationError:
        pairs = zip(self.columns, row, strict=True)
        column = next(name for name, value in pairs if isinstance(value, bytes))
        return ConfigurationError(
            f"{self.name}, row {self.count:,}: {column!r} has bytes. Select it as text: "
            f'hex("{column}"), or cast("{column}" as text).'
        )


def _line(row: tuple[Any, ...]) -> bytes:
    # JSON has no infinity; Python's own dialect of it does
    has_float = any(isinstance(value, float) for value in row)
    return json.dumps(row).encode() if has_float else encode(row)


def _no_statement(connection: sqlite3.Connection, name: str) -> str:
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
    named = ", ".join(sorted(table for (table,) in tables)[:20]) or "none"
    return f'rows: say what of {name} to read: "{name}::select …". Its tables: {named}.'
