"""PostgreSQL as tools, on a real server: what a role may read and no more."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from agentkit import ConfigurationError, Retry
from agentkit_tools import Sql

if TYPE_CHECKING:
    from tests.stores.postgres_server import PostgresServer

SETUP = """
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE countries (
    name text PRIMARY KEY, capital text NOT NULL, population bigint, joined date, feels mood
);
COMMENT ON TABLE countries IS 'one row a country';
COMMENT ON COLUMN countries.joined IS 'the union';
CREATE TABLE cities (id serial PRIMARY KEY, city text, country text REFERENCES countries);
CREATE TABLE hidden (secret text);
CREATE SEQUENCE numbers;
CREATE VIEW large AS SELECT name FROM countries WHERE population > 10000000;
CREATE FUNCTION smuggled() RETURNS int VOLATILE LANGUAGE plpgsql AS
    $$BEGIN INSERT INTO cities (city) VALUES ('smuggled'); RETURN 1; END$$;
INSERT INTO countries VALUES
    ('Norway', 'Oslo', 5500000, '1905-06-07', 'good'), ('Peru', 'Lima', 34000000, NULL, NULL);
INSERT INTO cities (city, country) VALUES ('Bergen', 'Norway');
GRANT SELECT ON countries, cities, large TO reader, writer;
GRANT INSERT, UPDATE, DELETE ON countries, cities TO writer;
GRANT USAGE ON SEQUENCE cities_id_seq, numbers TO reader, writer;
"""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server of this module, with roles that may not do everything."""
    pytest.importorskip("psycopg")
    pytest.importorskip("pwd", reason="PostgreSQL is tested where there is Unix")
    from tests.stores.postgres_server import NoServerError, PostgresServer

    try:
        server = PostgresServer()
    except NoServerError as error:
        pytest.skip(str(error))
    with server.connected(server.own_url()) as line:
        line.execute("CREATE ROLE reader LOGIN")
        line.execute("CREATE ROLE writer LOGIN")
    yield server
    server.remove()


@pytest.fixture(scope="module")
def kept(server) -> Iterator[str]:
    """The URL of tables that no test of this module changes."""
    yield from _made(server)


@pytest.fixture
def owner(server) -> Iterator[str]:
    """The URL of the superuser who made the tables, in a schema of this test's own."""
    yield from _made(server)


