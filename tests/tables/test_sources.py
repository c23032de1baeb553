"""Tables are read row by row, and what is wrong with them is said before anything is spent."""

from __future__ import annotations

import gzip
import io
import os
import sqlite3
import threading
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agentkit.errors import ConfigurationError
from agentkit.tables.sources import checked, rows_of, source_from, source_of
from agentkit.tables.template import Spoken, Template
from agentkit.tables.text_source import LONGEST

WHOLE = Template.of("{row}")


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def database(folder: Path, *statements: str, name: str = "shop.db") -> Path:
    path = folder / name
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return path


def refusal(rows: Any, prompt: str = "{row}", **options: Any) -> str:
    """What is said of a table that is refused."""
    with pytest.raises(ConfigurationError) as refused:
        checked(source_of(rows, **options), Template.of(prompt))
    return str(refused.value)


def test_cells_of_csv_are_text_as_they_stand(tmp_path):
    path = written(tmp_path, "rows.csv", 'id,name\n007, "x" \n1e3,"a,\n""b"""\n')
    source = source_of(path)
    assert source.columns == ("id", "name")
    assert list(source) == [{"id": "007", "name": ' "x" '}, {"id": "1e3", "name": 'a,\n"b"'}]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_every_line_end_and_a_byte_order_mark_are_read(tmp_path, end, mark):
    path = written(tmp_path, "rows.csv", mark + end.join(["a,b", "1,2", "", "3,4"]).encode())
    assert list(source_of(path)) == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


def test_tsv_is_divided_by_tabs(tmp_path):
    path = written(tmp_path, "rows.tsv", "a\tb\n1,5\t2\n")
    assert list(source_of(path)) == [{"a": "1,5", "b": "2"}]


def test_values_of_json_lines_keep_their_types_and_their_keys_are_the_columns(tmp_path):
    path = written(tmp_path, "rows.jsonl", '{"a": 1}\n\n{"b": [null, 2.5], "a": "1"}\n')
    source = source_of(path)
    assert (source.columns, source.count) == (("a", "b"), 2)
    assert list(source) == [{"a": 1}, {"a": "1", "b": [None, 2.5]}]
    assert [list(row) for row in source] == [["a"], ["a", "b"]]


def test_a_packed_file_is_unpacked(tmp_path):
    path = written(tmp_path, "rows.csv.gz", gzip.compress(b"a\n1\n"))
    assert list(source_of(path)) == [{"a": "1"}]
    path.write_bytes(path.read_bytes()[:-9])
    assert "cannot be read" in refusal(path)


def test_a_table_can_be_read_often_and_by_several_readers_at_once(tmp_path):
    path = written(tmp_path, "rows.csv", "a\n1\n2\n")
    for source in (source_of(path), source_of("-", stdin=io.BytesIO(b"a\n1\n2\n"))):
        first, second = iter(source), iter(source)
        assert [next(first), next(second), next(first)] == [{"a": "1"}, {"a": "1"}, {"a": "2"}]
        assert not source.is_once


def test_standard_input_is_csv_unless_said_otherwise():
    assert list(source_of("-", stdin=io.BytesIO(b"a,b\n1,2\n"))) == [{"a": "1", "b": "2"}]
    source = source_of("-", kind="jsonl", stdin=io.BytesIO(b'{"a": 1}\n'))
    assert list(checked(source, WHOLE)) == [{"a": 1}]
    assert list(checked(source_of("-", stdin=io.BytesIO(b"a\n")), WHOLE)) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_with_a_name_is_read_once_and_kept(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"a\n1\n",))
    writer.start()
    source = checked(source_of(pipe, kind="csv"), WHOLE)
    writer.join()
    assert (list(source), source.count) == ([{"a": "1"}], 1)


def test_a_query_gives_its_rows_with_their_types(tmp_path):
    path = database(
        tmp_path,
        "CREATE TABLE Sales (city, sum, note)",
        "INSERT INTO Sales VALUES ('Oslo', 3, NULL), ('Bergen', 2.5, 'ø'), ('', -9e999, '1')",
        name="a b?c%20#d.sqlite",
    )
    source = source_of(f"{path}::select city, sum, note as n from sales order by sum")
    assert (source.columns, source.count) == (("city", "sum", "n"), 3)
    assert [tuple(row.values()) for row in source] == [
        ("", float("-inf"), "1"),
        ("Bergen", 2.5, "ø"),
        ("Oslo", 3, None),
    ]
    assert source.origins == {f"{path}::sales"}


