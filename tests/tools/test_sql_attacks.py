"""Statements that write, attach or load: each is refused, and the database stays byte for byte."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from agentkit import Retry
from agentkit_tools import Sql

WRITES = [
    "INSERT INTO people VALUES (9, 'Eve')",
    "insert or replace into people values (1, 'Eve')",
    "REPLACE INTO people VALUES (1, 'Eve')",
    "UPDATE people SET name = 'Eve'",
    "; DELETE FROM people",
    "UPDATE OR IGNORE people SET name = 'Eve' WHERE id = 1",
    "DELETE FROM people",
    "DELETE FROM people WHERE id = 1 RETURNING *",
    "WITH gone AS (SELECT 1) DELETE FROM people",
    "WITH x AS (SELECT 1) INSERT INTO people SELECT 9, 'Eve'",
    "WITH x AS (SELECT 1) UPDATE people SET name = 'Eve'",
    "INSERT INTO people SELECT * FROM people RETURNING id",
    "/* SELECT */ DELETE FROM people",
    "-- SELECT\nDELETE FROM people",
    "\ufeffDELETE FROM people",
    "EXPLAIN DELETE FROM people",
    "EXPLAIN QUERY PLAN UPDATE people SET name = 'Eve'",
    "INSERT INTO words(words) VALUES ('rebuild')",
    "INSERT INTO words VALUES ('new')",
    "DELETE FROM words_data",
    "INSERT INTO boxes VALUES (3, 1, 2)",
    "CREATE TABLE stolen AS SELECT * FROM people",
    "CREATE TEMP TABLE stolen AS SELECT * FROM people",
    "CREATE VIEW v AS SELECT 1",
    "CREATE TEMP VIEW v AS SELECT 1",
    "CREATE INDEX i ON people(name)",
    "CREATE TRIGGER t AFTER INSERT ON people BEGIN DELETE FROM people; END",
    "CREATE TEMP TRIGGER t AFTER INSERT ON people BEGIN DELETE FROM people; END",
    "CREATE VIRTUAL TABLE v USING fts5(x)",
    "CREATE VIRTUAL TABLE temp.v USING fts4(x)",
    "DROP TABLE people",
    "DROP TABLE IF EXISTS people",
    "DROP VIEW everyone",
    "DROP INDEX by_name",
    "DROP TRIGGER kept",
    "ALTER TABLE people RENAME TO persons",
    "ALTER TABLE people ADD COLUMN age",
    "ALTER TABLE people DROP COLUMN name",
    "REINDEX",
    "ANALYZE",
    "VACUUM",
    "UPDATE sqlite_master SET sql = 'x'",
    "DELETE FROM sqlite_sequence",
    "INSERT INTO sqlite_sequence VALUES ('people', 99)",
]
ATTACHES = [
    "ATTACH '{other}' AS other",
    "ATTACH DATABASE '{other}' AS other",
    "ATTACH ':memory:' AS other",
    "ATTACH '' AS other",
    "ATTACH 'file:{other}?mode=rwc' AS other",
    "ATTACH 'file:{own}?mode=rw' AS other",
    "ATTACH '{new}' AS other KEY 'x'",
    "ATTACH (SELECT '{other}') AS other",
    "DETACH main",
    "DETACH temp",
    "VACUUM INTO '{new}'",
    "VACUUM main INTO '{new}'",
    "VACUUM INTO (SELECT '{new}')",
    "SELECT * FROM other.secrets",
]
SETTINGS = [
    "PRAGMA query_only = OFF",
    "PRAGMA query_only(0)",
    "PRAGMA main.query_only = 0",
    "PRAGMA writable_schema = ON",
    "PRAGMA trusted_schema = ON",
    "PRAGMA user_version = 7",
    "PRAGMA user_version(7)",
    "PRAGMA application_id = 7",
    "PRAGMA journal_mode = WAL",
    "PRAGMA journal_mode",
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA auto_vacuum = 1",
    "PRAGMA incremental_vacuum",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "PRAGMA optimize",
    "PRAGMA temp_store_directory = '{folder}'",
    "PRAGMA data_store_directory = '{folder}'",
    "PRAGMA temp_store = 2",
    "PRAGMA mmap_size = 1000000000",
    "PRAGMA cache_size = -10000000",
    "PRAGMA cache_spill = 0",
    "PRAGMA page_size = 512",
    "PRAGMA max_page_count = 1",
    "PRAGMA encoding = 'UTF-16'",
    "PRAGMA hard_heap_limit = 1",
    "PRAGMA soft_heap_limit = 1",
    "PRAGMA threads = 8",
    "PRAGMA busy_timeout = 1000000",
    "PRAGMA schema_version = 1",
    "PRAGMA case_sensitive_like = 1",
    "PRAGMA foreign_keys = ON",
    "PRAGMA recursive_triggers = ON",
    "PRAGMA reset_database = 1",
    "PRAGMA key = 'x'",
    "PRAGMA rekey = 'x'",
    "PRAGMA module_list",
    "PRAGMA database_list",
    "PRAGMA integrity_check",
    "SELECT * FROM pragma_journal_mode",
    "SELECT * FROM pragma_database_list",
    "SELECT * FROM pragma_user_version",
    "EXPLAIN PRAGMA user_version = 7",
]
LOADS = [
    "SELECT load_extension('{library}')",
    "SELECT LOAD_EXTENSION('{library}', 'entry')",
    "SELECT \"load_extension\"('{library}')",
    "SELECT [load_extension]('{library}')",
    "SELECT 1 WHERE load_extension('{library}') IS NULL",
    "SELECT readfile('{other}')",
    "SELECT writefile('{new}', 'x')",
    "SELECT edit('x', 'touch {new}')",
    "SELECT fts3_tokenizer('simple')",
    "SELECT fts3_tokenizer('simple', x'4141414141414141')",
    "SELECT sqlite_log(1, 'x')",
    "SELECT * FROM fsdir('/')",
    "SELECT * FROM sqlite_dbpage",
    "SELECT * FROM sqlite_stmt",
    "SELECT * FROM dbstat_not_there",
    "SELECT shell('touch {new}')",
    "SELECT system('touch {new}')",
    "SELECT name FROM harmful",
]
TRANSACTIONS = [
    "BEGIN",
    "BEGIN IMMEDIATE",
    "BEGIN EXCLUSIVE",
    "COMMIT",
    "END",
    "ROLLBACK",
    "SAVEPOINT s",
    "RELEASE s",
    "ROLLBACK TO s",
    "SELECT 1; DELETE FROM people",
    "SELECT 1;DROP TABLE people;--",
    "SELECT 1;\n\nATTACH '{other}' AS o",
    "SELECT ';'; DELETE FROM people",
    "SELECT 1 /* ; */ ; DELETE FROM people",
    "SELECT",
    ".tables",
    ".open {other}",
    ".load {library}",
]
NOTHING = ["", " ", ";", "-- nothing", "/* */"]
REFUSED = [*WRITES, *ATTACHES, *SETTINGS, *LOADS, *TRANSACTIONS]


def made_in(folder: Path) -> Path:
    """A database with tables of every kind, in a folder with another that is secret."""
    with sqlite3.connect(folder / "other.db") as other:
        other.execute("CREATE TABLE secrets (word TEXT)")
    other.close()
    own = sqlite3.connect(folder / "own.db")
    own.executescript("""
        CREATE TABLE people (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT);
        CREATE INDEX by_name ON people(name);
        CREATE VIEW everyone AS SELECT * FROM people;
        CREATE VIEW harmful AS SELECT load_extension('x') AS name;
        CREATE TRIGGER kept AFTER DELETE ON people BEGIN SELECT 1; END;
        CREATE VIRTUAL TABLE words USING fts5(word);
        CREATE VIRTUAL TABLE boxes USING rtree(id, low, high);
        INSERT INTO people VALUES (1, 'Ada'), (2, 'Grace');
        INSERT INTO words VALUES ('hello');
        INSERT INTO boxes VALUES (1, 2, 3);
    """)
    own.close()
    return folder / "own.db"


def bytes_in(folder: Path) -> dict[str, bytes]:
    """Every file with what is in it."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def written_for(sql: str, folder: Path) -> str:
    """The statement with the paths of this test in it."""
    places = {"other": "other.db", "own": "own.db", "new": "new.db", "library": "x.so"}
    for name, file in places.items():
        sql = sql.replace(f"{{{name}}}", str(folder / file))
    return sql.replace("{folder}", str(folder))


