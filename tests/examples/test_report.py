"""`examples/report.py`: a report of a region that is right, and that is told when it is not whole."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from agentkit import Request
from agentkit.responses.events import StreamEvent
from agentkit.testing import OfflineModel, ResponsesServer, ScriptedModel, refusal

ROOT = Path(__file__).parents[2]
SOME_ROWS_FAILED = 5

with (ROOT / "examples/countries/countries.csv").open(encoding="utf-8", newline="") as table:
    OCEANIA = [row for row in csv.DictReader(table) if row["region"] == "Oceania"]


class Unwilling:
    """The offline model, which may refuse to speak of one country."""

    name = "unwilling"

    def __init__(self, refused: str) -> None:
        self.refused = refused

    def stream(self, request: Request) -> AsyncIterator[StreamEvent]:
        question = str(request.input[0].wire["content"])
        is_refused = self.refused and self.refused in question
        model = ScriptedModel(refusal("I would rather not.")) if is_refused else OfflineModel()
        return model.stream(request)


def report(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The report on Oceania, its log in the folder."""
    return subprocess.run(
        [sys.executable, "-W", "error", "examples/report.py", "Oceania"],
        cwd=ROOT,
        env={**os.environ, "AGENTKIT_DB": str(folder / "runs.db"), **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )


def cells(text: str) -> list[list[str]]:
    """The cells of a Markdown table, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_report_has_the_facts_of_every_country_the_largest_first_and_their_sum(tmp_path):
    made = report(tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout.startswith("# Oceania\n\n| Country | Capital | People ")
    *countries, total = cells(made.stdout)
    assert [(each[0], each[1], each[2].replace(",", ""), each[5]) for each in countries] == [
        (row["name"], row["capital"], row["population"], row["currency"])
        for row in sorted(OCEANIA, key=lambda row: -int(row["population"]))
    ]
    people, area = (sum(float(row[name]) for row in OCEANIA) for name in ("population", "area_km2"))
    assert total == ["**All**", "", f"{people:,.0f}", f"{area:,.0f}", f"{people / area:,.1f}", ""]


def test_a_country_without_an_answer_is_named_and_the_next_report_asks_for_it_alone(tmp_path):
    model = Unwilling("Fiji")
    with ResponsesServer(model) as server:
        where = {"MODEL": "ollama:any", "OLLAMA_HOST": server.url.removesuffix("/v1")}
        first = report(tmp_path, **where)
        assert first.returncode == SOME_ROWS_FAILED
        assert first.stdout.endswith(
            "\nThere is no answer for Fiji: The model refused: I would rather not.\n"
        )
        assert len(cells(first.stdout)) == len(OCEANIA)  # its sum, and all but one
        model.refused, asked = "", len(server.requests)
        second = report(tmp_path, **where)
        assert second.returncode == 0
        assert second.stdout == report(tmp_path).stdout
        questions = {str(each["input"][0]["content"]) for each in server.requests[asked:]}
    assert len(questions) == 1
    assert "Fiji" in questions.pop()


def test_the_same_report_again_asks_nothing(tmp_path):
    with ResponsesServer(OfflineModel()) as server:
        where = {"MODEL": "ollama:any", "OLLAMA_HOST": server.url.removesuffix("/v1")}
        first = report(tmp_path, **where)
        asked = len(server.requests)
        assert report(tmp_path, **where).stdout == first.stdout
        assert len(server.requests) == asked == 2 * len(OCEANIA)
