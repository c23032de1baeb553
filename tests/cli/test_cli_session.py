"""`agentkit run` in a session: where it is kept, how it goes on, what of the agent is kept too."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from logged import DB, log_records, log_run, use

from agentkit.cli import main
from agentkit.records import Setup
from agentkit.responses.response import Fields
from agentkit.testing import ScriptedModel
from agentkit.testing.server import ResponsesServer

posix = pytest.mark.skipif(os.name == "nt", reason="named pipes of POSIX")


@pytest.fixture(autouse=True)
def _log(monkeypatch):
    monkeypatch.setenv("AGENTKIT_DB", DB)


def kinds(session):
    return [record.kind for record in use(lambda store: store.load(session)).records]


def listed():
    return [each.session for each in use(lambda store: store.list())]


def contents(request):
    return [item["content"] for item in request["input"]]


def test_a_run_goes_on_with_the_last_session_and_its_model():
    with ResponsesServer(ScriptedModel("Nice to meet you.", "Ada.")) as server:
        assert main(["run", "I am Ada.", "-m", "any", "--base-url", server.url]) == 0
        assert main(["run", "Who am I?", "-c"]) == 0
    assert contents(server.requests[1])[::2] == ["I am Ada.", "Who am I?"]
    assert server.requests[1]["model"] == "any"
    [session] = listed()
    assert kinds(session) == ["setup", "input", "answer", "input", "answer"]


def test_a_session_has_the_name_that_is_given_and_no_other_is_gone_on_with(bot, capsys):
    path = bot("agent = Agent(ScriptedModel('One.', 'Two.', lambda r: str(len(r.input))))")
    for session in ("first", "second", "first"):
        assert main(["run", "?", "-a", path, "--session", session]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[-1] == "3"
    assert said.err.splitlines()[-1].endswith(", session first")
    assert listed() == ["first", "second"]


def test_a_run_without_a_log_writes_nothing_and_names_no_session(bot, capsys):
    assert main(["run", "?", "-a", bot("agent = Agent(ScriptedModel('Hi.'))"), "--no-log"]) == 0
    said = capsys.readouterr()
    assert said.out == "Hi.\n"
    assert "session" not in said.err
    assert not list(Path().glob(f"{DB}*"))


def test_no_log_holds_for_an_agent_with_a_store_of_its_own_too(bot):
    path = bot("agent = Agent(ScriptedModel('Hi.'), store='own.db')")
    assert main(["run", "?", "-q", "-a", path, "--no-log"]) == 0
    assert not Path("own.db").exists()
    assert main(["resume", "run", "-q", "-a", path]) == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-c"], "-c: No runs are logged yet in runs.db. Leave it out to begin."),
        (["-c", "--no-log"], "-c needs the log that --no-log leaves out. Drop one."),
        (["--session", "s", "--no-log"], "--session needs the log that --no-log leaves out."),
        (["--session", "a\nb"], "session: the name 'a\\nb' holds control characters"),
    ],
)
def test_a_session_that_cannot_be_gone_on_with_is_one_line(options, said, capsys):
    assert main(["run", "?", "-m", "offline", *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"agentkit: {said}")
    assert error.count("\n") == 1


def test_a_model_that_no_name_leads_to_has_to_be_named_again(capsys):
    log_run("s", "Hi.")
    assert main(["run", "?", "--session", "s"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("agentkit: The model of this session was an object of its agent. ")
    assert main(["run", "?", "--session", "s", "-m", "offline"]) == 0


def test_a_key_is_not_sent_where_a_session_was(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    with ResponsesServer(ScriptedModel("Hi.", "Hi.")) as server:
        assert main(["run", "?", "-m", "openai:any", "--base-url", server.url]) == 0
        assert main(["run", "?", "-c"]) == 0
    assert server.requests[1]["model"] == "any"
    assert "authorization" not in server.exchanges[1].headers


def test_the_model_of_a_provider_needs_the_key_of_that_one(monkeypatch, capsys):
    monkeypatch.setenv("COMETAPI_KEY", "secret")
    log_records("s", [Setup(Fields({"model": "gpt-5"}), server="https://api.openai.com/v1")])
    assert main(["run", "?", "--session", "s"]) == 2
    assert capsys.readouterr().err.startswith("agentkit: openai needs a key. Set OPENAI_API_KEY")


def test_instructions_and_settings_are_kept_but_not_the_form_of_the_answer():
    with ResponsesServer(ScriptedModel('{"name": "Oslo"}', "Hi.", "Hi.")) as server:
        options = ["--instructions", "Be brief.", "--setting", "temperature=0"]
        where = ["-m", "any", "--base-url", server.url]
        assert main(["run", "?", *where, *options, "--schema", "name"]) == 0
        assert main(["run", "?", "-c"]) == 0
        assert main(["run", "?", "-c", "--instructions", "", "--setting", "temperature=1"]) == 0
    second, third = server.requests[1:]
    assert (second["instructions"], second["temperature"]) == ("Be brief.", 0)
    assert "text" not in second
    assert "instructions" not in third
    assert third["temperature"] == 1


def test_a_form_that_a_server_was_told_in_words_is_not_kept_either():
    with ResponsesServer(ScriptedModel('{"name": "Oslo"}', "Hi.")) as server:
        where = ["-m", "llamacpp:any", "--base-url", server.url]
        assert main(["run", "?", *where, "--schema", "name", "--instructions", "Be brief."]) == 0
        assert main(["run", "?", "-c"]) == 0
    assert server.requests[0]["instructions"].startswith("Be brief.\n\nAnswer with one JSON")
    assert server.requests[1]["instructions"] == "Be brief."


def test_tools_that_are_not_given_again_are_told_of(capsys):
    arguments = ["-m", "offline", "-t", "agentkit_tools:now"]
    assert main(["run", "What time is it?", *arguments, "--session", "s"]) == 0
    capsys.readouterr()
    assert main(["run", "Thanks.", "--session", "s"]) == 0
    note = capsys.readouterr().err.splitlines()[0]
    assert note == "note: without the session's tools now: give -a or -t"


def test_calls_that_someone_goes_on_without_are_told_of(bot, capsys):
    path = bot(
        "@tool(approval=True)\ndef delete(): ...\n"
        "agent = Agent(ScriptedModel(call('delete'), 'As you like.'), tools=[delete])"
    )
    assert main(["run", "Delete it.", "-a", path]) == 4
    capsys.readouterr()
    assert main(["run", "Never mind.", "-a", path, "-c"]) == 0
    assert capsys.readouterr().err.splitlines()[0] == "note: not run, since you went on: delete"


def test_typed_answers_are_typed_where_a_session_goes_on_with_the_same(bot, capsys):
    path = bot("""agent = Agent(ScriptedModel('{"x":  1}', '{"x":  2}'), output=dict[str, int])""")
    for _ in range(2):
        assert main(["run", "?", "-q", "-a", path, "--session", "s", "--stream"]) == 0
    assert capsys.readouterr().out == '{"x":1}\n{"x":2}\n'
    assert kinds("s").count("setup") == 1


def test_rules_of_a_file_decide_on_calls(bot, tmp_path, capsys):
    (tmp_path / "rules.toml").write_text(
        '[[rule]]\ntool = "population"\narguments.city = "O*"\ndecision = "reject"\nreason = "No."\n'
    )
    path = bot(
        "agent = Agent(ScriptedModel(call('population', city='Oslo'),"
        " lambda request: request.outputs[0]), tools=[population])"
    )
    assert main(["run", "?", "-q", "-a", path, "--approve", "rules.toml"]) == 0
    assert capsys.readouterr().out.startswith("population was not run: the call was rejected. No.")
    assert main(["run", "?", "-m", "offline", "--approve", "none.toml"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


FULL = """\
from agentkit import StoreError
from agentkit.stores.sqlite import SQLiteStore

