"""The tables of a PostgreSQL store, and how those of an older version become today's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from agentkit.errors import StoreError

if TYPE_CHECKING:
    from agentkit.stores.postgres_pool import Connection

_FIRST = """
    CREATE TABLE agentkit_sessions (
        session text PRIMARY KEY,
        parent text,
        parent_seq integer NOT NULL DEFAULT 0,
        created timestamptz NOT NULL,
        updated timestamptz NOT NULL,
        status text NOT NULL,
        title text NOT NULL,
        turns bigint NOT NULL,
        tokens bigint NOT NULL,
        cost double precision,
        holder text,
        commit_id text NOT NULL
    );
    CREATE INDEX ON agentkit_sessions (updated DESC);
    CREATE INDEX ON agentkit_sessions (parent) WHERE parent IS NOT NULL;
    CREATE TABLE agentkit_records (
        session text NOT NULL,
        seq integer NOT NULL,
        at timestamptz NOT NULL,
        kind text NOT NULL,
        body text NOT NULL,
        commit_id text NOT NULL,
        text text NOT NULL,
        words tsvector NOT NULL,
        PRIMARY KEY (session, seq)
    );
    CREATE INDEX ON agentkit_records USING gin (words);
    CREATE INDEX ON agentkit_records (at) WHERE kind IN ('answer', 'compaction');
"""
# body is text, since jsonb refuses NUL and gives keys back in another order
# parent_seq is how many records a fork shares, holder who held the session last
# words are not PostgreSQL's own of the text: its parser takes a path for one word and a sentence
# without spaces too, and leaves capitals that are not ASCII to the locale of the database

_FACTS = """
    CREATE TABLE agentkit_facts (
        name text PRIMARY KEY,
        value text NOT NULL,
        at timestamptz NOT NULL
    );
"""

_ANSWERS = """
    CREATE TABLE agentkit_answers (
        key text PRIMARY KEY,
        model text NOT NULL,
        size bigint NOT NULL,
        at timestamptz NOT NULL,
        value text NOT NULL
    );
    CREATE INDEX ON agentkit_answers (at);
    CREATE INDEX ON agentkit_answers (model, size, at);
"""

MIGRATIONS = (_FIRST, _FACTS, _ANSWERS)
"""What makes each version of the tables out of the one before."""

_LOCK = 0x6167656E746B6974
"""The advisory lock of those who bring the tables up to date: "agentkit" in ASCII."""


def migrate(connection: Connection, migrations: Sequence[str] = MIGRATIONS) -> None:
    """Bring the tables up to the last version, however many do so at once.

    Raises StoreError for tables of a newer version.
    """
    if _version(connection, len(migrations)) == len(migrations):
        return
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        connection.execute("CREATE TABLE IF NOT EXISTS agentkit_meta (version integer PRIMARY KEY)")
        # another may have done it while this one waited for the lock
        done = _version(connection, len(migrations))
        for version, statements in enumerate(migrations[done:], done + 1):
            connection.execute(statements)
            connection.execute("INSERT INTO agentkit_meta VALUES (%s)", [version])


def _version(connection: Connection, newest: int) -> int:
    """The version of the tables, 0 where there are none."""
    row = connection.execute("SELECT to_regclass('agentkit_meta') IS NOT NULL").fetchone()
    if row is None or not row[0]:
        return 0
    row = connection.execute("SELECT coalesce(max(version), 0) FROM agentkit_meta").fetchone()
    version = int(row[0]) if row else 0
    if version > newest:
        raise StoreError(
            f"The database's agentkit tables are of version {version}; this agentkit knows "
            f"version {newest}. Use a newer agentkit."
        )
    return version