def _made(server) -> Iterator[str]:
    url = server.own_url()
    with server.connected(url) as line:
        schema = line.execute("SELECT current_schema()").fetchone()[0]
        line.execute(f"GRANT USAGE ON SCHEMA {schema} TO reader, writer")
        line.execute(SETUP)
    yield url
    with server.connected(url) as line:
        line.execute(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture
def url(owner) -> str:
    return owner.replace("//agentkit@", "//reader@")


def state_of(server, owner) -> list[object]:
    """The rows of every table, what the sequence has given out, and which tables there are."""
    with server.connected(owner) as line:
        return [
            line.execute(sql).fetchall()
            for sql in (
                "SELECT * FROM countries ORDER BY 1",
                "SELECT * FROM cities ORDER BY 1",
                "SELECT last_value, is_called FROM numbers",
                "SELECT count(*) FROM pg_class",
                "SELECT count(*) FROM pg_largeobject_metadata",
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'",
                "SELECT setting FROM pg_settings WHERE name = 'work_mem'",
            )
        ]


ATTACKS = [
    "INSERT INTO cities (city) VALUES ('Ur')",
    "UPDATE countries SET population = 0",
    "DELETE FROM cities",
    "TRUNCATE cities",
    "MERGE INTO cities USING countries ON true WHEN MATCHED THEN DELETE",
    "WITH gone AS (DELETE FROM cities RETURNING *) SELECT * FROM gone",
    "WITH new AS (INSERT INTO cities (city) VALUES ('Ur') RETURNING *) SELECT * FROM new",
    "SELECT * INTO stolen FROM countries",
    "SELECT * INTO TEMP stolen FROM countries",
    "CREATE TABLE stolen AS SELECT * FROM countries",
    "CREATE TEMP TABLE stolen (a int)",
    "DROP TABLE cities",
    "ALTER TABLE cities ADD COLUMN x int",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "DO $$BEGIN DELETE FROM cities; END$$",
    "CALL nothing()",
    "GRANT ALL ON cities TO PUBLIC",
    "CREATE ROLE eve SUPERUSER",
    "ALTER ROLE reader SUPERUSER",
    "CREATE EXTENSION dblink",
    "LOAD 'auto_explain'",
    "SELECT smuggled()",
    "SELECT nextval('numbers')",
    "SELECT NEXTVAL ('numbers')",
    "SELECT \"nextval\"('numbers')",
    "SELECT setval('numbers', 99)",
    "SELECT pg_catalog.nextval('numbers')",
    "SELECT U&\"\\006eextval\"('numbers')",
    "SELECT * FROM cities FOR UPDATE",
    "SELECT * FROM cities FOR SHARE",
    "LOCK TABLE cities",
    "COMMIT",
    "ROLLBACK",
    "END",
    "BEGIN",
    "COMMIT; DELETE FROM cities",
    "SELECT 1; COMMIT; DELETE FROM cities",
    "SELECT 1; DELETE FROM cities; --",
    "SELECT 1;\n\nDROP TABLE cities",
    "SELECT ';'; DROP TABLE cities",
    "SELECT 1) TO STDOUT; DROP TABLE cities; --",
    "SET TRANSACTION READ WRITE",
    "SELECT 1; SET TRANSACTION READ WRITE; DELETE FROM cities",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    "SET default_transaction_read_only = off",
    "SET ROLE writer",
    "SET SESSION AUTHORIZATION writer",
    "RESET ALL",
    "DISCARD ALL",
    "SELECT set_config('transaction_read_only', 'off', true)",
    "SELECT set_config('transaction_read_only', 'off', false), smuggled()",
    "SELECT pg_catalog . set_config('role', 'writer', false)",
    "SELECT set_config('statement_timeout', '0', false)",
    "COPY cities TO STDOUT",
    "COPY cities FROM STDIN",
    "COPY cities TO '/tmp/never'",
    "COPY (SELECT 1) TO PROGRAM 'touch /tmp/never'",
    "COPY cities FROM PROGRAM 'id'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_read_binary_file('postgresql.conf')",
    "SELECT pg_ls_dir('.')",
    "SELECT pg_stat_file('postgresql.conf')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, '/tmp/never')",
    "SELECT lo_create(7)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT lo_unlink(1)",
    "SELECT * FROM dblink('dbname=logs', 'DELETE FROM cities') AS t(a int)",
    "SELECT dblink_exec('dbname=logs', 'DELETE FROM cities')",
    "SELECT query_to_xml('SELECT nextval(''numbers'')', true, true, '')",
    "SELECT * FROM ts_stat('SELECT 1')",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_try_advisory_lock_shared(1)",
    "SELECT pg_advisory_xact_lock(1)",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity",
    "SELECT pg_cancel_backend(pid) FROM pg_stat_activity",
    "SELECT pg_notify('x', 'y')",
    "NOTIFY x",
    "LISTEN x",
    "SELECT pg_reload_conf()",
    "SELECT pg_create_physical_replication_slot('x')",
    "SELECT pg_logical_emit_message(false, 'x', 'y')",
    "SELECT pg_sleep(100)",
    "SELECT pg_sleep_for('100 s')",
    "ALTER SYSTEM SET work_mem = '1GB'",
    "VACUUM",
    "ANALYZE cities",
    "REINDEX TABLE cities",
    "CLUSTER",
    "CHECKPOINT",
    "REFRESH MATERIALIZED VIEW large",
    "PREPARE p AS DELETE FROM cities",
    "EXECUTE p",
    "DEALLOCATE ALL",
    "DECLARE c CURSOR FOR SELECT 1",
    "FETCH ALL FROM agentkit",
    "CLOSE agentkit",
    "MOVE ALL FROM agentkit",
    "EXPLAIN ANALYZE DELETE FROM cities",
    "SHOW ALL",
    "SELECT * FROM hidden",
    "SELECT rolpassword FROM pg_authid",
    "SELECT * FROM pg_shadow",
    "SELECT $1",
    "SELECT 1\0",
    "",
    ";",
]


@pytest.mark.parametrize("sql", ATTACKS)
async def test_what_is_more_than_reading_is_refused_and_changes_nothing(sql, server, kept):
    before = state_of(server, kept)
    with pytest.raises(Retry):
        await Sql(kept.replace("//agentkit@", "//reader@")).query(sql)
    assert state_of(server, kept) == before


@pytest.mark.parametrize("role", ["writer", "agentkit"])
@pytest.mark.parametrize(
    "sql", [each for each in ATTACKS if "hidden" not in each and each != "SHOW ALL"]
)
async def test_a_role_that_may_write_does_not_either(sql, role, server, kept):
    before = state_of(server, kept)
    strong = Sql(kept.replace("//agentkit@", f"//{role}@"), allow_superuser=True)
    with pytest.raises(Retry):
        await strong.query(sql)
    assert state_of(server, kept) == before


NO_CHANGE_OF_ROWS = [
    sql
    for sql in ATTACKS
    if sql.split(" ")[0] not in ("INSERT", "UPDATE", "DELETE", "MERGE", "WITH")
    and "smuggled" not in sql
    and "FOR " not in sql
]


@pytest.mark.parametrize("sql", [*NO_CHANGE_OF_ROWS, "DELETE FROM cities; COMMIT"])
async def test_a_write_that_is_no_change_of_rows_is_refused(sql, server, kept):
    before = state_of(server, kept)
    sold = Sql(kept.replace("//agentkit@", "//writer@"), writable=True)
    with pytest.raises(Retry):
        await sold.execute(sql)
    assert state_of(server, kept) == before


async def test_the_schema_shows_what_the_role_may_read(url):
    told = (await Sql(url).schema()).splitlines()
    schema = url.rpartition("%3D")[2]
    # those that need no schema before them come first
    assert told[1:4] == [
        "cities: id integer not null, city text, country text",
        "countries: name text not null, capital text not null, population bigint, joined date "
        f"-- the union, feels {schema}.mood (good, bad)",
        "large (view): name text",
    ]
    assert not any("hidden" in line for line in told)


async def test_the_schema_of_one_table_shows_keys_and_rows(url):
    told = await Sql(url).schema("cities")
    assert "FOREIGN KEY (country) REFERENCES" in told
    assert "PRIMARY KEY (id)" in told
    assert told.endswith("Some of its rows:\nid | city | country\n1 | Bergen | Norway")
    assert "one row a country" in await Sql(url).schema("countries")


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("NULL::text", "NULL"),
        ("'NULL'", '"NULL"'),
        ("42", "42"),
        ("'42'::text", '"42"'),
        ("123456789012345678901234567890.10", "123456789012345678901234567890.10"),
        ("0.1::float8", "0.1"),
        ("'NaN'::float8", "NaN"),
        ("true", "true"),
        ("'0044-03-15 BC'::date", "0044-03-15 BC"),
        ("'infinity'::timestamp", "infinity"),
        ("'2024-05-31 12:00+02'::timestamptz AT TIME ZONE 'UTC'", "2024-05-31 10:00:00"),
        ("'\\x00ff'::bytea", "<blob, 2 bytes>"),
        ("ARRAY[1, NULL]", "{1,NULL}"),
        ("'{\"a\": 1.50}'::jsonb", '{"a": 1.50}'.replace('"', '"')),
        ("E'a\\nb'", '"a\\nb"'),
        ("'100%s %(x)s'", "100%s %(x)s"),
    ],
)
async def test_a_value_is_shown_as_the_server_has_it(url, sql, shown):
    assert (await Sql(url).query(f"SELECT {sql} AS v")).splitlines()[1:-1] == [shown]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT nam FROM countries", 'reference the column "countries.name"'),
        ("SELECT capitl FROM large", "large has name."),
        ("SELECT * FROM country", "Did you mean countries?"),
        ("SELEC 1", "syntax error"),
        ("SELECT 1; SELECT 2", "Give one statement a call"),
        ("SELECT 1/0", "division by zero"),
    ],
)
async def test_an_error_says_what_to_do_better(url, sql, said):
    with pytest.raises(Retry) as raised:
        await Sql(url).query(sql)
    assert said in str(raised.value)


