"""What a statement may do in SQLite, decided by SQLite's own reading of it.

Everything is refused that is not named here: SQLite asks for each table, function and PRAGMA while
it compiles a statement, so no spelling gets around it. Source: sqlite.org, "Compile-Time
Authorization Callbacks", "Defense Against The Dark Arts".
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

Authorizer = Callable[[int, str | None, str | None, str | None, str | None], int]

LIMITS = {
    # of a text, a blob or a row
    sqlite3.SQLITE_LIMIT_LENGTH: 1_000_000,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 100_000,
    sqlite3.SQLITE_LIMIT_COLUMN: 2_000,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 500,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 100,
    sqlite3.SQLITE_LIMIT_VDBE_OP: 250_000,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 100,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1_000,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 20,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}

PRAGMAS = (
    "foreign_key_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "table_info",
    "table_list",
    "table_xinfo",
)
"""Those that tell of a schema, whatever their argument is."""

_PRAGMAS_BARE = ("collation_list", "data_version", "encoding", "user_version")
"""Those that only tell where they have no argument; full text asks for `data_version`."""

MODULES = ("json_each", "json_tree", *(f"pragma_{name}" for name in PRAGMAS))
"""Tables that are there without having been made."""

_FUNCTIONS_FOR = {
    "texts": "abs char coalesce concat concat_ws format glob hex if ifnull iif instr length like "
    "likelihood likely lower ltrim max min nullif octet_length printf quote random randomblob "
    "replace round rtrim sign soundex substr substring trim typeof unhex unicode unistr "
    "unistr_quote unlikely upper zeroblob",
    "numbers": "acos acosh asin asinh atan atan2 atanh ceil ceiling cos cosh degrees exp floor ln "
    "log log10 log2 mod pi pow power radians sin sinh sqrt tan tanh trunc",
    "many rows": "avg count group_concat median percentile percentile_cont percentile_disc "
    "string_agg sum total cume_dist dense_rank first_value lag last_value lead nth_value ntile "
    "percent_rank rank row_number",
    "dates": "current_date current_time current_timestamp date datetime julianday strftime time "
    "timediff unixepoch",
    "JSON": "-> ->> json json_array json_array_insert json_array_length json_error_position "
    "json_extract json_group_array json_group_object json_insert json_object json_patch "
    "json_pretty json_quote json_remove json_replace json_set json_type json_valid jsonb "
    "jsonb_array jsonb_array_insert jsonb_extract jsonb_group_array jsonb_group_object "
    "jsonb_insert jsonb_object jsonb_patch jsonb_remove jsonb_replace jsonb_set subtype",
    "full text and areas": "bm25 highlight match matchinfo offsets snippet rtreedepth rtreenode",
    "changes": "changes last_insert_rowid sqlite_version total_changes",
}
_FUNCTIONS = frozenset(name for names in _FUNCTIONS_FOR.values() for name in names.split())

_HIDDEN = ("sqlite_dbpage", "sqlite_stmt", "bytecode", "tables_used", "sqlite_memstat")
"""Raw pages and memory, which hold what was deleted, and other statements of this process."""

_ALWAYS = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE})
_WRITES = frozenset({sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE})


def reading(
    action: int, first: str | None, second: str | None, _database: str | None, _by: str | None
) -> int:
    """The authorizer of a connection that only reads."""
    if action in _ALWAYS or (action == sqlite3.SQLITE_READ and _is_readable(first)):
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in _FUNCTIONS:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_PRAGMA and _only_tells(first, second):
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def writing(
    action: int, first: str | None, second: str | None, database: str | None, by: str | None
) -> int:
    """The authorizer of one that may also change rows; tables stay as they are."""
    is_own = not (first or "").lower().startswith("sqlite_") and database in ("main", None)
    if action in _WRITES and is_own:
        return sqlite3.SQLITE_OK
    return reading(action, first, second, database, by)


def _is_readable(table: str | None) -> bool:
    return (table or "").lower() not in _HIDDEN


def _only_tells(pragma: str | None, argument: str | None) -> bool:
    name = (pragma or "").lower()
    return name in PRAGMAS or (name in _PRAGMAS_BARE and argument is None)
