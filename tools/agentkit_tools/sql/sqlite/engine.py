"""A SQLite database as an engine: each call opens it anew, so that calls share nothing."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from agentkit import Retry
from agentkit_tools.sql.engine import Shape
from agentkit_tools.sql.near import unknown_column, unknown_table
from agentkit_tools.sql.running import Deadline
from agentkit_tools.sql.shown import Reader
from agentkit_tools.sql.sqlite.opening import SqliteFile
from agentkit_tools.sql.sqlite.shapes import shapes_in

T = TypeVar("T")

_MISSING = re.compile(r"(?:no such|has no) (table|column)(?: named)?:? (\S.*)")
_REFUSED = re.compile(r"not authorized|authorization denied|prohibited")


class SqliteEngine:
    """A SQLite file. Raises ConfigurationError for a path that leads to none."""

    dialect = "SQLite"

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path)
        self.name = path.name

    def shapes(self, deadline: Deadline) -> list[Shape]:
        """Every table and view, without those that SQLite keeps for itself."""
        return self._read(deadline, shapes_in)

    def query(self, sql: str, deadline: Deadline, read: Reader) -> str:
        """What is read of the rows of a query. Raises Retry for one that fails or is refused."""

        def ask(connection: sqlite3.Connection) -> str:
            cursor = connection.execute(sql)
            if cursor.description is None:
                raise Retry("There is no query in that. Give one SELECT.")
            return read([name for name, *_ in cursor.description], cursor)

        with self._spoken(sql, deadline):
            return self._read(deadline, ask)

    def execute(
        self, sql: str, deadline: Deadline, read: Reader, agreed: Callable[[], None]
    ) -> tuple[int, str]:
        """How many rows a statement changed, once that is committed, and what it returned.

        `agreed` is called before the commit, and returns where it may be made.
        """
        with self._spoken(sql, deadline), closing(self._file.to_write(deadline)) as connection:
            with deadline.interrupting(connection.interrupt):
                cursor = connection.execute(sql)
                names = [name for name, *_ in cursor.description or ()]
                returned = read(names, cursor) if names else ""
                cursor.close()
                # rowcount knows no statement that begins with WITH
                (changed,) = connection.execute("SELECT changes()").fetchone()
            connection.set_authorizer(None)
            connection.set_progress_handler(None, 0)
            agreed()
            connection.execute("COMMIT")
            return changed, returned

    def _read(self, deadline: Deadline, work: Callable[[sqlite3.Connection], T]) -> T:
        with (
            closing(self._file.to_read(deadline)) as connection,
            deadline.interrupting(connection.interrupt),
        ):
            return work(connection)

    @contextmanager
    def _spoken(self, sql: str, deadline: Deadline) -> Iterator[None]:
        """Errors in words that the model can act on."""
        try:
            yield
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            raise Retry(self._reason(error, sql, deadline)) from error

    def _reason(self, error: Exception, sql: str, deadline: Deadline) -> str:
        text = str(error).rstrip(".")
        if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_BUSY:
            return "The database is locked by another program. Try again."
        if deadline.is_over:
            return deadline.told
        if "one statement at a time" in text:
            return "Give one statement a call, without a second one behind a semicolon."
        if _REFUSED.search(text):
            return f"Refused: {text}. {_ALLOWED}"
        if "too big" in text:
            return f"{text}: a value has more than 1 MB. Select other columns, or length() of it."
        if "bindings" in text:
            return "Write the values into the SQL: there are no parameters for ? and :name."
        return f"SQLite: {text}. {self._hint(text, sql)}".rstrip()

    def _hint(self, text: str, sql: str) -> str:
        missing = _MISSING.search(text)
        if missing is None:
            return ""
        what, name = missing.groups()
        shapes = self.shapes(Deadline(1))
        if what == "table":
            return unknown_table(name, shapes)
        return unknown_column(name, sql, shapes)


_ALLOWED = (
    "Only the rows of this database can be used: no PRAGMA that sets anything, no ATTACH, no "
    "extensions, no transactions, no changes of tables."
)
