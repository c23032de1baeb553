"""Tools that misbehave in every way: the others run, the model reads why, the caller has it whole."""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
import json
import sys
import threading
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from faces import FACES, Face, Ran, run, run_sync
from pydantic import AfterValidator
from tool_endings import DONE, RAISED, RETURNED, ROWS, RaiseEnding, ReturnEnding

from agentkit import Agent, Limits, Notice, Tool, ToolContext, ToolProgress, tool
from agentkit.events import Event
from agentkit.perform import BLOCKED
from agentkit.testing import ScriptedModel, call

READS = {row.name: row.reads for row in ROWS}


@tool
async def fine() -> str:
    await asyncio.sleep(0)
    return "fine"


async def beside(face: Face, boom: Tool, **options: Any) -> Ran:
    """A run in which a tool misbehaves beside one that does not."""
    model = ScriptedModel([call("boom"), call("fine")], "done")
    ended = await face(model, tools=[boom, fine], **options)
    json.loads(model.requests[1].body())
    return ended


def is_over(ended: Ran, name: str) -> bool:
    """Whether the run came to its end and its calls to the outputs of the row."""
    assert (ended.result.status, ended.result.output) == ("completed", "done")
    assert ended.reads == (*READS[name], "fine")
    return True


def sync_or_async(is_async: bool, body: Callable[[], Any], **options: Any) -> Tool:
    async def awaited() -> Any:
        return body()

    return tool(name="boom", **options)(awaited if is_async else body)


in_both = pytest.mark.parametrize("is_async", [True, False], ids=["async", "in a thread"])
on_each_face = pytest.mark.parametrize("face", FACES, ids=lambda face: face.__name__)


@in_both
@on_each_face
@pytest.mark.parametrize("secrets", [(), ("as I am I am",)], ids=["", "with secrets"])
@pytest.mark.parametrize("row", RAISED, ids=lambda row: row.name)
async def test_whatever_a_tool_raises_becomes_text(
    row: RaiseEnding, face: Face, is_async: bool, secrets: tuple[str, ...]
):
    error = row.error()

    def boom() -> None:
        raise error

    ended = await beside(face, sync_or_async(is_async, boom), secrets=secrets)
    assert is_over(ended, row.name)
    assert ended.errors["boom"] is error


@in_both
async def test_a_tool_that_failed_did_run_and_runs_no_second_time(is_async):
    ran: list[int] = []

    def boom() -> None:
        ran.append(1)
        raise KeyboardInterrupt

    ended = await beside(run, sync_or_async(is_async, boom))
    outputs = [record for record in ended.result.log if record.kind == "output"]
    assert (ran, {each.ended for each in outputs}) == ([1], {"error", "ok"})


@in_both
@on_each_face
@pytest.mark.parametrize("row", RETURNED, ids=lambda row: row.name)
async def test_whatever_a_tool_returns_has_an_output(row: ReturnEnding, face: Face, is_async: bool):
    def boom() -> Any:
        value = row.value()
        return list(value) if inspect.isgenerator(value) and is_async else value

    assert is_over(await beside(face, sync_or_async(is_async, boom)), row.name)


async def hangs(face: Face) -> Ran:
    @tool(timeout=0.01)
    async def boom() -> None:
        await asyncio.Event().wait()

    return await beside(face, boom)


async def hangs_in_a_thread(face: Face) -> Ran:
    release = threading.Event()

    @tool(timeout=0.01)
    def boom() -> None:
        release.wait(20)

    try:
        return await beside(face, boom)
    finally:
        release.set()


async def hangs_on(face: Face) -> Ran:
    ended, stop = threading.Event(), threading.Event()

    @tool(timeout=0.01)
    async def boom() -> None:
        while not stop.is_set():
            try:
                await asyncio.sleep(0.005)
            except asyncio.CancelledError:
                ended.set()

    try:
        return await beside(face, boom)
    finally:
        stop.set()
        assert ended.is_set()


