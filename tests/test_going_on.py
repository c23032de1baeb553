"""A run that is cancelled, landed, moved or resumed does nothing that it should not."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from typing import Any, TypedDict

import pytest

from agentkit import (
    Agent,
    BadRequestError,
    ConfigurationError,
    Final,
    Limits,
    Log,
    Request,
    TextDelta,
    ToolDefinitionError,
    tool,
)
from agentkit.testing import ResponsesServer, ScriptedModel, call, reasoning


@tool
def add(a: int = 1, b: int = 2) -> int:
    return a + b


async def test_a_cancelled_call_is_not_tried_again():
    begun: list[asyncio.Event] = []
    running = asyncio.Event()

    @tool(retries=2)
    async def pay() -> str:
        begun.append(running)
        running.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ConnectionError("cut off") from None
        return "paid"

    run = asyncio.create_task(Agent(ScriptedModel([call("pay")]), tools=[pay]).run("go"))
    await running.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError) as cancelled:
        await run
    assert len(begun) == 1
    assert cancelled.value.result.status == "cancelled"


async def test_a_landed_run_stays_landed_where_the_second_try_for_an_answer_fails():
    refused = BadRequestError("tools= must be set where the input has calls")
    model = ScriptedModel(call("add"), call("add", a=5), refused)
    result = await Agent(model, tools=[add], limits=Limits(turns=2)).run("go")
    assert (result.status, result.limit, result.output) == ("limited", "turns", None)
    assert len(model.requests) == 3


async def test_the_second_try_for_an_answer_passes_the_middleware_and_is_heard():
    seen: list[Request] = []
    heard: list[Any] = []

    async def noted(request: Request, proceed: Any) -> Any:
        seen.append(request)
        return await proceed(replace(request, extra={**request.extra, "user": "x"}))

    model = ScriptedModel(call("add"), call("add", a=5), "seven")
    agent = Agent(model, tools=[add], limits=Limits(turns=2), middleware=[noted])
    await agent.run("go", on_event=heard.append)
    assert [request.wire()["user"] for request in model.requests] == ["x", "x", "x"]
    assert "".join(each.text for each in heard if isinstance(each, TextDelta)) == "seven"
    assert len(seen) == 3


async def conversation(server: ResponsesServer) -> str:
    import httpx

    async with httpx.AsyncClient() as client:
        made = await client.post(f"{server.url}/conversations", json={})
    return str(made.json()["id"])


async def test_a_run_that_moves_into_a_hosted_conversation_brings_its_past_along():
    async with ResponsesServer(ScriptedModel("one", "two", "three", "four")) as server:
        first, second = await conversation(server), await conversation(server)
        here = Agent("m", base_url=server.url, environment={})
        result = await here.run("first")
        for place in (first, second):
            moved = here.replace(state=place)
            result = await moved.run("again", session=result)
        result = await moved.run("last", session=result)
    sent = [[item["content"] for item in body["input"]] for body in server.requests]
    assert [len(items) for items in sent] == [1, 3, 5, 1]
    assert sent[3] == ["last"]


async def test_another_model_in_the_same_hosted_conversation_is_sent_only_what_is_new():
    async with ResponsesServer(ScriptedModel([reasoning("hm"), "one"], "two")) as server:
        place = await conversation(server)
        agent = Agent("a", base_url=server.url, environment={}, state=place)
        result = await agent.run("first")
        await agent.replace(model="b", base_url=server.url).run("again", session=result)
    assert [len(body["input"]) for body in server.requests] == [1, 1]


async def test_a_log_in_which_nobody_has_spoken_cannot_be_resumed():
    agent = Agent(ScriptedModel("one"))
    log = (await agent.run("go")).log
    with pytest.raises(ConfigurationError, match="no run to go on with"):
        await agent.resume(Log.load(log.dump()[:1]))


@pytest.mark.parametrize("value", ["\ud800", {"a": ["\ud800"]}, float("inf")], ids=ascii)
async def test_a_final_value_ends_the_run_whatever_characters_it_has(value):
    @tool
    def finish() -> Final:
        return Final(value)

    result = await Agent(ScriptedModel(call("finish")), tools=[finish]).run("go")
    expected = "Infinity" if value == float("inf") else value
    assert (result.status, result.output) == ("completed", expected)


class Tree(TypedDict):
    name: str
    children: list[Tree]


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="pydantic reads it there")
def test_a_typed_dict_that_holds_itself_is_refused_with_the_remedy():
    def plant(tree: Tree) -> None: ...

    with pytest.raises(ToolDefinitionError, match="'tree'.*typing_extensions"):
        tool(plant)
    with pytest.raises(ConfigurationError, match="typing_extensions"):
        Agent("offline", output=Tree)
