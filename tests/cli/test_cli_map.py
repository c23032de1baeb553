"""`agentkit map`: a table in, a table out, over real HTTP, and what is said at the end."""

from __future__ import annotations

import csv
import io
import json
import shlex
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agentkit.cli import main
from agentkit.responses.response import Request
from agentkit.testing import ScriptedModel, failed
from agentkit.testing.server import ResponsesServer

CITIES = ("Oslo", "Paris", "Rome")
ENDING = ["_status", "_error", "_cost", "_attempts", "_session"]


@pytest.fixture(autouse=True)
def _rows(tmp_path, monkeypatch):
    monkeypatch.setenv("AGENTKIT_DB", "runs.db")
    table("rows.csv", CITIES)


def table(name: str, cities: tuple[str, ...]) -> None:
    """A table of cities."""
    Path(name).write_text("city\n" + "".join(f"{each}\n" for each in cities))


def said(request: Request) -> str:
    """What is asked."""
    return str(request.input[-1].wire["content"])


def answering(answer: Callable[[str], object]) -> ScriptedModel:
    """A model that answers any number of questions, by what they say."""
    return ScriptedModel(*[lambda request: answer(said(request))] * 500)


def agent(server: ResponsesServer) -> list[str]:
    return ["-m", "any", "--base-url", server.url]


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def command_in(line: str) -> list[str]:
    """The arguments of the command that a line ends with."""
    return shlex.split(line[line.index("agentkit ") :])[1:]


def test_every_row_of_a_file_is_asked_and_written_to_another(capsys):
    with ResponsesServer(answering(lambda question: f"{question} Yes.")) as server:
        code = main(["map", "rows.csv", "-p", "Is {city} large?", "-o", "out.csv", *agent(server)])
    out, err = capsys.readouterr()
    assert (code, out) == (0, "")
    rows = rows_of(Path("out.csv").read_text())
    assert list(rows[0]) == ["city", "answer", *ENDING]
    assert [row["city"] for row in rows] == list(CITIES)
    assert rows[1]["answer"] == "Is Paris large? Yes."
    assert err.startswith("3 rows in out.csv: 3 done, ")
    command, session = command_in(err)
    assert (command, session in {row["_session"] for row in rows}) == ("show", True)


def test_without_a_place_the_rows_go_to_standard_output_and_nothing_else_does(capsys):
    with ResponsesServer(answering(lambda question: question.upper())) as server:
        assert main(["map", "rows.csv", "-p", "{city}", *agent(server)]) == 0
    out, err = capsys.readouterr()
    assert {row["city"]: row["answer"] for row in rows_of(out)} == {
        "Oslo": "OSLO",
        "Paris": "PARIS",
        "Rome": "ROME",
    }
    assert err.startswith("3 rows on standard output: 3 done, ")


def test_the_same_command_again_asks_nothing(capsys):
    with ResponsesServer(answering(lambda question: "Yes.")) as server:
        words = ["map", "rows.csv", "-p", "{city}?", "-o", "out.csv", *agent(server)]
        assert main(words) == 0
        before = Path("out.csv").read_bytes()
        assert main(words) == 0
        assert len(server.requests) == 3
    assert Path("out.csv").read_bytes() == before
    assert "3 done, 3 of these from before, $0.0000, " in capsys.readouterr().err


def test_the_answers_form_gives_the_columns(capsys):
    answer = '{"leader": "Ada", "since": 1999}'
    with ResponsesServer(answering(lambda question: answer)) as server:
        words = ["map", "rows.csv", "-p", "{city}", "--schema", "leader, since int"]
        assert main([*words, "-o", "out.jsonl", *agent(server)]) == 0
    lines = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert [(line["city"], line["leader"], line["since"]) for line in lines] == [
        (city, "Ada", 1999) for city in CITIES
    ]


