"""`agentkit runs`: the list, the search, and taking runs away."""

from __future__ import annotations

import asyncio
import io
import json
import sys

import pytest
from logged import DB, log_records, log_run, use

from agentkit import tool
from agentkit.cli import main
from agentkit.cli.runs import excerpt
from agentkit.stores.sqlite import SQLiteStore
from agentkit.testing import call, failed, incomplete, refusal
from agentkit.testing.stores.said import answered, said

FIELDS = "session parent created updated records title status turns tokens cost"


@tool(approval=True)
def send(to: str) -> str:
    "Send mail."
    return "sent"


class Terminal(io.StringIO):
    """A terminal that somebody types at and that keeps what it shows."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _this_log(monkeypatch):
    monkeypatch.setenv("AGENTKIT_DB", DB)


def sessions(capsys, *options: str) -> list[str]:
    """The ids that the list shows."""
    assert main(["runs", *options]) == 0
    return [line.split("\t")[0] for line in capsys.readouterr().out.splitlines()]


def test_a_pipe_gets_a_line_for_every_run_the_newest_first_with_tabs_between(capsys):
    log_run("first", "Hello.", said="How\tmany\nfish?")
    log_records("second", [said("Hi"), answered("Hello.")], title="Hi", turns=1, cost=0.5)
    assert main(["runs"]) == 0
    second, first = capsys.readouterr().out.splitlines()
    name, when, *rest = first.split("\t")
    assert (name, rest) == ("first", ["completed", "1", "2", "?", "How many fish?"])
    assert when[10] == "T"
    assert second.split("\t")[2:] == ["open", "1", "0", "0.5", "Hi"]


def test_a_terminal_gets_columns_that_fit_its_width(monkeypatch):
    log_run("night", "Good night.", said="Where do the fish go when it is dark? " * 3)
    log_records("small", [said("国" * 40)], title="国" * 40, cost=0.00001, tokens=12345)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["runs"]) == 0
    head, small, night = terminal.getvalue().splitlines()
    assert head.split() == ["ID", "WHEN", "STATUS", "TURNS", "TOKENS", "COST", "TITLE"]
    assert night.endswith("      1      30         ?  Where do the fish …")
    assert small.endswith("      0  12,345  <$0.0001  国国国国国国国国国…")
    assert len(night) == 80
    assert night.index("completed") == small.index("open") == head.index("STATUS")


def test_json_is_an_array_with_all_that_is_known_of_every_run(capsys):
    log_run("hi", "Hello.")
    assert main(["runs", "--json"]) == 0
    (run,) = json.loads(capsys.readouterr().out)
    assert list(run) == FIELDS.split()
    assert run["cost"] is None
    assert (run["session"], run["title"], run["records"]) == ("hi", "Hi", 3)
    assert run["updated"].endswith("Z")


def test_runs_are_chosen_by_how_they_stand(capsys):
    log_run("good", "Hello.")
    log_run("asks", call("send", to="all"), tools=[send])
    log_run("failed", failed("server_error", "Overloaded"))
    log_run("refused", refusal("No."))
    log_run("half", incomplete("Hal"))
    log_run("broken", RuntimeError("no"))
    log_records("open", [said("Hi")])
    assert sessions(capsys, "--waiting") == ["asks"]
    assert sessions(capsys, "--failed") == ["open", "broken", "half", "refused", "failed"]
    assert sessions(capsys, "-n", "2") == ["open", "broken"]
    assert len(sessions(capsys, "-n", "0")) == 7
    assert len(sessions(capsys, "-n", f"{10**30}")) == 7


def test_where_none_stands_so_that_is_said(capsys):
    log_run("good", "Hello.")
    assert main(["runs", "--waiting"]) == 0
    assert tuple(capsys.readouterr()) == ("", "agentkit: There are no such runs.\n")


def test_a_search_shows_where_the_words_were_said_on_one_harmless_line(capsys):
    log_run("fish", "a " * 100 + "The \x1b herring\nsleeps." + " z" * 100, said="Herrings?")
    log_run("other", "Nothing.")
    assert main(["runs", "-q", "sleeps HERRING"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    name, number, kind, text = line.split("\t")
    assert (name, number, kind) == ("fish", "3", "answer")
    assert r"a a The \x1b herring sleeps. z z" in text
    assert text.startswith("…")
    assert text.endswith("…")


def test_a_search_as_json_has_the_whole_text(capsys):
    log_run("fish", "The herring sleeps.")
    assert main(["runs", "-q", "herring", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["text"] == "The herring sleeps."
    assert (found["session"], found["seq"], found["kind"]) == ("fish", 2, "answer")


def test_a_search_that_finds_nothing_says_so(capsys):
    log_run("fish", "The herring sleeps.")
    assert main(["runs", "-q", "whale"]) == 0
    assert tuple(capsys.readouterr()) == ("", "agentkit: Nothing was found with 'whale'.\n")


def test_deleted_runs_are_gone_with_all_that_was_said_in_them(capsys):
    for name in ("run_1a", "run_1b", "run_2"):
        log_run(name, "The herring sleeps.")
    assert main(["runs", "rm", "run_1b", "run_2", "run_1b", "--yes"]) == 0
    assert capsys.readouterr().out == "Deleted 2 runs.\n"
    assert sessions(capsys) == ["run_1a"]
    assert [line for line in sessions(capsys, "-q", "herring")] == ["run_1a"]


def test_runs_are_deleted_by_their_age(capsys):
    log_run("hi", "Hello.")
    assert main(["runs", "rm", "--before", "1h", "--yes"]) == 0
    assert main(["runs", "rm", "--before", "9999-01-01", "--yes"]) == 0
    assert capsys.readouterr().out == "Deleted 0 runs.\nDeleted 1 run.\n"


def test_without_a_terminal_nothing_is_deleted_unasked(capsys):
    log_run("hi", "Hello.")
    assert main(["runs", "rm", "hi"]) == 2
    assert "Say --yes" in capsys.readouterr().err
    assert sessions(capsys) == ["hi"]


@pytest.mark.parametrize(("typed", "left"), [("y\n", []), ("\n", ["hi"]), ("", ["hi"])])
def test_on_a_terminal_it_is_asked_first(typed, left, monkeypatch, capsys):
    log_run("hi", call("send", to="all"), tools=[send], said="Mail \x1b[2Jthem")
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    assert main(["runs", "rm", "hi"]) == (1 if left else 0)
    asked = capsys.readouterr().err
    assert r"hi  Mail \x1b[2Jthem" in asked
    assert "Delete 1 run, 1 of them waiting for a word? [y/N]" in asked
    assert sessions(capsys) == left


def test_a_run_that_is_under_way_stays(capsys):
    log_run("busy", "Hello.")
    log_run("done", "Hello.")

    async def meanwhile():
        store = SQLiteStore(DB)
        async with store.hold("busy"):
            code = await asyncio.to_thread(main, ["runs", "rm", "busy", "done", "--yes"])
        await store.close()
        return code

    assert asyncio.run(meanwhile()) == 1
    told = capsys.readouterr()
    assert told.out == "Deleted 1 run.\n"
    assert told.err == "agentkit: busy is under way, and stays.\n"
    assert sessions(capsys) == ["busy"]


@pytest.mark.parametrize("arguments", [["rm", "--yes"], ["rm", "hi", "--before", "soon"]])
def test_a_slip_in_what_to_delete_is_wrong_use(arguments, capsys):
    try:
        code = main(["runs", *arguments])
    except SystemExit as left:
        code = left.code
    assert code == 2
    assert capsys.readouterr().err.startswith("agentkit: ")


def test_the_log_may_be_named_before_the_word_rm_too(capsys, monkeypatch):
    log_run("hi", "Hello.")
    monkeypatch.delenv("AGENTKIT_DB")
    assert main(["runs", "--db", DB, "rm", "hi", "--yes"]) == 0
    assert capsys.readouterr().out == "Deleted 1 run.\n"


def test_a_list_may_be_cut_off_by_its_reader(start):
    log_run("hi", "Hello.")
    process = start("runs", through="| head -0")
    assert process.wait() == 0
    assert process.stderr.read() == ""


def test_all_of_a_log_is_deleted_only_where_it_is_said(capsys):
    log_run("hi", "Hello.")
    assert main(["runs", "rm", "", "--yes"]) == 2
    assert use(lambda store: store.load("hi")).records


def test_a_name_keeps_every_space_that_it_has(capsys):
    log_run("two  spaces", "Hello.")
    assert sessions(capsys) == ["two  spaces"]


def test_where_the_words_stand_otherwise_the_beginning_of_the_text_is_shown():
    assert excerpt("Café " * 40, "cafe") == "Café " * 11 + "Café…"
