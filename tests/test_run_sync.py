"""`run_sync` from anywhere: scripts, threads, running loops, and out again when interrupted."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from agentkit import Agent, Approve, ModelError, tool
from agentkit.background import background
from agentkit.errors import RateLimitError
from agentkit.testing import ScriptedModel, call


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def adder(**options) -> Agent:
    return Agent(ScriptedModel([call("add", a=2, b=3)], "5"), tools=[add], **options)


def test_from_a_script():
    result = adder().run_sync("2 + 3?")
    assert (result.output, result.status) == ("5", "completed")


def test_from_many_threads_at_once():
    barrier = threading.Barrier(8, timeout=20)
    loops = set()

    @tool
    async def meet(number: int) -> int:
        loops.add(asyncio.get_running_loop())
        return number

    def run(number: int) -> str:
        model = ScriptedModel([call("meet", number=number)], lambda r: f"got {r.outputs[0]}")
        barrier.wait()
        return Agent(model, tools=[meet]).run_sync("go").output

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(run, range(8))) == [f"got {number}" for number in range(8)]
    assert loops == {background().loop}


async def test_inside_a_running_loop_directly():
    assert adder().run_sync("2 + 3?").output == "5"


async def test_inside_a_running_loop_from_a_thread():
    assert (await asyncio.to_thread(adder().run_sync, "2 + 3?")).output == "5"


def test_a_sync_tool_may_run_an_agent():
    @tool
    def ask_another(question: str) -> str:
        return adder().run_sync(question).output

    model = ScriptedModel([call("ask_another", question="2 + 3?")], lambda r: r.outputs[0])
    assert Agent(model, tools=[ask_another]).run_sync("go").output == "5"


@pytest.mark.parametrize("face", ["run_sync", "stream_sync"])
def test_an_async_tool_that_would_wait_for_itself_is_told_so(face):
    @tool
    async def ask_another() -> str:
        result = getattr(adder(), face)("2 + 3?")
        return str(list(result))

    model = ScriptedModel([call("ask_another")], lambda request: request.outputs[0])
    said = Agent(model, tools=[ask_another]).run_sync("go").output
    assert said.startswith("ask_another failed: ConfigurationError: A synchronous run cannot be")
    assert "await agent.run(" in said


def test_errors_come_through_with_the_run_so_far():
    agent = Agent(ScriptedModel(RateLimitError("slow down"), "better"))
    with pytest.raises(ModelError) as caught:
        agent.run_sync("go")
    assert caught.value.result.status == "failed"
    assert agent.resume_sync(caught.value.result).output == "better"


def test_resume_sync_takes_decisions():
    @tool(approval=True)
    def pay() -> str:
        return "paid"

    agent = Agent(ScriptedModel([call("pay")], "done"), tools=[pay])
    waiting = agent.run_sync("go")
    assert agent.resume_sync(waiting, [Approve("call_1")]).output == "done"


SHARED = """
from concurrent.futures import ThreadPoolExecutor
from agentkit import Agent
from agentkit.testing import ResponsesServer, ScriptedModel

with ResponsesServer(ScriptedModel(*["hi"] * 6)) as server:
    agent = Agent("m", base_url=server.url, environment={})
    outputs = [agent.run_sync("go").output for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        outputs += [each.output for each in pool.map(agent.run_sync, ["go"] * 3)]
    print(*outputs)
"""


def test_a_script_over_http_ends_without_a_word():
    command = [sys.executable, "-W", "error", "-c", SHARED]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert (ended.stdout, ended.stderr) == ("hi hi hi hi hi hi\n", "")


def test_a_tool_that_interrupts_does_not_take_the_run_or_the_loop_along():
    @tool
    async def interrupt() -> None:
        raise KeyboardInterrupt

    model = ScriptedModel([call("interrupt")], lambda request: request.outputs[0])
    result = Agent(model, tools=[interrupt]).run_sync("go")
    assert result.output == "interrupt failed: KeyboardInterrupt"
    assert adder().run_sync("2 + 3?").output == "5"


INTERRUPTED = """
import asyncio
from agentkit import Agent, ToolCall, tool
from agentkit.testing import ScriptedModel, call

@tool
async def hang() -> None:
    print("running", flush=True)
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        print("cancelled", flush=True)
        raise

agent = Agent(ScriptedModel([call("hang")]), tools=[hang])
try:
    {face}
except KeyboardInterrupt as error:
    print(error.result.status, [record.kind for record in error.result.log][-1], flush=True)
"""


@pytest.mark.parametrize("face", ['agent.run_sync("go")', 'list(agent.stream_sync("go"))'])
def test_an_interrupt_leaves_with_the_run_so_far(face):
    script = INTERRUPTED.format(face=face)
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "running\n"
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (out.splitlines(), err) == (["cancelled", "cancelled started"], "")
    assert process.returncode == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_has_a_loop_of_its_own():
    script = """
import os
from agentkit import Agent
from agentkit.testing import ScriptedModel
assert Agent(ScriptedModel("one")).run_sync("go").output == "one"
child = os.fork()
if child == 0:
    os._exit(0 if Agent(ScriptedModel("two")).run_sync("go").output == "two" else 1)
assert os.waitpid(child, 0)[1] == 0
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=20)
