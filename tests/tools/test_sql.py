"""A database as tools: what a model reads of tables and rows, and what it can change."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest

from agentkit import Agent, Approve, ConfigurationError, Retry
from agentkit.testing import ScriptedModel, call
from agentkit_tools import Sql

COUNTRIES = """
CREATE TABLE countries (name TEXT PRIMARY KEY, capital TEXT NOT NULL, population INTEGER);
CREATE TABLE cities (
    id INTEGER PRIMARY KEY, city TEXT, country TEXT REFERENCES countries(name),
    "order" REAL, UNIQUE (city, country)
);
CREATE INDEX by_country ON cities(country);
CREATE VIEW large AS SELECT name FROM countries WHERE population > 10000000;
INSERT INTO countries VALUES ('Norway', 'Oslo', 5500000), ('Peru', 'Lima', 34000000);
INSERT INTO cities VALUES (1, 'Bergen', 'Norway', 1.5);
"""


@pytest.fixture
def path(tmp_path):
    with sqlite3.connect(tmp_path / "countries.db") as made:
        made.executescript(COUNTRIES)
    made.close()
    return tmp_path / "countries.db"


def made(path, script):
    """The same database with more in it."""
    connection = sqlite3.connect(path)
    connection.executescript(script)
    connection.close()
    return path


async def test_the_schema_lists_tables_with_columns_keys_and_rows(path):
    assert await Sql(path).schema() == (
        "SQLite, 3 tables and views.\n"
        'cities (1 row): id INTEGER primary key, city TEXT, country TEXT → countries(name), "order"'
        " REAL\n"
        "countries (2 rows): name TEXT primary key, capital TEXT not null, population INTEGER\n"
        "large (view): name TEXT\n"
        "Call sql_schema with a table for its keys and some of its rows."
    )


async def test_the_schema_of_one_table_shows_some_of_its_rows(path):
    assert await Sql(path).schema("CITIES") == (
        "cities: table, 1 row\n"
        "- id INTEGER primary key\n"
        "- city TEXT\n"
        "- country TEXT → countries(name)\n"
        '- "order" REAL\n'
        "index (country)\n"
        "unique (city, country)\n"
        "Some of its rows:\n"
        "id | city | country | order\n"
        "1 | Bergen | Norway | 1.5"
    )


async def test_a_query_gives_a_header_rows_and_how_many_there_are(path):
    rows = await Sql(path).query("SELECT * FROM countries ORDER BY name;")
    assert rows == (
        "name | capital | population\nNorway | Oslo | 5500000\nPeru | Lima | 34000000\n2 rows"
    )


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("NULL", "NULL"),
        ("'NULL'", '"NULL"'),
        ("''", '""'),
        ("42", "42"),
        ("'42'", '"42"'),
        ("'007'", '"007"'),
        ("9007199254740993", "9007199254740993"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("0.1", "0.1"),
        ("1e300", "1e+300"),
        ("'1e5'", '"1e5"'),
        ("1e999", "inf"),
        ("2.0", "2.0"),
        ("'a|b'", '"a|b"'),
        ("'line' || char(10) || 'two'", '"line\\ntwo"'),
        ("' a'", '" a"'),
        ("'say \"hi\"'", 'say "hi"'),
        ("'\"hi\"'", '"\\"hi\\""'),
        ("'2024-05-31'", "2024-05-31"),
        ("x'00ff10'", "<blob, 3 bytes>"),
        ("'<blob, 3 bytes>'", '"<blob, 3 bytes>"'),
        ("char(27) || '[31mred'", '"\\u001b[31mred"'),
        ("'a' || char(8238) || 'b'", '"a\\u202eb"'),
        ("CAST(x'61ff' AS TEXT)", '"a\\udcff"'),
        ("'Åse 日本'", "Åse 日本"),
    ],
)
async def test_a_value_is_shown_so_that_it_cannot_be_taken_for_another(path, sql, shown):
    assert (await Sql(path).query(f"SELECT {sql} AS v")).splitlines()[1:-1] == [shown]


async def test_more_rows_than_are_shown_are_told_of(path):
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 500)"
    rows = (await Sql(path, max_rows=3).query(f"{numbers} SELECT i FROM n")).splitlines()
    assert rows[:4] == ["i", "1", "2", "3"]
    assert rows[4].startswith("the first 3 rows; there are more. Use LIMIT and OFFSET")
    exact = await Sql(path, max_rows=3).query(f"{numbers} SELECT i FROM n LIMIT 3")
    assert exact.endswith("\n3 rows")


async def test_an_endless_query_is_read_only_as_far_as_it_is_shown(path):
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    assert "the first 100 rows; there are more" in await Sql(path).query(endless)


async def test_rows_end_where_their_bytes_do(path):
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
    told = await Sql(path, max_bytes=2000).query(f"{endless} SELECT printf('%0200d', i) FROM n")
    assert "9 rows, as many as fit into 2,000 bytes; there are more" in told
    assert len(told) < 2200


async def test_a_long_text_is_cut_and_says_how_long_it_is(path):
    told = await Sql(path).query("SELECT replace(hex(zeroblob(4000)), '0', 'é') AS t")
    assert told.splitlines()[1] == f'"{"é" * 1000}"… [8,000 characters]'


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT nam FROM countries", "SQLite: no such column: nam. Did you mean name?"),
        ("SELECT c.capitol FROM countries c", "no such column: c.capitol. Did you mean capital?"),
        ("SELECT zzz FROM large", "no such column: zzz. large has name."),
        ("SELECT * FROM country", "no such table: country. Did you mean countries?"),
        ("SELECT * FROM qqq", "no such table: qqq. Tables: cities, countries, large."),
        ("SELEC 1", 'SQLite: near "SELEC": syntax error.'),
        ("SELECT ?", "there are no parameters for ? and :name"),
        ("SELECT 1; SELECT 2", "Give one statement a call"),
        ("DELETE FROM cities", "Refused: not authorized. Only the rows"),
        ("SELECT sum(9223372036854775807) + 1, sum(x) FROM (SELECT 9223372036854775807 AS x "
         "UNION ALL SELECT 1)", "SQLite: integer overflow."),
    ],
)  # fmt: skip
async def test_an_error_says_what_to_do_better(path, sql, said):
    with pytest.raises(Retry) as raised:
        await Sql(path).query(sql)
    assert said in str(raised.value)


async def test_an_unknown_table_is_answered_with_what_comes_close(path):
    with pytest.raises(Retry, match=r"There is no table 'citys'. Did you mean cities\?"):
        await Sql(path).schema("citys")


async def test_tables_of_modules_can_be_read_where_this_sqlite_has_them(path):
    made(
        path,
        "CREATE VIRTUAL TABLE words USING fts5(word); INSERT INTO words VALUES ('hello world');"
        "CREATE VIRTUAL TABLE boxes USING rtree(id, low, high); INSERT INTO boxes VALUES (1, 2, 3);",
    )
    sold = Sql(path)
    found = await sold.query("SELECT highlight(words, 0, '[', ']') FROM words('hello')")
    assert found.splitlines()[1] == "[hello] world"
    assert (await sold.query("SELECT id FROM boxes WHERE low < 5")).splitlines()[1] == "1"
    assert "words (1 row): word" in await sold.schema()
    assert "words_data" not in await sold.schema()


async def test_json_dates_and_the_tables_that_tell_of_tables_can_be_asked(path):
    sold = Sql(path)
    assert "\n2\n" in await sold.query("SELECT value FROM json_each('[1, 2]')")
    assert "2024-06-01" in await sold.query("SELECT date('2024-05-31', '+1 day')")
    assert "capital" in await sold.query("SELECT name FROM pragma_table_info('countries')")
    assert "capital" in await sold.query("PRAGMA table_info(countries)")
    assert "by_country" in await sold.query("EXPLAIN QUERY PLAN SELECT * FROM cities "
                                            "WHERE country = 'Peru'")  # fmt: skip


async def test_many_tables_are_listed_by_name_and_the_others_counted(path):
    made(path, "".join(f"CREATE TABLE table_{n} (a, b, c, d, e, f);" for n in range(300)))
    told = await Sql(path, max_bytes=3000).schema()
    assert "table_0: 6 columns" in told
    assert "more." in told
    assert len(told) < 3300


async def test_names_that_hold_anything_are_quoted_and_seen(path):
    made(path, 'CREATE TABLE "a ""b"" \x1b[31m" ("x\ny" TEXT)')
    told = await Sql(path).schema()
    assert '"a ""b"" \\u001b[31m"' in told
    assert '"x\\ny" TEXT' in told


async def test_an_agent_looks_at_the_columns_and_asks(path):
    model = ScriptedModel(
        call("sql_schema", table="countries"),
        call("sql_query", sql="SELECT capital FROM countries WHERE name = 'Peru'"),
        "Lima.",
    )
    result = await Agent(model, tools=[*Sql(path).tools]).run("The capital of Peru?")
    assert result.output == "Lima."
    assert model.requests[2].outputs[-1] == "capital\nLima\n1 row"


async def test_two_databases_in_one_agent_have_names_of_their_own(path):
    tools = [*Sql(path, name="old").tools, *Sql(path, name="new").tools]
    assert "the SQLite database 'countries.db'" in tools[0].description
    names = [each.name for each in tools]
    assert names == ["old_schema", "old_query", "new_schema", "new_query"]
    assert {each.effect for each in tools} == {"read"}
    assert not any(each.untrusted for each in tools)
    assert all(each.untrusted for each in Sql(path, untrusted=True).tools)


async def test_a_write_waits_for_a_person_and_is_committed(path):
    sql = "UPDATE countries SET population = 35000000 WHERE name = 'Peru' RETURNING population"
    model = ScriptedModel(call("sql_execute", "call_1", sql=sql), "Done.")
    agent = Agent(model, tools=[*Sql(path, writable=True).tools])
    waiting = await agent.run("Peru has 35 million people now.")
    assert waiting.status == "waiting"
    assert "34000000" in await Sql(path).query("SELECT population FROM countries")
    await agent.resume(waiting, [Approve("call_1")])
    assert model.requests[1].outputs == ["1 row changed.\npopulation\n35000000\n1 row"]
    assert "35000000" in await Sql(path).query("SELECT population FROM countries")


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("INSERT INTO cities (city, country) VALUES ('Cusco', 'Peru'), ('Puno', 'Peru')", "2 rows"),
        ("WITH x AS (SELECT 'Norway' AS n) DELETE FROM cities WHERE country IN x", "1 row "),
        ("DELETE FROM cities WHERE id = 99", "0 rows"),
    ],
)
async def test_a_write_says_how_many_rows_were_changed(path, sql, said):
    assert (await Sql(path, writable=True).execute(sql)).startswith(f"{said.strip()} changed.")


async def test_a_write_that_fails_changes_nothing(path):
    sold = Sql(path, writable=True)
    with pytest.raises(Retry, match="FOREIGN KEY constraint failed"):
        await sold.execute("INSERT INTO cities (city, country) VALUES ('Ur', 'Sumer')")
    with pytest.raises(Retry, match="UNIQUE constraint failed"):
        await sold.execute("INSERT INTO cities SELECT id + 1, city, country, 1 FROM cities")
    assert "\n1\n" in await sold.query("SELECT count(*) FROM cities")


async def test_a_database_that_is_only_read_is_not_written_by_hand_either(path):
    sold = Sql(path)
    assert [each.name for each in sold.tools] == ["sql_schema", "sql_query"]
    with pytest.raises(ConfigurationError, match="writable=True"):
        await sold.execute("DELETE FROM cities")


async def test_a_call_that_is_cancelled_is_interrupted(path):
    sold = Sql(path, timeout=60)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
    with pytest.raises(TimeoutError):
        # ends only once the thread has
        await asyncio.wait_for(sold.query(f"{endless} SELECT count(*) FROM n"), 0.1)


async def test_a_lock_of_another_program_is_told(path):
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(Retry, match="locked"):
        await Sql(path, writable=True, timeout=0.2).execute("DELETE FROM cities")
    other.close()


@pytest.mark.parametrize(
    "given",
    [
        "nowhere.db",
        "",
        ":memory:",
        "file:countries.db?mode=rwc",
        "sqlite://countries.db",
        "mysql://user:secret@host/db",
        "https://example.org/x.db",
        "postgresql://user:se@cret@host/db",
    ],
)
def test_what_is_no_database_is_told_when_it_is_given(given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match="url_or_path") as raised:
        Sql(given)
    assert "secret" not in str(raised.value)
    assert "cret@host" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_and_a_folder_are_told(tmp_path):
    (tmp_path / "notes.txt").write_text("not a database at all, but a text " * 50)
    with pytest.raises(ConfigurationError, match="cannot be read as a SQLite database"):
        Sql(tmp_path / "notes.txt")
    with pytest.raises(ConfigurationError, match="there is no database"):
        Sql(tmp_path)


@pytest.mark.parametrize("option", ["max_rows", "max_bytes", "timeout"])
@pytest.mark.parametrize("value", [0, -1, True, None, "10"])
def test_a_cap_that_lets_nothing_through_is_told(option, value, path):
    with pytest.raises(ConfigurationError, match=option):
        Sql(path, **{option: value})


async def test_a_url_of_sqlite_and_a_later_change_of_folder_lead_to_the_same_file(
    path, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    near, far = Sql("countries.db"), Sql(f"sqlite:///{path}")
    monkeypatch.chdir("/")
    assert await near.schema() == await far.schema()
