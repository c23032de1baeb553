"""Files of rows as tools: what is read of them, digit for digit, in both engines."""

from __future__ import annotations

import asyncio
import codecs
import gc
import json
import os
import tempfile
import threading

import pytest

from agentkit import Agent, ConfigurationError, Retry
from agentkit.testing import ScriptedModel, call
from agentkit_tools import Table

ENGINES = ["sqlite", "duckdb"]


@pytest.fixture(params=ENGINES)
def engine(request):
    if request.param == "duckdb":
        pytest.importorskip("duckdb")
    return request.param


def written(folder, name, content):
    """A file with the content, as text or as bytes."""
    path = folder / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_bytes(content.encode())
    return path


async def rows_of(path, engine, sql="SELECT * FROM t", **options):
    """The lines of the rows, with the header and without the count."""
    told = await Table({"t": path}, engine=engine, **options).query(sql)
    return told.splitlines()[:-1]


async def test_the_schema_tells_the_columns_and_the_query_the_rows(tmp_path, engine):
    path = written(tmp_path, "sales.csv", "region,amount\nnorth,10\nsouth,32\n")
    table = Table(path, engine=engine)
    assert [each.name for each in table.tools] == ["table_schema", "table_query"]
    told = await table.schema()
    assert "sales (2 rows): region" in told
    assert (await table.schema("sales")).endswith("region | amount\nnorth | 10\nsouth | 32")
    assert await table.query("SELECT sum(amount) AS total FROM sales") == "total\n42\n1 row"
    assert "the table sales" in table.tools[1].description


@pytest.mark.parametrize(
    ("cells", "shown"),
    [
        (["1", "-2", "0"], ["1", "-2", "0"]),
        (["007", "8"], ['"007"', '"8"']),
        (["9223372036854775807"], ["9223372036854775807"]),
        (["9223372036854775808"], ['"9223372036854775808"']),
        (["-9223372036854775808"], ["-9223372036854775808"]),
        (["123456789012345678901234567890"], ['"123456789012345678901234567890"']),
        (["+1", "2"], ['"+1"', '"2"']),
        (["-0"], ['"-0"']),
        (["-0.0"], ['"-0.0"']),
        (["-0.00", "1.25", "3"], ['"-0.00"', '"1.25"', '"3"']),
        (["1e5", "2"], ['"1e5"', '"2"']),
        (["12E4"], ['"12E4"']),
        (["0x10"], ["0x10"]),
        (["1_000"], ["1_000"]),
        (["1,000"], ["1,000"]),
        ([" 1", "2"], ['" 1"', '"2"']),
        (["٣"], ["٣"]),
        (["1.1", "1.10"], ['"1.1"', '"1.10"']),
        (["0.12345678901234567890"], ['"0.12345678901234567890"']),
        (["nan", "1.5"], ['"nan"', '"1.5"']),
        (["inf"], ['"inf"']),
        (["true", "false"], ['"true"', '"false"']),
        (["2024-05-31", "2023-01-01"], ["2024-05-31", "2023-01-01"]),
        (["2024-02-30"], ["2024-02-30"]),
        (["2024-05-31T12:00:00Z"], ["2024-05-31T12:00:00Z"]),
        (["31.05.2024"], ["31.05.2024"]),
        (["NULL", "x"], ['"NULL"', "x"]),
        (["", "x"], ["NULL", "x"]),
        (["", "5"], ["NULL", "5"]),
        (["", ""], ["NULL", "NULL"]),
        (["a\nb"], ['"a\\nb"']),
        (["a\r\nb"], ['"a\\r\\nb"']),
        (["a\rb", "c\n\n"], ['"a\\rb"', '"c\\n\\n"']),
        (['say "hi"'], ['say "hi"']),
        (["a,b;c|d\te"], ['"a,b;c|d\\te"']),
        (["Åse 日本 😀"], ["Åse 日本 😀"]),
        (["=1+1"], ["=1+1"]),
        (["\\N", "\\"], ["\\N", "\\"]),
    ],
)
async def test_no_value_loses_a_digit_or_becomes_another(tmp_path, engine, cells, shown):
    quoted = "".join('"{}",z\n'.format(cell.replace('"', '""')) for cell in cells)
    path = written(tmp_path, "t.csv", f"v,w\n{quoted}")
    assert await rows_of(path, engine, "SELECT v FROM t") == ["v", *shown]


