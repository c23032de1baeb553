"""A log of an older version becomes one of the next, whole or not at all, however many open it."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from agentkit.errors import StoreError
from agentkit.stores.moments import now_utc
from agentkit.stores.rows import rows_of
from agentkit.stores.sqlite import SQLiteStore
from agentkit.stores.sqlite_schema import MIGRATIONS, bring_up_to_date
from agentkit.stores.sqlite_writing import Commit, append
from agentkit.testing.stores.said import answered, holds, said

OWNERS = ("ALTER TABLE sessions ADD COLUMN owner TEXT DEFAULT 'none'", "CREATE TABLE owners(name)")
NEXT = (*MIGRATIONS, OWNERS)
NOW = len(MIGRATIONS)


async def written(path: Path) -> None:
    store = SQLiteStore(path)
    await store.append("s", 0, [said("one"), answered("two")])
    await store.close()


def upgraded(path: Path, migrations=NEXT) -> list[tuple]:
    """What a connection sees that brings the file to the last version."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        bring_up_to_date(connection, str(path), migrations)
        seen = "SELECT session, owner, user_version FROM sessions, pragma_user_version"
        return connection.execute(seen).fetchall()


async def test_a_log_of_an_older_version_keeps_what_is_in_it(tmp_path):
    await written(tmp_path / "log.db")
    assert upgraded(tmp_path / "log.db") == [("s", "none", NOW + 1)]
    assert upgraded(tmp_path / "log.db") == [("s", "none", NOW + 1)]
    words = f"is of version {NOW + 1}; this agentkit reads up to version {NOW}"
    with pytest.raises(StoreError, match=words):
        await SQLiteStore(tmp_path / "log.db").load("s")


async def test_a_log_that_had_no_facts_yet_is_read_and_takes_them(tmp_path):
    path = str(tmp_path / "log.db")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        bring_up_to_date(connection, path, MIGRATIONS[:1])
        append(connection, Commit("s", 0, rows_of("s", [said("one")])), now_utc)
    store = SQLiteStore(path)
    assert await store.recall("name") is None
    await store.remember("name", {"one": 1})
    assert await store.recall("name") == {"one": 1}
    await holds(store, "s", said("one"))


async def test_a_log_that_had_no_cache_yet_is_read_and_takes_answers(tmp_path):
    path = str(tmp_path / "log.db")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        bring_up_to_date(connection, path, MIGRATIONS[:2])
        append(connection, Commit("s", 0, rows_of("s", [said("one")])), now_utc)
    store = SQLiteStore(path)
    assert await store.cached("key") is None
    await store.cache("key", {"one": 1}, model="m")
    assert await store.cached("key") == {"one": 1}
    await holds(store, "s", said("one"))


async def test_of_many_that_open_an_older_log_at_once_one_brings_it_up_to_date(tmp_path):
    await written(tmp_path / "log.db")
    with ThreadPoolExecutor(8) as threads:
        upgrades = list(threads.map(upgraded, [tmp_path / "log.db"] * 8))
    assert upgrades == [[("s", "none", NOW + 1)]] * 8


async def test_an_upgrade_that_fails_leaves_the_log_as_it_was(tmp_path):
    await written(tmp_path / "log.db")
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        upgraded(tmp_path / "log.db", (*NEXT, ("DROP TABLE records", "DROP TABLE nowhere")))
    await holds(SQLiteStore(tmp_path / "log.db"), "s", said("one"), answered("two"))


def test_a_new_file_gets_every_version_at_once(tmp_path):
    assert upgraded(tmp_path / "log.db") == []