def test_a_query_is_read_and_a_table_of_the_same_database_is_written(capsys):
    with sqlite3.connect("crm.sqlite") as database:
        database.execute("create table accounts (company text)")
        database.executemany("insert into accounts values (?)", [("ACME",), ("Initech",)])
    database.close()
    with ResponsesServer(answering(lambda question: "Ada")) as server:
        rows, out = "crm.sqlite::select company from accounts", "crm.sqlite::leaders"
        code = main(["map", rows, "-p", "Who leads {company}?", "-o", out, *agent(server)])
    assert code == 0
    with sqlite3.connect("crm.sqlite") as database:
        found = database.execute("select company, answer, _status from leaders").fetchall()
    database.close()
    assert found == [("ACME", "Ada", "completed"), ("Initech", "Ada", "completed")]
    assert f"2 rows in {out}: 2 done" in capsys.readouterr().err


def test_a_prompt_may_be_in_a_file():
    Path("prompt.txt").write_text("Where is {city}?\nIn one word.\n")
    with ResponsesServer(answering(lambda question: question)) as server:
        words = ["map", "rows.csv", "-p", "@prompt.txt", "-o", "out.jsonl", *agent(server)]
        assert main(words) == 0
    first = json.loads(Path("out.jsonl").read_text().splitlines()[0])
    assert first["answer"] == "Where is Oslo?\nIn one word."


def test_rows_that_fail_are_told_and_the_command_that_tries_them_again_tries_no_others(capsys):
    is_up = False

    def answer(question: str) -> object:
        return "Yes." if is_up or "Paris" not in question else failed("no_luck", "Not \x1b[2J now")

    with ResponsesServer(answering(answer)) as server:
        words = ["map", "rows.csv", "-p", 'Is {city} "large"?', "-o", "out.csv", *agent(server)]
        assert main([*words, "--pilot", "3", "-j", "2"]) == 5
        *told, last = capsys.readouterr().err.splitlines()
        assert last.startswith("3 rows in out.csv: 2 done, 1 failed, ")
        again = command_in(last[last.index("Try them again: ") :])
        assert again == [*words[:6], "-m", "any", "--base-url", server.url, "--only", "failed",
                         "-j", "2"]  # fmt: skip
        (row,) = [line for line in told if "Row 2" in line]
        assert row.startswith("agentkit: Row 2: ")
        assert r"Not \x1b[2J now" in row
        assert main(command_in(row[row.index("agentkit show") :])) == 0
        is_up, before = True, len(server.requests)
        assert main(again) == 0
        assert len(server.requests) == before + 1
    assert [row["_status"] for row in rows_of(Path("out.csv").read_text())] == ["completed"] * 3


def test_behind_failed_rows_alone_the_command_that_asks_the_others_is_told(capsys):
    with ResponsesServer(answering(lambda question: "Yes.")) as server:
        words = ["map", "rows.csv", "-p", "{city}", "-o", "out.csv", *agent(server)]
        assert main([*words, "--limit", "1"]) == 0
        assert main([*words, "--only", "failed"]) == 0
        last = capsys.readouterr().err.splitlines()[-1]
        assert last.startswith("1 of 3 rows in out.csv: 1 done, 2 left")
        assert "Ask the others: agentkit map" in last
        assert main(command_in(last)) == 0
    assert len(rows_of(Path("out.csv").read_text())) == 3


def test_at_most_three_failed_rows_are_told_one_by_one(capsys):
    table("rows.csv", tuple("abcdefgh"))
    with ResponsesServer(answering(lambda question: failed("no_luck", "No"))) as server:
        assert main(["map", "rows.csv", "-p", "{city}", "-o", "out.csv", *agent(server)]) == 5
    assert capsys.readouterr().err.count("agentkit: Row ") == 3