class Full(SQLiteStore):
    async def append(self, session, expected_seq, records, summary=None):
        if any(record.kind == "answer" for record in records):
            raise StoreError("The disk is full. Make room and resume.")
        await super().append(session, expected_seq, records, summary)

agent = Agent(ScriptedModel("The answer."), store=Full("own.db"))
"""


@pytest.mark.parametrize("option", [[], ["--json"], ["--no-stream"]])
def test_an_answer_that_cannot_be_kept_is_printed_and_the_failure_is_one_line(option, bot, capsys):
    assert main(["run", "?", "-q", "-a", bot(FULL), *option]) == 1
    said = capsys.readouterr()
    assert "The answer." in said.out
    assert said.err.startswith("agentkit: The disk is full. Make room and resume.")
    assert said.err.count("\n") == 1


def test_a_log_that_cannot_be_read_is_one_line_before_anything_is_asked(capsys):
    Path(DB).write_text("These are notes, and no database.\n" * 100)
    with ResponsesServer(ScriptedModel()) as server:
        assert main(["run", "?", "-m", "any", "--base-url", server.url]) == 1
    *_, error = capsys.readouterr().err.splitlines()
    assert server.requests == []
    assert error.startswith("agentkit: ")
    assert "runs.db" in error


@posix
def test_a_session_that_another_process_runs_is_a_conflict_or_waited_for(start, bot, capsys):
    os.mkfifo("gate")
    path = bot(
        "@tool\ndef wait() -> str:\n    return open('gate').read()\n"
        "slow = Agent(ScriptedModel(call('wait'), 'First.'), tools=[wait])\n"
        "quick = Agent(ScriptedModel(lambda request: str(len(request.input))), tools=[wait])"
    )
    first = start("run", "?", "-a", f"{path}:slow", "--session", "s")
    assert first.stderr.readline() == "→ wait({})\n"
    quick = ["run", "?", "-q", "-a", f"{path}:quick", "--session", "s"]
    assert main(quick) == 1
    error = capsys.readouterr().err
    assert "'s'" in error
    assert error.count("\n") == 1
    second = start(*quick, "--wait")
    with open("gate", "w"):
        pass
    assert first.communicate()[0] == "First.\n"
    assert second.communicate() == ("5\n", "")
