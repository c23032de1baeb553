"""`--evidence`: where the fields of an answer were found, on the terminal, in JSON and in tables."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from agentkit.cli import main
from agentkit.testing import ScriptedModel
from agentkit.testing.server import ResponsesServer

SCHEMA = ["--schema", "people int, mayor"]
QUESTION = "What is the population of Oslo?"


@pytest.fixture(autouse=True)
def _log(monkeypatch, tmp_path):
    monkeypatch.setenv("AGENTKIT_DB", "runs.db")
    tools = tmp_path / "tools.py"
    tools.write_text(
        "from agentkit import tool\n"
        "@tool(effect='read')\n"
        "def population(city: str) -> dict:\n"
        "    'People in a city.'\n"
        "    return {'city': city, 'people': {'Oslo': 717710, 'Bergen': 291000}[city]}\n"
    )


OFFLINE = ["-m", "offline", "-t", "tools.py", *SCHEMA]


def test_evidence_is_told_beside_the_answer(capsys):
    assert main(["run", QUESTION, *OFFLINE, "--evidence", "--no-log"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == {"people": 717710, "mayor": None}
    *_, people, mayor = said.err.splitlines()
    assert people.startswith("people: verified, population(call_")
    assert people.endswith('): “"people":717710”')
    assert mayor == "mayor: not found"


def test_quiet_says_the_answer_alone(capsys):
    assert main(["run", QUESTION, *OFFLINE, "--evidence", "--no-log", "-q"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("options", [["--json"], ["--jsonl"]])
def test_json_has_the_evidence(options, capsys):
    assert main(["run", QUESTION, *OFFLINE, "--evidence", "--no-log", *options]) == 0
    evidence = json.loads(capsys.readouterr().out.splitlines()[-1])["evidence"]
    assert (evidence["people"]["status"], evidence["people"]["tool"]) == ("verified", "population")
    assert evidence["people"]["quote"] == '"people":717710'
    assert evidence["mayor"]["status"] == "not_found"


def test_without_the_option_json_has_none(capsys):
    assert main(["run", QUESTION, *OFFLINE, "--no-log", "--json"]) == 0
    assert "evidence" not in json.loads(capsys.readouterr().out)


def doubtful(people: int) -> str:
    """An answer of which nothing shows one field."""
    shown = {"call_id": None, "quote": "Oslo", "value": None}
    return json.dumps({"people": {**shown, "value": people}, "mayor": shown})


def test_required_evidence_leaves_empty_what_nothing_shows(capsys):
    with ResponsesServer(ScriptedModel(doubtful(7), doubtful(8))) as server:
        at = ["-m", "any", "--base-url", server.url, "--no-log", *SCHEMA]
        assert main(["run", QUESTION, *at, "--require-evidence"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == {"people": None, "mayor": None}
    assert "people: unverified, no tool has given anything that could be quoted" in said.err


def test_evidence_needs_fields(capsys):
    assert main(["run", QUESTION, "-m", "offline", "--evidence"]) == 2
    assert "--schema 'name str, since int'" in capsys.readouterr().err


def test_a_run_goes_on_with_its_evidence_without_being_told(capsys):
    model = ScriptedModel("no JSON", "none again", doubtful(7), doubtful(8))
    with ResponsesServer(model) as server:
        at = ["-m", "any", "--base-url", server.url]
        assert main(["run", QUESTION, *at, *SCHEMA, "--evidence", "--session", "mine"]) == 1
        asked = model.requests[0].wire()["text"]
        capsys.readouterr()
        assert main(["resume", "mine"]) == 0
        assert model.requests[-1].wire()["text"] == asked
    said = capsys.readouterr()
    assert json.loads(said.out) == {"people": 8, "mayor": None}
    assert "people: unverified" in said.err


def test_a_run_that_is_shown_tells_its_evidence_behind_the_last_record(capsys):
    assert main(["run", QUESTION, *OFFLINE, "--evidence", "--session", "mine"]) == 0
    capsys.readouterr()
    assert main(["show", "mine"]) == 0
    *_, people, mayor = capsys.readouterr().out.splitlines()
    assert people.startswith("people: verified, population(call_")
    assert mayor == "mayor: not found"


def test_a_table_has_two_columns_behind_each_field(capsys):
    Path("rows.csv").write_text("city\nOslo\nBergen\n")
    command = ["map", "rows.csv", "-p", "The population of {city}", *OFFLINE, "--evidence"]
    for out in ("one.csv", "two.csv"):  # the second time from the log
        assert main([*command, "-o", out, "-q"]) == 0
        with open(out, encoding="utf-8", newline="") as table:
            rows = list(csv.DictReader(table))
        assert [row["people"] for row in rows] == ["717710", "291000"]
        assert [row["people__verified"] for row in rows] == ["verified"] * 2
        assert all(row["people__source"].startswith("population(call_") for row in rows)
        assert rows[1]["people__source"].endswith('): “"people":291000”')
        assert [(row["mayor"], row["mayor__source"]) for row in rows] == [("", "")] * 2
        assert [row["mayor__verified"] for row in rows] == ["not_found"] * 2