async def test_money_is_exact_where_the_engine_knows_decimals(tmp_path):
    pytest.importorskip("duckdb")
    path = written(tmp_path, "t.csv", "price\n0.10\n0.20\n12.50\n")
    assert await rows_of(path, "duckdb") == ["price", "0.10", "0.20", "12.50"]
    assert (await rows_of(path, "duckdb", "SELECT sum(price) FROM t"))[1] == "12.80"
    assert await rows_of(path, "sqlite") == ["price", "0.1", "0.2", "12.5"]


async def test_numbers_with_digits_behind_the_point_are_numbers(tmp_path, engine):
    path = written(tmp_path, "t.csv", "v\n1.5\n2\n-0.25\n1.5e-7\n")
    assert (await rows_of(path, engine, "SELECT max(v) FROM t"))[1] == "2.0"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("n\nÅse\n".encode(), None),
        (codecs.BOM_UTF8 + "n\nÅse\n".encode(), None),
        ("n\nÅse\n".encode("utf-16"), None),
        ("n\nÅse\n".encode("utf-32"), None),
        (codecs.BOM_UTF32_BE + "n\nÅse\n".encode("utf-32-be"), None),
        ("n\nÅse\n".encode("utf-16-le"), "utf-16-le"),
        ("n\nÅse\n".encode("latin-1"), "latin-1"),
        ("n\nÅse\n".encode("cp1252"), "cp1252"),
    ],
)
async def test_a_file_is_read_in_what_it_is_written_in(tmp_path, engine, content, encoding):
    path = written(tmp_path, "t.csv", content)
    assert await rows_of(path, engine, encoding=encoding) == ["n", "Åse"]


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl"])
def test_another_encoding_is_told_and_not_guessed(tmp_path, engine, name):
    path = written(tmp_path, name, '{"n": "Åse"}\n'.encode("latin-1"))
    with pytest.raises(ConfigurationError, match="is not written in UTF-8.*encoding='cp1252'"):
        Table(path, engine=engine)
    with pytest.raises(ConfigurationError, match="encoding: unknown encoding: klingon"):
        Table(path, engine=engine, encoding="klingon")


async def test_names_of_columns_can_be_told_apart(tmp_path, engine):
    path = written(tmp_path, "t.csv", "a,A,,a,select,two words\n1,2,3,4,5,6\n")
    table = Table(path, engine=engine)
    assert (await table.query("SELECT * FROM t")).splitlines()[0].split(" | ")[:4] == [
        "a",
        "A_2",
        "column_3",
        "a_3",
    ]
    assert '"select"' in await table.schema()
    assert '"two words"' in await table.schema()
    assert (await table.query('SELECT "select", "two words" FROM t')).splitlines()[1] == "5 | 6"


async def test_short_rows_are_filled_up_and_empty_lines_left_out(tmp_path, engine):
    path = written(tmp_path, "t.csv", "a,b,c\n1,2\n\n3,4,5,,\n\n")
    assert await rows_of(path, engine) == ["a | b | c", "1 | 2 | NULL", "3 | 4 | 5"]


