"""The tools `shell` and `python`: what a model is told of them, and what it reads."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path

import pytest
from sandboxed import needs_sandbox, python, shell

from agentkit import Agent, Approve, ConfigurationError, Retry
from agentkit.testing import ScriptedModel, call
from agentkit_tools import Python, SandboxLimits, Shell


@needs_sandbox
async def test_a_command_line_runs_in_the_folder_and_its_result_is_text(tmp_path):
    (tmp_path / "a.txt").write_text("one\ntwo\n")
    said = await shell(tmp_path, "pwd; wc -l < a.txt; echo odd >&2; exit 3")
    assert said == "[exit code 3]\n[stdout]\n/project\n2\n[stderr]\nodd"


@needs_sandbox
async def test_no_output_is_said_and_a_signal_is_named(tmp_path):
    assert await shell(tmp_path, "true") == "[exit code 0]\n[no output]"
    said = await shell(tmp_path, "kill -SEGV $$")
    assert said == "[exit code 139: Segmentation fault]\n[no output]"


@needs_sandbox
async def test_bytes_that_are_no_text_are_shown_as_such(tmp_path):
    assert await shell(tmp_path, r"printf 'a\377b'") == "[exit code 0]\n[stdout]\na\ufffdb"


@needs_sandbox
async def test_nothing_stays_in_tmp_from_call_to_call(tmp_path):
    [tool] = Shell(tmp_path).tools
    await tool.invoke('{"command": "echo x > /tmp/kept"}')
    assert "No such file" in await tool.invoke('{"command": "cat /tmp/kept"}')


@needs_sandbox
@pytest.mark.parametrize("command", ["a\0b", "x" * 100_001, "é" * 60_000])
async def test_what_the_kernel_would_not_take_is_refused_in_words(command, tmp_path):
    with pytest.raises(Retry, match=r"At most 100,000 bytes are run, and no NUL\."):
        await shell(tmp_path, command)


@needs_sandbox
async def test_a_program_in_python_has_the_standard_library(tmp_path):
    said = await python("import sys, json; print(json.dumps(sys.version_info[:2])); 1 / 0")
    version = list(sys.version_info[:2])
    assert said.startswith(f"[exit code 1]\n[stdout]\n{version}\n[stderr]\nTraceback")
    assert said.endswith("ZeroDivisionError: division by zero")


@needs_sandbox
async def test_python_sees_a_folder_where_one_is_given_and_modules_of_its_packages(tmp_path):
    (tmp_path / "rows.csv").write_text("a\nb\n")
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / "greeting.py").write_text("text = 'hello'")
    code = "import greeting, os; print(greeting.text, sorted(os.listdir()))"
    assert "hello ['packages', 'rows.csv']" in await python(code, tmp_path, packages=[packages])
    assert "hello []" in await python(code, packages=[packages])


@needs_sandbox
@pytest.mark.parametrize("toolbox", [Shell, Python])
async def test_a_person_agrees_first_and_the_call_is_one_that_must_not_run_twice(toolbox, tmp_path):
    [tool] = toolbox(tmp_path).tools
    assert (tool.name, tool.effect, tool.approval) == (toolbox.__name__.lower(), "once", True)
    assert not tool.untrusted
    [reaching] = toolbox(tmp_path, network=True).tools
    assert reaching.untrusted
    name = {"shell": "command", "python": "code"}[tool.name]
    model = ScriptedModel(call(tool.name, "c1", **{name: "print"}), "done")
    agent = Agent(model, tools=[tool])
    waiting = await agent.run("?")
    assert waiting.status == "waiting"
    assert waiting.pending[0].arguments == {name: "print"}
    await agent.resume(waiting, [Approve("c1")])
    assert model.requests[1].outputs[0].startswith("[exit code ")


@needs_sandbox
async def test_whether_a_person_agrees_may_depend_on_the_arguments(tmp_path):
    box = Shell(tmp_path, approval=lambda arguments: arguments["command"] != "ls")
    model = ScriptedModel([call("shell", command="ls"), call("shell", command="rm x")], "done")
    result = await Agent(model, tools=[*box.tools]).run("?")
    assert [each.arguments for each in result.pending] == [{"command": "rm x"}]


@needs_sandbox
def test_the_model_is_told_what_there_is_and_what_is_not(tmp_path):
    [tool] = Shell(tmp_path, limits=SandboxLimits(seconds=5, memory=256 * 2**20)).tools
    assert "/project is the folder you work in and cannot be written" in tool.description
    assert "There is no network." in tool.description
    assert "At most 5 s, 256 MiB and 50,000 bytes of output." in tool.description
    [other] = Python(writable=True, network=True).tools
    assert "/project is empty" in other.description
    assert "There is a network." in other.description


@pytest.mark.parametrize("toolbox", [Shell, Python])
def test_without_bubblewrap_none_is_made(toolbox, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError) as raised:
        toolbox(tmp_path)
    assert "bubblewrap (bwrap) is not installed" in str(raised.value)
    assert "apt-get install bubblewrap" in str(raised.value)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'bwrap: No permissions to create new namespace' >&2; exit 1", "No permissions"),
        ("exit 3", "bwrap ended with code 3"),
        ("exec sleep 0", "bwrap ended with code 0"),
    ],
)
def test_where_bubblewrap_cannot_make_a_sandbox_none_is_made(script, reason, tmp_path, monkeypatch):
    program = tmp_path / "bwrap"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(ConfigurationError) as raised:
        Shell(tmp_path)
    assert reason in str(raised.value)
    assert "Without one no program of a model is run" in str(raised.value)


@needs_sandbox
def test_an_option_of_bubblewrap_that_does_not_work_here_is_left_out(tmp_path, monkeypatch):
    program = tmp_path / "bwrap"
    program.write_text(
        "#!/bin/sh\ncase \" $* \" in *' --disable-userns '*) echo denied >&2; exit 1;; esac\n"
        f'exec {shutil.which("bwrap")} "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert Shell(tmp_path).tools[0].name == "shell"


def test_on_another_system_none_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(ConfigurationError, match="There is no sandbox on darwin"):
        Shell(tmp_path)


@needs_sandbox
@pytest.mark.parametrize("toolbox", [Shell, Python])
def test_root_is_given_none_where_no_filter_of_system_calls_is_known(
    toolbox, tmp_path, monkeypatch
):
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(ConfigurationError, match=r"for root on riscv64.* as an ordinary user\."):
        toolbox(tmp_path)


@needs_sandbox
@pytest.mark.skipif(os.geteuid() == 0, reason="root is given none")
async def test_an_ordinary_user_is_given_one_on_any_processor(tmp_path, monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert await shell(tmp_path, "id -u") == "[exit code 0]\n[stdout]\n1000"


@needs_sandbox
def test_a_missing_folder_of_packages_is_told():
    with pytest.raises(ConfigurationError, match="packages: there is no folder"):
        Python(packages=[Path("none")])
