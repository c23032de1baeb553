"""Which log the command uses, and which session of it is meant."""

from __future__ import annotations

import argparse
import asyncio
import os
import stat
import sys
from pathlib import Path

import pytest
from logged import DB, log_run, use

from agentkit import Agent, ConfigurationError
from agentkit.cli import main
from agentkit.cli.kept import add_store_options, data_folder, nothing_yet, session_named, store_for
from agentkit.stores.sqlite import SQLiteStore
from agentkit.testing import ScriptedModel


def arguments(*said: str) -> argparse.Namespace:
    """What a command that runs is told."""
    parser = argparse.ArgumentParser()
    add_store_options(parser)
    return parser.parse_args(said)


def keep_one_run(store, agent=None):
    """Run once into the store, so that it makes its file."""

    async def whole():
        await (agent or Agent(ScriptedModel("Hello."))).run("Hi", session="hi", store=store)
        await store.close()

    asyncio.run(whole())


def test_a_log_is_kept_in_the_users_data_folder_which_nobody_else_looks_into(tmp_path):
    store = store_for(arguments())
    folder = tmp_path / "data" / "agentkit"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    keep_one_run(store)
    assert stat.S_IMODE((folder / "runs.db").stat().st_mode) == 0o600


def test_the_variable_moves_the_log_and_the_option_comes_before_it(tmp_path, monkeypatch):
    monkeypatch.setenv("AGENTKIT_DB", "~/variable.db")
    (tmp_path / "home").mkdir()
    keep_one_run(store_for(arguments()))
    keep_one_run(store_for(arguments("--db", "option.db")))
    assert (tmp_path / "home" / "variable.db").exists()
    assert (tmp_path / "option.db").exists()
    assert not (tmp_path / "data").exists()


def test_an_agent_keeps_its_own_store_unless_an_option_names_another():
    agent = Agent(ScriptedModel("Hello."), store=SQLiteStore("own.db"))
    assert store_for(arguments(), agent) is agent.store
    assert store_for(arguments("--db", "option.db"), agent) is not agent.store
    assert store_for(arguments("--no-log"), agent) is None


def test_a_log_and_none_cannot_both_be_asked_for(capsys):
    with pytest.raises(SystemExit):
        arguments("--no-log", "--db", DB)
    assert "not allowed with" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("platform", "environment", "folder"),
    [
        ("linux", {}, "/u/.local/share/agentkit"),
        ("linux", {"XDG_DATA_HOME": "/d"}, "/d/agentkit"),
        ("linux", {"XDG_DATA_HOME": "d"}, "/u/.local/share/agentkit"),
        ("darwin", {"XDG_DATA_HOME": "/d"}, "/u/Library/Application Support/agentkit"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/agentkit"),
        ("win32", {}, "/u/AppData/Local/agentkit"),
    ],
)
def test_every_system_has_its_own_place_for_the_users_data(platform, environment, folder):
    assert data_folder(environment, platform, Path("/u")) == Path(folder)


@pytest.mark.parametrize("command", [["runs"], ["cost"]])
def test_a_command_that_only_looks_makes_no_file(command, capsys, tmp_path):
    assert main(command) == 0
    assert tuple(capsys.readouterr()) == ("", "agentkit: No runs are logged yet.\n")
    assert main([*command, "--json"]) == 0
    assert capsys.readouterr().out == "[]\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [["show", "hi"], ["fork", "hi"], ["runs", "rm", "hi", "--yes"]])
def test_a_run_that_is_named_where_none_is_logged_fails(command, capsys, tmp_path):
    assert main(command) == 1
    assert tuple(capsys.readouterr()) == ("", "agentkit: No runs are logged yet.\n")
    assert list(tmp_path.iterdir()) == []


def test_where_a_place_was_named_it_is_said_that_nothing_is_there(capsys):
    assert main(["runs", "--db", "other.db"]) == 0
    assert capsys.readouterr().err == "agentkit: No runs are logged yet in other.db.\n"
    nothing = nothing_yet(arguments("--db", "postgresql://ada:secret@h/db"))
    assert nothing == "No runs are logged yet in postgresql://ada@h/db."


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        (".", "is a folder"),
        ("nowhere/runs.db", "there is no folder 'nowhere'"),
        ("postgresql://[::1/db", "the URL cannot be read"),
        ("postgresql:/ada:secret@h/db", "write a PostgreSQL database as postgresql://user:pass"),
        ("host=h password=secret", "write a PostgreSQL database as postgresql://user:pass"),
        ("mysql://host/db", "mysql:// is of no known kind. Give a path or postgresql://…."),
    ],
)
def test_a_place_that_cannot_be_used_is_told_with_what_named_it(place, reason, monkeypatch):
    for named_by, given in (("--db", ["--db", place]), ("AGENTKIT_DB", [])):
        monkeypatch.setenv("AGENTKIT_DB", place)
        with pytest.raises(ConfigurationError) as error:
            store_for(arguments(*given))
        assert str(error.value).startswith(f"{named_by}: ")
        assert "secret" not in str(error.value)
        assert reason in str(error.value)


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="Python says that there is none")
def test_a_file_that_cannot_be_looked_at_is_named(capsys):
    path = "x" * 10_000
    assert main(["runs", "--db", path]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"agentkit: {path}: ")
    assert error.count("\n") == 1


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="folders are guarded otherwise here")
def test_a_data_folder_that_cannot_be_made_is_told_with_the_ways_out(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    with pytest.raises(ConfigurationError, match="--db or AGENTKIT_DB, or keep no log with --no"):
        store_for(arguments())


def test_a_session_is_meant_by_its_name_or_by_a_beginning_that_only_it_has():
    for name in ("run_1a", "run_1ab", "other"):
        log_run(name, "Hello.")
    assert use(lambda store: session_named(store, "run_1a")) == "run_1a"
    assert use(lambda store: session_named(store, "run_1ab")) == "run_1ab"
    assert use(lambda store: session_named(store, "o")) == "other"


def test_a_name_that_is_none_or_that_of_many_says_which_there_are():
    for name in ("run_1a", "run_1b"):
        log_run(name, "Hello.")
    with pytest.raises(ConfigurationError) as error:
        use(lambda store: session_named(store, "run_1"))
    assert str(error.value) == (
        "2 sessions begin with 'run_1': run_1b, run_1a. Give more of the name."
    )
    with pytest.raises(ConfigurationError, match=r"no session 'rum_1a'\. Did you mean 'run_1a'\?"):
        use(lambda store: session_named(store, "rum_1a"))
