"""`agentkit resume`: a run goes on, with the command that its end printed."""

from __future__ import annotations

import json
import os
import shlex
import signal

import pytest
from logged import DB, log_run, use

from agentkit.cli import main
from agentkit.cli.again import again
from agentkit.cli.app import parser
from agentkit.cli.passwords import without_password
from agentkit.testing import ScriptedModel, failed
from agentkit.testing.server import ResponsesServer

posix = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


@pytest.fixture(autouse=True)
def _log(monkeypatch):
    monkeypatch.setenv("AGENTKIT_DB", DB)


def printed_command(err):
    """The words of the command that goes on, without the name of the program."""
    *_, last = err.splitlines()
    assert last.startswith("go on: agentkit ")
    return shlex.split(last.removeprefix("go on: agentkit "))


def kinds(session):
    return [record.kind for record in use(lambda store: store.load(session)).records]


@pytest.mark.parametrize(
    ("script", "options", "code"),
    [
        ("RateLimitError('Too many.'), 'Fine.'", [], 1),
        ("failed('server_error', 'Overloaded.'), 'Fine.'", ["--json"], 1),
        ("incomplete('Fi'), 'Fine.'", [], 1),
        ("call('population', city='Oslo'), 'So far.', 'Fine.'", ["--max-turns", "2"], 3),
        ("KeyError(), 'Fine.'", ["-q"], 1),
    ],
)
def test_a_run_that_stopped_short_goes_on_with_the_printed_command(
    script, options, code, bot, capsys
):
    path = bot(
        "from agentkit import RateLimitError\n"
        f"agent = Agent(ScriptedModel({script}), tools=[population])"
    )
    assert main(["run", "?", "-a", path, "--session", "my run", *options]) == code
    said = capsys.readouterr()
    words = ["resume", "my run", "-a", path, *options]
    assert said.err.count("go on:") == ("-q" not in options)
    assert "-q" in options or printed_command(said.err) == words
    assert main(words) in (0, 3)
    out = capsys.readouterr().out
    assert (json.loads(out)["output"] if "--json" in options else out.strip()) == "Fine."


def test_a_run_that_has_ended_gives_its_answer_again(bot, capsys):
    path = bot("agent = Agent(ScriptedModel('Hello.'))")
    assert main(["run", "?", "-a", path, "--session", "s"]) == 0
    before = kinds("s")
    assert main(["resume", "s", "-a", path]) == 0
    assert capsys.readouterr().out == "Hello.\nHello.\n"
    assert kinds("s") == before


def test_a_run_goes_on_with_its_own_model_and_the_form_of_its_answer(capsys):
    script = ScriptedModel(failed("invalid_prompt", "No."), '{"name":  "Oslo"}')
    with ResponsesServer(script) as server:
        options = ["--schema", "name", "--instructions", "Be brief."]
        assert main(["run", "?", "-m", "any", "--base-url", server.url, *options]) == 1
        [info] = use(lambda store: store.list())
        assert main(["resume", info.session[:6]]) == 0
    assert capsys.readouterr().out == '{"name":"Oslo"}\n'
    first, second = server.requests
    for field in ("model", "instructions", "text"):
        assert first[field] == second[field]
    assert kinds(info.session).count("setup") == 1


