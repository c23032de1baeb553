"""`--cache`: the same question in another process, and nobody is asked."""

from __future__ import annotations

import io
import sys

import pytest
from logged import DB

from agentkit.cli import main
from agentkit.testing import OfflineModel, ResponsesServer


@pytest.fixture(autouse=True)
def _this_log(monkeypatch):
    monkeypatch.setenv("AGENTKIT_DB", DB)


def asked(server: ResponsesServer, *options: str) -> int:
    """How many requests a run of the command takes."""
    before = len(server.requests)
    assert main(["run", "?", "-q", "-m", "m", "--base-url", server.url, *options]) == 0
    return len(server.requests) - before


def test_the_second_run_is_answered_from_the_log_and_shown_to_be(capsys):
    with ResponsesServer(OfflineModel()) as server:
        runs = [asked(server, "--cache", "7d", "--session", f"s{number}") for number in range(3)]
        assert asked(server) == 1, "it was not asked for"
        assert asked(server, "--cache", "7d", "--instructions", "Be brief.") == 1
    assert runs == [1, 0, 0]
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first == second
    assert main(["show", "s0"]) == main(["show", "s1"]) == 0
    shown = capsys.readouterr().out.splitlines()
    heads = [line for line in shown if "  answer  " in line]
    assert heads[0].startswith("3  answer  ")
    assert [line.endswith("  from the cache") for line in heads] == [False, True]


def test_a_conversation_is_repeated_from_the_log(monkeypatch):
    with ResponsesServer(OfflineModel()) as server:
        for _ in range(2):
            monkeypatch.setattr(sys, "stdin", io.StringIO("Hello.\nAnd now?\n"))
            where = ["-m", "m", "--base-url", server.url]
            assert main(["chat", "-q", "--cache", "1h30m", *where]) == 0
    assert len(server.requests) == 2


def test_a_cache_without_a_log_and_an_age_that_is_none_are_wrong_use(capsys):
    assert main(["run", "?", "-m", "offline", "--cache", "7d", "--no-log"]) == 2
    assert "cache: there is no store to keep answers in." in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["run", "?", "-m", "offline", "--cache", "7"])
    assert 'expected an age such as "90s"' in capsys.readouterr().err
