"""A table in a SQLite database. Rows are written in short transactions, so that a reader sees
whole rows, and other programs can write in between.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from agentkit.errors import ConfigurationError
from agentkit.tables.cells import as_text
from agentkit.tables.columns import ENDING, NUMBER
from agentkit.tables.lines import utf8
from agentkit.tables.part_file import PartFile, beside, taken
from agentkit.tables.places import Place

TABLE = "answers"
"""The table where none is named."""

MOST_GATHERED = 500
"""Rows that wait in memory to be written."""

_WAIT = 10.0
"""Seconds that another program's lock is waited for."""

_LARGEST = 2**63 - 1


class TableGathering:
    """Rows of a table whose key `_row` is the row's number; values have SQLite's types."""

    def __init__(self, place: Place, columns: Sequence[str], *, replace: bool) -> None:
        self._table = place.inner or TABLE
        self.name = f"{place.path}::{self._table}"
        self._path = os.path.realpath(place.path)
        self._names = checked_columns(columns)
        marks = ", ".join("?" * (len(columns) + 1))
        self._insert = f"INSERT OR REPLACE INTO {quoted(self._table)} VALUES ({marks})"  # noqa: S608
        self._may_replace = replace
        self._gathered: list[tuple[Any, ...]] = []
        self._unpublished: list[tuple[Any, ...]] = []
        self._is_made = self.was_there = False
        self._former_count = 0
        self._connection: sqlite3.Connection | None = None
        self._part: PartFile | None = None

    def begin(self) -> None:
        """Have the table for oneself, having tried to make it. Raises ConfigurationError."""
        lock = beside(self._path, f"{quote(self._table, safe='')}-part")
        self._part = taken(lock, self.name)
        try:
            self._try()
        except sqlite3.Error as error:
            self.close()
            raise ConfigurationError(
                f"out: {self.name} cannot be written: SQLite says: {error}. Give another name."
            ) from error
        except BaseException:
            self.close()
            raise

    def add(self, index: int, cells: Sequence[Any]) -> bool:
        """Keep a row until the next transaction."""
        self._gathered.append((index, *map(as_stored, cells)))
        return len(self._gathered) >= MOST_GATHERED

    @property
    def is_shorter(self) -> bool:
        """Whether the former table is still there, and has more rows."""
        waiting = len(self._unpublished) + len(self._gathered)
        return not self._is_made and waiting < self._former_count

    def snapshot(self) -> Callable[[], None]:
        """What writes the rows so far in one transaction; those of a failed one go first."""
        rows, self._gathered = self._unpublished + self._gathered, []
        self._unpublished = rows

        def publish() -> None:
            with self._transaction() as connection:
                if not self._is_made:
                    self._make(connection)
                connection.executemany(self._insert, rows)
            self._is_made, self._unpublished = True, []

        return publish

    def close(self) -> None:
        """Close the database."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        part, self._part = self._part, None
        if part is not None:
            part.close()

    def _try(self) -> None:
        """Find out, changing nothing, whether the table can be made."""
        self._connection = sqlite3.connect(
            self._path, timeout=_WAIT, isolation_level=None, check_same_thread=False
        )
        self.was_there = self._is_ours()
        if self.was_there:
            counted = self._connection.execute(f"SELECT count(*) FROM {quoted(self._table)}")  # noqa: S608
            (self._former_count,) = counted.fetchone()
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._make(self._connection)
        finally:
            self._connection.execute("ROLLBACK")

    def _make(self, connection: sqlite3.Connection) -> None:
        table = quoted(self._table)
        names = ", ".join(quoted(name) for name in self._names)
        connection.execute(f"DROP TABLE IF EXISTS {table}")
        connection.execute(f"CREATE TABLE {table} ({NUMBER} INTEGER PRIMARY KEY, {names})")

    def _is_ours(self) -> bool:
        """Whether there is a table that may be replaced. Raises ConfigurationError for another."""
        connection = self._opened
        found = connection.execute(
            "SELECT type FROM sqlite_master WHERE name = ? COLLATE NOCASE", (self._table,)
        ).fetchone()
        if found is None:
            return False
        columns = connection.execute("SELECT name FROM pragma_table_info(?)", (self._table,))
        is_ours = {NUMBER, *ENDING} <= {name for (name,) in columns}
        if found[0] != "table" or not (is_ours or self._may_replace):
            raise ConfigurationError(
                f"out: {self.name} is there, and no job has written it. Name another table, or "
                "have it replaced."
            )
        return True

    @property
    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise ConfigurationError(f"{self.name} is written within `with` only.")
        return self._connection

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._opened
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def checked_columns(columns: Sequence[str]) -> tuple[str, ...]:
    """The names themselves. Raises ConfigurationError where SQLite cannot tell two apart."""
    seen = {NUMBER: NUMBER}
    for name in columns:
        # SQLite takes large letters of ASCII for small ones, and no others
        folded = "".join(each.lower() if each.isascii() else each for each in name)
        if other := seen.get(folded):
            raise ConfigurationError(
                f"out: SQLite takes the columns {other!r} and {name!r} for one. Rename one, or "
                "write to a file."
            )
        if "\0" in name:
            raise ConfigurationError(f"out: SQLite has no column {name!r}. Rename it.")
        seen[folded] = name
    return tuple(columns)


def as_stored(value: Any) -> Any:
    """The value as SQLite keeps it: numbers, text, NULL; true is 1; others are JSON."""
    if value is None or isinstance(value, float):
        return value
    if isinstance(value, int) and abs(value) <= _LARGEST:
        return int(value)
    return utf8(as_text(value)).decode()


def quoted(name: str) -> str:
    """A name in SQL, whatever is in it."""
    escaped = utf8(name).decode().replace('"', '""')
    return f'"{escaped}"'