def test_tools_that_are_in_no_log_have_to_be_named(bot, capsys):
    path = bot(
        "agent = Agent(ScriptedModel(failed('server_error', 'Overloaded.'), 'Fine.'), tools=[population])"
    )
    assert main(["run", "?", "-a", path, "--session", "s"]) == 1
    before = kinds("s")
    assert main(["resume", "s", "-m", "offline"]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("agentkit: The run has the tools population, which are in no log.")
    assert kinds("s") == before


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("run_b", "There is no session 'run_b'. Did you mean 'run_1'? List them: agentkit runs."),
        ("run_", "2 sessions begin with 'run_': "),
        ("", "There is no session ''."),
    ],
)
def test_a_run_that_is_not_there_is_one_line(name, said, capsys):
    for session in ("run_1", "run_2"):
        log_run(session, "Hi.")
    assert main(["resume", name, "-m", "offline"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith("agentkit: ")
    assert said.partition("?")[0].partition(" Did")[0] in error


def test_nothing_is_made_where_there_is_no_log(tmp_path, capsys):
    assert main(["resume", "s"]) == 2
    assert "There is no session 's'. No runs are logged yet" in capsys.readouterr().err
    assert not list(tmp_path.glob(f"{DB}*"))


@posix
def test_a_call_that_a_killed_process_may_have_run_waits_for_a_word(start, bot, capsys):
    os.mkfifo("gate")
    path = bot(
        "@tool\ndef pay() -> str:\n    return open('gate').read()\n"
        "agent = Agent(ScriptedModel(call('pay'), 'Paid.'), tools=[pay])\n"
        "later = Agent(ScriptedModel(lambda request: request.outputs[0]), tools=[pay])"
    )
    process = start("run", "?", "-a", f"{path}:agent", "--session", "s")
    assert process.stderr.readline() == "→ pay({})\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert main(["resume", "s", "-a", f"{path}:later"]) == 4
    said = capsys.readouterr().err.splitlines()
    assert said[-4].startswith("agentkit: Waiting: pay({}): may have run. Run it once more: ")
    assert main(["runs", "--waiting"]) == 0
    assert "waiting" in capsys.readouterr().out
    assert main(["approve", "s", "--answer", "It was paid."]) == 0
    assert main(["resume", "s", "-q", "-a", f"{path}:later"]) == 0
    assert capsys.readouterr().out.endswith("It was paid.\n")


OPTIONS = [
    *["-a", "it's.py", "-t", "a b.py", "-t", "c.py:d", "-m", "m", "--base-url", "http://h/v1"],
    *["--key-variable", "NAME", "--instructions=-be $brief\n`now`", "--schema", "name, age int"],
    *["--setting", 'metadata={"a": "b"}', "--setting=-x=1", "--approve", "rules.toml"],
    *["--cache", "7d"],
    *["--max-turns", "3", "--max-tool-calls", "4", "--max-tokens", "5", "--max-cost", "0.5"],
    *["--timeout", "1.5"],
    *["--db", "~/my runs.db", "--no-stream", "-q"],
]


def test_the_commands_that_go_on_have_the_same_options_as_a_shell_reads_them():
    run = parser().parse_args(["run", "?", *OPTIONS])
    commands = again(run, "my run")
    resumed = parser().parse_args(shlex.split(commands.resume())[1:])
    for name, value in vars(resumed).items():
        if name not in ("command", "session"):
            assert vars(run)[name] == value, name
    assert resumed.session == "my run"
    chat = parser().parse_args(shlex.split(commands.chat())[1:])
    assert (chat.session, chat.instructions, chat.db) == ("my run", run.instructions, run.db)


def test_no_password_is_printed_and_no_id_is_taken_for_an_option():
    places = ["--db", "postgresql://ada:secret@h/db?sslmode=require&password=secret"]
    where = ["--base-url", "https://ada:secret@h/v1?key=secret&version=2"]
    commands = again(parser().parse_args(["run", "?", *places, *where]), "s")
    assert "secret" not in commands.resume()
    assert "postgresql://ada@h/db?sslmode=require" in commands.resume()
    assert "https://ada@h/v1?version=2" in commands.resume()
    toolbox = """agentkit_tools:Sql('postgresql://ada:secret@h/db', name="a:b@c")"""
    commands = again(parser().parse_args(["run", "?", "-t", toolbox]), "s")
    words = shlex.split(commands.resume())
    assert words[words.index("-t") + 1] == toolbox.replace(":secret", "")
    approved = parser().parse_args(shlex.split(commands.approve("--all"))[1:])
    assert (approved.session, approved.call, approved.all) == ("s", "--all", False)
    assert "\n" not in commands.approve("a\nb")


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ("runs.db", "runs.db"),
        ("sqlite:///runs.db", "sqlite:///runs.db"),
        ("sqlite:////var/a b@c.db", "sqlite:////var/a b@c.db"),
        ("postgresql:///db", "postgresql:///db"),
        ("postgresql://%2Frun/db?options=-c%20a%3Db", "postgresql://%2Frun/db?options=-c%20a%3Db"),
        ("postgresql://ada:se?cr#e@t@h,i:5432/db", "postgresql://ada@h,i:5432/db"),
        ("postgresql://h/db?a=b@c&pass%77ord=secret", "postgresql://h/db?a=b@c"),
    ],
)
def test_a_place_is_printed_as_it_is_but_for_what_is_secret(place, shown):
    assert without_password(place) == shown