def test_a_query_keeps_no_lock_on_its_database(tmp_path):
    path = database(tmp_path, "CREATE TABLE t (a)", "INSERT INTO t VALUES (1), (2)")
    rows = iter(source_of(f"{path}::select a from t"))
    assert next(rows) == {"a": 1}
    with closing(sqlite3.connect(path, timeout=0)) as connection:
        connection.execute("DELETE FROM t")
        connection.commit()
    assert list(rows) == [{"a": 2}]


@pytest.mark.parametrize(
    "statement",
    [
        "insert into t values (2) returning a",
        "delete from t",
        "update t set a = 2 returning a",
        "drop table t",
        "create table u (a)",
        "create temp table u (a)",
        "attach 'other.db' as other",
        "detach main",
        "vacuum into 'copy.db'",
        "pragma user_version = 9",
        "begin",
        "select 1; drop table t",
        "selec 1",
        "select a, a from t",
        "select x'00' as b from t",
        "select load_extension('x')",
        "-- nothing",
    ],
)
def test_a_statement_that_does_more_than_read_is_refused_and_changes_nothing(
    tmp_path, monkeypatch, statement
):
    path = database(tmp_path, "CREATE TABLE t (a)", "INSERT INTO t VALUES (1)")
    monkeypatch.chdir(tmp_path)
    before = path.read_bytes()
    assert str(path) in refusal(f"{path}::{statement}")
    assert (path.read_bytes(), os.listdir(tmp_path)) == (before, ["shop.db"])


def test_a_database_without_a_query_names_its_tables(tmp_path):
    path = database(tmp_path, "CREATE TABLE sales (a)", "CREATE TABLE cities (a)")
    assert refusal(path).endswith(f'"{path}::select …". Its tables: cities, sales.')
    assert "there is no file" in refusal(f"{tmp_path}/none.db::select 1")
    path.write_text("no database, but long enough to be taken for one " * 9)
    assert "not a database" in refusal(f"{path}::select * from sales")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "rows.csv is empty. Give a table with a header."),
        ("a,b\n1,2\n3\n", "line 3: 1 cell, and the header has 2."),
        ("a,b\n1,2,3\n", "line 2: 3 cells, and the header has 2."),
        ('a,b\n"1\n1",2\n3,4,5\n', "line 4: 3 cells, and the header has 2."),
        ('a,b\n1,2\n"3,4\n5,6\n', "line 3: its quotes or its length are wrong"),
        ('a,b\n1,"2"2\n', "line 2: its quotes or its length are wrong"),
        ("a,a\n1,2\n", "line 1: 2 columns are named 'a'. Rename one."),
        ("a,,b\n1,2,3\n", "line 1: column 2 has no name. Give it one."),
        ("a;b\n1;2\n", "line 1: its cells are divided by semicolons."),
        (b"a,b\n1,\xe9\n", "line 2: it is not UTF-8. Save it as UTF-8, or convert it: iconv"),
        (b"a\n" * 9000 + b"\xff\n", "line 9001: it is not UTF-8."),
        ("a\n1\n".encode("utf-16"), "line 1: it is not UTF-8. Save it as UTF-8, or convert it: "),
        ("a\n1\n".encode("utf-16-le"), "line 1: it has a NUL character"),
        (b"a\n1\n\x002\n", "line 3: it has a NUL character"),
        ("a\n" + "x" * (LONGEST + 1), f"line 2: it is longer than {LONGEST:,} characters."),
    ],
)
def test_what_is_wrong_with_csv_is_said_with_its_line(tmp_path, monkeypatch, content, said):
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "rows.csv", content)
    assert said in refusal("rows.csv")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"a": 1}\n{"a": 1\n', "line 2: not JSON: "),
        ('{"a": 1}\n\n[1]\n', "line 3: not an object. Give one in each line; jq"),
        ('[\n{"a": 1}\n]\n', "line 1: not JSON: "),
        ('{"": 1}\n', "column 1 has no name."),
        ('{"a": 1, "b": 2}\n\n{"a": 1}\n', "line 3: it has no 'b', which the prompt uses."),
        (b'{"a": "\xff", "b": 1}\n', "line 1: it is not UTF-8."),
        ("[" * 5000 + "\n", "line 1: not JSON: "),
    ],
)
def test_what_is_wrong_with_json_lines_is_said_with_its_line(tmp_path, monkeypatch, content, said):
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "rows.jsonl", content)
    assert said in refusal("rows.jsonl", "{b}")