class Clock:
    """Seconds as a test wants them."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def hangs_for_ever(face: Face) -> Ran:
    clock = Clock()

    @tool
    async def boom() -> None:
        await asyncio.Event().wait()

    def answer(_: Any) -> list[Any]:
        clock.now = 749.99  # tools have 750 s of the 1000
        return [call("boom"), call("fine")]

    model = ScriptedModel(answer, "done")
    ended = await face(model, tools=[boom, fine], clock=clock, limits=Limits(seconds=1000))
    assert ended.result.status == "completed"
    return ended


async def blocks(face: Face) -> Ran:
    clock = Clock()

    @tool(timeout=0.01)
    async def boom() -> str:
        clock.now += BLOCKED
        return "blocked"

    ended = await beside(face, boom, clock=clock)
    (notice,) = [each.text for each in ended.heard if isinstance(each, Notice)]
    assert notice.startswith("boom held up the event loop for 1.0 s")
    return ended


async def prints(face: Face) -> Ran:
    @tool
    def boom() -> str:
        print("from the tool")
        print("also from the tool", file=sys.stderr)
        return "printed"

    return await beside(face, boom)


async def leaves_tasks(face: Face) -> Ran:
    left: list[asyncio.Task[None]] = []

    async def fail() -> None:
        raise ValueError

    @tool
    async def boom() -> str:
        left.append(asyncio.create_task(fail()))
        left[0].add_done_callback(lambda task: task.exception())
        return "left"

    return await beside(face, boom)


async def raises_stop_iteration(face: Face) -> Ran:
    @tool
    async def boom() -> None:
        raise StopIteration

    return await beside(face, boom)


async def exits_its_thread(face: Face) -> Ran:
    return await beside(face, tool(name="boom")(lambda: sys.exit()))


async def cancels_itself(face: Face) -> Ran:
    @tool
    async def boom() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)

    return await beside(face, boom)


async def stops_the_loop(_: Face) -> Ran:
    @tool
    async def boom() -> str:
        asyncio.get_running_loop().stop()
        await asyncio.sleep(0)
        return "stopped"

    return await beside(run_sync, boom)


async def reports_late(face: Face) -> Ran:
    release, reported = threading.Event(), threading.Event()

    @tool(timeout=0.01)
    def boom(context: ToolContext) -> None:
        release.wait(20)
        context.progress("late")
        reported.set()

    async def wait(_: Any) -> str:
        release.set()
        await asyncio.to_thread(reported.wait, 20)
        await asyncio.sleep(0)
        return "done"

    model = ScriptedModel([call("boom"), call("fine")], wait)
    ended = await face(model, tools=[boom, fine])
    assert not [each for each in ended.heard if isinstance(each, ToolProgress)]
    return ended


async def validates_badly(face: Face) -> Ran:
    asked: list[Any] = []

    def fail(value: str) -> str:
        raise KeyError("v")

    @tool
    def boom(value: Annotated[str, AfterValidator(fail)] = "") -> None:
        raise AssertionError("it ran")

    def rule(name: str, arguments: Any) -> bool:
        asked.append(name)
        return True

    model = ScriptedModel([call("boom", value="x"), call("fine")], "done")
    ended = await face(model, tools=[boom, fine], approve=rule)
    assert asked == ["fine"]
    return ended


MISDEEDS = {
    each.__name__.replace("_", "-"): each
    for each in (
        hangs,
        hangs_in_a_thread,
        hangs_on,
        hangs_for_ever,
        blocks,
        prints,
        leaves_tasks,
        raises_stop_iteration,
        exits_its_thread,
        cancels_itself,
        stops_the_loop,
        reports_late,
        validates_badly,
    )
}


@on_each_face
@pytest.mark.parametrize("name", MISDEEDS)
async def test_whatever_a_tool_does_the_others_run_and_the_run_goes_on(name: str, face: Face):
    assert is_over(await MISDEEDS[name](face), name)


OWN_TESTS = {"hangs-unbounded", "hangs-when-cancelled", "cancels-everything", "approves-badly"}


def test_every_misdeed_is_shown():
    assert {row.name for row in DONE} == MISDEEDS.keys() | OWN_TESTS
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert not [row.name for row in ROWS if "\n" in row.ending or "|" in row.ending]


async def test_a_run_that_hangs_is_cancelled_with_what_the_others_did():
    """hangs-unbounded"""

    @tool
    async def boom() -> None:
        await asyncio.Event().wait()

    @tool
    async def quick() -> str:
        return "quick"

    ran = asyncio.Event()

    def listen(event: Event) -> None:
        if getattr(event, "output", None) == "quick":
            ran.set()

    model = ScriptedModel([call("boom"), call("quick")])
    task = asyncio.ensure_future(Agent(model, tools=[boom, quick]).run("go", on_event=listen))
    await ran.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    result = caught.value.result
    assert (result.status, [record.kind for record in result.log][-1]) == ("cancelled", "output")
    waiting = await Agent(model, tools=[boom, quick]).resume(result)
    assert [(each.name, each.reason) for each in waiting.pending] == [("boom", "may have run")]


async def test_a_tool_that_keeps_the_cancellation_of_the_run_holds_it_up_for_a_while(monkeypatch):
    """hangs-when-cancelled"""
    monkeypatch.setattr("agentkit.perform.GRACE", 0.01)
    stop, begun = asyncio.Event(), asyncio.Event()

    @tool
    async def boom() -> None:
        while not stop.is_set():
            begun.set()
            try:
                await stop.wait()
            except asyncio.CancelledError:
                continue

    agent = Agent(ScriptedModel(call("boom")), tools=[boom])
    task = asyncio.ensure_future(agent.run("go"))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    stop.set()
    waiting = await agent.resume(caught.value.result)
    assert [each.reason for each in waiting.pending] == ["may have run"]


def test_a_tool_that_cancels_everything_ends_the_run_with_what_it_was():
    """cancels-everything"""

    @tool
    async def boom() -> None:
        for task in asyncio.all_tasks():
            task.cancel()
        await asyncio.sleep(0)

    agent = Agent(ScriptedModel(call("boom"), "done"), tools=[boom, fine])
    with pytest.raises(concurrent.futures.CancelledError) as caught:
        agent.run_sync("go")
    assert caught.value.result.status == "cancelled"
    assert Agent(ScriptedModel("hello")).run_sync("go").output == "hello"


@pytest.mark.parametrize("error", [KeyError, SystemExit])
async def test_where_an_approval_fails_a_person_is_asked(error):
    """approves-badly"""

    def fail(_: object) -> bool:
        raise error

    @tool(approval=fail)
    async def boom() -> None:
        raise AssertionError("it ran")

    result = await Agent(ScriptedModel(call("boom")), tools=[boom]).run("go")
    assert [(each.name, each.reason) for each in result.pending] == [("boom", "needs approval")]


def test_what_a_tool_prints_is_all_that_is_printed(capsys):
    asyncio.run(prints(run))
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("from the tool\n", "also from the tool\n")
