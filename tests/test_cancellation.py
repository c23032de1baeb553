"""A cancelled run stops its tools, gives back its whole log, and can go on from there."""

import asyncio

import pytest

from agentkit import Agent, Approve, ConfigurationError, Conflict, Reject, ToolContext, tool
from agentkit.log import Log
from agentkit.responses.response import Request
from agentkit.testing import ScriptedModel, call


async def cancelled_when(begun: asyncio.Event, run) -> asyncio.CancelledError:
    """Cancel a run once it has begun; the error it ends with."""
    task = asyncio.create_task(run)
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    return caught.value


def slow_tool(effect: str, keys: list[str], begun: asyncio.Event):
    @tool(effect=effect)
    async def slow(context: ToolContext) -> str:
        keys.append(context.idempotency_key)
        if len(keys) == 1:
            begun.set()
            await asyncio.Event().wait()
        return "done at last"

    return slow


async def test_cancelling_reaches_the_running_tools_and_keeps_the_log():
    begun, seen = asyncio.Event(), []

    @tool
    async def slow() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    @tool
    async def quick() -> str:
        return "quick"

    model = ScriptedModel([call("quick"), call("slow")])
    error = await cancelled_when(begun, Agent(model, tools=[slow, quick]).run("go"))
    result = error.result
    assert seen == ["cancelled"]
    assert (result.status, result.output, result.turns) == ("cancelled", None, 1)
    kinds = [record.kind for record in result.log]
    assert kinds == ["setup", "input", "answer", "started", "output"]
    assert result.usage.total_tokens > 0


@pytest.mark.parametrize("effect", ["read", "idempotent"])
async def test_a_harmless_call_that_was_cut_off_runs_again_with_the_same_key(effect):
    keys, begun = [], asyncio.Event()
    model = ScriptedModel([call("slow")], "done")
    agent = Agent(model, tools=[slow_tool(effect, keys, begun)])
    error = await cancelled_when(begun, agent.run("go"))
    result = await agent.resume(error.result)
    assert (result.output, result.status) == ("done", "completed")
    assert model.requests[1].outputs == ["done at last"]
    assert len(keys) == 2
    assert keys[0] == keys[1]


async def test_the_key_is_the_same_after_a_save():
    keys, begun = [], asyncio.Event()
    model = ScriptedModel([call("slow")], "done")
    agent = Agent(model, tools=[slow_tool("read", keys, begun)])
    error = await cancelled_when(begun, agent.run("go", session="s"))
    result = await agent.resume(Log.load(error.result.log.dump()))
    assert keys == ["s/call_1", "s/call_1"]
    assert result.session == "s"


async def test_a_call_that_may_have_run_waits_for_a_person():
    keys, begun = [], asyncio.Event()
    model = ScriptedModel([call("slow")], "done")
    agent = Agent(model, tools=[slow_tool("once", keys, begun)])
    error = await cancelled_when(begun, agent.run("go"))
    waiting = await agent.resume(error.result)
    assert waiting.status == "waiting"
    assert [(each.name, each.reason) for each in waiting.pending] == [("slow", "may have run")]
    assert len(keys) == 1
    with pytest.raises(ConfigurationError, match="may have run.*say again=True"):
        await agent.resume(waiting, [Approve("call_1")])
    result = await agent.resume(waiting, [Approve("call_1", again=True)])
    assert (result.output, len(keys)) == ("done", 2)


async def test_a_call_that_may_have_run_can_be_left_as_it_is():
    keys, begun = [], asyncio.Event()
    model = ScriptedModel([call("slow")], "done")
    agent = Agent(model, tools=[slow_tool("once", keys, begun)])
    error = await cancelled_when(begun, agent.run("go"))
    await agent.resume(error.result, [Reject("call_1", "It had run.")])
    assert len(keys) == 1
    assert model.requests[1].outputs == [
        "slow was interrupted and may have run; it is not run again. It had run."
    ]


async def test_speaking_on_says_that_an_interrupted_call_may_have_run():
    keys, begun = [], asyncio.Event()
    model = ScriptedModel([call("slow")], "done")
    agent = Agent(model, tools=[slow_tool("once", keys, begun)])
    error = await cancelled_when(begun, agent.run("go"))
    result = await agent.run("never mind", session=error.result)
    assert (result.output, len(keys)) == ("done", 1)
    assert model.requests[1].outputs == [
        "slow was interrupted and may have run; what it gave is not known."
    ]


