"""Ctrl-C while a tool is at work, and interrupts that nobody pressed."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from agentkit import Agent, around_calls, tool
from agentkit.testing import ScriptedModel, call

PRESSED = """
import asyncio, os, signal, threading
from agentkit import Agent, tool
from agentkit.testing import ScriptedModel, call

@tool
async def here() -> None:
    signal.raise_signal(signal.SIGINT)
    await asyncio.Event().wait()

@tool
def beside() -> None:
    os.kill(os.getpid(), signal.SIGINT)
    threading.Event().wait()

agent = Agent(ScriptedModel(call("NAME")), tools=[here, beside])
try:
    FACE
except KeyboardInterrupt as error:
    print("interrupted", getattr(getattr(error, "result", None), "status", None))
"""

FACES = {
    "asyncio.run": "asyncio.run(agent.run('go'))",
    "a bare loop": "asyncio.new_event_loop().run_until_complete(agent.run('go'))",
    "run_sync": "agent.run_sync('go')",
    "stream_sync": "list(agent.stream_sync('go'))",
}


@pytest.mark.parametrize(
    ("face", "name", "status"),
    [
        ("asyncio.run", "here", None),
        ("a bare loop", "here", None),
        ("asyncio.run", "beside", None),
        ("run_sync", "beside", "cancelled"),
        ("stream_sync", "beside", "cancelled"),
    ],
)
def test_ctrl_c_ends_the_program_and_is_no_text_for_the_model(face, name, status):
    script = PRESSED.replace("NAME", name).replace("FACE", FACES[face])
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=20)
    assert ended.stdout.decode() == f"interrupted {status}\n", ended.stderr.decode()


@tool
async def fine() -> str:
    return "fine"


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("where", ["model", "listener"])
def test_an_interrupt_from_elsewhere_leaves_with_the_run_so_far(error, where):
    def fail(_: object) -> None:
        raise error

    script = [call("fine"), fail] if where == "model" else [call("fine"), "done"]
    agent = Agent(ScriptedModel(*script), tools=[fine])
    heard = fail if where == "listener" else None
    with pytest.raises(error) as caught:
        agent.run_sync("go", on_event=heard)
    assert caught.value.result.status == "cancelled"
    assert caught.value.result.log.records
    assert Agent(ScriptedModel("hello")).run_sync("go").output == "hello"


async def test_what_a_middleware_around_a_call_raises_is_the_calls_error():
    @around_calls
    async def exit_at_once(_request, _proceed):
        raise SystemExit(3)

    model = ScriptedModel([call("fine"), call("fine")], "done")
    result = await asyncio.wait_for(
        Agent(model, tools=[fine], middleware=[exit_at_once]).run("go"), 20
    )
    assert (result.output, model.requests[1].outputs) == (
        "done",
        ["fine failed: SystemExit: 3"] * 2,
    )


HANGING = """
import threading
from agentkit import Agent, tool
from agentkit.testing import ScriptedModel, call

@tool(timeout=0.01)
def hang() -> None:
    threading.Event().wait()

print(Agent(ScriptedModel(call("hang"), "done"), tools=[hang]).run_sync("go").output)
"""


def test_a_thread_that_hangs_does_not_hold_up_the_exit():
    command = [sys.executable, "-W", "error", "-c", HANGING]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert (ended.stdout, ended.stderr, ended.returncode) == ("done\n", "", 0)
