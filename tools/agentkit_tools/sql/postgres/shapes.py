"""The tables of a PostgreSQL database, as a model has to know them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from agentkit_tools.sql.engine import Column, Shape

if TYPE_CHECKING:
    from agentkit_tools.sql.postgres.line import Line

_KINDS = {"r": "table", "p": "table", "v": "view", "m": "materialized view", "f": "foreign table"}

# with only pg_catalog to look in, nobody else's function or operator is run, and the names that
# the server gives are whole
_ONLY_CATALOG = "SET LOCAL search_path = pg_catalog"

_FOUND = """
SELECT c.oid::text, c.relkind::text, c.reltuples::bigint::text, n.nspname = ANY (%s),
  quote_ident(c.relname), quote_ident(n.nspname), obj_description(c.oid, 'pg_class')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')
ORDER BY 4 DESC, n.nspname, c.relname
"""
_COLUMNS = """
SELECT a.attrelid::text, quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
  a.attnotnull, col_description(a.attrelid, a.attnum), t.labels
FROM pg_attribute a LEFT JOIN (
  SELECT enumtypid, string_agg(enumlabel, ', ' ORDER BY enumsortorder) AS labels
  FROM pg_enum GROUP BY enumtypid
) t ON t.enumtypid = a.atttypid
WHERE a.attnum > 0 AND NOT a.attisdropped
  AND has_column_privilege(a.attrelid, a.attnum, 'SELECT') AND a.attrelid IN (%s)
ORDER BY a.attrelid, a.attnum
"""
_KEYS = """
SELECT conrelid::text, pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype IN ('p', 'u', 'f') AND conrelid IN (%s)
ORDER BY conrelid, contype DESC, conname
"""


def shapes_in(line: Line) -> list[Shape]:
    """Every table and view that the role may read, those first that need no schema before them."""
    schemas = _one(
        line, "SELECT pg_catalog.array_to_string(pg_catalog.current_schemas(false), ',')"
    )
    line.execute(_ONLY_CATALOG)
    # as literals: with parameters, psycopg would need to know the types
    listed = ", ".join(_literal(each) for each in schemas.split(",")) or "''"
    found = line.execute(_FOUND.replace("%s", f"ARRAY[{listed}]::text[]")).fetchall()
    if not found:
        return []
    oids = ", ".join(row[0] for row in found)
    columns, keys = defaultdict(list), defaultdict(list)
    for oid, name, type_, is_required, comment, labels in line.execute(
        _COLUMNS.replace("%s", oids)
    ):
        columns[oid].append(_column(name, type_, is_required == "t", comment, labels))
    for oid, definition in line.execute(_KEYS.replace("%s", oids)):
        keys[oid].append(str(definition))
    return [_shape(row, tuple(columns[row[0]]), tuple(keys[row[0]])) for row in found]


def _column(
    name: str, type_: str, is_required: bool, comment: str | None, labels: str | None
) -> Column:
    notes = [
        f"({labels})" if labels else "",
        "not null" if is_required else "",
        f"-- {comment}" if comment else "",
    ]
    return Column(name, type_, tuple(filter(None, notes)))


def _shape(row: tuple[Any, ...], columns: tuple[Column, ...], keys: tuple[str, ...]) -> Shape:
    _, kind, estimate, is_near, name, schema, comment = row
    # -1 where the server has not looked yet
    rows = f"about {int(estimate):,} rows" if int(estimate) > 0 and kind in "rpm" else ""
    notes = (*([str(comment)] if comment else []), *keys)
    whole = name if is_near == "t" else f"{schema}.{name}"
    return Shape(whole, columns, _KINDS[kind], notes, rows)


def _one(line: Line, sql: str) -> str:
    (value,) = line.execute(sql).fetchone() or ("",)
    return str(value or "")


def _literal(text: str) -> str:
    return "'{}'".format(text.replace("'", "''"))