async def test_an_interrupted_call_counts_once_against_its_bounds():
    keys, begun = [], asyncio.Event()
    slow = slow_tool("read", keys, begun)
    model = ScriptedModel([call("slow")], "done")
    agent = Agent(model, tools=[tool(slow.function, effect="read", max_calls=1)])
    error = await cancelled_when(begun, agent.run("go"))
    await agent.resume(error.result)
    assert model.requests[1].outputs == ["done at last"]


async def test_the_same_interrupted_call_is_resumed_once():
    keys, begun = [], asyncio.Event()
    agent = Agent(ScriptedModel([call("slow")], "done"), tools=[slow_tool("read", keys, begun)])
    error = await cancelled_when(begun, agent.run("go"))
    await agent.resume(error.result)
    with pytest.raises(Conflict, match="resumed from here before"):
        await agent.resume(error.result)
    assert len(keys) == 2


async def test_a_tool_that_keeps_the_cancellation_to_itself_gives_its_output_and_no_more():
    begun = asyncio.Event()

    @tool
    async def stubborn() -> str:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "finished anyway"

    model = ScriptedModel([call("stubborn")], "done")
    agent = Agent(model, tools=[stubborn])
    error = await cancelled_when(begun, agent.run("go"))
    assert error.result.status == "cancelled"
    assert len(model.requests) == 1
    result = await agent.resume(error.result)
    assert model.requests[1].outputs == ["finished anyway"]
    assert result.output == "done"


async def test_cancelling_during_the_model_call_asks_again_on_resume():
    begun = asyncio.Event()

    async def never(request: Request) -> str:
        begun.set()
        await asyncio.Event().wait()
        return "never"

    model = ScriptedModel(never, "answered")
    agent = Agent(model)
    error = await cancelled_when(begun, agent.run("go"))
    assert error.result.status == "cancelled"
    result = await agent.resume(error.result)
    assert result.output == "answered"
    assert model.requests[0].input == model.requests[1].input


async def test_a_run_goes_on_in_the_task_that_was_cancelled():
    begun, keys = asyncio.Event(), []
    model = ScriptedModel([call("slow")], "done")
    agent = Agent(model, tools=[slow_tool("read", keys, begun)])

    async def stubborn_caller() -> object:
        try:
            return await agent.run("go")
        except asyncio.CancelledError as error:
            return await agent.resume(error.result)

    task = asyncio.create_task(stubborn_caller())
    await begun.wait()
    task.cancel()
    assert (await task).output == "done"


async def test_a_timeout_around_a_run_carries_the_run_as_its_cause():
    @tool
    async def hang() -> None:
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(0.01):
            await Agent(ScriptedModel([call("hang")]), tools=[hang]).run("go")
    assert caught.value.__cause__.result.status == "cancelled"


async def steps(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


@pytest.mark.parametrize("step", range(1, 32))
async def test_cancelled_at_any_step_a_run_goes_on_and_runs_nothing_twice_unasked(step):
    runs: list[str] = []

    @tool
    async def pay(name: str) -> str:
        runs.append(name)
        await steps(5)
        return name

    @tool(effect="read")
    async def look(name: str) -> str:
        await steps(3)
        return name

    async def two_calls(request: Request) -> list:
        await steps(4)
        turn = len(request.outputs)
        return [call("pay", name=f"p{turn}"), call("look", name=f"l{turn}")]

    async def an_end(request: Request) -> str:
        await steps(4)
        return "done"

    agent = Agent(ScriptedModel(two_calls, two_calls, an_end), tools=[pay, look])
    task = asyncio.create_task(agent.run("go"))
    await steps(step)
    task.cancel()
    try:
        result = await task
    except asyncio.CancelledError as error:
        agent = agent.replace(model=ScriptedModel(an_end))
        result = await agent.resume(Log.load(error.result.log.dump()))
    if words := [Reject(each.call_id) for each in result.pending]:
        result = await agent.resume(result, words)
    assert (result.status, result.output) == ("completed", "done")
    assert len(runs) == len(set(runs))
    sent = agent.model.requests[-1].input
    assert len([item for item in sent if item.type == "function_call"]) == len(
        [item for item in sent if item.type == "function_call_output"]
    )
