"""The cache of a SQLite store: what it keeps of models' answers, given a connection."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from agentkit.encoding import Wire
from agentkit.stores.moments import microseconds, moment
from agentkit.stores.protocol import CachedAnswers
from agentkit.stores.rows import AnswerRow, answer_of
from agentkit.stores.sqlite_file import DatabaseFile

_EVER = 2**62
"""Before or behind any time."""


def cached(
    connection: sqlite3.Connection, key: str, since: datetime | None, file: DatabaseFile
) -> Wire | None:
    """The answer under the key, None where there is none from that time on."""
    found = connection.execute(
        "SELECT CAST(value AS BLOB) FROM answers WHERE key = ? AND at >= ?",
        (key, -_EVER if since is None else microseconds(since)),
    ).fetchone()
    return answer_of(key, found[0], f" in {file.path}") if found else None


def cache(connection: sqlite3.Connection, row: AnswerRow, at: datetime) -> None:
    """Keep an answer in place of what was there."""
    connection.execute(
        "INSERT INTO answers(key, model, size, at, value) VALUES (?,?,?,?,?) ON CONFLICT(key)"
        " DO UPDATE SET model = excluded.model, size = excluded.size, at = excluded.at,"
        " value = excluded.value",
        (row.key, row.model, row.size, microseconds(at), row.body),
    )


def cached_answers(connection: sqlite3.Connection) -> list[CachedAnswers]:
    """What is kept of each model, by name."""
    rows = connection.execute(
        "SELECT model, count(*), sum(size), min(at), max(at) FROM answers"
        " GROUP BY model ORDER BY model"
    )
    return [
        CachedAnswers(model, count, size, moment(oldest), moment(newest))
        for model, count, size, oldest, newest in rows
    ]


def prune(connection: sqlite3.Connection, before: datetime | None) -> int:
    """Take away what was kept before that time, all for None; how many there were."""
    end = _EVER if before is None else microseconds(before)
    return connection.execute("DELETE FROM answers WHERE at < ?", (end,)).rowcount