def test_scripts_get_a_record_of_the_launch_and_one_of_the_end(capsys):
    with ResponsesServer(answering(lambda question: "Yes.")) as server:
        words = ["map", "rows.csv", "-p", "{city}?", "-o", "out.csv", "--json", *agent(server)]
        assert main([*words, "--limit", "1"]) == 0
        capsys.readouterr()
        assert main(words) == 0
    launch, done = map(json.loads, capsys.readouterr().out.splitlines())
    assert launch == {
        "kind": "launch", "table": "rows.csv", "rows": 3, "done": 1, "failed": 0, "to_do": 2,
        "spent": 0.0, "out": "out.csv", "model": "any", "budget": None, "pilot": None,
    }  # fmt: skip
    assert done.pop("seconds") > 0
    assert done.pop("next").startswith("agentkit show map_")
    assert done == {
        "kind": "done", "rows": 3, "done": 3, "failed": 0, "kept": 1, "left": 0, "waiting": 0,
        "cost": None, "out": "out.csv", "exit_code": 0, "error": None, "estimate": None,
    }  # fmt: skip


def test_the_done_record_of_a_job_with_failed_rows_has_the_code_and_the_command(capsys):
    with ResponsesServer(answering(lambda question: failed("no_luck", "No"))) as server:
        words = ["map", "rows.csv", "-p", "{city}?", "-o", "out.csv", "--json", *agent(server)]
        assert main(words) == 5
    done = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (done["exit_code"], done["failed"]) == (5, 3)
    assert shlex.split(done["next"])[1:] == [*words[:6], "-m", "any", "--base-url", server.url,
                                              "--only", "failed", "--json"]  # fmt: skip


def test_quiet_says_only_where_the_results_are(capsys):
    with ResponsesServer(answering(lambda question: "Yes.")) as server:
        words = ["map", "rows.csv", "-p", "{city}", "-o", "out.csv", "-q", *agent(server)]
        assert main(words) == 0
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("3 rows in out.csv: 3 done")


def test_rows_that_are_piped_in_are_of_the_kind_that_is_said(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"city": "Oslo"}\n{"city": "Rome"}\n'))
    with ResponsesServer(answering(lambda question: question)) as server:
        assert main(["map", "-", "--kind", "jsonl", "-p", "{city}", *agent(server)]) == 0
    out, err = capsys.readouterr()
    assert {json.loads(line)["answer"] for line in out.splitlines()} == {"Oslo", "Rome"}
    assert "Pipe the same rows" not in err


def test_who_has_to_pipe_the_rows_in_again_is_told_so(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("city\nOslo\n"))
    with ResponsesServer(answering(lambda question: failed("no_luck", "No"))) as server:
        assert main(["map", "-", "-p", "{city}", "-o", "out.csv", *agent(server)]) == 5
    last = capsys.readouterr().err.splitlines()[-1]
    assert " Pipe the same rows in again. Try them again: agentkit map " in last
    assert command_in(last)[-2:] == ["--", "-"]


def test_without_a_log_nothing_is_left_to_go_on_with_and_that_is_said(capsys):
    with ResponsesServer(answering(lambda question: failed("no_luck", "No"))) as server:
        words = ["map", "rows.csv", "-p", "{city}", "-o", "out.csv", *agent(server)]
        assert main([*words, "--no-log"]) == 5
    err = capsys.readouterr().err
    assert "agentkit show" not in err
    last = err.splitlines()[-1]
    assert "Nothing was kept to go on with; with a log: agentkit map rows.csv" in last
    assert "--no-log" not in last
    assert not Path("runs.db").exists()


def test_answers_of_the_cache_are_given_to_equal_requests_but_not_where_rows_are_refreshed():
    with ResponsesServer(answering(lambda question: "Yes.")) as server:
        words = ["map", "rows.csv", "-p", "{city}", *agent(server), "--cache", "7d"]
        assert main([*words, "-o", "out.csv"]) == 0
        assert main([*words, "-o", "other.csv", "--setting", 'user="another"']) == 0
        assert len(server.requests) == 3
        assert main([*words, "-o", "other.csv", "--refresh"]) == 0
        assert len(server.requests) == 6
    assert [row["answer"] for row in rows_of(Path("other.csv").read_text())] == ["Yes."] * 3


