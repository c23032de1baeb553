"""The cache of a PostgreSQL store: what it keeps of models' answers, given a connection."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from agentkit.encoding import Wire
from agentkit.stores.protocol import CachedAnswers
from agentkit.stores.rows import AnswerRow, answer_of

if TYPE_CHECKING:
    from agentkit.stores.postgres_pool import Connection

_CACHED = """
    SELECT value FROM agentkit_answers
    WHERE key = %(key)s AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
"""
_CACHE = """
    INSERT INTO agentkit_answers (key, model, size, at, value) VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (key) DO UPDATE SET model = excluded.model, size = excluded.size,
        at = excluded.at, value = excluded.value
"""
# by bytes, as SQLite sorts: in the database's own order the same names may come otherwise
_LISTED = """
    SELECT model, count(*), sum(size)::bigint, min(at), max(at) FROM agentkit_answers
    GROUP BY model ORDER BY model COLLATE "C"
"""
_PRUNE = """
    DELETE FROM agentkit_answers
    WHERE %(before)s::timestamptz IS NULL OR at < %(before)s
"""


def cached(connection: Connection, key: str, since: datetime | None) -> Wire | None:
    """The answer under the key, None where there is none from that time on."""
    found = connection.execute(_CACHED, {"key": key, "since": since}).fetchone()
    return answer_of(key, found[0]) if found else None


def cache(connection: Connection, row: AnswerRow, at: datetime) -> None:
    """Keep an answer in place of what was there."""
    connection.execute(_CACHE, [row.key, row.model, row.size, at, row.body])


def cached_answers(connection: Connection) -> list[CachedAnswers]:
    """What is kept of each model, by name."""
    return [CachedAnswers(*row) for row in connection.execute(_LISTED)]


def prune(connection: Connection, before: datetime | None) -> int:
    """Take away what was kept before that time, all for None; how many there were."""
    return connection.execute(_PRUNE, {"before": before}).rowcount
