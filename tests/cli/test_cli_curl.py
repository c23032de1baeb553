"""`agentkit show --curl`: a request of a stored run, as the server got it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest
from logged import DB, log_records, log_run, use

from agentkit import Agent, Limits, tool
from agentkit.cli import main
from agentkit.context import Compacted, LastTokens, LastTurns, ServerCompaction, Summarized
from agentkit.records import NOT_SENT, Answer, Setup
from agentkit.responses.fold import Fold
from agentkit.responses.response import Fields
from agentkit.testing import ScriptedModel, call, reasoning
from agentkit.testing.server import ResponsesServer
from agentkit.testing.stores.said import answered, said


@pytest.fixture(autouse=True)
def _this_log(monkeypatch):
    monkeypatch.setenv("AGENTKIT_DB", DB)


@tool
def population(city: str) -> int:
    "People in a city."
    return 717710


def shown(capsys, session: str, *options: str) -> str:
    """What the command shows, its code being 0."""
    assert main(["show", session, *options]) == 0
    return capsys.readouterr().out


QUOTES = "it's `id` $(id) \"$HOME\" \\ !! %s\nJSON\n'\u2028é😀\x1b"


def run_through(command: str, **environment: str) -> str:
    """What a POSIX shell makes of a command; no proxy is asked."""
    ran = subprocess.run(
        ["sh"],
        input=command.encode("utf-8", "backslashreplace"),
        capture_output=True,
        env={**os.environ, "NO_PROXY": "*", **environment},
        timeout=30,
        check=True,
    )
    return ran.stdout.decode()


@pytest.fixture
def caught(tmp_path, monkeypatch):
    """A `curl` that sends nothing; gives what it was told, and the body, of a command."""
    (tmp_path / "bin").mkdir()
    curl = tmp_path / "bin" / "curl"
    curl.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > told\ncat > body\n')
    curl.chmod(0o700)
    monkeypatch.setenv("PATH", f"{curl.parent}{os.pathsep}{os.environ['PATH']}")

    def catch(command: str, **environment: str) -> tuple[list[str], object]:
        run_through(command, **environment)
        told = (tmp_path / "told").read_text().splitlines()
        return told, json.loads((tmp_path / "body").read_text(encoding="utf-8"))

    return catch


def test_each_request_is_rebuilt_as_the_server_got_it(capsys, caught):
    script = [
        [reasoning(QUOTES), call("population", city=QUOTES)],
        call("population", city="Oslo"),
        call("population", city="Bergen"),  # against `tool_choice`: asked once more, without tools
        "As far as I know.",
        QUOTES,
    ]
    with ResponsesServer(ScriptedModel(*script)) as server:
        agent = Agent(
            "m-1",
            base_url=server.url,
            tools=[population],
            instructions=QUOTES,
            settings={"tool_choice": "required", "temperature": 0},
            limits=Limits(turns=3),
        )

        async def run(store):
            await agent.run(QUOTES, session="hi", store=store)
            changed = agent.replace(instructions="", settings={}, model="m-2", tools=[])
            await changed.run("And now?", session="hi", store=store)

        use(run)
        sent = list(server.requests)
    assert len(sent) == 5
    for number, body in enumerate(sent, 1):
        _, rebuilt = caught(shown(capsys, "hi", "--curl", str(number)))
        assert rebuilt == {**body, "stream": False}
        assert list(rebuilt) == list(body)


def test_a_request_that_builds_on_what_the_server_keeps_is_rebuilt_so(capsys, caught):
    with ResponsesServer(ScriptedModel("One.", "Two.")) as server:
        agent = Agent("m-1", base_url=server.url, state="chained")

        async def run(store):
            await agent.run("First?", session="hi", store=store)
            await agent.run("Second?", session="hi", store=store)

        use(run)
        sent = list(server.requests)
    assert "previous_response_id" in sent[1]
    for number, body in enumerate(sent, 1):
        _, rebuilt = caught(shown(capsys, "hi", "--curl", str(number)))
        assert rebuilt == {**body, "stream": False}


@pytest.mark.parametrize(
    ("context", "at_the_server"),
    [
        (LastTurns(1), False),
        (LastTokens(20), False),
        (ServerCompaction(1000), False),
        (Summarized(20, keep_turns=1), False),
        (Compacted(20), True),
    ],
)
def test_requests_are_rebuilt_as_a_policy_had_them_sent(context, at_the_server, capsys, caught):
    with ResponsesServer(ScriptedModel(*["A long answer. " * 20] * 9)) as server:
        agent = Agent("m-1", base_url=server.url, context=context)

        async def run(store):
            for question in ("First?", "Second?", "Third?"):
                await agent.run(question, session="hi", store=store)

        use(run)
        sent = list(server.requests)
    kinds = [record.kind for record in use(lambda store: store.load("hi")).records]
    count = kinds.count("answer") + kinds.count("compaction")
    commands = [caught(shown(capsys, "hi", "--curl", str(at + 1))) for at in range(count)]
    assert main(["show", "hi", "--curl", str(count + 1)]) == 2
    asked = [body for told, body in commands if told[0].endswith("/responses")]
    assert asked == [{**body, "stream": False} for body in sent]
    compacted = [body for told, body in commands if told[0].endswith("/responses/compact")]
    assert len(compacted) == count - len(sent) == kinds.count("compaction") * at_the_server
    assert all(body["model"] == "m-1" and len(body["input"]) > 1 for body in compacted)


def test_what_a_policy_of_the_callers_own_sent_is_not_guessed(capsys):
    class Newest:
        def sent(self, log):
            return log.items[-1:]

    with ResponsesServer(ScriptedModel("Hello.")) as server:
        agent = Agent("m-1", base_url=server.url, context=Newest())
        use(lambda store: agent.run("Hi", session="hi", store=store))
    assert main(["show", "hi", "--curl", "1"]) == 2
    assert "Newest' is a policy of the caller's own" in capsys.readouterr().err


def test_a_session_goes_on_with_its_context_policy(capsys):
    with ResponsesServer(ScriptedModel("One.", "Two.")) as server:
        agent = Agent("m-1", base_url=server.url, context=LastTurns(1))
        use(lambda store: agent.run("First?", session="hi", store=store))
        assert main(["run", "Second?", "-q", "--session", "hi"]) == 0
    assert [item["content"] for item in server.requests[1]["input"]] == ["Second?"]
    assert "    context: " in shown(capsys, "hi")


def test_a_request_that_no_budget_had_room_for_is_none(capsys):
    unsent = Answer(Fold().so_far(NOT_SENT), limit="cost", cost=0.0)
    log_records("hi", [Setup(Fields({"model": "m"}), server="https://h/v1"), said("Hi"), unsent])
    text = shown(capsys, "hi")
    assert text.splitlines()[1].endswith(", 0 turns")
    assert "  not sent, for the limit on cost\n" in text
    assert main(["show", "hi", "--curl", "1"]) == 2
    assert "this run has 0 requests" in capsys.readouterr().err


def test_a_conversation_of_the_servers_own_is_named(capsys, caught):
    setup = Setup(Fields({"model": "m"}), server="https://h/v1", conversation="conv_1")
    log_records("hi", [setup, said("Hi"), answered("Hello."), said("More?"), answered("Yes.")])
    _, body = caught(shown(capsys, "hi", "--curl", "2"))
    assert body["conversation"] == "conv_1"
    assert [item["content"] for item in body["input"]] == ["More?"]


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl here")
def test_the_command_can_be_pasted_into_a_shell_and_is_answered(capsys):
    with ResponsesServer(ScriptedModel(QUOTES, "Again."), api_key="secret") as server:
        agent = Agent("m-1", base_url=server.url, api_key="secret")
        use(lambda store: agent.run(QUOTES, session="hi", store=store))
        command = shown(capsys, "hi", "--curl", "1")
        answer = json.loads(run_through(command, API_KEY="secret"))
        first, second = server.requests
    assert "secret" not in command
    assert answer["output"][0]["content"][0]["text"] == "Again."
    assert second == {**first, "stream": False}


@pytest.mark.parametrize(
    ("server", "header"),
    [
        ("https://api.openai.com/v1", "Authorization: Bearer $OPENAI_API_KEY"),
        ("https://api.cometapi.com/v1", "Authorization: Bearer $COMETAPI_KEY"),
        ("https://me.openai.azure.com/openai/v1", "api-key: $AZURE_OPENAI_API_KEY"),
        ("https://example.org/v1", "Authorization: Bearer $API_KEY"),
        ("http://localhost:11434/v1", None),
    ],
)
def test_the_key_is_the_servers_own_variable(server, header, capsys, caught):
    log_records(
        "hi", [Setup(Fields({"model": "m"}), server=server), said("Hi"), answered("Hello.")]
    )
    command = shown(capsys, "hi", "--curl", "1")
    assert (f'-H "{header}"' in command) == (header is not None)
    variable = (header or "$NONE").rpartition("$")[2]
    told, _ = caught(command, **{variable: "k 'ey"})
    assert told[0] == f"{server}/responses"
    assert told[3:-2] == (["-H", header.replace(f"${variable}", "k 'ey")] if header else [])
    assert told[-2:] == ["--data-binary", "@-"]


def test_what_a_server_wants_otherwise_is_heeded(capsys, caught):
    openai = Setup(Fields({"model": "m"}), server="https://api.openai.com/v1")
    log_records("hi", [openai, said("Hi"), answered("Hello.")])
    _, body = caught(shown(capsys, "hi", "--curl", "1"))
    assert body["include"] == ["reasoning.encrypted_content"]


def test_a_request_that_was_never_answered_is_shown_too(capsys, caught):
    setup = Setup(Fields({"model": "m"}), server="https://example.org/v1")
    log_records("hi", [setup, said("Hi"), answered("Hello."), said("And?")])
    _, body = caught(shown(capsys, "hi", "--curl", "2"))
    assert [item["content"] for item in body["input"] if item["role"] == "user"] == ["Hi", "And?"]
    assert main(["show", "hi", "--curl", "3"]) == 2
    assert capsys.readouterr().err == "agentkit: --curl 3: this run has 2 requests.\n"


def test_of_a_model_that_is_no_server_there_is_no_request(capsys):
    log_run("hi", "Hello.")
    assert main(["show", "hi", "--curl", "1"]) == 2
    assert "this run's model is no server" in capsys.readouterr().err


def test_a_request_for_chat_completions_is_shown_as_one(capsys, caught):
    with ResponsesServer(ScriptedModel(call("population", city="Oslo"), "717,710.")) as server:
        agent = Agent("m", tools=[population], base_url=server.url, wire="chat", store=DB)
        agent.run_sync("How many?", session="s")
    told, body = caught(shown(capsys, "s", "--curl", "2"))
    assert f"{server.url}/chat/completions" in told
    sent = {key: value for key, value in server.requests[1].items() if key != "stream_options"}
    assert body == sent