@pytest.mark.parametrize("out", ["out.csv", "out.jsonl", "out.db::cities"])
def test_a_table_without_rows_is_done_and_gives_one_without_rows(out, capsys):
    Path("rows.csv").write_text("city\n")
    assert main(["map", "rows.csv", "-p", "{city}", "-m", "offline", "-o", out, "--json"]) == 0
    said, told = capsys.readouterr()
    assert json.loads(said.splitlines()[-1])["rows"] == 0
    assert told.startswith(f"0 rows in {out}: 0 done")
    if out == "out.csv":
        assert Path(out).read_text() == "city,answer,_status,_error,_cost,_attempts,_session\n"


def test_a_budget_that_is_used_up_is_told_with_the_command_that_goes_on(capsys, bot):
    path = bot(
        "from agentkit.testing import ScriptedModel\n"
        "agent = Agent(ScriptedModel(*['Yes.'] * 100), prices=lambda model, usage: 0.4,\n"
        "              settings={'max_output_tokens': 16})"
    )
    words = ["map", "rows.csv", "-p", "{city}", "-o", "out.csv", "-a", path, "-j", "1"]
    assert main([*words, "--budget", "1"]) == 3
    (last,) = capsys.readouterr().err.splitlines()
    assert last.startswith("2 of 3 rows in out.csv: 2 done, 1 left, $0.8000, ")
    again = command_in(last[last.index("Go on with more: ") :])
    more = float(again[again.index("--budget") + 1])
    assert more >= 1.2
    assert main(again) == 0
    assert [row["_status"] for row in rows_of(Path("out.csv").read_text())] == ["completed"] * 3


def test_rows_that_wait_for_a_word_are_told_with_how_to_list_them(capsys, bot):
    path = bot(
        "@tool(approval=True)\ndef send(to: str) -> str:\n    return 'sent'\n"
        "agent = Agent(ScriptedModel(*[call('send', to='all')] * 3), tools=[send])"
    )
    assert main(["map", "rows.csv", "-p", "{city}", "-o", "out.csv", "-a", path]) == 5
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("3 rows in out.csv: 0 done, 3 wait, ")
    assert last.endswith(" Decide on them: agentkit runs --rows --waiting")
    assert main(["runs", "--rows", "--waiting"]) == 0
    assert capsys.readouterr().out.count("\twaiting\t") == 3


def test_where_the_log_is_the_agents_own_the_command_says_where_it_is(capsys, bot, tmp_path):
    path = bot("agent = Agent(ScriptedModel(*['Yes.'] * 3), store='own log.db')")
    assert main(["map", "rows.csv", "-p", "{city}", "-o", "out.csv", "-a", path]) == 0
    again = command_in(capsys.readouterr().err)
    assert again[2:] == ["--db", str(tmp_path / "own log.db")]
    assert main(again) == 0


def test_a_password_in_a_url_is_in_no_command_that_is_told(capsys):
    with ResponsesServer(answering(lambda question: failed("no_luck", "No"))) as server:
        url = server.url.replace("http://", "http://me:s3cret@")
        words = ["map", "rows.csv", "-p", "{city}", "-o", "out.csv", "-m", "any"]
        main([*words, "--base-url", url])
    assert "s3cret" not in capsys.readouterr().err


