"""What a SQLite store reads: one function for each thing it gives, given a connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from agentkit.encoding import Wire, encode
from agentkit.errors import StoreError
from agentkit.records import Record
from agentkit.stores.errors import unreadable, unreadable_from
from agentkit.stores.moments import microseconds, moment
from agentkit.stores.protocol import Found, Kept, SessionInfo, Spent, Summary
from agentkit.stores.rows import fact_of, record_of, spent_of
from agentkit.stores.sqlite_file import DatabaseFile
from agentkit.stores.text import storable, wanted

COUNT = "coalesce((SELECT max(seq) + 1 FROM records WHERE session = s.session), parent_seq)"
"""How many records the session `s` has, those that it shares included."""

_ALL = 2**62
"""More than any session has records, and later than any time."""

# the bytes as they are, so that a damaged one is that record's fault alone
_SPAN = """SELECT seq, at, CAST(body AS BLOB) FROM records
    WHERE session = ? AND seq < ? ORDER BY seq"""

_SCAN = """SELECT seq, CAST(body AS BLOB) FROM records NOT INDEXED
    WHERE session = ? ORDER BY id"""
_INFO = f"""SELECT session, created, updated, {COUNT}, title, status, turns, tokens, cost, parent
    FROM sessions AS s WHERE updated < ?"""  # noqa: S608 - made of constants
_LISTED = f"{_INFO} ORDER BY updated DESC LIMIT ?"
_LISTED_BY_STATUS = f"""{_INFO} AND status IN (SELECT value FROM json_each(?))
    ORDER BY updated DESC LIMIT ?"""  # noqa: S608 - made of constants

_SURVEYED = f"""{_INFO} AND session IN (SELECT value FROM json_each(?))"""  # noqa: S608 - made of constants


def load(connection: sqlite3.Connection, session: str, file: DatabaseFile) -> Kept:
    """All records of a session, its ancestors' first.

    Raises StoreError for one that cannot be read; its `.records` are those before it.
    """
    if not _is_there(connection, session):
        return Kept()
    records: list[Record] = []
    at: list[datetime] = []
    # one transaction, so that no ancestor goes away between two statements
    connection.execute("BEGIN")
    try:
        parent, spans = _ancestry(connection, session)
        for span in spans:
            for seq, time, body in connection.execute(_SPAN, span):
                if seq != len(records):
                    raise StoreError(f"The next one there is {seq}.")
                records.append(record_of(body))
                at.append(moment(time))
    except sqlite3.Error as error:
        # an index may be damaged where the records are not
        found = max(records, _scanned(connection, session), key=len)
        raise unreadable_from(session, found, file.spoken(error), f" in {file.path}") from error
    except StoreError as error:
        raise unreadable_from(session, records, error, f" in {file.path}") from error
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    return Kept(tuple(records), tuple(at), parent)


def listed(
    connection: sqlite3.Connection,
    status: Collection[str],
    limit: int | None,
    before: datetime | None,
) -> list[SessionInfo]:
    """Sessions, the last updated first."""
    end, most = _ALL if before is None else microseconds(before), -1 if limit is None else limit
    if status:
        wanted = encode([storable(word) for word in status]).decode()
        rows = connection.execute(_LISTED_BY_STATUS, (end, wanted, most))
    else:
        rows = connection.execute(_LISTED, (end, most))
    return _infos(rows)


def survey(connection: sqlite3.Connection, sessions: Sequence[str]) -> list[SessionInfo]:
    """Those of the sessions that are there, in any order."""
    return _infos(connection.execute(_SURVEYED, (_ALL, encode(sessions).decode())))


def search(connection: sqlite3.Connection, text: str, limit: int) -> list[Found]:
    """Records with all words of the text, the last as the beginning of one; the newest first."""
    # letters and digits alone, so that nothing in them is syntax
    query = " ".join(f'"{word}"' for word in wanted(text))
    if not query:
        return []
    rows = connection.execute(
        "SELECT r.session, r.seq, r.at, r.kind, texts.text FROM texts"
        " JOIN records AS r ON r.id = texts.rowid"
        " WHERE texts MATCH ? ORDER BY texts.rowid DESC LIMIT ?",
        (query + "*", limit),
    )
    return [Found(session, seq, moment(at), kind, text) for session, seq, at, kind, text in rows]


def spent(
    connection: sqlite3.Connection, since: datetime | None, file: DatabaseFile
) -> list[Spent]:
    """What answers and compactions took, in the order they were stored."""
    rows = connection.execute(
        "SELECT session, seq, at, CAST(body AS BLOB) FROM records"
        " WHERE kind IN ('answer', 'compaction') AND at >= ? ORDER BY at, id",
        (-_ALL if since is None else microseconds(since),),
    )
    answers = []
    for session, seq, at, body in rows:
        try:
            answers.append(spent_of(session, moment(at), body))
        except StoreError as error:
            raise unreadable(session, seq, error, f" in {file.path}") from error
    return answers


def recall(
    connection: sqlite3.Connection, name: str, since: datetime | None, file: DatabaseFile
) -> Wire | None:
    """The fact of that name, None where there is none from that time on."""
    found = connection.execute(
        "SELECT CAST(value AS BLOB) FROM facts WHERE name = ? AND at >= ?",
        (name, -_ALL if since is None else microseconds(since)),
    ).fetchone()
    return fact_of(name, found[0], f" in {file.path}") if found else None


def _infos(rows: Iterable[tuple[Any, ...]]) -> list[SessionInfo]:
    return [
        SessionInfo(session, moment(created), moment(updated), count, Summary(*summary), parent)
        for session, created, updated, count, *summary, parent in rows
    ]


def _is_there(connection: sqlite3.Connection, session: str) -> bool:
    """Whether it may be; of many sessions, most are looked for before they are."""
    with suppress(sqlite3.Error):  # a damaged index: what can be read is read
        found = connection.execute("SELECT 1 FROM sessions WHERE session = ?", (session,))
        return found.fetchone() is not None
    return True


def _ancestry(
    connection: sqlite3.Connection, session: str
) -> tuple[str | None, list[tuple[str, int]]]:
    """The parent, and whose records make up the session: up to which seq, the oldest first."""
    spans = connection.execute(
        # each takes what is before its child's beginning, and before its child's own end
        "WITH RECURSIVE chain(session, parent, parent_seq, until) AS ("
        " SELECT session, parent, parent_seq, ? FROM sessions WHERE session = ?"
        " UNION SELECT s.session, s.parent, s.parent_seq, min(c.until, c.parent_seq)"
        " FROM chain AS c JOIN sessions AS s ON s.session = c.parent"
        ") SELECT session, until, parent FROM chain",
        (_ALL, session),
    ).fetchall()
    parent = spans[0][2] if spans else None
    return parent, [(name, until) for name, until, _parent in reversed(spans)]


def _scanned(connection: sqlite3.Connection, session: str) -> list[Record]:
    """The first records of a session as far as they can be read without its indexes."""
    records: list[Record] = []
    with suppress(sqlite3.Error, StoreError):
        for seq, body in connection.execute(_SCAN, (session,)):
            if seq != len(records):
                break
            records.append(record_of(body))
    return records
