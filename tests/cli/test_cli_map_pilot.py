"""A pilot: a few rows first, shown with an estimate, and a question before the rest."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import shlex
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from agentkit.cli import main
from agentkit.responses.response import Request
from agentkit.testing import ScriptedModel, failed
from agentkit.testing.server import ResponsesServer

posix = pytest.mark.skipif(os.name == "nt", reason="terminals of POSIX")

CITIES = [f"city {number}" for number in range(20)]


@pytest.fixture(autouse=True)
def _rows(monkeypatch):
    monkeypatch.setenv("AGENTKIT_DB", "runs.db")
    Path("rows.csv").write_text("city\n" + "".join(f"{each}\n" for each in CITIES))


def answering(answer: Callable[[str], object]) -> ScriptedModel:
    """A model that answers any number of questions, by what they say."""

    def entry(request: Request) -> object:
        return answer(str(request.input[-1].wire["content"]))

    return ScriptedModel(*[entry] * 500)


def command(server: ResponsesServer, *options: str) -> list[str]:
    words = ["map", "rows.csv", "-p", "{city}", "-o", "out.csv", "-m", "any"]
    return [*words, "--base-url", server.url, *options]


def asked(server: ResponsesServer) -> list[str]:
    """What the server was asked, in order."""
    return sorted(
        (str(request["input"][0]["content"]) for request in server.requests),
        key=lambda each: int(each.split()[1]),
    )


def answered() -> list[str]:
    with open("out.csv", newline="") as file:
        return [row["city"] for row in csv.DictReader(file)]


def test_without_a_terminal_a_pilot_stops_and_prints_the_command_that_goes_on(capsys):
    with ResponsesServer(answering(lambda question: question.upper())) as server:
        assert main(command(server, "--pilot", "3")) == 4
        assert asked(server) == CITIES[:3]
        head, *rows, estimate, last = capsys.readouterr().err.splitlines()
        assert head.split() == ["ROW", "city", "answer", "COST", "STATUS"]
        assert rows[2].split() == ["3", "city", "2", "CITY", "2", "?", "done"]
        assert estimate.startswith("17 rows more would cost an unknown amount and take about ")
        assert " to " in estimate
        assert last.startswith("3 rows in out.csv: 3 done, ")
        assert answered() == CITIES[:3]
        again = shlex.split(last[last.index("Go on: agentkit ") + 7 :])[1:]
        assert again == command(server)
        assert main(again) == 0
        assert asked(server) == CITIES  # each of them once
    assert answered() == CITIES


class LastFirst:
    """A model that answers the first city once the third has been answered."""

    def __init__(self) -> None:
        self.third_is_answered = threading.Event()

    async def stream(self, request: Request):
        city = str(request.input[-1].wire["content"])
        if city == CITIES[0]:
            await asyncio.to_thread(self.third_is_answered.wait)
        async for event in ScriptedModel(city.upper()).stream(request):
            yield event
        if city == CITIES[2]:
            self.third_is_answered.set()


def test_a_pilot_shows_its_rows_in_the_order_of_the_table(capsys):
    with ResponsesServer(LastFirst()) as server:
        assert main(command(server, "--pilot", "3", "-j", "3")) == 4
    _, *rows, _, _ = capsys.readouterr().err.splitlines()
    assert [row.split()[0] for row in rows] == ["1", "2", "3"]


def test_a_pilot_goes_on_unasked_where_that_was_said(capsys):
    with ResponsesServer(answering(lambda question: question.upper())) as server:
        assert main(command(server, "--pilot", "3", "--yes")) == 0
        assert asked(server) == CITIES
    err = capsys.readouterr().err
    assert "17 rows more would cost" in err
    assert err.splitlines()[-1].startswith("20 rows in out.csv: 20 done, 3 of these from before")


def test_a_pilot_is_of_the_first_rows_that_are_missing(capsys):
    is_up = False

    def answer(question: str) -> object:
        return "Yes." if is_up or int(question.split()[1]) % 2 else failed("no_luck", "No")

    with ResponsesServer(answering(answer)) as server:
        assert main(command(server, "--limit", "10")) == 5
        is_up, before = True, len(server.requests)
        assert main(command(server, "--pilot", "4", "-j", "1", "--only", "failed")) == 4
        assert [each["input"][0]["content"] for each in server.requests[before:]] == [
            f"city {number}" for number in (0, 2, 4, 6)
        ]
        before = len(server.requests)
        assert main(command(server, "--pilot", "4", "-j", "1", "--only", "new")) == 4
        assert [each["input"][0]["content"] for each in server.requests[before:]] == [
            f"city {number}" for number in (10, 11, 12, 13)
        ]


def test_a_pilot_does_not_replace_a_whole_table_by_a_few_rows(capsys):
    with ResponsesServer(answering(lambda question: question)) as server:
        assert main(command(server, "--limit", "10")) == 0
        before = Path("out.csv").read_bytes()
        assert main(command(server, "--pilot", "2")) == 4
    assert Path("out.csv").read_bytes() == before
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("12 rows in the log: 12 done, 10 of these from before")


def test_where_no_more_rows_are_missing_than_the_pilot_has_nobody_is_asked(capsys):
    with ResponsesServer(answering(lambda question: question)) as server:
        assert main(command(server, "--pilot", "20")) == 0
        assert main(command(server, "--pilot", "1")) == 0
        assert len(server.requests) == 20
    assert "more would cost" not in capsys.readouterr().err


def test_what_a_pilot_asked_anew_is_not_asked_anew_once_more(capsys):
    with ResponsesServer(answering(lambda question: question)) as server:
        assert main(command(server)) == 0
        assert main(command(server, "--refresh", "--pilot", "3", "--yes")) == 0
        assert len(server.requests) == 40


def test_scripts_get_the_estimate_and_the_command_in_the_done_record(capsys):
    with ResponsesServer(answering(lambda question: question)) as server:
        assert main(command(server, "--json", "--pilot", "3")) == 4
        launch, done = map(json.loads, capsys.readouterr().out.splitlines())
        assert (launch["to_do"], launch["pilot"]) == (20, 3)
        assert (done["exit_code"], done["done"]) == (4, 3)
        assert done["estimate"]["rows"] == 17
        low, high = done["estimate"]["seconds_spread"]
        assert low <= done["estimate"]["seconds"] <= high
        assert main(shlex.split(done["next"])[1:]) == 0
        assert len(server.requests) == 20


def test_an_estimate_says_what_the_rest_costs_where_prices_are_known(capsys, bot):
    path = bot("agent = Agent(ScriptedModel(*['Yes.'] * 100), prices=lambda model, usage: 0.5)")
    words = ["map", "rows.csv", "-p", "{city}", "-o", "out.csv", "-a", path]
    assert main([*words, "--pilot", "4"]) == 4
    err = capsys.readouterr().err
    assert "16 rows more would cost about $8.0000 ($8.0000 to $8.0000) and take" in err
    assert "the budget" not in err
    assert main([*words, "--pilot", "4", "--budget", "9"]) == 4
    assert "With the $4.0000 spent, that may be more than the budget.\n" in (
        capsys.readouterr().err
    )


@pytest.fixture
def person(start):
    """Starts the command at a terminal."""
    from at_a_terminal import Person

    return lambda *words, **options: Person(start, *words, **options)


@posix
def test_a_person_sees_the_pilot_and_lets_it_go_on(person):
    with ResponsesServer(answering(lambda question: question.upper())) as server:
        at = person(*command(server, "--pilot", "3"))
        shown = at.reads("Go on? [y/N] ")
        assert "CITY 2" in shown
        assert "17 rows more would cost" in shown
        at.says("y")
        shown, code = at.leaves()
        assert asked(server) == CITIES
    assert code == 0
    assert "20 rows in out.csv: 20 done" in shown
    assert answered() == CITIES


@posix
@pytest.mark.parametrize("word", ["n", "", "what?", "\x04"])
def test_any_other_word_stops_it_behind_the_pilot(word, person):
    with ResponsesServer(answering(lambda question: question.upper())) as server:
        at = person(*command(server, "--pilot", "3"))
        at.reads("Go on? [y/N] ")
        at.types("\x04") if word == "\x04" else at.says(word)
        shown, code = at.leaves()
        assert asked(server) == CITIES[:3]
    assert code == 4
    assert "Go on: agentkit map rows.csv" in shown


@posix
def test_ctrl_c_at_the_question_is_an_interrupt_that_says_how_to_go_on(person):
    with ResponsesServer(answering(lambda question: question.upper())) as server:
        at = person(*command(server, "--pilot", "3"))
        at.reads("Go on? [y/N] ")
        at.types("\x03")
        shown, code = at.leaves()
    assert code == 130
    assert "Go on: agentkit map rows.csv" in shown
    assert "Traceback" not in shown


@posix
def test_hostile_answers_of_a_pilot_can_do_nothing_to_a_terminal(person):
    hostile = "\x1b[2J\u202eevil\x07"
    with ResponsesServer(answering(lambda question: hostile)) as server:
        at = person(*command(server, "--pilot", "3"), env={"COLUMNS": "150"})
        shown = at.reads("Go on? [y/N] ")
        at.says("n")
        at.leaves()
    assert r"\x1b[2J\u202eevil\x07" in shown