@pytest.mark.parametrize("sql", [*REFUSED, *NOTHING])
async def test_a_query_that_is_more_than_a_query_is_refused_and_touches_nothing(sql, tmp_path):
    sold = Sql(made_in(tmp_path))
    before = bytes_in(tmp_path)
    with pytest.raises(Retry):
        await sold.query(written_for(sql, tmp_path))
    assert bytes_in(tmp_path) == before


NO_CHANGE_OF_ROWS = [
    sql
    for sql in REFUSED
    if sql not in WRITES or sql.split()[0] in ("CREATE", "DROP", "ALTER", "REINDEX", "VACUUM")
]


@pytest.mark.parametrize(
    "sql", [*NO_CHANGE_OF_ROWS, "UPDATE sqlite_master SET sql = 'x'", "ANALYZE"]
)
async def test_a_write_that_is_no_change_of_rows_is_refused_and_touches_nothing(sql, tmp_path):
    sold = Sql(made_in(tmp_path), writable=True)
    before = bytes_in(tmp_path)
    with pytest.raises(Retry):
        await sold.execute(written_for(sql, tmp_path))
    assert bytes_in(tmp_path) == before


@pytest.mark.parametrize("sql", NOTHING)
async def test_a_write_of_nothing_changes_nothing(sql, tmp_path):
    sold = Sql(made_in(tmp_path), writable=True)
    before = bytes_in(tmp_path)
    assert await sold.execute(sql) == "0 rows changed."
    assert bytes_in(tmp_path) == before


