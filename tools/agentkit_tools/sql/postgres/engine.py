"""A PostgreSQL database as an engine: the server's own grammar says what is a query.

A query is declared as a cursor, which takes one SELECT and nothing else, in a transaction that
reads only; a write is prepared, which takes one statement that has to do with rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from agentkit import Retry
from agentkit_tools.sql.engine import Shape
from agentkit_tools.sql.near import unknown_column, unknown_table
from agentkit_tools.sql.postgres.line import Server, rows_of, values_of
from agentkit_tools.sql.postgres.rules import check
from agentkit_tools.sql.postgres.shapes import shapes_in
from agentkit_tools.sql.running import Deadline
from agentkit_tools.sql.shown import Caps, Reader

if TYPE_CHECKING:
    import psycopg

    from agentkit_tools.sql.postgres.line import Line

_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITING = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"

_CHANGES = ("INSERT", "UPDATE", "DELETE", "MERGE")
"""What a server says it has done, where it has changed rows."""

_QUOTED = re.compile(r'(?:column|relation) "?([^" ]+)"? does not exist')
_NO_COLUMN, _NO_TABLE, _CANCELLED, _SYNTAX = "42703", "42P01", "57014", "42601"


class PostgresEngine:
    """A database on a server. Raises ConfigurationError for a URL that cannot be read."""

    dialect = "PostgreSQL"

    def __init__(self, url: str, caps: Caps, allow_superuser: bool) -> None:
        self._server = Server(url, allow_superuser)
        self.name = self._server.database
        self._caps = caps

    def shapes(self, deadline: Deadline) -> list[Shape]:
        """Every table and view that the role may read, without those of the server."""
        with self._server.transaction(_READING, deadline) as line:
            return shapes_in(line)

    def query(self, sql: str, deadline: Deadline, read: Reader) -> str:
        """What is read of the rows of a query. Raises Retry for one that fails or is refused."""
        check(sql)
        with self._spoken(sql, deadline), self._server.transaction(_READING, deadline) as line:
            # prepare=True sends it as one statement: the server refuses a second
            line.execute(f"DECLARE agentkit NO SCROLL CURSOR FOR {sql}", prepare=True)
            # columns first, since a stream of no rows has none
            columns = _columns(line)
            with line.cursor() as cursor:
                # one more than is shown tells that there are more
                rows = rows_of(cursor, f"FETCH FORWARD {self._caps.rows + 1} FROM agentkit")
                try:
                    return read(columns, rows)
                finally:
                    rows.close()

    def execute(self, sql: str, deadline: Deadline, read: Reader) -> tuple[int, str]:
        """How many rows a statement changed, once that is committed, and what it returned."""
        check(sql)
        with self._spoken(sql, deadline), self._server.transaction(_WRITING, deadline) as line:
            # what can be prepared is a SELECT, INSERT, UPDATE, DELETE, MERGE or CREATE TABLE AS
            line.execute(f"PREPARE agentkit AS {sql}", prepare=True)
            cursor = line.execute("EXECUTE agentkit")
            columns = [column.name for column in cursor.description or ()]
            returned = read(columns, values_of(cursor)) if columns else ""
            if not (cursor.statusmessage or "").startswith(_CHANGES):
                raise Retry("Nothing was changed: give one INSERT, UPDATE, DELETE or MERGE.")
            line.execute("COMMIT")
            return cursor.rowcount, returned

    @contextmanager
    def _spoken(self, sql: str, deadline: Deadline) -> Iterator[None]:
        """Errors in words that the model can act on."""
        from psycopg import Error

        try:
            yield
        except Error as error:
            reason = self._reason(error, sql, deadline)
            raise Retry(self._server.hidden(reason)) from None

    def _reason(self, error: psycopg.Error, sql: str, deadline: Deadline) -> str:
        code = error.sqlstate
        said = (error.diag.message_primary or str(error).partition("\n")[0]).rstrip(".")
        if deadline.is_over or code == _CANCELLED:
            return deadline.told
        if "multiple commands" in said:
            return "Give one statement a call, without a second one behind a semicolon."
        if code == _SYNTAX:
            return (
                f"PostgreSQL: {said}. Give one SELECT, or where rows are to change one "
                "INSERT, UPDATE or DELETE."
            )
        hint = error.diag.message_hint or self._hint(code, said, sql)
        return f"PostgreSQL: {said}. {hint}".rstrip()

    def _hint(self, code: str | None, said: str, sql: str) -> str:
        quoted = _QUOTED.search(said)
        if quoted is None or code not in (_NO_COLUMN, _NO_TABLE):
            return ""
        shapes = self.shapes(Deadline(self._caps.timeout))
        if code == _NO_TABLE:
            return unknown_table(quoted[1], shapes)
        return unknown_column(quoted[1], sql, shapes)


def _columns(line: Line) -> list[str]:
    cursor = line.execute("FETCH FORWARD 0 FROM agentkit")
    return [column.name for column in cursor.description or ()]
