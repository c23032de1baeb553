"""What a SQLite store writes: one function for each thing it does, given a connection.

Each is part of a transaction that its caller has begun.
"""

from __future__ import annotations

import itertools
import os
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from agentkit.records import Record, Started
from agentkit.stores.errors import check_count, check_fork, name_conflict
from agentkit.stores.moments import microseconds
from agentkit.stores.protocol import Summary
from agentkit.stores.rows import Row
from agentkit.stores.sqlite_reading import COUNT
from agentkit.stores.text import storable

_MERGED = 2000
"""How many pages of the index are merged at most when a session is deleted."""


_PROCESS, _NUMBERS = os.urandom(8), itertools.count()


def new_id() -> bytes:
    """An id that no other commit has, in whichever process.

    Random bytes would be a call to the kernel for each, in which the thread that runs everything
    loses its turn to the one that writes.
    """
    # a forked child goes on with the same bytes and numbers
    return b"%b.%d.%d" % (_PROCESS, os.getpid(), next(_NUMBERS))


@dataclass(frozen=True)
class Commit:
    """Records that are to be kept behind the first `seq` of a session."""

    session: str
    seq: int
    rows: Sequence[Row]
    summary: Summary | None = None
    id: bytes = field(default_factory=new_id)


def starts_once(records: Sequence[Record]) -> bool:
    """Whether calls begin with them that must not run twice."""
    return any(
        "once" in record.effects.values() for record in records if isinstance(record, Started)
    )


def append(connection: sqlite3.Connection, commit: Commit, now: Callable[[], datetime]) -> None:
    """Keep the rows. Raises Conflict where the session has another number of records."""
    found = _session(connection, commit.session)
    count, updated = found or (0, 0)
    check_count(commit.session, count, commit.seq)
    at = max(microseconds(now()), updated)
    if found:
        _update(connection, commit, at)
    elif commit.rows:
        _create(connection, commit, at, (None, 0))
    _insert(connection, commit, at)


def fork(
    connection: sqlite3.Connection, parent: str, commit: Commit, now: Callable[[], datetime]
) -> None:
    """A session that shares the first `commit.seq` records of another, and has the rows behind.

    Raises Conflict where it is there already, ConfigurationError where the other has not as many.
    """
    count, updated = _session(connection, parent) or (None, 0)
    check_fork(parent, count, commit.seq)
    if _session(connection, commit.session):
        raise name_conflict(commit.session)
    at = max(microseconds(now()), updated)
    _create(connection, commit, at, (parent, commit.seq))
    _insert(connection, commit, at)


def remember(connection: sqlite3.Connection, name: str, body: str, at: datetime) -> None:
    """Keep a fact in place of what was there."""
    connection.execute(
        "INSERT INTO facts(name, value, at) VALUES (?,?,?) ON CONFLICT(name)"
        " DO UPDATE SET value = excluded.value, at = excluded.at",
        (name, body, microseconds(at)),
    )


def is_kept(connection: sqlite3.Connection, commit: Commit) -> bool:
    """Whether the commit was made."""
    found = connection.execute(
        "SELECT EXISTS(SELECT 1 FROM records WHERE session = :session AND seq = :seq"
        " AND commit_id = :id)"
        " OR EXISTS(SELECT 1 FROM sessions WHERE session = :session AND commit_id = :id)",
        {"session": commit.session, "seq": commit.seq, "id": commit.id},
    )
    return bool(found.fetchone()[0])


def is_gone(connection: sqlite3.Connection, session: str) -> bool:
    """Whether there is no such session."""
    return _session(connection, session) is None


def delete(connection: sqlite3.Connection, session: str) -> bool:
    """Take a session away; whether it was there.

    What its forks share goes to the one that shares most, and the others point at that one: so
    nothing is copied, found twice or paid twice.
    """
    own = connection.execute(
        "SELECT parent, parent_seq FROM sessions WHERE session = ?", (session,)
    ).fetchone()
    if own is None:
        return False
    _bequeath(connection, session, *own)
    connection.execute(
        "DELETE FROM texts WHERE rowid IN (SELECT id FROM records WHERE session = ?)", (session,)
    )
    connection.execute("DELETE FROM records WHERE session = ?", (session,))
    connection.execute("DELETE FROM sessions WHERE session = ?", (session,))
    # what is deleted stays in the index until it is merged
    connection.execute("INSERT INTO texts(texts, rank) VALUES ('merge', ?)", (-_MERGED,))
    return True


def _session(connection: sqlite3.Connection, session: str) -> tuple[int, int] | None:
    """How many records it has and when it was updated, None where it is not there."""
    found: tuple[int, int] | None = connection.execute(
        f"SELECT {COUNT}, updated FROM sessions AS s WHERE session = ?",  # noqa: S608 - constant
        (session,),
    ).fetchone()
    return found


def _create(
    connection: sqlite3.Connection, commit: Commit, at: int, origin: tuple[str | None, int]
) -> None:
    summary = _columns(commit.summary or Summary())
    connection.execute(
        "INSERT INTO sessions(session, parent, parent_seq, created, updated,"
        " title, status, turns, tokens, cost, commit_id) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
        (commit.session, *origin, at, at, *summary, commit.id),
    )


def _update(connection: sqlite3.Connection, commit: Commit, at: int) -> None:
    connection.execute("UPDATE sessions SET updated = ? WHERE session = ?", (at, commit.session))
    if commit.summary is not None:
        connection.execute(
            "UPDATE sessions SET title = ?, status = ?, turns = ?, tokens = ?, cost = ?"
            " WHERE session = ?",
            (*_columns(commit.summary), commit.session),
        )


def _insert(connection: sqlite3.Connection, commit: Commit, at: int) -> None:
    for seq, row in enumerate(commit.rows, commit.seq):
        added = connection.execute(
            "INSERT INTO records(session, seq, at, kind, body, commit_id) VALUES (?,?,?,?,?,?)",
            (commit.session, seq, at, row.kind, row.body, commit.id),
        )
        if row.text:
            connection.execute(
                "INSERT INTO texts(rowid, words, text) VALUES (?,?,?)",
                (added.lastrowid, row.words, row.text),
            )


def _bequeath(
    connection: sqlite3.Connection, session: str, parent: str | None, parent_seq: int
) -> None:
    """Have the forks of a session keep what they share with it."""
    # those that share nothing but what it shares itself
    connection.execute(
        "UPDATE sessions SET parent = ? WHERE parent = ? AND parent_seq <= ?",
        (parent, session, parent_seq),
    )
    heir = connection.execute(
        "SELECT session, parent_seq FROM sessions WHERE parent = ? ORDER BY parent_seq DESC",
        (session,),
    ).fetchone()
    if heir is None:
        return
    connection.execute(
        "UPDATE records SET session = ? WHERE session = ? AND seq < ?", (heir[0], session, heir[1])
    )
    connection.execute(
        "UPDATE sessions SET parent = ?, parent_seq = ? WHERE session = ?",
        (parent, parent_seq, heir[0]),
    )
    connection.execute("UPDATE sessions SET parent = ? WHERE parent = ?", (heir[0], session))


def _columns(summary: Summary) -> tuple[str, str, int, int, float | None]:
    title, status = storable(summary.title), storable(summary.status)
    return title, status, summary.turns, summary.tokens, summary.cost
