"""What a PostgreSQL store writes: one function for each thing it does, given a connection.

Each is begun again where its connection broke, and finds what it has done already.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from agentkit.errors import Conflict
from agentkit.stores.errors import check_count, check_fork, name_conflict
from agentkit.stores.postgres_reading import COUNT
from agentkit.stores.protocol import Summary
from agentkit.stores.rows import Row
from agentkit.stores.text import storable

if TYPE_CHECKING:
    from agentkit.stores.postgres_pool import Connection

_DELETING = 0x6167656E746B6975
"""The advisory lock of whoever deletes a session."""

# whoever held the session and lost it to another without noticing does not go on in it
_TOUCH = """
    SET updated = greatest(s.updated, %(at)s) {summary}
    WHERE s.session = %(session)s AND (%(holder)s::text IS NULL OR s.holder = %(holder)s)
"""
_SUMMARY = """, title = %(title)s, status = %(status)s, turns = %(turns)s, tokens = %(tokens)s,
    cost = %(cost)s"""
_UPDATE = f"UPDATE agentkit_sessions AS s {_TOUCH}"
_CREATE = """
    INSERT INTO agentkit_sessions AS s (session, parent, parent_seq, created, updated,
        title, status, turns, tokens, cost, holder, commit_id)
    VALUES (%(session)s, %(parent)s, %(parent_seq)s, %(at)s, %(at)s,
        %(title)s, %(status)s, %(turns)s, %(tokens)s, %(cost)s, %(holder)s, %(commit_id)s)
    ON CONFLICT (session) DO
"""
_INSERT = f"""
    WITH there AS (
        SELECT {COUNT} AS count, s.updated FROM agentkit_sessions s WHERE session = %(session)s
    ), inserted AS (
        INSERT INTO agentkit_records (session, seq, at, kind, body, commit_id, text, words)
        SELECT %(session)s, there.count + row.n - 1, there.updated, row.kind, row.body,
            %(commit_id)s, row.text, array_to_tsvector(string_to_array(row.words, ' '))
        FROM there, unnest(%(kinds)s::text[], %(bodies)s::text[], %(texts)s::text[],
            %(words)s::text[]) WITH ORDINALITY AS row (kind, body, text, words, n)
        WHERE there.count = %(seq)s
    )
    SELECT count FROM there