async def test_no_rows_still_have_columns(url):
    assert await Sql(url).query("SELECT name, capital FROM countries WHERE false") == (
        "name | capital\n0 rows"
    )


async def test_only_as_many_rows_are_fetched_as_are_shown(url):
    told = await Sql(url, max_rows=2).query("SELECT generate_series(1, 1000000000000) AS n")
    assert told.startswith("n\n1\n2\nthe first 2 rows; there are more")


async def test_what_takes_too_long_is_stopped_by_the_server(url):
    with pytest.raises(Retry, match="took longer than 0.3 seconds"):
        await Sql(url, timeout=0.3).query("SELECT count(*) FROM generate_series(1, 10000000000)")


async def test_a_call_that_is_cancelled_is_cancelled_on_the_server(server, owner, url):
    sold = Sql(url, timeout=60)
    endless = "SELECT count(*) FROM generate_series(1, 1000000000000)"
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(sold.query(endless), 0.5)
    with server.connected(owner) as line:
        line.execute("SET statement_timeout = '10s'")
        # waits until the server has let go of the connection
        line.execute(
            "DO $$BEGIN WHILE EXISTS (SELECT FROM pg_stat_activity WHERE usename = 'reader') LOOP "
            "PERFORM pg_sleep(0.01); PERFORM pg_stat_clear_snapshot(); END LOOP; END$$"
        )


