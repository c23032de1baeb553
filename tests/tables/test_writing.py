"""Rows come in any order; whoever looks at the table sees whole rows, in input order, always."""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import random
import sqlite3
import stat
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentkit.errors import AgentkitError, ConfigurationError
from agentkit.tables.columns import ENDING
from agentkit.tables.pace import SHARE, Pace
from agentkit.tables.sources import source_of
from agentkit.tables.writing import TableWriter, table_for

COLUMNS = ("n", "text", *ENDING)
ENDED = ("completed", None, 0.5, 1, "s")
OUTS = ["out.csv", "out.tsv", "out.jsonl", "out.db", "out.sqlite::my table"]
FILES = OUTS[:3]


def hasty() -> Callable[[], float]:
    """A clock by which it is always time to publish."""
    return map(float, itertools.count(0, 1000)).__next__


def cells(number: int) -> tuple[Any, ...]:
    return (number, f'{number} "x",\r\n\t;é' * 3, *ENDED)


def numbers_in(out: str | Path) -> list[int]:
    """The numbers of the rows that a reader sees, each row whole."""
    out = str(out)
    if ".csv" in out or ".tsv" in out or ".jsonl" in out:
        rows = list(source_of(out)) if os.path.exists(out) and os.path.getsize(out) else []
    else:
        rows = rows_in(out)
    numbers = [int(row["n"]) for row in rows]
    assert [row["text"] for row in rows] == [cells(number)[1] for number in numbers]
    assert all(row["_session"] == "s" for row in rows)
    return numbers


def rows_in(out: str) -> list[dict[str, Any]]:
    path, _, table = out.partition("::")
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        try:
            found = connection.execute(f'SELECT * FROM "{table or "answers"}"')
        except sqlite3.OperationalError:
            return []
        return [dict(row) for row in found]


def write_all(writer: TableWriter, numbers: Sequence[int]) -> None:
    with writer:
        for number in numbers:
            writer.write(number, cells(number))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("out", OUTS)
def test_whatever_the_order_of_writing_the_table_has_the_order_of_the_input(folder, out):
    numbers = list(range(1200))
    random.Random(7).shuffle(numbers)
    write_all(table_for(out, COLUMNS), numbers)
    assert numbers_in(out) == list(range(1200))
    assert os.listdir(folder) == [out.partition("::")[0]]


@pytest.mark.parametrize("out", OUTS)
def test_a_reader_that_looks_after_every_write_sees_whole_rows_only(folder, out):
    numbers = random.Random(3).sample(range(60), 60)
    with table_for(out, COLUMNS, now=hasty()) as writer:
        for count, number in enumerate(numbers, 1):
            writer.write(number, cells(number))
            seen = numbers_in(out)
            assert seen == sorted(seen)
            assert set(seen) <= set(numbers[:count])
    assert numbers_in(out) == list(range(60))


@pytest.mark.parametrize("out", OUTS)
def test_the_first_row_is_there_soon_and_finish_has_all_of_them_there(folder, out):
    with table_for(out, COLUMNS, now=lambda: 0.0) as writer:
        for number in (2, 0):
            writer.write(number, cells(number))
        writer.finish()
        assert numbers_in(out) == [0, 2]
        writer.write(1, cells(1))
    assert numbers_in(out) == [0, 1, 2]


@given(st.lists(st.integers(0, 12), max_size=30), st.sampled_from(OUTS))
@settings(max_examples=30)
def test_any_interleaving_gives_the_order_of_the_input_and_the_last_row_of_a_number(numbers, out):
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/{out}"
        with table_for(path, ("n", "text", *ENDING), now=hasty()) as writer:
            for number in numbers:
                writer.write(number, (number, "an earlier one", *ENDED))
                writer.write(number, cells(number))
        assert numbers_in(path) == sorted(set(numbers))


TEXT = st.text(st.characters(codec="utf-8"))
PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
NUMBERS = st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=8,
)


