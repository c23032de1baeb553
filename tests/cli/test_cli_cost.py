"""`agentkit cost`: what the logged runs took."""

from __future__ import annotations

import io
import json
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from logged import DB, log_records

from agentkit.cli import main
from agentkit.cli.when import LocalTime, moment, short
from agentkit.testing.stores.said import answered, said


class Terminal(io.StringIO):
    """A terminal that keeps what it shows."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _this_log(monkeypatch):
    monkeypatch.setenv("AGENTKIT_DB", DB)
    monkeypatch.setenv("NO_COLOR", "1")
    log_records("a", [said("Hi"), answered("1", "m-1", 10, 0.01), answered("2", "m-2", 20)])
    log_records("b", [said("Hi"), answered("3", "m-1", 1030, 0.02), answered("4", "m-3", 40)])


def test_a_pipe_gets_a_line_for_each_with_what_is_not_known_counted_apart(capsys):
    assert main(["cost", "--by", "model"]) == 0
    assert capsys.readouterr().out == (
        "m-1\t2\t1040\t1034\t6\t0.03\t0\nm-2\t1\t20\t17\t3\t?\t1\nm-3\t1\t40\t37\t3\t?\t1\n"
    )


def test_a_terminal_gets_columns_and_their_sum(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["cost", "--by", "session"]) == 0
    assert terminal.getvalue() == (
        "SESSION  ANSWERS  TOKENS     IN  OUT  COST\n"
        "a              2      30     24    6  $0.0100 + 1 answer of unknown price\n"
        "b              2   1,070  1,064    6  $0.0200 + 1 answer of unknown price\n"
        "all            4   1,100  1,088   12  $0.0300 + 2 answers of unknown price\n"
    )


def test_json_has_the_known_part_and_the_number_of_the_answers_besides(capsys):
    assert main(["cost", "--by", "session", "--json"]) == 0
    first, _ = json.loads(capsys.readouterr().out)
    assert first == {
        "session": "a",
        "answers": 2,
        "input_tokens": 24,
        "cached_tokens": 0,
        "output_tokens": 6,
        "reasoning_tokens": 0,
        "total_tokens": 30,
        "cost": 0.01,
        "unpriced": 1,
    }


def test_by_day_is_what_is_shown_without_a_word(capsys):
    assert main(["cost", "--json"]) == 0
    (day,) = json.loads(capsys.readouterr().out)
    assert list(day)[0] == "day"
    assert day["answers"] == 4


def test_only_what_was_spent_since_is_counted(capsys):
    assert main(["cost", "--since", "1h", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["answers"] == 4
    assert main(["cost", "--since", "9999-01-01"]) == 0
    assert tuple(capsys.readouterr()) == ("", "agentkit: No answers were logged since then.\n")


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the time zone cannot be set here")
def test_a_day_is_one_of_the_time_zone_that_the_computer_is_in(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        late = [datetime(2026, month, 1, 22, 30, tzinfo=UTC) for month in (1, 7)]
        days = [at.astimezone(LocalTime()).isoformat() for at in late]
        assert short(late[1]) == "2026-07-02 00:30"
        assert moment("2026-07-01").isoformat() == "2026-07-01T00:00:00+02:00"
    time.tzset()
    assert days == ["2026-01-01T23:30:00+01:00", "2026-07-02T00:30:00+02:00"]


@pytest.mark.parametrize(
    ("text", "ago"),
    [("90m", timedelta(minutes=90)), ("12h", timedelta(hours=12)), ("2w", timedelta(days=14))],
)
def test_a_time_ago_is_counted_back_from_now(text, ago):
    now = datetime(2026, 1, 31, tzinfo=UTC)
    assert moment(text, now) == now - ago


@pytest.mark.parametrize("text", ["", "7", "d", "-7d", "soon", "2026-13-01", "9" * 30 + "w"])
def test_what_is_no_moment_is_wrong_use(text, capsys):
    with pytest.raises(SystemExit) as left:
        main(["cost", f"--since={text}"])
    assert left.value.code == 2
    assert "such as 7d or 12h" in capsys.readouterr().err