@pytest.mark.parametrize("name", ["a?mode=rwc", "a#b", "a%3fmode=rwc", "a b.db", "å|;.db", "-rf"])
async def test_no_name_of_a_file_changes_how_it_is_opened(name, tmp_path):
    with sqlite3.connect(tmp_path / name) as made:
        made.execute("CREATE TABLE t (a)")
    made.close()
    before = bytes_in(tmp_path)
    sold = Sql(tmp_path / name)
    assert "t (0 rows): a" in await sold.schema()
    with pytest.raises(Retry):
        await sold.query("INSERT INTO t VALUES (1)")
    assert bytes_in(tmp_path) == before


def test_the_list_is_as_long_as_it_has_to_be():
    assert len(set(REFUSED)) == len(REFUSED) >= 60


BOMBS = [
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c",
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x FROM c) SELECT x FROM c ORDER BY x",
    "SELECT count(*) FROM people a, people b, people c, people d, people e, people f, people g, "
    "people h, people i, people j, people k, people l, people m, people n, people o, people p, "
    "people q, people r, people s, people t, people u, people v, people w, people x, people y, "
    "people z, people aa, people ab, people ac, people ad, people ae, people af, people ag",
]


@pytest.mark.parametrize("sql", BOMBS)
async def test_what_has_no_end_is_stopped_in_time(sql, tmp_path):
    with pytest.raises(Retry, match="took longer than 0.2 seconds"):
        await Sql(made_in(tmp_path), timeout=0.2).query(sql)


TOO_LARGE = [
    "SELECT zeroblob(1000000000)",
    "SELECT randomblob(1000000000)",
    "SELECT replace(hex(zeroblob(400000)), '0', '0123456789')",
    f"SELECT {'(' * 2000}1{')' * 2000}",
    f"SELECT 1{' + 1' * 2000}",
    f"SELECT 1{' UNION SELECT 1' * 500}",
    f"SELECT {'1,' * 3000}1",
    f"SELECT '{'x' * 200_000}'",
    f"SELECT 'a' LIKE '{'%a' * 5000}'",
]


@pytest.mark.parametrize("sql", TOO_LARGE, ids=lambda sql: sql[:40])
async def test_what_would_take_too_much_memory_is_refused(sql, tmp_path):
    with pytest.raises(Retry):
        await Sql(made_in(tmp_path)).query(sql)