async def test_a_superuser_is_refused_unless_it_is_meant(owner):
    with pytest.raises(ConfigurationError, match="superuser"):
        await Sql(owner).query("SELECT 1")
    assert await Sql(owner, allow_superuser=True).query("SELECT 1 AS n") == "n\n1\n1 row"


async def test_a_write_is_committed_and_says_how_many_rows_were_changed(owner):
    sold = Sql(owner.replace("//agentkit@", "//writer@"), writable=True)
    told = await sold.execute("UPDATE countries SET population = 1 RETURNING name")
    assert told == "2 rows changed.\nname\nNorway\nPeru\n2 rows"
    assert await sold.execute("DELETE FROM cities") == "1 row changed."
    with pytest.raises(Retry, match="Nothing was changed"):
        await sold.execute("SELECT 1 AS n")
    with pytest.raises(Retry, match="violates foreign key"):
        await sold.execute("INSERT INTO cities (city, country) VALUES ('Ur', 'Sumer')")
    assert "\n0\n" in await sold.query("SELECT count(*) FROM cities")
    assert [each.approval for each in sold.tools] == [False, False, True]


async def test_the_password_is_in_no_error(server, owner):
    from tests.stores.postgres_server import PASSWORD

    wrong = owner.replace("//agentkit@", "//guarded:pass-that-is-wrong@")
    with pytest.raises(ConnectionError) as raised:
        await Sql(wrong).query("SELECT 1")
    assert "cannot be asked" in str(raised.value)
    assert "pass-that-is-wrong" not in repr(raised.value)
    assert raised.value.__cause__ is None
    assert PASSWORD not in str(raised.value)
