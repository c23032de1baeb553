"""The list of runs beside the rows of tables: it stays the list of what a person began."""

from __future__ import annotations

import json
import sqlite3

import pytest
from logged import DB, log_run, use

from agentkit.cli import main
from agentkit.cli.listed import PAGE, listed
from agentkit.stores.protocol import Summary
from agentkit.testing.stores.said import said


@pytest.fixture(autouse=True)
def _this_log(monkeypatch):
    monkeypatch.setenv("AGENTKIT_DB", DB)


def log_rows(*names: str, status: str = "completed") -> None:
    """Have these rows of a table logged, in order."""

    async def kept(store):
        for name in names:
            await store.append(name, 0, [said("Hi")], Summary("Hi", status))

    use(kept)


def sessions(capsys, *options: str) -> list[str]:
    """The ids that the list shows."""
    assert main(["runs", *options]) == 0
    return [line.split("\t")[0] for line in capsys.readouterr().out.splitlines()]


def test_the_list_leaves_out_the_rows_of_tables_and_says_how_many(capsys):
    log_run("first", "Hello.")
    log_rows("map_1", "map_2", "map_2.1")
    log_run("last", "Hello.")
    assert main(["runs"]) == 0
    out, err = capsys.readouterr()
    assert [line.split("\t")[0] for line in out.splitlines()] == ["last", "first"]
    assert err == "without 3 rows of tables; --rows shows them, too\n"


def test_the_rows_are_shown_where_they_are_asked_for(capsys):
    log_run("first", "Hello.")
    log_rows("map_1")
    assert main(["runs", "--rows"]) == 0
    out, err = capsys.readouterr()
    assert [line.split("\t")[0] for line in out.splitlines()] == ["map_1", "first"]
    assert err == ""


def test_a_log_of_nothing_but_rows_lists_none_and_says_where_they_are(capsys):
    log_rows("map_1", status="waiting")
    for options in ([], ["--waiting"]):
        assert main(["runs", *options]) == 0
        assert tuple(capsys.readouterr()) == (
            "",
            "without 1 row of tables; --rows shows them, too\n",
        )
    assert sessions(capsys, "--rows", "--waiting") == ["map_1"]


def test_the_list_as_json_is_without_rows_too(capsys):
    log_run("first", "Hello.")
    log_rows("map_1")
    assert main(["runs", "--json"]) == 0
    assert [run["session"] for run in json.loads(capsys.readouterr().out)] == ["first"]


def test_the_last_session_to_go_on_with_is_no_row_of_a_table(capsys):
    log_run("talk", "Hello.", said="My name is Ada.")
    log_rows("map_1")
    assert main(["run", "And now?", "-c", "-m", "offline"]) == 0
    assert "session talk" in capsys.readouterr().err


def test_where_there_are_only_rows_there_is_nothing_to_go_on_with(capsys):
    log_rows("map_1")
    assert main(["run", "And now?", "-c", "-m", "offline"]) == 2
    assert "-c: No runs are logged yet" in capsys.readouterr().err


def test_runs_behind_many_rows_are_found_though_pages_end_among_equal_times():
    """Rows are often written in the same moment; none of the runs between them is lost."""
    count = 3 * PAGE

    async def logged(store):
        for number in range(count):
            name = f"map_{number}" if number % 7 else f"run_{number}"
            await store.append(name, 0, [said("Hi")])

    use(logged)
    with sqlite3.connect(DB) as database:
        # many in each of few moments, as on a busy machine
        database.execute("UPDATE sessions SET updated = updated / 100000 * 100000")
    database.close()
    found = use(lambda store: listed(store, most=10**9))
    assert len(found.runs) == len(range(0, count, 7))
    assert found.left_out == count - len(found.runs)
    assert len({each.session for each in found.runs}) == len(found.runs)
