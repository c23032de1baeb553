"""Files as tables of a DuckDB database, and that database as an engine, locked.

DuckDB reads no file of the caller's but Parquet, and that before it is locked: of the others it is
given the rows, with the types that were found here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentkit import ConfigurationError, Retry
from agentkit_tools.sql.described import identifier
from agentkit_tools.sql.engine import Column, Shape, counted
from agentkit_tools.sql.near import unknown_column, unknown_table
from agentkit_tools.sql.running import Deadline
from agentkit_tools.sql.shown import Reader
from agentkit_tools.table.rows import Rows, columns_of
from agentkit_tools.table.source import Source
from agentkit_tools.table.types import Type

if TYPE_CHECKING:
    import duckdb
    from duckdb import DuckDBPyConnection

_NOTHING_FROM_OUTSIDE: Mapping[str, str] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_unsigned_extensions": "false",
    # `FROM rows` must not find a variable of the program
    "python_enable_replacements": "false",
    "temp_directory": "",
}
_LOCKED: Mapping[str, str] = {
    **_NOTHING_FROM_OUTSIDE,
    "access_mode": "READ_ONLY",
    "enable_external_access": "false",
    "lock_configuration": "true",
    "memory_limit": "1GB",
    "threads": "2",
}

_NO_TABLE = re.compile(r"Table with name (\S+) does not exist")
_NO_COLUMN = re.compile(
    r'Referenced column "([^"]+)" not found|does not have a column named "([^"]+)"'
)
_ABOUT_THE_MACHINE = re.compile(
    r"\b(?:duckdb_(?:settings|databases|secrets|extensions|logs|log_contexts|memory|temporary_files"
    r"|prepared_statements|variables)|pragma_\w+|current_setting|getenv|getvariable|write_log|query"
    r"|query_table|checkpoint|force_checkpoint|which_secret|\w*_scan\w*|python_\w+|read_\w+|glob"
    r"|sniff_csv|parquet_\w+|sleep_ms|enable_\w+|disable_\w+|truncate_\w+|set_\w+)\s*\(",
    re.IGNORECASE,
)
_KINDS = {"integer": "BIGINT", "real": "DOUBLE", "date": "DATE", "text": "VARCHAR"}


def load(sources: Sequence[tuple[Source, Rows | None]], database: Path) -> None:
    """Make the database and put the rows into it. Raises ConfigurationError for bad files."""
    import duckdb

    connection = duckdb.connect(str(database), config=dict(_NOTHING_FROM_OUTSIDE))
    try:
        for source, rows in sources:
            try:
                _fill(connection, source, rows, database.parent)
            except ConfigurationError:
                raise
            except (ValueError, RecursionError, duckdb.Error) as error:
                reason = f"{source.path} cannot be taken into DuckDB: {_first_line(error)}."
                raise ConfigurationError(reason) from error
    finally:
        connection.close()


class DuckdbEngine:
    """A DuckDB database that can no longer open a file, change a setting or be changed."""

    dialect = "DuckDB"

    def __init__(self, database: Path) -> None:
        import duckdb

        self._connection = duckdb.connect(str(database), config=dict(_LOCKED))

    def shapes(self, deadline: Deadline) -> list[Shape]:
        """The tables, with their columns and how many rows they have."""
        with self._cursor(deadline) as cursor:
            tables = cursor.execute(
                "SELECT table_name, estimated_size FROM duckdb_tables() ORDER BY lower(table_name)"
            ).fetchall()
            return [
                Shape(identifier(name), _columns(cursor, name), rows=counted(count))
                for name, count in tables
            ]

    def query(self, sql: str, deadline: Deadline, read: Reader) -> str:
        """What is read of the rows of a query. Raises Retry for one that fails or is refused."""
        with self._spoken(sql, deadline), self._cursor(deadline) as cursor:
            cursor.execute("BEGIN TRANSACTION READ ONLY")
            cursor.execute(_only_query(sql))
            names = [name for name, *_ in cursor.description or ()]
            return read(names, iter(cursor.fetchone, None))

    @contextmanager
    def _cursor(self, deadline: Deadline) -> Iterator[DuckDBPyConnection]:
        cursor = self._connection.cursor()
        try:
            with deadline.interrupting(cursor.interrupt):
                yield cursor
        finally:
            cursor.close()

    @contextmanager
    def _spoken(self, sql: str, deadline: Deadline) -> Iterator[None]:
        import duckdb

        try:
            yield
        except (duckdb.Error, UnicodeError) as error:
            raise Retry(self._reason(error, sql, deadline)) from error

    def _reason(self, error: Exception, sql: str, deadline: Deadline) -> str:
        if deadline.is_over:
            return deadline.told
        text = _first_line(error).rstrip(".!")
        shapes = self.shapes(Deadline(1))
        if (table := _NO_TABLE.search(text)) is not None:
            return f"DuckDB: {text}. {unknown_table(table[1], shapes)}"
        if (column := _NO_COLUMN.search(text)) is not None:
            return f"DuckDB: {text}. {unknown_column(column[1] or column[2], sql, shapes)}"
        return f"DuckDB: {text}."


def _only_query(sql: str) -> str:
    """The SQL, where DuckDB itself reads one SELECT in it. Raises Retry for anything else."""
    import duckdb

    statements = duckdb.extract_statements(sql)
    if len(statements) != 1:
        raise Retry("Give one SELECT a call, without a second statement behind a semicolon.")
    if not _is_query(statements[0]):
        raise Retry("Refused: only the rows of these tables can be asked for, with SELECT.")
    if (named := _ABOUT_THE_MACHINE.search(sql)) is not None:
        raise Retry(f"Refused: {named[0].rstrip('( ')} is not for queries of these tables.")
    return sql


def _is_query(statement: duckdb.Statement) -> bool:
    import duckdb

    try:
        kind = statement.type
    except ValueError:  # one that DuckDB's own list for Python does not have
        return False
    return kind in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)


def _fill(connection: Any, source: Source, rows: Rows | None, folder: Path) -> None:
    table = identifier(source.name)
    if rows is None:
        # by a name of ours: a * or [ of the caller's would be a pattern
        link = folder / "rows.parquet"
        link.symlink_to(source.path)
        connection.execute(
            f"CREATE TABLE {table} AS SELECT * FROM "  # noqa: S608
            f"read_parquet({_literal(str(link))}, hive_partitioning = false)"
        )
        link.unlink()
        return
    columns = columns_of(rows)
    kinds = [_kind(each) for each in columns.types]
    pairs = zip(columns.names, kinds, strict=True)
    connection.execute(
        f"CREATE TABLE {table} ({', '.join(f'{identifier(name)} {kind}' for name, kind in pairs)})"
    )
    copy = folder / "rows.csv"
    longest = _write(rows, copy)
    given = ", ".join(f"'c{place}': '{kind}'" for place, kind in enumerate([*kinds, "VARCHAR"]))
    taken = ", ".join(f"c{place}" for place in range(len(kinds)))
    connection.execute(
        f"INSERT INTO {table} SELECT {taken} FROM read_csv({_literal(str(copy))}, "  # noqa: S608
        f"columns = {{{given}}}, auto_detect = false, header = false, delim = ',', quote = '\"', "
        "escape = '\"', new_line = '\\n', nullstr = '', allow_quoted_nulls = false, "
        f"parallel = false, max_line_size = {longest + 1_000_000})"
    )
    copy.unlink()


def _write(rows: Rows, copy: Path) -> int:
    """A copy that is read in one way only: every value in quotes, what is NULL empty.

    Gives the bytes of the longest row. Each ends with a cell more, so that none is an empty line.
    """
    longest = 0
    with copy.open("w", encoding="utf-8", newline="") as stream:
        for row in rows:
            cells = ["" if each is None else '"{}"'.format(each.replace('"', '""')) for each in row]
            line = ",".join([*cells, '"."\n'])
            longest = max(longest, len(line.encode()))
            stream.write(line)
    return longest


def _kind(of: Type) -> str:
    return f"DECIMAL(18, {of.scale})" if of.kind == "decimal" else _KINDS[of.kind]


def _columns(cursor: Any, table: str) -> tuple[Column, ...]:
    found = cursor.execute(
        "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ? "
        "ORDER BY column_index",
        [table],
    ).fetchall()
    return tuple(Column(identifier(name), type_) for name, type_ in found)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _literal(text: str) -> str:
    return "'{}'".format(text.replace("'", "''"))
