"""The tables of a SQLite database, as a model has to know them."""

from __future__ import annotations

import sqlite3
from collections import defaultdict

from agentkit_tools.sql.described import identifier
from agentkit_tools.sql.engine import Column, Shape, counted

_COUNTED = 100_000
"""Rows up to which they are counted."""

_MOST_COUNTED = 50
"""Tables up to which rows are counted at all."""

_TABLES = """
SELECT name, type FROM sqlite_master AS made
WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
-- what a module keeps its rows in is its own
AND NOT EXISTS (
  SELECT 1 FROM sqlite_master AS virtual
  WHERE virtual.sql LIKE 'CREATE VIRTUAL TABLE%' AND made.name <> virtual.name
  AND substr(made.name, 1, length(virtual.name) + 1) = virtual.name || '_'
)
ORDER BY name COLLATE NOCASE
"""


def shapes_in(connection: sqlite3.Connection) -> list[Shape]:
    """Every table and view with its columns and keys."""
    tables = connection.execute(_TABLES).fetchall()
    is_counted = len(tables) <= _MOST_COUNTED
    return [_shape(connection, name, kind, is_counted) for name, kind in tables]


def _shape(connection: sqlite3.Connection, name: str, kind: str, is_counted: bool) -> Shape:
    rows = _rows(connection, name) if is_counted and kind == "table" else ""
    try:
        columns, notes = _columns(connection, name), _notes(connection, name)
    except sqlite3.OperationalError as error:  # a view of what is no longer there
        return Shape(identifier(name), (), kind, (f"cannot be read: {error}",))
    return Shape(identifier(name), columns, kind, notes, rows)


def _columns(connection: sqlite3.Connection, table: str) -> tuple[Column, ...]:
    references = {source: f"→ {there}" for source, there in _references(connection, table)}
    found = connection.execute(
        'SELECT name, type, "notnull", pk, hidden FROM pragma_table_xinfo(?)', (table,)
    ).fetchall()
    keys = [name for name, _, _, place, _ in found if place]
    columns = []
    for name, type_, is_required, place, hidden in found:
        if hidden == 1:  # what virtual tables take as arguments
            continue
        notes = [
            "primary key" if place and len(keys) == 1 else "",
            "not null" if is_required else "",
            references.get(name, ""),
        ]
        columns.append(Column(identifier(name), type_, tuple(filter(None, notes))))
    return tuple(columns)


def _references(connection: sqlite3.Connection, table: str) -> list[tuple[str, str]]:
    """Columns that refer to a column elsewhere, where one column does it alone."""
    return [
        (columns[0], f"{identifier(there)}({identifier(targets[0])})" if targets[0] else there)
        for there, columns, targets in _foreign_keys(connection, table)
        if len(columns) == 1
    ]


def _foreign_keys(
    connection: sqlite3.Connection, table: str
) -> list[tuple[str, list[str], list[str]]]:
    found = connection.execute(
        'SELECT id, "table", "from", "to" FROM pragma_foreign_key_list(?) ORDER BY id, seq',
        (table,),
    )
    keys: dict[int, tuple[str, list[str], list[str]]] = defaultdict(lambda: ("", [], []))
    for number, there, source, target in found:
        _, columns, targets = keys[number]
        keys[number] = (there, [*columns, source], [*targets, target or ""])
    return list(keys.values())


def _notes(connection: sqlite3.Connection, table: str) -> tuple[str, ...]:
    """The keys that take more than one column, and what is unique or indexed."""
    keys = connection.execute(
        "SELECT name FROM pragma_table_xinfo(?) WHERE pk > 0 ORDER BY pk", (table,)
    ).fetchall()
    notes = [f"primary key ({_listed([name for (name,) in keys])})"] if len(keys) > 1 else []
    for there, columns, targets in _foreign_keys(connection, table):
        if len(columns) > 1:
            notes.append(f"({_listed(columns)}) → {identifier(there)}({_listed(targets)})")
    indexes = connection.execute(
        "SELECT name, \"unique\" FROM pragma_index_list(?) WHERE origin <> 'pk'", (table,)
    ).fetchall()
    for name, is_unique in indexes:
        parts = connection.execute("SELECT name FROM pragma_index_info(?)", (name,)).fetchall()
        columns = [part if part is not None else "(an expression)" for (part,) in parts]
        notes.append(f"{'unique' if is_unique else 'index'} ({_listed(columns)})")
    return tuple(notes)


def _rows(connection: sqlite3.Connection, table: str) -> str:
    sql = f"SELECT count(*) FROM (SELECT 1 FROM {identifier(table)} LIMIT {_COUNTED + 1})"  # noqa: S608
    try:
        (count,) = connection.execute(sql).fetchone()
    except sqlite3.OperationalError:  # a module that this SQLite does not have
        return ""
    if count > _COUNTED:
        return f"more than {_COUNTED:,} rows"
    return counted(count)


def _listed(names: list[str]) -> str:
    return ", ".join(identifier(name) for name in names)