async def test_a_single_column_keeps_its_empty_cells(tmp_path, engine):
    path = written(tmp_path, "t.csv", 'a\n1\n""\n2\n')
    assert await rows_of(path, engine) == ["a", "1", "NULL", "2"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.csv", "", r"^\S+t.csv is empty"),
        ("t.csv", "n\nAse\n".encode("utf-16-le"), "NUL characters.*encoding='utf-16-le'"),
        ("t.jsonl", f'{{"a": {"[" * 900}{"]" * 900}}}\n', "t.jsonl cannot be taken into"),
        ("t.csv", "\n\n", "t.csv is empty"),
        ("t.csv", "a,b\n1,2\n1,2,3\n", "line 3: 3 cells, but 2 names"),
        ("t.csv", 'a,b\n"open,2\n', "unexpected end of data"),
        ("t.csv", 'a,b\n"x"y,2\n', "line 2:.*in quotes"),
        ("t.csv", f"a\n{'x' * 17_000_000}\n", "A cell has at most 16,777,216 characters"),
        ("t.csv", ",".join("abc" * 500), "more than 1,000 columns"),
        ("t.jsonl", "", "t.jsonl is empty"),
        ("t.jsonl", '{"a": 1}\nnot json\n', "line 2: no JSON"),
        ("t.jsonl", '{"a": 1}\n[1]\n', "line 2: expected an object"),
        ("t.jsonl", '{"a": NaN}\n', "line 1: no JSON.*NaN"),
        ("t.jsonl", '{"a": 1, "a": 2}\n', "line 1:.*a name twice"),
        ("t.jsonl", f"{'[' * 100_000}\n", "line 1: no JSON"),
        ("t.xlsx", "x", "is none of .csv"),
        ("t", "x", "is none of .csv"),
    ],
)
def test_a_file_that_cannot_be_read_without_guessing_is_told(tmp_path, engine, name, content, said):
    with pytest.raises(ConfigurationError, match=said):
        Table(written(tmp_path, name, content), engine=engine)


def test_a_file_that_is_not_there_and_no_file_at_all_are_told(tmp_path, engine):
    with pytest.raises(ConfigurationError, match="there is no file"):
        Table(tmp_path / "nowhere.csv", engine=engine)
    with pytest.raises(ConfigurationError, match="at least one"):
        Table([], engine=engine)
    with pytest.raises(ConfigurationError, match="engine: expected 'duckdb' or 'sqlite'"):
        Table(written(tmp_path, "t.csv", "a\n1\n"), engine="oracle")


async def test_a_table_with_a_header_alone_has_no_rows(tmp_path, engine):
    assert await rows_of(written(tmp_path, "t.csv", "a,b\n"), engine) == ["a | b"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", "a;b\n1;x,y\n"),
        ("t.tsv", "a\tb\n1\tx,y\n"),
        ("t.csv", "a\tb\n1\tx,y\n"),
        ("t.csv", "a|b\n1|x,y\n"),
        ("t.txt", 'a,b\n1,"x,y"\n'),
        ("t.csv", "a,b\r\n1,\"x,y\"\r\n"),
        ("t.csv", "a,b\r1,\"x,y\"\r"),
    ],
)  # fmt: skip
async def test_the_delimiter_is_seen_from_the_first_line(tmp_path, engine, name, content):
    path = written(tmp_path, name, content)
    assert await rows_of(path, engine) == ["a | b", "1 | x,y"]


async def test_the_delimiter_can_be_said(tmp_path, engine):
    path = written(tmp_path, "t.csv", "a~b,c\n1~2\n")
    assert await rows_of(path, engine, delimiter="~") == ["a | b,c", "1 | 2"]


async def test_json_lines_keep_numbers_texts_and_what_is_nested(tmp_path, engine):
    lines = [
        '{"n": 1, "s": "42", "f": 1.5, "list": [1, 1.50, "x"], "none": null, "yes": true}',
        '{"n": 2, "s": "", "f": 2.25, "list": {"big": 12345678901234567890}, "late": 1e3}',
        "",
    ]
    path = written(tmp_path, "t.jsonl", "\n".join(lines))
    assert await rows_of(path, engine) == [
        "n | s | f | list | none | yes | late",
        '1 | "42" | 1.5 | [1, 1.50, "x"] | NULL | "true" | NULL',
        '2 | "" | 2.25 | {"big": 12345678901234567890} | NULL | NULL | "1e3"',
    ]


