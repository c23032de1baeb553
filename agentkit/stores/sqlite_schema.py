"""The tables of the SQLite store, and the numbered steps that lead to them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

from agentkit.errors import ConfigurationError, StoreError

APPLICATION_ID = 0x616B6974
"""What the header of our files says they are: `akit`."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # times are microseconds since 1970 in UTC; parent_seq is how many records are shared
        """CREATE TABLE sessions(
            session TEXT PRIMARY KEY,
            parent TEXT,
            parent_seq INTEGER NOT NULL DEFAULT 0,
            created INTEGER NOT NULL,
            updated INTEGER NOT NULL,
            status TEXT NOT NULL,
            title TEXT NOT NULL,
            turns INTEGER NOT NULL,
            tokens INTEGER NOT NULL,
            cost REAL,
            commit_id BLOB NOT NULL
        ) WITHOUT ROWID""",
        "CREATE INDEX sessions_by_time ON sessions(updated)",
        "CREATE INDEX sessions_by_status ON sessions(status, updated)",
        "CREATE INDEX sessions_by_parent ON sessions(parent) WHERE parent IS NOT NULL",
        """CREATE TABLE records(
            id INTEGER PRIMARY KEY,
            session TEXT NOT NULL,
            seq INTEGER NOT NULL,
            at INTEGER NOT NULL,
            kind TEXT NOT NULL,
            body TEXT NOT NULL,
            commit_id BLOB NOT NULL,
            UNIQUE(session, seq)
        )""",
        # what the ledger reads, without the records between
        "CREATE INDEX records_paid ON records(at) WHERE kind IN ('answer', 'compaction')",
        # the rowid of a text is the id of its record; words are not SQLite's own of the text,
        # since its tokenizers take a sentence without spaces for one
        """CREATE VIRTUAL TABLE texts USING fts5(
            words, text UNINDEXED, tokenize='ascii', detail='none'
        )""",
    ),
    (
        """CREATE TABLE facts(
            name TEXT PRIMARY KEY,
            value TEXT NOT NULL,
            at INTEGER NOT NULL
        ) WITHOUT ROWID""",
    ),
    (
        """CREATE TABLE answers(
            key TEXT PRIMARY KEY,
            model TEXT NOT NULL,
            size INTEGER NOT NULL,
            at INTEGER NOT NULL,
            value TEXT NOT NULL
        )""",
        "CREATE INDEX answers_by_time ON answers(at)",
        "CREATE INDEX answers_by_model ON answers(model, size, at)",
    ),
)
"""Each leads from the version that is its index to the next, in one transaction."""


def bring_up_to_date(
    connection: sqlite3.Connection, path: str, migrations: Sequence[Sequence[str]] = MIGRATIONS
) -> None:
    """Make the tables, or what they lack; leave a database alone that is not ours.

    Raises ConfigurationError for another program's, StoreError for one of a newer version.
    """
    # what is checked belongs together, also while another process makes the tables
    with _transaction(connection, "BEGIN"):
        version = _checked_version(connection, path, len(migrations))
    if version == len(migrations):
        return
    with _transaction(connection, "BEGIN IMMEDIATE"):
        # another may have done it while this one waited
        done = _checked_version(connection, path, len(migrations))
        for statement in chain(*migrations[done:]):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(migrations)}")
        connection.execute("COMMIT")


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    """A transaction, undone unless it is committed within."""
    connection.execute(begin)
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _checked_version(connection: sqlite3.Connection, path: str, newest: int) -> int:
    """The version of the tables that are there, 0 for a new file."""
    version = _number(connection, "PRAGMA user_version")
    owner = _number(connection, "PRAGMA application_id")
    is_new = not (owner or version or _number(connection, "SELECT count(*) FROM sqlite_master"))
    if owner != APPLICATION_ID and not is_new:
        raise ConfigurationError(
            f"store: {path} is a database of another program. Give a path of its own."
        )
    if version > newest:
        raise StoreError(
            f"{path} is of version {version}; this agentkit reads up to version "
            f"{newest}. Open it with a newer agentkit."
        )
    return version


def _number(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])
