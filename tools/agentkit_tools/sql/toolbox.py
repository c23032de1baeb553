"""A database that a model may ask, and where it is said so, change."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TypeVar

from agentkit import ConfigurationError, Retry, Tool, tool
from agentkit_tools.sql.described import detail, overview
from agentkit_tools.sql.engine import Engine, Shape, WritableEngine, counted
from agentkit_tools.sql.near import unknown_table
from agentkit_tools.sql.running import Deadline, Threads, in_time
from agentkit_tools.sql.shown import Caps, Reader
from agentkit_tools.sql.sqlite.bounded import BoundedSqlite

T = TypeVar("T")

CONNECTIONS = 4
"""Calls of one toolbox that are under way at the same time; the others wait."""

_SAMPLES = 3
_SAMPLE_CELL = 80


class Questions:
    """Tools over an engine that only asks: the tables, and the rows of a query."""

    tools: tuple[Tool, ...]
    """In the order in which a model is told of them."""

    def __init__(
        self, engine: Engine, caps: Caps, *, name: str, about: str, untrusted: bool
    ) -> None:
        self._engine, self._caps, self._name = engine, caps, name
        hint = "Use LIMIT and OFFSET for others, or let the database count, sum or filter."
        self._read = Reader(caps, hint)
        self._about, self._untrusted = about, untrusted
        self._threads = Threads(CONNECTIONS, f"agentkit-{name}")
        self.tools = (
            self._tool(self.schema, "schema", f"The tables and columns of {about}."),
            self._tool(
                self.query,
                "query",
                f"Ask {about} with one SELECT in the SQL of {engine.dialect}, and read the "
                f"rows: {caps.rows:,} at most. Look at the columns with {name}_schema first.",
            ),
        )

    async def schema(self, table: str | None = None) -> str:
        """The tables and columns; of one table also its keys and some rows.

        Args:
            table: Name of a table, to learn more of it. Without one, all are listed.
        """
        return await self._run(partial(self._described, table))

    async def query(self, sql: str) -> str:
        """The rows of one SELECT.

        Args:
            sql: One SELECT statement. For parts of many rows use LIMIT and OFFSET with ORDER BY.
        """
        return await self._run(lambda deadline: self._engine.query(sql, deadline, self._read))

    def _tool(self, method: Callable[..., object], what: str, text: str) -> Tool:
        return tool(
            method,
            name=f"{self._name}_{what}",
            description=text,
            effect="read",
            untrusted=self._untrusted,
            # the engine stops earlier, and can say why
            timeout=self._caps.timeout + 5,
            max_output=self._caps.bytes + 5_000,
        )

    async def _run(self, work: Callable[[Deadline], T]) -> T:
        deadline = Deadline(self._caps.timeout)
        return await in_time(self._threads, deadline, partial(work, deadline))

    def _described(self, table: str | None, deadline: Deadline) -> str:
        shapes = self._engine.shapes(deadline)
        most = self._caps.bytes
        if not table:
            ask = f"Call {self._name}_schema with a table for its keys and some of its rows."
            return overview(shapes, self._engine.dialect, most, ask)
        shape = _named(table, shapes)
        caps = Caps(_SAMPLES, most // 2, _SAMPLE_CELL)
        sample = self._engine.query(
            f"SELECT * FROM {shape.name} LIMIT {_SAMPLES}",  # noqa: S608 - quoted by the engine
            deadline,
            Reader(caps),
        )
        return f"{detail(shape, most // 2)}\nSome of its rows:\n{sample.rpartition(chr(10))[0]}"


class Sql(Questions):
    """Tools over a SQLite or PostgreSQL database: `sql_schema`, `sql_query`, `sql_execute`.

    Reads only. With `writable` there is `sql_execute` too, for one INSERT, UPDATE or DELETE a
    call, which a person has to agree to. `name` is what the tools' names begin with; `timeout` is
    seconds of one call; `untrusted` says that others may have written what is in the database.

    Raises ConfigurationError for a database that there is not. PostgreSQL (`postgresql://…`, with
    `pip install 'agentkit[postgres]'`) is connected to by the first call.
    """

    def __init__(
        self,
        url_or_path: str | PathLike[str],
        *,
        name: str = "sql",
        writable: bool = False,
        max_rows: int = 100,
        max_bytes: int = 20_000,
        timeout: float = 10.0,
        allow_superuser: bool = False,
        untrusted: bool = False,
    ) -> None:
        caps = Caps(max_rows, max_bytes, timeout=timeout)
        engine = _engine(url_or_path, checked(caps), allow_superuser)
        about = f"the {engine.dialect} database {engine.name!r}"
        super().__init__(engine, caps, name=name, about=about, untrusted=untrusted)
        self._writable = engine if writable else None
        if writable:
            self.tools = (*self.tools, self._writing())

    async def execute(self, sql: str) -> str:
        """Change rows with one INSERT, UPDATE or DELETE; says how many.

        Args:
            sql: One INSERT, UPDATE or DELETE statement, perhaps with RETURNING.
        """
        if (engine := self._writable) is None:
            raise ConfigurationError("This database is only read. Say Sql(…, writable=True).")
        changed, returned = await self._run(
            lambda deadline: engine.execute(sql, deadline, self._read)
        )
        told = f"{counted(changed)} changed."
        return f"{told}\n{returned}".rstrip()

    def _writing(self) -> Tool:
        return tool(
            self.execute,
            name=f"{self._name}_execute",
            description=f"Change {self._about} with one INSERT, UPDATE or DELETE, which is "
            "committed at once. Says how many rows were changed.",
            effect="once",
            approval=True,
            untrusted=self._untrusted,
            timeout=self._caps.timeout + 5,
            max_output=self._caps.bytes + 5_000,
        )


def checked(caps: Caps) -> Caps:
    """The caps themselves. Raises ConfigurationError for one that lets nothing through."""
    for option, value in (
        ("max_rows", caps.rows),
        ("max_bytes", caps.bytes),
        ("timeout", caps.timeout),
    ):
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise ConfigurationError(f"{option}: expected a number above 0, got {value!r:.80}.")
    return caps


def _engine(place: str | PathLike[str], caps: Caps, allow_superuser: bool) -> WritableEngine:
    given = str(place)
    scheme, separator, rest = given.partition("://")
    if not separator and not given.startswith("file:") and given not in ("", ":memory:"):
        return BoundedSqlite(Path(given))
    if scheme == "sqlite" and rest.startswith("/"):
        return BoundedSqlite(Path(rest[1:]))
    if scheme in ("postgresql", "postgres"):
        from agentkit_tools.sql.postgres import PostgresEngine

        return PostgresEngine(given, caps, allow_superuser)
    shown = f"{scheme}://…" if separator else repr(given)
    raise ConfigurationError(
        f"url_or_path: expected the path of a SQLite database that is there, or a URL that "
        f"begins with postgresql://, got {shown}."
    )


def _named(table: str, shapes: list[Shape]) -> Shape:
    wanted = table.replace('"', "").casefold()
    named = [shape for shape in shapes if shape.name.replace('"', "").casefold() == wanted]
    ends = [
        shape for shape in shapes if shape.name.replace('"', "").casefold().endswith(f".{wanted}")
    ]
    if found := named or ends:
        return found[0]
    raise Retry(f"There is no table {table!r}. {unknown_table(table, shapes)}")