async def test_several_files_are_tables_named_after_them(tmp_path, engine):
    paths = [
        written(tmp_path, "Q1 sales (2024).csv", "id\n1\n"),
        written(tmp_path, "2024.csv", "id\n2\n"),
        written(tmp_path, "order.csv", "id\n1\n"),
    ]
    (tmp_path / "more").mkdir()
    paths.append(written(tmp_path / "more", "2024.csv", "id\n3\n"))
    table = Table(paths, engine=engine)
    assert '"order"' in await table.schema()
    both = 'SELECT a.id FROM Q1_sales_2024 a JOIN "order" b ON a.id = b.id'
    assert (await table.query(both)).splitlines()[1] == "1"
    assert (await table.query("SELECT id FROM t_2024_2")).splitlines()[1] == "3"


ATTACKS = [
    "INSERT INTO t VALUES (9)",
    "UPDATE t SET a = 9",
    "DELETE FROM t",
    "DROP TABLE t",
    "ALTER TABLE t ADD COLUMN b INT",
    "CREATE TABLE u AS SELECT * FROM t",
    "CREATE TEMP TABLE u AS SELECT * FROM t",
    "CREATE VIEW v AS SELECT 1",
    "CREATE MACRO f() AS 1",
    "CREATE SECRET (TYPE s3)",
    "CREATE TYPE x AS ENUM ('a')",
    "CREATE SEQUENCE s",
    "ATTACH '{secret}' AS s",
    "ATTACH ':memory:' AS s",
    "ATTACH '{folder}/new.db'",
    "DETACH t",
    "USE memory",
    "COPY t TO '{folder}/new.csv'",
    "COPY (SELECT 1) TO '{folder}/new.parquet' (FORMAT parquet)",
    "COPY t FROM '{secret}'",
    "EXPORT DATABASE '{folder}/new'",
    "IMPORT DATABASE '{folder}'",
    "INSTALL httpfs FROM 'http://127.0.0.1:9'",
    "LOAD httpfs",
    "FORCE INSTALL httpfs FROM 'http://127.0.0.1:9'",
    "UPDATE EXTENSIONS",
    "SET enable_external_access = true",
    "SET GLOBAL memory_limit = '100GB'",
    "SET lock_configuration = false",
    "RESET lock_configuration",
    "SET VARIABLE x = 1",
    "PRAGMA enable_profiling",
    "PRAGMA database_list",
    "PRAGMA user_version = 7",
    "CALL pragma_version()",
    "CALL enable_logging()",
    "CALL checkpoint()",
    "CHECKPOINT",
    "VACUUM",
    "ANALYZE",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "PREPARE p AS SELECT 1",
    "EXECUTE p",
    "SELECT 1; DROP TABLE t",
    "SELECT 1; COPY t TO '{folder}/new.csv'",
    "SELECT * FROM '{secret}'",
    'SELECT * FROM "{secret}"',
    "FROM '{secret}'",
    "SELECT * FROM read_csv('{secret}')",
    "SELECT * FROM read_csv_auto('{secret}')",
    "SELECT * FROM read_text('{secret}')",
    "SELECT * FROM read_blob('{secret}')",
    "SELECT * FROM read_json('{secret}')",
    "SELECT * FROM read_parquet('{secret}')",
    "SELECT * FROM parquet_scan('{secret}')",
    "SELECT * FROM parquet_metadata('{secret}')",
    "SELECT * FROM sniff_csv('{secret}')",
    "SELECT * FROM glob('{folder}/*')",
    "SELECT * FROM glob ( '{folder}/*' )",
    "SELECT * FROM \"read_text\"('{secret}')",
    "SELECT * FROM query('SELECT * FROM read_text(''{secret}'')')",
    "SELECT * FROM query_table('duckdb_settings')",
    "SELECT * FROM sqlite_scan('{secret}', 't')",
    "SELECT * FROM postgres_scan('', '', '')",
    "SELECT * FROM 'https://127.0.0.1:9/x.csv'",
    "SELECT * FROM read_csv('https://127.0.0.1:9/x.csv')",
    "SELECT * FROM 'http://127.0.0.1:9/x.parquet'",
    "SELECT * FROM variable_of_the_program",
    "SELECT * FROM python_scan_all_frames",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM duckdb_databases()",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM duckdb_temporary_files()",
    "SELECT current_setting('home_directory')",
    "SELECT getenv('HOME')",
    "SELECT write_log('x')",
    "SELECT nextval('s')",
    "SELECT load_extension('x')",
    "SELECT readfile('{secret}')",
    "SELECT * FROM checkpoint()",
    "SELECT * FROM force_checkpoint()",
    "SHELL 'id'",
    ".read {secret}",
    "",
    ";",
    "-- nothing",
]


