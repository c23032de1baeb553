"""`agentkit map` as a process of its own: pipes, signals, a terminal, and the end of it all."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import re
import shlex
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from agentkit.responses.response import Request
from agentkit.testing import ScriptedModel
from agentkit.testing.server import ResponsesServer

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and terminals of POSIX")

CITIES = [f"city {number}" for number in range(12)]


@pytest.fixture(autouse=True)
def _rows(monkeypatch):
    monkeypatch.setenv("AGENTKIT_DB", "runs.db")
    Path("rows.csv").write_text("city\n" + "".join(f"{each}\n" for each in CITIES))


class Gates:
    """A model that answers a question once its gate is open; `asked` says which have come."""

    def __init__(self, *closed: str, answer: str | None = None) -> None:
        self.gates = {question: threading.Event() for question in closed}
        self.waiting = threading.Semaphore(0)
        self._answer = answer

    async def stream(self, request: Request):
        question = str(request.input[-1].wire["content"])
        if question in self.gates and not self.gates[question].is_set():
            self.waiting.release()
            await asyncio.to_thread(self.gates[question].wait)
        async for event in ScriptedModel(self._answer or question.upper()).stream(request):
            yield event

    def open(self) -> None:
        for gate in self.gates.values():
            gate.set()


def command(server: ResponsesServer, *options: str) -> list[str]:
    words = ["map", "rows.csv", "-p", "{city}", "-o", "out.csv", "-m", "any"]
    return [*words, "--base-url", server.url, *options]


def answered() -> dict[str, str]:
    with open("out.csv", newline="") as file:
        return {row["city"]: row["answer"] for row in csv.DictReader(file)}


def go_on(text: str) -> list[str]:
    return shlex.split(text[text.rindex("Go on: agentkit ") + 7 :])[1:]


def test_names_from_a_pipe_to_a_file_with_records_for_scripts(start):
    with ResponsesServer(Gates()) as server:
        words = ["map", "-", "-p", "{city}", "-o", "out.jsonl", "--json", "-m", "any"]
        process = start(*words, "--base-url", server.url, stdin=subprocess.PIPE)
        out, err = process.communicate("city\nOslo\nRome\n")
    assert process.returncode == 0
    launch, done = map(json.loads, out.splitlines())
    assert (launch["kind"], launch["rows"], launch["to_do"]) == ("launch", 2, 2)
    assert (done["kind"], done["done"], done["exit_code"]) == ("done", 2, 0)
    assert err.startswith("2 rows in out.jsonl: 2 done, ")
    lines = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert [(line["city"], line["answer"]) for line in lines] == [
        ("Oslo", "OSLO"),
        ("Rome", "ROME"),
    ]


def test_what_a_tool_prints_is_not_among_the_rows(start, bot):
    path = bot(
        "@tool\ndef shout() -> str:\n    print('LOUD')\n    return 'x'\n"
        "agent = Agent(ScriptedModel(call('shout'), 'Yes.'), tools=[shout])"
    )
    process = start("map", "rows.csv", "-p", "{city}", "-a", path, "--limit", "1")
    out, err = process.communicate()
    assert process.returncode == 0
    assert len(list(csv.DictReader(out.splitlines()))) == 1
    assert "LOUD" not in out
    assert "LOUD" in err


def test_the_first_interrupt_lets_the_rows_that_run_end(start):
    model = Gates("city 4", "city 5")
    with ResponsesServer(model) as server:
        process = start(*command(server, "-j", "2"))
        model.waiting.acquire()
        model.waiting.acquire()
        process.send_signal(signal.SIGINT)
        first = process.stderr.readline()
        model.open()
        out, err = process.communicate()
        assert process.returncode == 130
        assert first == (
            "Interrupted: rows that run have a moment to end. Ctrl-C again stops at once.\n"
        )
        assert list(answered()) == CITIES[:6]
        assert err.splitlines()[-1].startswith("6 of 12 rows in out.csv: 6 done, 6 left, ")
        again = start(*go_on(err))
        again.communicate()
        assert again.returncode == 0
        assert Counter(str(each["input"][0]["content"]) for each in server.requests) == Counter(
            CITIES
        )
    assert answered() == {each: each.upper() for each in CITIES}


def test_the_second_interrupt_stops_at_once_and_still_says_where_the_results_are(start):
    model = Gates("city 4", "city 5")
    with ResponsesServer(model) as server:
        process = start(*command(server, "-j", "2"))
        model.waiting.acquire()
        model.waiting.acquire()
        process.send_signal(signal.SIGINT)
        process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
        model.open()
    assert process.returncode == 130
    assert "Traceback" not in err
    assert list(answered())[:4] == CITIES[:4]
    (last,) = err.splitlines()  # the rows that were cut off are no failures to tell
    assert re.match(r"\d of 12 rows in out\.csv: 4 done, ", last)
    assert go_on(last) == command(server, "-j", "2")


def done_rows() -> set[str]:
    """The rows that have their answer in the log."""
    with sqlite3.connect("runs.db") as database:
        found = database.execute("select title from sessions where status = 'completed'")
        titles = {title for (title,) in found}
    database.close()
    return titles


def test_a_job_that_was_killed_again_and_again_asks_no_finished_row_twice(start):
    model = Gates("city 3", "city 7", "city 11")
    with ResponsesServer(model) as server:
        for gate in model.gates.values():
            process = start(*command(server, "-j", "1", "-q"))
            model.waiting.acquire()
            finished, before = done_rows(), len(server.requests)
            process.kill()
            process.communicate()
            gate.set()
            again = {str(each["input"][0]["content"]) for each in server.requests[before:]}
            assert not finished & again
        assert done_rows() == set(CITIES[:11])
        process = start(*command(server))
        _, err = process.communicate()
        asked = Counter(str(each["input"][0]["content"]) for each in server.requests)
    assert process.returncode == 0
    assert "12 rows in out.csv: 12 done, 11 of these from before" in err
    assert answered() == {each: each.upper() for each in CITIES}
    # those that were under way at a kill are asked once more, and no others
    assert asked == Counter([*CITIES, *model.gates])


def test_a_reader_that_leaves_ends_it_quietly(start):
    model = Gates("city 3")
    with ResponsesServer(model) as server:
        words = ["map", "rows.csv", "-p", "{city}", "-m", "any", "--base-url", server.url]
        process = start(*words, "-q", "-j", "1")
        model.waiting.acquire()
        process.stdout.close()
        model.open()
        err = process.stderr.read()
        assert process.wait() == 141
    assert err == ""


@pytest.fixture
def person(start):
    """Starts the command at a terminal."""
    from at_a_terminal import Person

    return lambda *words, **options: Person(start, *words, **options)


def test_a_terminal_has_a_block_that_counts_and_is_whole_at_the_end(person):
    model = Gates("city 6", "city 7")
    with ResponsesServer(model) as server:
        at = person(*command(server, "-j", "2"))
        at.reads("6 of 12 rows, 50 %")
        at.reads("6 done, 0 failed, 2 running, 4 left")
        at.reads("0 × 429, 2 at once")
        model.open()
        shown, code = at.leaves()
    assert code == 0
    at_the_end = shown[shown.rindex("12 of 12 rows, 100 %") :].split("\n")
    assert at_the_end[1] == "12 done, 0 failed, 0 running, 0 left"
    assert at_the_end[5].startswith("12 rows in out.csv: 12 done, ")


def test_ctrl_c_at_a_terminal_leaves_the_screen_in_order(person):
    model = Gates("city 6", "city 7")
    with ResponsesServer(model) as server:
        at = person(*command(server, "-j", "2"))
        at.reads("6 done, 0 failed, 2 running, 4 left")
        at.types("\x03")
        at.reads("Ctrl-C again stops at once.")
        at.types("\x03")
        shown, code = at.leaves()
        model.open()
    assert code == 130
    assert "Go on: agentkit map rows.csv" in shown.splitlines()[-1]
    raw = at._shown.decode()
    assert raw.rfind("\x1b[?25h") > raw.rfind("\x1b[?25l")  # the cursor is there


def test_the_block_counts_how_often_the_server_said_that_it_was_too_much(person):
    refusals = ["status-429,retry-after=0", "none", "status-429,retry-after=0"]
    with ResponsesServer(Gates(), faults=refusals) as server:
        shown, code = person(*command(server, "-j", "1")).leaves()
    assert code == 0
    assert "2 × 429, 1 at once" in shown[shown.rindex("12 of 12 rows, 100 %") :]


def test_a_narrow_terminal_and_one_that_is_made_smaller_break_nothing(person):
    import termios

    model = Gates("city 6")
    with ResponsesServer(model) as server:
        at = person(*command(server, "-j", "1"), env={"COLUMNS": ""})
        at.reads("6 of 12 rows, 50 %")
        termios.tcsetwinsize(at._ours, (24, 20))
        at.reads("6 done, 0 failed, …")
        model.open()
        shown, code = at.leaves()
    assert code == 0
    block = shown[shown.rindex("12 of 12") :].split("\n")[:5]
    assert all(len(line) < 20 for line in block)
    assert "12 rows in out.csv" in shown


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_without_colour_has_no_block(env, person):
    with ResponsesServer(Gates()) as server:
        at = person(*command(server), env=env)
        shown, code = at.leaves()
    assert code == 0
    assert "█" not in shown
    assert shown.startswith("12 rows in out.csv: 12 done")


def test_rows_on_a_terminal_are_harmless_and_no_block_is_among_them(person):
    hostile = "\x1b]0;owned\x07\x1b[2J\u202eevil"
    with ResponsesServer(Gates(answer=hostile)) as server:
        words = ["map", "rows.csv", "-p", "{city}", "-m", "any", "--base-url", server.url]
        at = person(*words, "--limit", "2")
        shown, code = at.leaves()
    assert code == 0
    assert r"\x1b]0;owned\x07\x1b[2J\u202eevil" in shown
    assert "owned\x07" not in shown
    assert "█" not in shown
    assert shown.startswith("city,answer,_status")


def test_what_a_tool_prints_goes_above_the_block(person, bot):
    path = bot(
        "@tool\ndef shout() -> str:\n    print('LOUD')\n    return 'x'\n"
        "agent = Agent(ScriptedModel(*[call('shout'), 'Yes.'] * 3), tools=[shout])"
    )
    words = ["map", "rows.csv", "-p", "{city}", "-o", "out.csv", "-a", path, "-j", "1"]
    shown, code = person(*words, "--limit", "3").leaves()
    assert code == 0
    assert shown.count("LOUD") == 3
    assert shown.rindex("LOUD") < shown.rindex("3 of 3 rows, 100 %")


def test_the_password_of_a_log_is_told_nowhere(start):
    process = start(
        "map", "rows.csv", "-p", "{city}", "-m", "offline", "-o", "out.csv",
        "--db", "postgresql://me:s3cret@127.0.0.1:1/x",
    )  # fmt: skip
    out, err = process.communicate()
    assert process.returncode == 1
    assert "s3cret" not in out + err
    assert "Traceback" not in err


def test_help_names_the_exit_codes(start):
    out, _ = start("map", "--help").communicate()
    assert "5 some rows have no answer" in out
    assert sys.version_info >= (3, 11)
