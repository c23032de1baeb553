"""What a PostgreSQL store reads: one function for each thing it gives, given a connection."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from agentkit.encoding import Wire
from agentkit.errors import StoreError
from agentkit.records import Record
from agentkit.stores.errors import unreadable, unreadable_from
from agentkit.stores.protocol import Found, Kept, SessionInfo, Spent, Summary
from agentkit.stores.rows import fact_of, record_of, spent_of
from agentkit.stores.text import storable, wanted

if TYPE_CHECKING:
    from agentkit.stores.postgres_pool import Connection

COUNT = """coalesce(
    (SELECT max(seq) + 1 FROM agentkit_records r WHERE r.session = s.session), s.parent_seq)"""
"""How many records the session `s` has, those that it shares included."""

# each takes what is before its child's beginning, and before its child's own end
_LOAD = """
    WITH RECURSIVE chain (session, parent, parent_seq, until) AS (
        SELECT session, parent, parent_seq, 2147483647
        FROM agentkit_sessions WHERE session = %(session)s
        UNION ALL
        SELECT s.session, s.parent, s.parent_seq, least(c.until, c.parent_seq)
        FROM chain c JOIN agentkit_sessions s ON s.session = c.parent
    )
    SELECT r.seq, r.at, r.body
    FROM chain c JOIN agentkit_records r ON r.session = c.session AND r.seq < c.until
    ORDER BY r.seq
"""
_INFO = f"""
    SELECT session, created, updated, {COUNT}, title, status, turns, tokens, cost, parent
    FROM agentkit_sessions s
"""  # noqa: S608 - made of constants
_LIST = f"""
    {_INFO}
    WHERE (%(statuses)s::text[] IS NULL OR status = ANY (%(statuses)s))
        AND (%(before)s::timestamptz IS NULL OR updated < %(before)s)
    ORDER BY updated DESC, session LIMIT %(limit)s
"""
_SURVEY = f"{_INFO} WHERE session = ANY (%(sessions)s)"
_SEARCH = """
    SELECT session, seq, at, kind, text FROM agentkit_records
    WHERE words @@ %(query)s::tsquery
    ORDER BY at DESC, seq DESC, session LIMIT %(limit)s
"""
_SPENT = """
    SELECT session, seq, at, body FROM agentkit_records
    WHERE kind IN ('answer', 'compaction') AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
    ORDER BY at, session, seq
"""
_FACT = """
    SELECT value FROM agentkit_facts
    WHERE name = %(name)s AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
"""


def load(connection: Connection, session: str) -> Kept:
    """All records of a session, its ancestors' first.

    Raises StoreError for one that cannot be read; its `.records` are those before it.
    """
    own = "SELECT parent FROM agentkit_sessions WHERE session = %s"
    parent = connection.execute(own, [session]).fetchone()
    if parent is None:
        return Kept()
    records: list[Record] = []
    at: list[datetime] = []
    for seq, time, body in connection.execute(_LOAD, {"session": session}):
        try:
            if seq != len(records):
                raise StoreError(f"The next one there is {seq}.")
            records.append(record_of(body))
        except StoreError as error:
            raise unreadable_from(session, records, error) from error
        at.append(time)
    return Kept(tuple(records), tuple(at), parent[0])


def listed(
    connection: Connection, status: Collection[str], limit: int | None, before: datetime | None
) -> list[SessionInfo]:
    """Sessions, the last updated first."""
    values = {
        "statuses": [storable(word) for word in status] or None,
        "limit": limit,
        "before": _with_zone(before),
    }
    return _infos(connection.execute(_LIST, values))


def survey(connection: Connection, sessions: Sequence[str]) -> list[SessionInfo]:
    """Those of the sessions that are there, in any order."""
    return _infos(connection.execute(_SURVEY, {"sessions": sessions}))


def search(connection: Connection, text: str, limit: int) -> list[Found]:
    """Records with all words of the text, the last as the beginning of one; the newest first."""
    # letters and digits alone, so that nothing in them is syntax
    query = " & ".join(f"'{word}'" for word in wanted(text))
    if not query:
        return []
    rows = connection.execute(_SEARCH, {"query": f"{query}:*", "limit": limit})
    return [Found(*row) for row in rows]


def spent(connection: Connection, since: datetime | None) -> list[Spent]:
    """What answers and compactions took, in the order they were stored."""
    # a cursor at the server, since all these bodies are much more than what is read of them
    with connection.transaction(), connection.cursor("agentkit_spent") as cursor:
        cursor.itersize = 1000
        cursor.execute(_SPENT, {"since": _with_zone(since)})
        return [_spent(*row) for row in cursor]


def recall(connection: Connection, name: str, since: datetime | None) -> Wire | None:
    """The fact of that name, None where there is none from that time on."""
    found = connection.execute(_FACT, {"name": name, "since": _with_zone(since)}).fetchone()
    return fact_of(name, found[0]) if found else None


def _infos(rows: Iterable[tuple[Any, ...]]) -> list[SessionInfo]:
    return [
        SessionInfo(session, created, updated, count, Summary(*summary), parent)
        for session, created, updated, count, *summary, parent in rows
    ]


def _spent(session: str, seq: int, at: datetime, body: str) -> Spent:
    try:
        return spent_of(session, at, body)
    except StoreError as error:
        raise unreadable(session, seq, error) from error


def _with_zone(time: datetime | None) -> datetime | None:
    """The time; one without a zone is this machine's."""
    return time and time.astimezone()