def test_a_key_that_only_some_lines_have_is_no_mistake_unless_the_prompt_uses_it(tmp_path):
    path = written(tmp_path, "rows.jsonl", '{"a": 1}\n{"a": 2, "b": 3}\n')
    assert checked(source_of(path), Template.of("{a}")).count == 2


def test_a_file_that_is_not_there_a_folder_and_what_is_no_table_are_refused(tmp_path):
    assert "there is no file" in refusal(tmp_path / "none.csv")
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    assert "is a folder" in refusal(folder)
    assert "does not say what kind of table it is" in refusal(tmp_path / "rows.xlsx")
    assert "expected one of csv, tsv, jsonl" in refusal("-", kind="xml")
    assert "expected a path, a query or an iterable" in refusal(7)
    assert "expected a path, a query or an iterable" in refusal(b"a,b")


def test_a_column_that_the_table_does_not_have_is_refused_before_a_row_is_read(tmp_path):
    path = written(tmp_path, "rows.csv", "company,year\n1,2,3\n")
    assert "there is no column 'compny'. Did you mean 'company'?" in refusal(path, "{compny}")


def test_a_large_cell_is_read_and_no_limit_of_others_is_lowered(tmp_path):
    path = written(tmp_path, "rows.csv", f"a\n{'x' * 200_000}\n")
    assert [len(row["a"]) for row in source_of(path)] == [200_000]


def test_a_list_of_mappings_can_be_read_often_and_has_the_columns_of_all():
    source = checked(source_of([{"a": 1}, {"b": (2,), "a": None}]), WHOLE)
    assert (source.columns, source.count, source.is_once) == (("a", "b"), 2, False)
    assert list(source) == list(source) == [{"a": 1}, {"a": None, "b": (2,)}]


def generated(*rows: Any) -> Iterator[Any]:
    yield from rows


def test_a_generator_is_read_once_and_row_by_row():
    read: list[int] = []

    def rows() -> Iterator[dict[str, int]]:
        for number in range(3):
            read.append(number)
            yield {"n": number}

    source = checked(source_of(rows()), WHOLE)
    assert (source.columns, source.count, source.is_once, read) == (("n",), None, True, [0])
    seen = iter(source)
    assert [next(seen), next(seen), read] == [{"n": 0}, {"n": 1}, [0, 1]]
    assert list(seen) == [{"n": 2}]
    with pytest.raises(ConfigurationError, match="only once"):
        list(source)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({"a": 1}, "expected mappings, one a row, and got a single one."),
        (["a", "b"], "row 1: expected a mapping of columns to values, got 'a'."),
        (generated({"a": 1}, [1]), "row 2: expected a mapping"),
        ([{1: 2}], "row 1: the key 1 is no text."),
        ([{"a": 1}, {"a": object()}], "row 2, 'a': <object object"),
        (generated({"a": 1}, {"a": 1, "b": 2}), "row 2: 'b' is no column of the first row."),
        ([{" ": 1}], "column 1 has no name."),
    ],
)
def test_what_are_no_mappings_is_said_with_the_row(rows, said):
    with pytest.raises(ConfigurationError) as refused:
        list(checked(source_of(rows), WHOLE))
    assert said in str(refused.value)


@pytest.mark.parametrize("rows", [[], (), generated()], ids=["list", "tuple", "generator"])
def test_no_rows_are_a_table_too(rows):
    source = checked(source_of(rows), Template.of("{n}"))
    assert (source.count, source.columns, list(source)) == (0, (), [])


async def test_rows_that_are_waited_for_come_one_by_one():
    async def rows() -> AsyncIterator[dict[str, int]]:
        yield {"n": 1}
        yield {"n": 2}

    source = await source_from(rows())
    assert (source.columns, source.count, source.is_once) == (("n",), None, True)
    assert [row async for row in rows_of(source)] == [{"n": 1}, {"n": 2}]
    with pytest.raises(ConfigurationError, match="source_from"):
        source_of(rows())
    again = await source_from([{"n": 3}])
    assert [row async for row in rows_of(again)] == [{"n": 3}]


def test_a_prompt_that_is_a_function_may_use_any_column():
    assert checked(source_of([{"a": 1}]), Spoken(lambda row: row["a"])).count == 1


def test_memory_does_not_grow_with_the_table(tmp_path):
    path = tmp_path / "rows.csv"
    with path.open("w") as file:
        file.write("a,b\n")
        file.writelines(f"{number},{'x' * 100}\n" for number in range(20_000))
    tracemalloc.start()
    try:
        assert checked(source_of(path), WHOLE).count == 20_000
        assert tracemalloc.get_traced_memory()[1] < 500_000
    finally:
        tracemalloc.stop()
