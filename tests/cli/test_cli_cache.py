"""`agentkit cache`: what answers are kept, and letting go of them."""

from __future__ import annotations

import io
import json
import sys

import pytest
from logged import DB, log_run, use

from agentkit.cli import main
from agentkit.cli.cache import size


@pytest.fixture(autouse=True)
def _this_log(monkeypatch):
    monkeypatch.setenv("AGENTKIT_DB", DB)


class Terminal(io.StringIO):
    """A terminal that somebody types at and that keeps what it shows."""

    def isatty(self) -> bool:
        return True


def keep(*answers: tuple[str, str]) -> None:
    """Have answers kept: of these models, with these texts."""

    async def kept(store):
        for number, (model, text) in enumerate(answers):
            await store.cache(f"{number:064x}", {"text": text}, model=model)

    use(kept)


def count(capsys) -> int:
    """How many answers are kept."""
    capsys.readouterr()
    assert main(["cache", "ls", "--json"]) == 0
    return sum(each["answers"] for each in json.loads(capsys.readouterr().out))


def test_what_is_kept_is_listed_by_model_with_tabs_for_a_pipe(capsys):
    keep(("small", "Hello."), ("large", "x" * 1000), ("large", "y" * 1000))
    assert main(["cache", "ls"]) == 0
    large, small = (line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert (large[:2], small[:2]) == (["large", "2"], ["small", "1"])
    assert int(large[2]) > 2000 > int(small[2]) > 0
    assert large[3][10] == large[4][10] == "T"


def test_a_terminal_gets_columns_and_a_sum(monkeypatch):
    keep(("small\x1b[2J", "Hello."), ("large", "x" * 5000))
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("NO_COLOR", "1")
    assert main(["cache", "ls"]) == 0
    head, large, small, whole = terminal.getvalue().splitlines()
    assert head.split() == ["MODEL", "ANSWERS", "SIZE", "OLDEST", "NEWEST"]
    assert large.split()[1:4] == ["1", "5.0", "kB"]
    assert small.startswith(r"small\x1b[2J")
    assert whole.split()[:2] == ["(all)", "2"]


def test_json_is_an_array_with_an_object_for_each_model(capsys):
    keep(("small", "Hello."))
    assert main(["cache", "ls", "--json"]) == 0
    (small,) = json.loads(capsys.readouterr().out)
    assert list(small) == ["model", "answers", "bytes", "oldest", "newest"]
    assert (small["model"], small["answers"]) == ("small", 1)
    assert small["oldest"].endswith("Z")


def test_what_was_kept_long_ago_is_taken_away_and_what_is_newer_stays(capsys):
    keep(("small", "Hello."))
    assert main(["cache", "prune"]) == 0
    assert main(["cache", "prune", "--older-than", "1h"]) == 0
    assert capsys.readouterr().out == "Deleted 0 answers.\n" * 2
    assert count(capsys) == 1


def test_all_of_it_is_cleared(capsys):
    keep(("small", "Hello."), ("large", "Hello."))
    assert main(["cache", "clear", "--yes"]) == 0
    assert capsys.readouterr().out == "Deleted 2 answers.\n"
    assert count(capsys) == 0


def test_runs_stay_where_the_cache_is_cleared(capsys):
    log_run("talk", "Hello.")
    assert main(["cache", "clear", "--yes"]) == 0
    assert main(["runs"]) == 0
    assert "talk\t" in capsys.readouterr().out


@pytest.mark.parametrize(("word", "left", "code"), [("y", 0, 0), ("n", 1, 1), ("", 1, 1)])
def test_a_person_is_asked_before_it_is_cleared(word, left, code, capsys, monkeypatch):
    keep(("small", "Hello."))
    monkeypatch.setattr(sys, "stdin", Terminal(f"{word}\n"))
    assert main(["cache", "clear"]) == code
    assert "Delete 1 answer? [y/N] " in capsys.readouterr().err
    assert count(capsys) == left


def test_without_a_terminal_it_is_not_cleared_unasked(capsys):
    keep(("small", "Hello."))
    assert main(["cache", "clear"]) == 2
    assert "Say --yes" in capsys.readouterr().err
    assert count(capsys) == 1


@pytest.mark.parametrize("word", ["ls", "prune"])
def test_where_nothing_is_logged_that_is_said_and_no_file_is_made(word, capsys, tmp_path):
    assert main(["cache", word]) == 0
    assert "No answers are kept yet: --cache 7d" in capsys.readouterr().err
    assert not (tmp_path / DB).exists()


def test_without_a_word_its_help_is_shown(capsys):
    assert main(["cache"]) == 0
    assert "prune" in capsys.readouterr().out


def test_an_age_that_is_none_is_one_line(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["cache", "prune", "--older-than", "soon"])
    assert stop.value.code == 2
    assert 'such as "90s"' in capsys.readouterr().err


def test_a_run_with_a_cache_keeps_an_answer_that_is_listed_and_given_again(capsys):
    words = ["run", "What is 2 + 3?", "-m", "offline", "--cache", "7d", "-q"]
    assert main(words) == 0
    first = capsys.readouterr().out
    assert count(capsys) == 1
    assert main(words) == 0
    assert capsys.readouterr().out == first


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (2_500_000, "2.5 MB")]
)
def test_bytes_are_said_in_round_units(number, said):
    assert size(number) == said
