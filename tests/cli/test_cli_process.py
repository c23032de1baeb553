"""The command as a process of its own: pipes, signals, real HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess

import pytest

from agentkit.testing import ScriptedModel, call
from agentkit.testing.server import ResponsesServer

posix = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


def test_a_run_over_http_with_a_question_from_a_pipe(start):
    model = ScriptedModel(call("now", time_zone="UTC"), "It is late — 23:00 ☾.")
    with ResponsesServer(model) as server:
        arguments = ["-m", "any", "--base-url", server.url, "-t", "agentkit_tools:now"]
        process = start("run", *arguments, stdin=subprocess.PIPE)
        out, err = process.communicate("What time is it?\n")
    assert (process.returncode, out) == (0, "It is late — 23:00 ☾.\n")
    assert '→ now({"time_zone":"UTC"})' in err
    assert "completed: 2 turns, 1 call, " in err
    assert server.requests[0]["input"][0]["content"] == "What time is it?"
    assert server.requests[0]["stream"] is True


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        (b"<html><title>It works!</title></html>", "Check that the base URL"),
        (b"not json", "Check that the base URL"),
    ],
)
async def test_a_reply_that_is_no_response_fails_in_one_line(content, remedy, start):
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(content)}\r\nconnection: close\r\n\r\n"
        writer.write(head.encode() + content)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        process = start("run", "?", "-q", "-m", "m", "--base-url", f"http://127.0.0.1:{port}")
        _, err = await asyncio.to_thread(process.communicate)
    assert process.returncode == 1
    assert err.startswith("agentkit: ")
    assert err.count("\n") == 1
    assert remedy in err


@posix
def test_text_reaches_a_pipe_while_the_model_still_speaks(start, bot):
    # the second word waits for the gate, which opens when the first was read
    path = bot(
        "class Slow:\n"
        "    async def stream(self, request):\n"
        "        async for event in ScriptedModel('Hello world').stream(request):\n"
        "            if getattr(event, 'delta', '') == ' world':\n"
        "                await asyncio.to_thread(lambda: open('gate').read())\n"
        "            yield event\n"
        "agent = Agent(Slow())"
    )
    os.mkfifo("gate")
    process = start("run", "?", "-q", "-a", path)
    assert process.stdout.read(5) == "Hello"
    with open("gate", "w"):
        pass
    assert process.stdout.read() == " world\n"
    assert process.wait() == 0


@posix
@pytest.mark.parametrize(
    "tool",
    [
        "async def wait():\n    await asyncio.Event().wait()\n",
        "def wait():\n    threading.Event().wait()\n",
        "async def wait():\n    await asyncio.to_thread(threading.Event().wait)\n",
    ],
)
def test_an_interrupt_cancels_the_tools_and_sums_up(tool, start, bot):
    path = bot(
        f"@tool\n{tool}\n"
        "agent = Agent(ScriptedModel(call('population', city='Oslo'), call('wait')),"
        " tools=[population, wait])"
    )
    process = start("run", "?", "-a", path)
    seen = [process.stderr.readline() for _ in range(3)]
    assert seen[-1] == "→ wait({})\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert err.startswith("agentkit: Interrupted. cancelled: 2 turns, 2 calls, ")
    told, go_on = err.splitlines()
    assert told.endswith("; cut off: wait.")
    assert go_on.startswith("go on: agentkit resume run_")


def test_an_interrupt_is_told_by_the_code_though_a_thread_is_busy(start, tmp_path):
    (tmp_path / "busy.py").write_text(
        "import asyncio, threading\n"
        "from agentkit.cli.leaving import drive_with\n"
        "async def block():\n"
        "    asyncio.ensure_future(asyncio.to_thread(threading.Event().wait))\n"
        "    await asyncio.sleep(0)\n"
        "def work(runner):\n"
        "    runner.run(block())\n"
        "    raise KeyboardInterrupt\n"
        "drive_with(work)\n"
    )
    process = start("tools", "busy.py")
    process.communicate()
    assert process.returncode == 130


@posix
def test_an_interrupted_run_is_json_too(start, bot):
    path = bot(
        "@tool\nasync def wait():\n    await asyncio.Event().wait()\n"
        "agent = Agent(ScriptedModel(call('wait')), tools=[wait])"
    )
    process = start("run", "?", "-a", path, "--json")
    assert process.stderr.readline() == "→ wait({})\n"
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate()
    assert process.returncode == 130
    assert json.loads(out)["status"] == "cancelled"


@posix
def test_a_second_interrupt_ends_a_process_whose_tool_does_not_stop(start, bot):
    path = bot(
        "@tool\nasync def wait():\n"
        "    try:\n        await asyncio.Event().wait()\n"
        "    finally:\n"
        "        print('stopping', file=sys.stderr, flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "agent = Agent(ScriptedModel(call('wait')), tools=[wait])"
    )
    process = start("run", "?", "-a", path)
    assert process.stderr.readline() == "→ wait({})\n"
    process.send_signal(signal.SIGINT)
    assert process.stderr.readline() == "stopping\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate() == ("", "")
    assert process.returncode == -signal.SIGINT


def test_a_tool_that_ran_out_of_time_does_not_keep_the_process(start, bot):
    path = bot(
        "@tool(timeout=0.05)\ndef wait():\n    threading.Event().wait()\n"
        "agent = Agent(ScriptedModel(call('wait'), 'It took too long.'), tools=[wait])"
    )
    process = start("run", "?", "-a", path)
    out, err = process.communicate()
    assert (process.returncode, out) == (0, "It took too long.\n")
    assert "✗ wait timed out after 0.05 s. (timeout)" in err


@posix
def test_a_reader_that_leaves_ends_the_command_quietly(start, bot):
    path = bot(
        "@tool\nasync def wait():\n    open('gate').read()\n"
        "agent = Agent(ScriptedModel(call('wait'), 'Hello.'), tools=[wait])"
    )
    os.mkfifo("gate")
    process = start("run", "?", "-q", "-a", path)
    process.stdout.close()
    with open("gate", "w"):
        pass
    assert process.stderr.read() == ""
    assert process.wait() == 141


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
@pytest.mark.parametrize("words", [["run", "?", "-q", "-a", "bot.py", "--json"], ["--version"]])
def test_output_that_cannot_be_written_is_one_line(words, start, bot):
    bot("agent = Agent(ScriptedModel('Hello.'))")
    with open("/dev/full", "w") as full:
        process = start(*words, stdout=full)
        _, err = process.communicate()
    assert (process.returncode, err) == (1, "agentkit: No space left on device\n")


@posix
@pytest.mark.parametrize(
    ("redirection", "answer"),
    [("2>&-", "Ålesund\n"), ("2>/dev/full", "Ålesund\n"), (">&-", ""), (">&- 2>&-", "")],
)
def test_the_answer_and_the_code_do_not_depend_on_who_listens(redirection, answer, bot, start):
    if "full" in redirection and not os.path.exists("/dev/full"):
        pytest.skip("a device of Linux")
    path = bot(
        "agent = Agent(ScriptedModel(call('population', city='x'), 'Ålesund'), tools=[population])"
    )
    process = start("run", "?", "-a", path, through=redirection)
    out, err = process.communicate()
    assert (process.returncode, out) == (0, answer)
    assert "Traceback" not in err


@posix
def test_tools_are_listed_to_nobody(start):
    process = start("tools", through=">&-")
    assert process.communicate() == ("", "")
    assert process.returncode == 0


@posix
def test_the_code_of_an_error_that_nobody_hears_is_the_same(start):
    process = start("run", "?", "-m", "opnai:gpt", "--traceback", through="2>&-")
    assert process.communicate() == ("", "")
    assert process.returncode == 2


def test_an_interrupt_while_the_command_loads_is_quiet(start, tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(
        "import signal, sys\n"
        "class Interrupts:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'agentkit.cli.app':\n"
        "            signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupts())\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    process = start("run", "?", "-m", "offline")
    assert process.communicate() == ("", "")
    assert process.returncode == 130


def test_standard_input_that_is_not_text_is_refused_in_one_line(start, tmp_path):
    (tmp_path / "notes.txt").write_bytes("Ålesund".encode("latin-1"))
    with open("notes.txt") as notes:
        process = start("run", "Hi", "-m", "offline", stdin=notes, env={"LC_ALL": "C"})
        out, err = process.communicate()
    assert (process.returncode, out) == (2, "")
    assert err.startswith("agentkit: Standard input is not UTF-8 text. ")
    assert err.count("\n") == 1


def test_standard_input_is_utf_8_whatever_the_locale(start, tmp_path):
    (tmp_path / "notes.txt").write_text("Ålesund", encoding="utf-8")
    encoding = {"PYTHONUTF8": "0", "PYTHONIOENCODING": "latin-1"}
    with ResponsesServer(ScriptedModel("Yes.")) as server, open("notes.txt") as notes:
        arguments = ["-m", "any", "--base-url", server.url]
        process = start("run", *arguments, stdin=notes, env=encoding)
        process.communicate()
    assert server.requests[0]["input"][0]["content"] == "Ålesund"


def test_stdout_without_the_characters_gets_escapes(start, bot):
    path = bot("agent = Agent(ScriptedModel('Ålesund \\ud83d'))")
    process = start(
        "run", "?", "-q", "-a", path, env={"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    )
    assert process.communicate() == ("\\xc5lesund \\ud83d\n", "")
    assert process.returncode == 0


@posix
def test_serve_answers_until_it_is_interrupted(start):
    server = start("serve")
    url = server.stdout.readline().strip()
    assert server.stderr.readline().endswith(f"--base-url {url}\n")
    client = start("run", "What is 2 + 3?", "-m", "any", "--base-url", url)
    out, err = client.communicate()
    assert client.returncode == 0, err
    assert out.strip()
    server.send_signal(signal.SIGINT)
    assert server.communicate() == ("", "")
    assert server.returncode == 130


@posix
def test_serve_ends_well_when_it_is_terminated(start):
    server = start("serve", "-m", "offline", "--api-key", "secret")
    url = server.stdout.readline().strip()
    client = start("run", "Hi", "-m", "any", "--base-url", url)
    _, err = client.communicate()
    assert client.returncode == 1
    assert "Check the key" in err
    server.terminate()
    assert server.communicate()[0] == ""
    assert server.returncode == 0


def test_a_port_that_is_taken_is_one_line(start):
    with ResponsesServer(ScriptedModel()) as other:
        port = other.url.rpartition(":")[2].partition("/")[0]
        process = start("serve", "--port", port)
        out, err = process.communicate()
    assert (process.returncode, out) == (2, "")
    assert err.startswith("agentkit: Cannot listen there: ")
    assert err.count("\n") == 1
