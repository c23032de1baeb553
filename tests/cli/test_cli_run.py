"""`agentkit run`, in this process: what it prints, and how it ends."""

from __future__ import annotations

import io
import json
import socket
import sys

import pytest

from agentkit.cli import main
from agentkit.testing import ScriptedModel, call
from agentkit.testing.server import ResponsesServer


def test_the_answer_alone_is_on_stdout_and_the_way_to_it_on_stderr(bot, capsys):
    path = bot(
        "agent = Agent(ScriptedModel([reasoning('I look.'), 'One moment.',"
        " call('population', city='Oslo')], 'About 700,000.'), tools=[population])"
    )
    assert main(["run", "How many?", "-a", path]) == 0
    said = capsys.readouterr()
    assert said.out == "About 700,000.\n"
    thought, called, given, summary = said.err.splitlines()
    assert thought == "  I look."
    assert called == '→ population({"city":"Oslo"})'
    assert given.startswith("← population: 717710 (")
    assert summary.startswith("completed: 2 turns, 1 call, ")


def test_progress_that_json_has_no_form_for_is_told_all_the_same(bot, capsys):
    path = bot(
        "@tool\ndef read():\n    yield b'\\xff'\n"
        "agent = Agent(ScriptedModel(call('read'), 'Done.'), tools=[read])"
    )
    assert main(["run", "?", "-a", path, "--jsonl"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"kind": "tool_progress", "call_id": "call_1", "value": "_w=="} in events


def test_text_before_a_tool_call_is_streamed_where_that_is_asked_for(bot, capsys):
    path = bot(
        "agent = Agent(ScriptedModel(['One moment.', call('population', city='Oslo')], 'Many.'),"
        " tools=[population])"
    )
    assert main(["run", "?", "-a", path, "--stream"]) == 0
    assert capsys.readouterr().out == "One moment.\nMany.\n"


def test_quiet_leaves_stderr_empty(bot, capsys):
    path = bot("agent = Agent(ScriptedModel('Hello.'))")
    assert main(["run", "Hi", "-a", path, "-q"]) == 0
    assert tuple(capsys.readouterr()) == ("Hello.\n", "")


@pytest.mark.parametrize("option", ["--json", "--jsonl"])
def test_what_a_tool_prints_is_not_in_the_answer(bot, capsys, option):
    path = bot(
        "@tool\ndef read():\n    print('reading')\n    return 'read'\n"
        "@tool\nasync def write():\n    print('writing')\n    return 'written'\n"
        "agent = Agent(ScriptedModel([call('read'), call('write')], 'Done.'), tools=[read, write])"
    )
    assert main(["run", "?", "-a", path, option]) == 0
    said = capsys.readouterr()
    assert [json.loads(line) for line in said.out.splitlines()][-1]["output"] == "Done."
    assert {"reading", "writing"} <= set(said.err.splitlines())


def test_json_is_one_object_with_the_whole_run(bot, capsys):
    path = bot(
        "agent = Agent(ScriptedModel(call('population', city='Oslo'), 'Many.'), tools=[population])"
    )
    assert main(["run", "How many?", "-a", path, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert list(result) == (
        "status output text usage cost turns session limit error pending items".split()
    )
    assert (result["status"], result["output"], result["turns"]) == ("completed", "Many.", 2)
    assert [item["type"] for item in result["items"]] == [
        "message",
        "function_call",
        "function_call_output",
        "message",
    ]


def test_jsonl_is_an_object_for_every_event_and_last_the_result(bot, capsys):
    path = bot(
        "agent = Agent(ScriptedModel(call('population', city='Oslo'), 'So many.'),"
        " tools=[population])"
    )
    assert main(["run", "How many?", "-a", path, "--jsonl"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["kind"] for event in events] == [
        *["setup", "input", "answer", "started", "tool_call", "output", "tool_output"],
        *["text_delta", "text_delta", "answer", "result"],
    ]
    assert events[-1]["output"] == "So many."


@pytest.mark.parametrize(
    ("script", "status", "code", "out", "remark"),
    [
        ("refusal('No.')", "refused", 1, "No.\n", "declined"),
        ("incomplete('Half an ans')", "incomplete", 1, "Half an ans\n", "max_output_tokens"),
        ("failed('server_error', 'Overloaded')", "failed", 1, "", "Overloaded"),
    ],
)
def test_what_is_not_an_answer_is_printed_all_the_same_and_fails(
    script, status, code, out, remark, bot, capsys
):
    path = bot(f"agent = Agent(ScriptedModel({script}))")
    assert main(["run", "?", "-a", path]) == code
    said = capsys.readouterr()
    summary, line = said.err.splitlines()[:2]
    assert said.out == out
    assert summary.startswith(f"{status}: ")
    assert line.startswith("agentkit: ")
    assert remark in line


def test_a_limit_is_code_3_and_the_partial_answer_is_printed(bot, capsys):
    path = bot(
        "agent = Agent(ScriptedModel(call('population', city='Oslo'), 'As far as I know.'),"
        " tools=[population])"
    )
    assert main(["run", "?", "-a", path, "--max-turns", "2"]) == 3
    said = capsys.readouterr()
    assert said.out == "As far as I know.\n"
    *_, remark, go_on = said.err.splitlines()
    assert remark == "agentkit: The run met its limit on turns. Allow more with --max-turns."
    assert go_on.startswith("go on: agentkit resume run_")
    assert go_on.endswith(f" -a {path} --max-turns 2")


def test_a_value_that_a_tool_ended_the_run_with_is_printed_as_json(bot, capsys):
    path = bot(
        "@tool\ndef look():\n    return Final({'name': 'Oslo'})\n"
        "agent = Agent(ScriptedModel(call('look')), tools=[look])"
    )
    assert main(["run", "?", "-a", path]) == 0
    assert capsys.readouterr().out == '{"name":"Oslo"}\n'


def test_a_schema_makes_the_answer_json(bot, capsys):
    path = bot("""agent = Agent(ScriptedModel('{"name": "Oslo", "population": 717710}'))""")
    assert main(["run", "?", "-a", path, "--schema", "name, population int"]) == 0
    assert json.loads(capsys.readouterr().out) == {"name": "Oslo", "population": 717710}


def test_null_in_a_field_that_may_be_null_is_printed(bot, capsys):
    path = bot("""agent = Agent(ScriptedModel('{"name": "Oslo", "founded": null}'))""")
    assert main(["run", "?", "-a", path, "--schema", "name: str, founded: date?"]) == 0
    assert capsys.readouterr().out == '{"name":"Oslo","founded":null}\n'


def test_an_answer_that_does_not_fit_its_schema_fails_and_is_printed(bot, capsys):
    path = bot("agent = Agent(ScriptedModel('no idea', 'none'))")
    assert main(["run", "?", "-a", path, "--schema", "population int"]) == 1
    said = capsys.readouterr()
    assert said.out == "none\n"
    assert said.err.splitlines()[-2].startswith("agentkit: The answer")


def test_options_replace_what_the_agent_says(capsys, bot):
    path = bot("agent = Agent('offline', instructions='Old.', settings={'temperature': 1})")
    with ResponsesServer(ScriptedModel("Hi.")) as server:
        code = main(
            ["run", "?", "-a", path, "-m", "any", "--base-url", server.url, "--no-stream"]
            + ["--instructions", "New.", "-t", "agentkit_tools:now"]
            + ["--setting", 'reasoning={"effort": "low"}']
        )
    request = server.requests[0]
    assert code == 0
    assert capsys.readouterr().out == "Hi.\n"
    assert (request["model"], request["instructions"], request["stream"]) == ("any", "New.", False)
    assert (request["temperature"], request["reasoning"]) == (1, {"effort": "low"})
    assert [tool["name"] for tool in request["tools"]] == ["now"]


def test_an_agents_key_is_not_sent_to_a_server_named_on_the_command_line(bot):
    path = bot("agent = Agent('m', base_url='http://localhost:1/v1', api_key='secret')")
    with ResponsesServer(ScriptedModel("Hi.")) as server:
        assert main(["run", "?", "-a", path, "-m", "any", "--base-url", server.url]) == 0
    assert "authorization" not in server.exchanges[0].headers


def test_the_key_of_a_server_is_read_from_the_variable_that_is_named(monkeypatch, capsys):
    monkeypatch.setenv("HOUSE_KEY", "secret")
    with ResponsesServer(ScriptedModel("Hi."), api_key="secret") as server:
        arguments = ["run", "?", "-m", "any", "--base-url", server.url]
        assert main([*arguments, "--key-variable", "HOUSE_KEY"]) == 0
        assert main(arguments) == 1
    assert "Check the key" in capsys.readouterr().err


def test_images_and_files_go_with_the_question(tmp_path):
    (tmp_path / "cat.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "notes.txt").write_text("milk")
    with ResponsesServer(ScriptedModel("A cat.")) as server:
        code = main(
            ["run", "What is it?", "-m", "any", "--base-url", server.url]
            + ["--image", "cat.png", "--image", "https://example.com/dog.png"]
            + ["--file", "notes.txt"]
        )
    parts = server.requests[0]["input"][0]["content"]
    assert code == 0
    assert [part["type"] for part in parts] == [
        *["input_text", "input_image", "input_image", "input_file"]
    ]
    assert parts[2]["image_url"] == "https://example.com/dog.png"
    assert parts[3]["filename"] == "notes.txt"


@pytest.mark.parametrize(
    ("said", "piped", "question"),
    [
        (["Hello"], "", "Hello"),
        ([], "What is 2 + 3?\n", "What is 2 + 3?"),
        (["-"], "What is 2 + 3?\n", "What is 2 + 3?"),
        (["Say it shorter."], "A long\ntext.\n", "Say it shorter.\n\nA long\ntext."),
    ],
)
def test_the_question_comes_from_the_command_line_and_standard_input(
    said, piped, question, monkeypatch
):
    monkeypatch.setattr(sys, "stdin", io.StringIO(piped))
    with ResponsesServer(ScriptedModel("Yes.")) as server:
        assert main(["run", *said, "-m", "any", "--base-url", server.url]) == 0
    assert server.requests[0]["input"][0]["content"] == question


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("bot.txt", b"x = 1", "that is text/plain and not an image. Send it with --file."),
        ("bot.png", b"%PDF-1.7", "that is application/pdf and not an image."),
        ("bot", b"x = 1", "that is application/octet-stream and not an image."),
        ("bot.png", b"", "the file is empty."),
    ],
)
def test_what_is_no_image_is_not_sent_as_one(name, content, said, tmp_path, capsys):
    (tmp_path / name).write_bytes(content)
    assert main(["run", "?", "-m", "offline", "--image", name]) == 2
    assert capsys.readouterr().err.startswith(f"agentkit: --image {name}: {said}")


def test_an_image_is_known_by_its_content_or_its_name(tmp_path):
    (tmp_path / "cat").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "cat.svg").write_text("<svg/>")
    with ResponsesServer(ScriptedModel("A cat.")) as server:
        arguments = ["--base-url", server.url, "--image", "cat", "--image", "cat.svg"]
        assert main(["run", "?", "-m", "any", *arguments]) == 0
    parts = server.requests[0]["input"][0]["content"]
    assert [part["image_url"].partition(";")[0] for part in parts[1:]] == [
        *["data:image/png", "data:image/svg+xml"]
    ]


MISTAKES: list[tuple[list[str], str]] = [
    (["Hi"], "No key is set. Set OPENAI_API_KEY"),
    (["Hi", "-m", "openai:gpt-5-mini"], "needs a key. Set OPENAI_API_KEY, or name the variable"),
    (["Hi", "-m", "opnai:gpt-5"], "There is no provider 'opnai'. Did you mean 'openai'?"),
    (["-m", "offline"], "Give a question"),
    ([], "Give a question"),
    (["Hi", "-m", "offline", "--base-url", "http://localhost:1"], "'offline' has no server"),
    (["Hi", "--base-url", "http://localhost:1"], "--base-url: name the model"),
    (["Hi", "-m", "m", "--base-url", "here"], "is not a URL"),
    (["Hi", "-m", "offline", "--image", "no.png"], "Cannot read no.png"),
    (["Hi", "-m", "offline", "--setting", "temperature"], "write KEY=JSON"),
    (["Hi", "-m", "offline", "--setting", "service_tier=flex"], """service_tier='"flex"'"""),
    (["Hi", "-m", "offline", "--setting", "stream=true"], "use agent.stream()"),
    (["Hi", "-m", "offline", "--schema", "name sting"], "Did you mean 'str'?"),
    (["Hi", "-m", "offline", "--schema", "no.json"], "cannot read 'no.json'"),
    (["Hi", "-m", "offline", "--schema", "{"], "--schema is not JSON"),
    (["Hi", "-m", "offline", "--schema", '{"a":' * 50_000], "--schema is not JSON"),
    (["Hi", "-m", "offline", "--setting", f"a={'[' * 50_000}"], "the value is not JSON"),
    (["Hi", "-m", "offline", "--schema", '{"type": "nothing"}'], "schema"),
    (["Hi", "-m", "offline", "--key-variable", "NO_SUCH"], "NO_SUCH is not set"),
    (["Hi", "-m", "offline", "-t", "agentkit_tools", "-t", "agentkit_tools:now"], "'now'"),
]


@pytest.mark.parametrize(("arguments", "remedy"), MISTAKES)
def test_a_mistake_is_code_2_and_one_line_that_says_what_to_do(arguments, remedy, capsys):
    assert main(["run", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("agentkit: ")
    assert said.err.count("\n") == 1
    assert remedy in said.err


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["runz"], "See `agentkit --help`."),
        (["run", "Hi", "--jsn"], "See `agentkit --help`."),
        (["run", "Hi", "--max-turns", "0"], "0 is not 1 or more. See `agentkit run --help`."),
        (["run", "Hi", "--timeout", "soon"], "soon is not a number of seconds. See"),
        (["run", "Hi", "--timeout", "inf"], "--timeout: inf is not a finite time. See"),
        (["run", "Hi", "--timeout", "nan"], "--timeout: nan is not a finite time. See"),
        (["run", "Hi", "--timeout", "0"], "--timeout: 0 is not above 0. See"),
        (["run", "Hi", "--max-turns", "1.5"], "--max-turns: 1.5 is not a whole number. See"),
        (["serve", "--port", "http"], "--port: http is not a whole number. See"),
        (["run", "Hi", "-a", ""], "-a/--agent: the value is empty. See"),
        (["run", "Hi", "-m", "m", "--base-url", " "], "--base-url: the value is empty. See"),
        (["run", "Hi", "--json", "--jsonl"], "not allowed with argument"),
    ],
)
def test_wrong_use_is_code_2_and_one_line(arguments, remedy, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    said = capsys.readouterr()
    assert end.value.code == 2
    assert said.err.count("\n") == 1
    assert remedy in said.err


def test_a_server_that_cannot_be_reached_fails_in_one_line(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
    assert main(["run", "Hi", "-m", "any", "--base-url", url, "-q"]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"agentkit: Cannot reach {url}")
    assert error.count("\n") == 1


def test_a_failed_run_is_json_too_where_that_is_asked_for(bot, capsys):
    path = bot(
        "from agentkit import RateLimitError\n"
        "agent = Agent(ScriptedModel(call('population', city='Oslo'),"
        " RateLimitError('Too many.', status=429)), tools=[population])"
    )
    assert main(["run", "?", "-a", path, "--json"]) == 1
    said = capsys.readouterr()
    result = json.loads(said.out)
    assert result["error"]["type"] == "RateLimitError"
    assert result["error"]["status"] == 429
    assert [item["type"] for item in result["items"]][-1] == "function_call_output"
    *_, remark, go_on = said.err.splitlines()
    assert remark == "agentkit: Too many. (status 429). Wait a while and run it again."
    assert go_on.startswith("go on: agentkit resume run_")


def test_a_model_of_the_callers_own_that_raises_is_no_traceback(bot, capsys):
    path = bot("agent = Agent(ScriptedModel(KeyError('no\\nsuch')))")
    assert main(["run", "?", "-a", path, "-q"]) == 1
    assert capsys.readouterr().err == "agentkit: The run failed: KeyError: 'no\\nsuch'\n"


def test_the_traceback_of_a_tool_is_shown_where_that_is_asked_for(bot, capsys):
    path = bot(
        "@tool\ndef boom():\n    raise ValueError('no')\n"
        "agent = Agent(ScriptedModel(call('boom'), 'It failed.'), tools=[boom])"
    )
    assert main(["run", "?", "-a", path, "--traceback"]) == 0
    error = capsys.readouterr().err
    assert "✗ boom failed: ValueError: no (error)" in error
    assert "Traceback (most recent call last)" in error


def test_the_traceback_of_a_model_is_shown_where_that_is_asked_for(bot, capsys):
    path = bot("agent = Agent(ScriptedModel(KeyError('no such')))")
    assert main(["run", "?", "-a", path, "--traceback"]) == 1
    error = capsys.readouterr().err
    assert "Traceback (most recent call last)" in error
    assert "KeyError: 'no such'" in error


def test_what_a_run_cost_is_known_or_said_to_be_unknown(bot, capsys):
    priced = "{'input_tokens': 9, 'output_tokens': 1, 'total_tokens': 10, 'cost': 0.25}"
    content = "[{'type': 'output_text', 'text': 'Hi.'}]"
    message = f"{{'type': 'message', 'role': 'assistant', 'content': {content}}}"
    path = bot(
        f"agent = Agent(ScriptedModel({{'output': [{message}], 'usage': {priced}}}))\n"
        "free = Agent(ScriptedModel('Hi.'))"
    )
    assert main(["run", "?", "-a", f"{path}:agent"]) == 0
    assert ", 10 tokens, $0.2500, " in capsys.readouterr().err
    assert main(["run", "?", "-a", f"{path}:free"]) == 0
    assert " tokens, cost unknown, " in capsys.readouterr().err


def test_a_run_that_would_cost_more_ends_with_the_command_for_more(bot, capsys):
    path = bot(
        "agent = Agent(ScriptedModel(call('population', city='Oslo'), 'Many.', 'Many.'),"
        " tools=[population], prices=lambda model, usage: usage.total_tokens / 1000)"
    )
    assert main(["run", "?", "-a", path, "--max-cost", "0.000001"]) == 3
    *_, remark, go_on = capsys.readouterr().err.splitlines()
    assert remark == "agentkit: The run met its limit on cost. Allow more with --max-cost."
    assert go_on.endswith(f" -a {path} --max-cost 1e-06")


def test_without_a_command_the_help_is_shown(capsys):
    assert main([]) == 0
    assert capsys.readouterr().out.startswith("usage: agentkit ")


def test_without_a_key_the_command_says_its_own_options(capsys):
    assert main(["run", "?"]) == 2
    assert "with -m ollama:qwen3, or try without a model: -m offline.\n" in capsys.readouterr().err


def test_the_first_example_is_answered_offline(capsys):
    question = "What time is it now in Europe/Oslo?"
    assert main(["run", question, "-q", "-t", "agentkit_tools:now", "-m", "offline"]) == 0
    assert "Europe/Oslo)" in capsys.readouterr().out


LEAK = "import os\ndef leak():\n    return os.environ['SERVER_KEY']\n"


def test_a_model_that_is_not_streamed_is_the_same_in_all_else(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("SERVER_KEY", "sk-very-secret-key")
    (tmp_path / "leak.py").write_text(LEAK)
    with ResponsesServer(ScriptedModel(call("leak"), "Done."), api_key="sk-very-secret-key") as it:
        where = ["-m", "any", "--base-url", it.url, "--key-variable", "SERVER_KEY"]
        assert main(["run", "?", *where, "-t", "leak.py", "--no-stream", "--session", "s"]) == 0
        said = capsys.readouterr()
    assert "[secret]" in said.err
    assert [request["stream"] for request in it.requests] == [False, False]
    assert main(["show", "s", "--json"]) == 0
    shown = capsys.readouterr().out
    assert json.loads(shown)["records"][0]["server"] == it.url
    kept = [path.read_bytes() for path in (tmp_path / "data").rglob("runs.db*") if path.is_file()]
    assert kept
    assert b"sk-very-secret" not in b"".join([said.out.encode(), said.err.encode(), *kept])


def test_a_model_that_is_not_streamed_compacts_too(bot, capsys):
    with ResponsesServer(ScriptedModel(*["A long answer. " * 20] * 3)) as server:
        path = bot(
            "from agentkit.context import Compacted\n"
            f"agent = Agent('any', base_url={server.url!r}, context=Compacted(20))"
        )
        for _ in range(2):
            assert main(["run", "?", "-a", path, "--no-stream", "-q", "--session", "s"]) == 0
    assert main(["show", "s"]) == 0
    assert "compaction" in capsys.readouterr().out


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("agentkit ")


COMMANDS = "run chat runs show resume approve reject fork cost tools serve".split()


@pytest.mark.parametrize("arguments", [[], *([name] for name in COMMANDS)])
def test_every_help_ends_with_examples_and_is_plain_ascii(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        main([*arguments, "--help"])
    said = capsys.readouterr().out
    assert end.value.code == 0
    assert "examples:\n  agentkit " in said
    assert said.isascii()


def test_a_help_is_the_same_on_every_python(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    with pytest.raises(SystemExit):
        main(["run", "--help"])
    said = capsys.readouterr().out
    assert "  -a SPEC, --agent SPEC\n" in said
    assert "  -q, --quiet  " in said
    assert "  --stream, --no-stream\n" in said
    assert "\x1b" not in said


def test_the_help_of_serve_tells_what_holds_without_options(capsys):
    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    for default in ("offline", "127.0.0.1", "a free one"):
        assert f"(default: {default})" in said


def test_a_place_that_there_is_not_is_told_as_one(capsys):
    with ResponsesServer(ScriptedModel("hi"), faults=["status-404,body=empty"]) as server:
        where = ["-m", "any", "--base-url", server.url, "--no-log"]
        assert main(["run", "?", *where]) == 1
    said = capsys.readouterr().err
    assert "Check the base URL" in said and "agentkit doctor" in said