def secret_and_table(folder, engine):
    """A table, and beside it a file with a secret."""
    (folder / "secret.csv").write_text("word\nagent\n")
    return Table(written(folder, "t.csv", "a\n1\n"), engine=engine)


@pytest.mark.parametrize("sql", ATTACKS)
async def test_what_is_more_than_a_query_of_the_tables_is_refused(tmp_path, engine, sql):
    variable_of_the_program = [1]  # which DuckDB would find by itself
    table = secret_and_table(tmp_path, engine)
    before = sorted(os.listdir(tmp_path))
    places = {"{secret}": tmp_path / "secret.csv", "{folder}": tmp_path}
    for name, place in places.items():
        sql = sql.replace(name, str(place))
    with pytest.raises(Retry) as raised:
        await table.query(sql)
    assert "agent" not in str(raised.value)
    assert sorted(os.listdir(tmp_path)) == before
    assert await table.query("SELECT * FROM t") == "a\n1\n1 row"
    assert variable_of_the_program == [1]


def test_the_list_is_as_long_as_it_has_to_be():
    assert len(set(ATTACKS)) == len(ATTACKS) >= 60


BOMB = """
WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c
"""


async def test_what_has_no_end_is_stopped_in_time(tmp_path, engine):
    table = Table(written(tmp_path, "t.csv", "a\n1\n"), engine=engine, timeout=0.2)
    with pytest.raises(Retry, match="took longer than 0.2 seconds"):
        await table.query(BOMB)
    assert await table.query("SELECT * FROM t") == "a\n1\n1 row"


async def test_a_call_that_is_cancelled_is_interrupted(tmp_path, engine):
    table = Table(written(tmp_path, "t.csv", "a\n1\n"), engine=engine, timeout=60)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(table.query(BOMB), 0.1)  # ends only once the thread has


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT reg FROM sales", "region"),
        ("SELECT * FROM sale", "Did you mean sales?"),
        ("SELEC 1", "syntax error"),
        ("SELECT 1; SELECT 2", "without a second"),
    ],
)
async def test_an_error_says_what_to_do_better(tmp_path, engine, sql, said):
    table = Table(written(tmp_path, "sales.csv", "region\nnorth\n"), engine=engine)
    with pytest.raises(Retry) as raised:
        await table.query(sql)
    assert said in str(raised.value)


async def test_more_rows_than_are_shown_are_told_of(tmp_path, engine):
    path = written(tmp_path, "t.csv", "a\n" + "\n".join(map(str, range(5000))))
    table = Table(path, engine=engine, max_rows=2)
    told = await table.query("SELECT a FROM t ORDER BY a DESC")
    assert told.startswith("a\n4999\n4998\nthe first 2 rows; there are more")
    assert "t (5,000 rows)" in await table.schema()


async def test_a_large_cell_is_cut_where_it_is_shown_and_whole_where_it_is_used(tmp_path, engine):
    path = written(tmp_path, "t.csv", f"a\n{'é' * 100_000}\n")
    assert "[100,000 characters]" in (await rows_of(path, engine))[1]
    assert (await rows_of(path, engine, "SELECT length(a) FROM t"))[1] == "100000"


