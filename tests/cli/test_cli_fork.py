"""`agentkit fork`: a new run with the first records of another."""

from __future__ import annotations

import pytest
from logged import DB, log_run, use

from agentkit import tool
from agentkit.cli import main
from agentkit.testing import call


@tool
def send(to: str) -> str:
    "Send mail."
    return "sent"


@pytest.fixture(autouse=True)
def _this_log(monkeypatch):
    monkeypatch.setenv("AGENTKIT_DB", DB)


def test_only_the_new_id_is_on_stdout_and_it_begins_as_the_other_does(capsys):
    log_run("first", "Hello.")
    assert main(["fork", "fir", "--at", "2"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    kept = use(lambda store: store.load(out.strip()))
    assert kept.parent == "first"
    assert kept.records == use(lambda store: store.load("first")).records[:2]


def test_a_fork_has_all_records_and_the_name_that_is_asked_for(capsys):
    log_run("first", "Hello.")
    assert main(["fork", "first", "--name", "second"]) == 0
    assert capsys.readouterr().out == "second\n"
    assert len(use(lambda store: store.load("second")).records) == 3


def test_a_call_that_ran_in_the_other_one_waits_in_the_fork(capsys):
    log_run("first", call("send", to="all"), "Done.", tools=[send])
    assert main(["fork", "first", "--at", "3", "--name", "second"]) == 0
    assert main(["runs", "--waiting"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("second\t")


@pytest.mark.parametrize(
    ("options", "code", "why"),
    [
        (["--at", "9"], 2, "has 3 records"),
        (["--name", "first"], 1, "first"),
        (["--name", "a\nb"], 2, "control characters"),
    ],
)
def test_what_cannot_be_forked_so_is_told(options, code, why, capsys):
    log_run("first", "Hello.")
    assert main(["fork", "first", *options]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert why in err