MISTAKES = [
    (["-p", "{town}"], "-p: there is no column 'town'. Columns: {city}."),
    (["-p", "{city"], "-p, character 1: { names no column."),
    (["-p", "@none.txt"], "-p: cannot read 'none.txt': No such file"),
    (["-o", "none/out.csv"], "-o: none/out.csv cannot be written: there is no folder"),
    (["-o", "rows.csv"], "-o: rows.csv cannot be written: the rows are read from there."),
    (["-o", "own.csv"], "or have it replaced with --replace."),
    (["-o", "out.txt"], "or say it with --kind."),
    (["--schema", "city str"], "--schema: the answer has a field 'city'"),
    (["--schema", "x strx"], "there is no type 'strx'"),
    (["-a", "none.py:agent"], "There is no file 'none.py'."),
    (["-m", "gpt-5-mini"], "No key is set."),
    (["--budget", "0"], "0 is not above 0"),
    (["--pilot", "0"], "0 is not 1 or more"),
    (["--pilot", "2", "--no-log"], "--pilot needs the log"),
    (["--pilot", "2", "--sample", "2"], "a sample is one already"),
    (["--yes"], "Say --pilot 10"),
    (["--only", "new", "--refresh"], "leave one out"),
    (["--refresh", "7x"], 'such as "90s"'),
    (["-j", "many"], "many is not a whole number"),
    (["-o", "-", "--json"], "Say with -o where the rows go."),
    (["--db", "none/runs.db"], "--db: there is no folder 'none'"),
]


@pytest.mark.parametrize(("options", "remedy"), MISTAKES, ids=str)
def test_a_mistake_is_one_line_before_anything_is_asked(options, remedy, capsys):
    Path("own.csv").write_text("mine\n1\n")
    with ResponsesServer(answering(lambda question: "Yes.")) as server:
        usual = ["-p", "{city}", "-o", "out.csv", *agent(server)]
        if "-a" in options or "-m" in options:
            usual = usual[:4]
        try:
            code = main(["map", "rows.csv", *usual, *options])
        except SystemExit as stop:
            code = int(str(stop.code))
        assert server.requests == []
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert err.startswith("agentkit: ")
    assert err.count("\n") == 1
    assert remedy in err
    assert Path("own.csv").read_text() == "mine\n1\n"
    assert not Path("out.csv").exists()


def test_a_budget_that_cannot_hold_is_told_and_nothing_is_asked(capsys):
    with ResponsesServer(answering(lambda question: "Yes.")) as server:
        words = ["map", "rows.csv", "-p", "{city}", "-o", "out.csv", *agent(server)]
        assert main([*words, "--budget", "5"]) == 2
        assert server.requests == []
    err = capsys.readouterr().err
    assert "the price of the model 'any'" in err
    assert "Agent(prices=…). " in err
    assert "Or leave --budget out." in err


def test_a_row_that_cannot_be_read_stops_it_before_anything_is_asked(capsys):
    Path("rows.jsonl").write_text('{"city": "Oslo"}\n{"city": \n')
    with ResponsesServer(answering(lambda question: "Yes.")) as server:
        assert main(["map", "rows.jsonl", "-p", "{city}", "-o", "out.csv", *agent(server)]) == 2
        assert server.requests == []
    assert "line 2" in capsys.readouterr().err


def test_an_error_that_concerns_all_rows_ends_it_with_what_to_do(capsys):
    with ResponsesServer(answering(lambda question: "Yes."), api_key="right") as server:
        words = ["map", "rows.csv", "-p", "{city}", "-o", "out.csv", *agent(server), "-j", "1"]
        assert main(words) == 1
    *_, told, last = capsys.readouterr().err.splitlines()
    assert "Check the key" in told
    assert "left" in last
    assert "Go on: agentkit map rows.csv" in last


def test_a_former_table_that_has_more_rows_stays_and_the_last_line_does_not_claim_it(capsys):
    words = ["map", "rows.csv", "-p", "{city}"]
    with ResponsesServer(answering(lambda question: "Yes.")) as server:
        assert main([*words, *agent(server), "-o", "out.csv"]) == 0
    before = Path("out.csv").read_bytes()
    with ResponsesServer(answering(lambda question: "Yes."), api_key="right") as server:
        assert main([*words, *agent(server), "-o", "out.csv", "-j", "1"]) == 1
    assert Path("out.csv").read_bytes() == before
    assert capsys.readouterr().err.splitlines()[-1].startswith("1 of 3 rows in the log: 0 done")