async def test_parquet_is_read_by_duckdb(tmp_path):
    duckdb = pytest.importorskip("duckdb")
    (tmp_path / "part=1").mkdir()
    path = tmp_path / "part=1" / "a[1]*'.parquet"
    plain = tmp_path / "plain.parquet"
    duckdb.sql(
        "SELECT 1::HUGEINT << 100 AS big, 12.50::DECIMAL(9, 2) AS price, DATE '2024-05-31' AS day,"
        " TIMESTAMP_NS '2024-05-31 12:00:00.123456789' AS at, [1, NULL] AS list,"
        " {'a': 1} AS thing, '\\x00\\xff'::BLOB AS raw, true AS yes, NULL::INT AS none"
    ).write_parquet(str(plain))
    os.rename(plain, path)
    told = await rows_of(path, "duckdb")
    assert told[0] == "big | price | day | at | list | thing | raw | yes | none"
    assert told[1].endswith('[1, null] | {"a": 1} | <blob, 2 bytes> | true | NULL')
    assert " | 12.50 | 2024-05-31 | 2024-05-31 12:00:00.123456" in told[1]
    with pytest.raises(ConfigurationError, match=r"read by DuckDB alone.*agentkit\[tables\]"):
        Table(path, engine="sqlite")
    broken = written(tmp_path, "broken.parquet", b"PAR1 nothing PAR1")
    with pytest.raises(ConfigurationError, match="broken.parquet cannot be taken into DuckDB"):
        Table(broken)


def test_without_duckdb_sqlite_is_used_and_duckdb_is_asked_for_by_name(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("agentkit_tools.table.toolbox.find_spec", lambda name: None)
    path = written(tmp_path, "t.csv", "a\n1\n")
    assert "SQLite" in Table(path).tools[1].description
    with pytest.raises(ConfigurationError, match=r"pip install 'agentkit\[tables\]'"):
        Table(path, engine="duckdb")


async def test_the_copy_is_gone_with_the_table_and_the_file_is_not_touched(
    tmp_path, engine, monkeypatch
):
    path, others = written(tmp_path, "t.csv", "a\n1\n"), set(threading.enumerate())
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    table = Table(path, engine=engine)
    [copy] = place.iterdir()
    assert copy.stat().st_mode & 0o077 == 0
    path.unlink()
    assert await table.query("SELECT * FROM t") == "a\n1\n1 row"
    del table
    for thread in set(threading.enumerate()) - others:
        thread.join(10)  # the one that asked lets go of it when it ends
    gc.collect()  # its tools and it know each other
    assert list(place.iterdir()) == []


def test_a_table_that_cannot_be_made_leaves_no_copy(tmp_path, engine, monkeypatch):
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    with pytest.raises(ConfigurationError):
        Table(written(tmp_path, "t.csv", "a\n1,2\n"), engine=engine)
    assert list(place.iterdir()) == []


async def test_an_agent_looks_at_the_columns_and_asks(tmp_path, engine):
    path = written(tmp_path, "people.csv", "name,born\nAda,1815-12-10\n")
    model = ScriptedModel(
        call("table_schema"), call("table_query", sql="SELECT born FROM people"), "1815."
    )
    result = await Agent(model, tools=[*Table(path, engine=engine).tools]).run("When?")
    assert result.output == "1815."
    assert model.requests[2].outputs[-1] == "born\n1815-12-10\n1 row"


def test_the_tools_only_read_and_are_marked_where_others_wrote(tmp_path, engine):
    path = written(tmp_path, "t.csv", "a\n1\n")
    assert {each.effect for each in Table(path, engine=engine).tools} == {"read"}
    assert all(each.untrusted for each in Table(path, engine=engine, untrusted=True).tools)


async def test_a_file_as_python_writes_it_comes_back_as_it_was(tmp_path, engine):
    values = [0.1, 1e-7, 123456.789, 2.0, 3.14159265358979, -0.5]
    path = written(tmp_path, "t.jsonl", "\n".join(json.dumps({"v": each}) for each in values))
    told = (await rows_of(path, engine))[1:]
    assert [float(each.strip('"')) for each in told] == values