def written_and_read(out: str, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/{out}"
        with table_for(path, ("a", "b c")) as writer:
            for index, row in enumerate(rows):
                writer.write(index, row)
        query = '::select a, "b c" from answers' if out.endswith(".db") else ""
        source = source_of(path + query)
        return [tuple(row.values()) for row in source] if rows else []


@given(st.lists(st.tuples(PLAIN, PLAIN), max_size=5), st.sampled_from(["csv", "tsv"]))
def test_any_text_survives_csv_and_tsv(rows, kind):
    assert written_and_read(f"out.{kind}", rows) == rows


@given(st.lists(st.tuples(JSON, JSON), max_size=3))
def test_any_value_survives_json_lines(rows):
    as_finite = json.loads(json.dumps(rows), parse_constant=lambda _: None)
    assert written_and_read("out.jsonl", rows) == [tuple(row) for row in as_finite]


@given(st.lists(st.tuples(TEXT | NUMBERS | st.none(), TEXT | st.none()), max_size=5))
def test_text_numbers_and_null_survive_sqlite_with_their_types(rows):
    read = written_and_read("out.db", rows)
    assert read == rows
    assert [list(map(type, row)) for row in read] == [list(map(type, row)) for row in rows]


@given(st.text(min_size=1).filter(lambda name: "\0" not in name), st.text(min_size=1))
@settings(max_examples=40)
def test_any_name_of_a_table_and_of_a_column_is_quoted(column, table):
    with tempfile.TemporaryDirectory() as folder:
        try:
            with table_for(f"{folder}/out.db::{table}", (column, "é", "É")) as writer:
                writer.write(0, (1, 2, 3))
        except ConfigurationError:
            return
        with closing(sqlite3.connect(f"{folder}/out.db")) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
        assert len(tables) == 1


def test_csv_is_that_of_the_standard_and_changes_no_text(folder):
    with table_for("out.csv", ("a", "b")) as writer:
        writer.write(0, ("=1+1", None))
        writer.write(1, (True, {"k": [1.5]}))
        writer.write(2, ('say "x"', "a\rb"))
    assert Path("out.csv").read_bytes() == (
        b'a,b\n=1+1,\ntrue,"{""k"":[1.5]}"\n"say ""x""","a\rb"\n'
    )


def test_what_utf8_and_sqlite_have_no_form_for_is_written_as_near_as_can_be(folder):
    row = ("\ud800", 2**64)
    for out in ("out.csv", "out.db"):
        with table_for(out, ("a", "b")) as writer:
            writer.write(0, row)
    assert Path("out.csv").read_text() == f"a,b\n?,{2**64}\n"
    assert rows_in("out.db") == [{"_row": 0, "a": "?", "b": str(2**64)}]


@pytest.mark.parametrize("out", OUTS)
def test_a_job_that_fails_leaves_the_rows_that_it_has(folder, out):
    with pytest.raises(KeyError), table_for(out, COLUMNS, now=lambda: 0.0) as writer:
        for number in range(5):
            writer.write(number, cells(number))
        raise KeyError("the caller's own")
    assert numbers_in(out) == list(range(5))


@pytest.mark.parametrize("out", OUTS)
def test_a_job_that_fails_before_its_first_row_leaves_the_former_table(folder, out):
    write_all(table_for(out, COLUMNS), range(3))
    with pytest.raises(KeyError), table_for(out, COLUMNS):
        raise KeyError("the caller's own")
    assert numbers_in(out) == [0, 1, 2]


@pytest.mark.parametrize("out", OUTS)
def test_readers_keep_the_former_table_until_the_next_one_has_begun_well(folder, out):
    write_all(table_for(out, COLUMNS), range(9))
    time = [0.0]
    with table_for(out, COLUMNS, now=lambda: time[0]) as writer:
        writer.write(3, cells(3))
        assert numbers_in(out) == list(range(9))
        time[0] = 2.0
        writer.write(1, cells(1))
        writer.finish()
        assert numbers_in(out) == [1, 3]


@pytest.mark.parametrize("out", OUTS)
def test_a_table_without_rows_has_its_columns(folder, out):
    write_all(table_for(out, COLUMNS), [])
    assert numbers_in(out) == []
    assert Path(out.partition("::")[0]).exists()


@pytest.mark.parametrize("out", FILES)
def test_a_file_keeps_its_permissions_and_a_link_stays_one(folder, out):
    Path(out).touch()
    os.chmod(out, 0o640)
    os.symlink(out, f"link-{out}")
    write_all(table_for(f"link-{out}", COLUMNS), range(2))
    assert numbers_in(out) == [0, 1]
    assert os.path.islink(f"link-{out}")
    assert stat.S_IMODE(os.stat(out).st_mode) == 0o640


def test_what_is_laid_where_the_new_file_is_made_is_not_written_to(folder):
    Path("treasure").write_text("mine")
    os.symlink("treasure", ".out.csv.agentkit-new")
    write_all(table_for("out.csv", COLUMNS), range(2))
    assert Path("treasure").read_text() == "mine"


def test_the_part_file_is_its_owners_alone(folder):
    with table_for("out.csv", COLUMNS):
        (part,) = os.listdir(folder)
        assert part.startswith(".")
        assert stat.S_IMODE(os.stat(part).st_mode) == 0o600


def refusal(out: Any, columns: Sequence[str] = COLUMNS, **options: Any) -> str:
    with pytest.raises(ConfigurationError) as refused, table_for(out, columns, **options):
        pass
    return str(refused.value)


@pytest.mark.parametrize("out", OUTS)
def test_one_job_at_a_time_writes_a_table(folder, out):
    with table_for(out, COLUMNS) as writer:
        assert "another job is writing" in refusal(out)
        writer.write(0, cells(0))
    assert numbers_in(out) == [0]


def test_a_place_that_cannot_be_written_is_refused_before_anything_is(folder):
    os.mkdir("folder.csv")
    os.mkfifo("pipe.csv")
    Path("note.db").write_text("no database, but long enough to be taken for one " * 9)
    for out, said in {
        "none/out.csv": "there is no folder",
        "folder.csv": "it is a folder",
        "pipe.csv": "it is no plain file",
        "out.csv.gz": "Give a name without .gz",
        "out.xlsx": "does not say what kind of table it is",
        "note.db": "not a database",
        "out.db::sqlite_own": "reserved",
        "/proc/out.csv": "cannot be written",
    }.items():
        assert said in refusal(out)
    assert sorted(os.listdir(folder)) == ["folder.csv", "note.db", "out.db", "pipe.csv"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_and_a_read_only_file_are_refused(folder):
    os.mkdir("locked", 0o500)
    Path("out.csv").touch(0o400)
    assert "is read-only" in refusal("locked/out.csv")
    assert "it is read-only" in refusal("out.csv")


def test_the_table_that_the_rows_are_read_from_is_not_written_over(folder):
    Path("rows.csv").write_text("n\n1\n")
    os.symlink("rows.csv", "link.csv")
    origins = source_of("rows.csv").origins
    assert "the rows are read from there" in refusal("link.csv", origins=origins, replace=True)
    write_all(table_for("shop.db::sales", COLUMNS), range(2))
    source = source_of("shop.db::select * from Sales")
    assert "read from there" in refusal("./shop.db::SALES", origins=source.origins)
    write_all(table_for("shop.db::answers", COLUMNS, origins=source.origins), range(2))


def test_what_no_job_has_written_is_replaced_only_where_that_is_said(folder):
    Path("out.csv").write_text("n,text\n1,mine\n")
    Path("out.jsonl").write_text('{"n": 1}\n')
    with closing(sqlite3.connect("out.db")) as connection:
        connection.execute("CREATE TABLE answers (n)")
        connection.execute("CREATE VIEW seen AS SELECT * FROM answers")
    for out in ("out.csv", "out.jsonl", "out.db"):
        assert "no job has written it" in refusal(out)
        write_all(table_for(out, COLUMNS, replace=True), range(2))
        assert numbers_in(out) == [0, 1]
    assert "no job has written it" in refusal("out.db::seen", replace=True)


def test_names_that_sqlite_takes_for_one_are_refused(folder):
    assert "the columns 'Name' and 'NAME' for one" in refusal("out.db", ("Name", "NAME"))
    assert "the columns '_row' and '_ROW' for one" in refusal("out.db", ("_ROW",))


def test_rows_stream_to_standard_output_as_they_finish():
    stream = io.BytesIO()
    with table_for("-", ("n", "text"), stdout=stream) as writer:
        writer.write(1, (1, "a,b"))
        assert stream.getvalue() == b'n,text\n1,"a,b"\n'
        writer.write(0, (0, None))
    assert list(csv.reader(stream.getvalue().decode().splitlines())) == [
        ["n", "text"],
        ["1", "a,b"],
        ["0", ""],
    ]
    with table_for("-", ("n",), kind="jsonl", stdout=stream) as writer:
        writer.write(0, (7,))
    assert stream.getvalue().endswith(b'{"n":7}\n')


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is full")
def test_a_full_disk_is_said_and_that_nothing_is_lost():
    with (
        open("/dev/full", "wb", buffering=0) as full,
        pytest.raises(AgentkitError, match="its disk is full") as failed,
        table_for("-", ("n",), stdout=full),
    ):
        pass
    assert "asks for none of them twice" in str(failed.value)


def run(script: str, folder: Path) -> subprocess.Popen[str]:
    """A process that writes."""
    return subprocess.Popen(
        [sys.executable, "-c", f"from tests.tables.test_writing import *\n{script}"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("out", ["out.csv", "out.db"])
def test_a_write_that_fails_midway_is_said_and_leaves_the_table_whole(folder, out):
    write_all(table_for(out, COLUMNS), range(3))
    size = os.path.getsize(out) + 3000
    script = f"""
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))
try:
    with table_for({out!r}, COLUMNS, now=hasty()) as writer:
        for number in range(500):
            writer.write(number, cells(number))
except AgentkitError as error:
    print(error)
"""
    with run(script, folder) as process:
        said, _ = process.communicate(timeout=60)
    assert "cannot be written" in said
    assert "kept in the store" in said
    seen = numbers_in(out)
    assert seen == list(range(len(seen))) != []


def test_what_cannot_be_published_is_said_and_tried_again_at_the_end(folder):
    with table_for("out.csv", COLUMNS, now=hasty()) as writer:
        os.mkdir(".out.csv.agentkit-new")
        written = itertools.count()
        with pytest.raises(AgentkitError, match="kept in the store"):
            for number in written:
                writer.write(number, cells(number))
        os.rmdir(".out.csv.agentkit-new")
    assert numbers_in("out.csv") == list(range(next(written)))


WRITE_FOR_EVER = """
with table_for({out!r}, COLUMNS, now=hasty()) as writer:
    for number in itertools.cycle(random.Random({seed}).sample(range(400), 400)):
        writer.write(number, cells(number))
        print(number, flush=True)
"""


@pytest.mark.parametrize("out", ["out.csv", "out.jsonl", "out.db"])
def test_a_process_that_is_killed_amid_writing_leaves_a_whole_table(folder, out):
    former: list[int] = []
    for seed in range(4):
        rows = random.Random().randint(1, 600)
        with run(WRITE_FOR_EVER.format(out=out, seed=seed), folder) as process:
            assert process.stdout is not None
            told = [int(next(process.stdout)) for _ in range(rows)]
            process.kill()
            told += [int(line) for line in process.stdout if line.endswith("\n")]
        seen = numbers_in(out)
        assert seen == sorted(set(seen))
        # a longer table stays until there is as much; one row may be written and not told of
        assert seen == former or len(set(seen) - set(told)) <= 1
        former = seen
    write_all(table_for(out, COLUMNS), range(5))
    assert numbers_in(out) == list(range(5))
    assert os.listdir(folder) == [out]


def test_in_memory_are_at_most_sixteen_bytes_a_row(folder):
    with table_for("out.csv", COLUMNS, now=hasty()) as writer:
        writer.write(0, cells(0))
        writer.finish()
        tracemalloc.start()
        try:
            for number in range(20_000):
                writer.write(number, cells(number))
            assert tracemalloc.get_traced_memory()[1] < 16 * 20_000 + 200_000
        finally:
            tracemalloc.stop()


def published_at(costs: Iterator[float], seconds: float) -> tuple[list[float], float]:
    """When a table is published that is always asked whether it is time, and what that costs."""
    pace, now, times, spent = Pace(0.0), 0.0, [], 0.0
    while now < seconds:
        if pace.is_due(now):
            cost = next(costs)
            pace.took(now, now + cost)
            times.append(now)
            spent += cost
            now += cost
        now += 0.25
    return times, spent


def test_publishing_takes_a_small_part_of_the_time_however_long_the_table_gets():
    times, spent = published_at((0.01 * number for number in itertools.count(1)), 3600.0)
    assert times[0] == 0.0
    assert times[1] < 2.0
    assert spent < 1.1 * SHARE * 3600.0
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert gaps[-1] > 5 * gaps[0]