"""  # noqa: S608 - made of constants

# under this lock a session may be appended to, and cannot be deleted
_PARENT = f"SELECT {COUNT} FROM agentkit_sessions s WHERE session = %s FOR KEY SHARE"  # noqa: S608


@dataclass(frozen=True)
class Commit:
    """Records that are to be kept behind the first `seq` of a session."""

    session: str
    seq: int
    rows: Sequence[Row]
    at: datetime
    summary: Summary | None = None
    holder: str | None = None
    """Who this process holds the session as, None where it does not hold it."""
    parent: str | None = None
    """The session that it is a fork of, where it begins with this commit."""
    id: str = field(default_factory=lambda: uuid4().hex)

    @cached_property
    def values(self) -> dict[str, Any]:
        """What the statements ask for."""
        summary = self.summary or Summary()
        return {
            "session": self.session,
            "seq": self.seq,
            "at": self.at,
            "holder": self.holder,
            "parent": self.parent,
            "parent_seq": self.seq if self.parent is not None else 0,
            "commit_id": self.id,
            "title": storable(summary.title),
            "status": storable(summary.status),
            "turns": summary.turns,
            "tokens": summary.tokens,
            "cost": summary.cost,
            "kinds": [row.kind for row in self.rows],
            "bodies": [row.body for row in self.rows],
            "texts": [row.text for row in self.rows],
            "words": [row.words for row in self.rows],
        }


def append(connection: Connection, commit: Commit) -> None:
    """Keep the rows. Raises Conflict where the session has another number of records."""
    try:
        with connection.transaction():
            _touch(connection, commit)
            _insert(connection, commit)
    except Conflict:
        if not _is_kept(connection, commit):
            raise


def fork(connection: Connection, commit: Commit) -> None:
    """A session that shares the first `commit.seq` records of its parent, and has the rows behind.

    Raises Conflict where it is there already, ConfigurationError where the parent has not as many.
    """
    try:
        with connection.transaction():
            _check_parent(connection, commit)
            _create(connection, commit)
            _insert(connection, commit)
    except Conflict:
        if not _is_kept(connection, commit):
            raise


def deletion(session: str) -> Callable[[Connection], bool]:
    """What takes a session away and says whether it was there, at this try or the one before."""
    was_there = False

    def delete(connection: Connection) -> bool:
        nonlocal was_there
        with connection.transaction():
            # one at a time: each gives forks another parent, which must not go meanwhile
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [_DELETING])
            own = "SELECT parent, parent_seq FROM agentkit_sessions WHERE session = %s FOR UPDATE"
            gone = connection.execute(own, [session]).fetchone()
            if gone is not None:
                was_there = True
                _bequeath(connection, session, *gone)
                for table in ("agentkit_records", "agentkit_sessions"):
                    connection.execute(f"DELETE FROM {table} WHERE session = %s", [session])  # noqa: S608
        return was_there

    return delete


def remember(connection: Connection, name: str, body: str, at: datetime) -> None:
    """Keep a fact in place of what was there."""
    connection.execute(
        "INSERT INTO agentkit_facts (name, value, at) VALUES (%s, %s, %s) ON CONFLICT (name)"
        " DO UPDATE SET value = excluded.value, at = excluded.at",
        [name, body, at],
    )


def _touch(connection: Connection, commit: Commit) -> None:
    """Lock the session, which begins here if it has records, and note what is said of it.

    Raises Conflict where another holds what this process held.
    """
    statement = f"{_CREATE} UPDATE {_TOUCH}" if commit.rows else _UPDATE
    statement = statement.format(summary=_SUMMARY if commit.summary else "")
    if connection.execute(statement, commit.values).rowcount:
        return
    there = "SELECT 1 FROM agentkit_sessions WHERE session = %s"
    if connection.execute(there, [commit.session]).fetchone():
        raise Conflict(
            f"Session {commit.session!r} is run by another: the connection broke that held it "
            "here. Load it again."
        )


def _create(connection: Connection, commit: Commit) -> None:
    if not connection.execute(f"{_CREATE} NOTHING", commit.values).rowcount:
        raise name_conflict(commit.session)


def _insert(connection: Connection, commit: Commit) -> None:
    """Insert the rows. Raises Conflict where the session has not as many records as expected."""
    found = connection.execute(_INSERT, commit.values).fetchone()
    check_count(commit.session, found[0] if found else 0, commit.seq)


def _is_kept(connection: Connection, commit: Commit) -> bool:
    """Whether the commit was made, though its answer was lost."""
    made = (
        "SELECT 1 FROM agentkit_records"
        " WHERE session = %(session)s AND seq = %(seq)s AND commit_id = %(commit_id)s"
        " UNION ALL SELECT 1 FROM agentkit_sessions"
        " WHERE session = %(session)s AND commit_id = %(commit_id)s"
    )
    return connection.execute(made, commit.values).fetchone() is not None


def _check_parent(connection: Connection, commit: Commit) -> None:
    found = connection.execute(_PARENT, [commit.parent]).fetchone()
    check_fork(str(commit.parent), found[0] if found else None, commit.seq)


def _bequeath(connection: Connection, session: str, parent: str | None, parent_seq: int) -> None:
    """Have the forks of a session keep what they share with it.

    Its records go to the fork that shares most of them, and the other forks point at that one: so
    nothing is copied, found twice or paid twice.
    """
    # those that share nothing but what it shares itself
    connection.execute(
        "UPDATE agentkit_sessions SET parent = %s WHERE parent = %s AND parent_seq <= %s",
        [parent, session, parent_seq],
    )
    heir = connection.execute(
        "SELECT session, parent_seq FROM agentkit_sessions WHERE parent = %s"
        " ORDER BY parent_seq DESC, created LIMIT 1",
        [session],
    ).fetchone()
    if heir is None:
        return
    connection.execute(
        "UPDATE agentkit_records SET session = %s WHERE session = %s AND seq < %s",
        [heir[0], session, heir[1]],
    )
    connection.execute(
        "UPDATE agentkit_sessions SET parent = %s, parent_seq = %s WHERE session = %s",
        [parent, parent_seq, heir[0]],
    )
    others = "UPDATE agentkit_sessions SET parent = %s WHERE parent = %s"
    connection.execute(others, [heir[0], session])
