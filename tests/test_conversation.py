"""What goes into the next request: everything, what is new, or what a conversation lacks."""

import pytest

from agentkit import Agent, Approve, tool
from agentkit.responses.response import Request
from agentkit.testing import (
    ResponsesServer,
    ScriptedModel,
    call,
    commentary,
    incomplete,
    reasoning,
)


@tool
async def look(what: str) -> str:
    """Look something up."""
    return f"seen {what}"


def wires(request: Request) -> list[dict]:
    return [item.wire for item in request.input]


def kinds(request: Request) -> list[str]:
    return [item.type for item in request.input]


def looked(*words: str) -> list[dict]:
    return [call("look", what=word) for word in words]


async def test_replay_sends_everything_without_ids_and_keeps_phase_and_reasoning():
    first = [reasoning("hm"), commentary("I look."), *looked("x")]
    model = ScriptedModel(first, "done")
    await Agent(model, tools=[look]).run("go")
    output = {"type": "function_call_output", "call_id": "call_1", "output": "seen x"}
    assert wires(model.requests[1]) == [
        {"type": "message", "role": "user", "content": "go"},
        {
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "hm"}],
            "encrypted_content": "opaque",
        },
        {
            "type": "message",
            "role": "assistant",
            "phase": "commentary",
            "content": [
                {"type": "output_text", "text": "I look.", "annotations": [], "logprobs": []}
            ],
        },
        {
            "type": "function_call",
            "call_id": "call_1",
            "name": "look",
            "arguments": '{"what":"x"}',
        },
        output,
    ]
    assert "previous_response_id" not in model.requests[1].wire()


async def test_bare_reasoning_keeps_the_ids_of_its_whole_answer():
    model = ScriptedModel([reasoning("hm", encrypted_content=None), *looked("x")], "done")
    await Agent(model, tools=[look]).run("go")
    assert [wire.get("id") for wire in wires(model.requests[1])] == [None, "rs_1_0", "fc_1_1", None]


async def test_a_hosted_tools_item_keeps_the_ids_of_its_whole_answer():
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    model = ScriptedModel([search, *looked("x")], "done")
    await Agent(model, tools=[look]).run("go")
    assert wires(model.requests[1])[1] == search
    assert wires(model.requests[1])[2]["id"] == "fc_1_1"


async def test_an_item_is_encoded_once_over_all_runs_of_a_conversation():
    model = ScriptedModel(looked("x"), "one", looked("y"), "two")
    agent = Agent(model, tools=[look])
    await agent.run("b", session=await agent.run("a"))
    first, *rest = model.requests
    sent = [[id(item.encoded) for item in request.input] for request in model.requests]
    for before, after in zip(sent, sent[1:], strict=False):
        assert after[: len(before)] == before


async def test_a_session_goes_on_from_a_result_as_often_as_one_likes():
    model = ScriptedModel("one", "two", "three")
    agent = Agent(model)
    first = await agent.run("a")
    second = await agent.run("b", session=first)
    branch = await agent.run("c", session=first)
    assert [item.text for item in model.requests[1].input] == ["a", "one", "b"]
    assert [item.text for item in model.requests[2].input] == ["a", "one", "c"]
    assert first.session == second.session == branch.session
    assert [item.text for item in first.items] == ["a", "one"]


async def test_chained_sends_what_is_new_behind_the_response_it_continues():
    model = ScriptedModel(looked("x", "y"), "one", "two")
    agent = Agent(model, tools=[look], state="chained", instructions="Be brief.")
    await agent.run("b", session=await agent.run("a"))
    sent = [request.wire() for request in model.requests]
    assert [wire.get("previous_response_id") for wire in sent] == [None, "resp_1", "resp_2"]
    assert kinds(model.requests[1]) == ["function_call_output"] * 2
    assert model.requests[1].outputs == ["seen x", "seen y"]
    assert [item.text for item in model.requests[2].input] == ["b"]
    assert {wire["instructions"] for wire in sent} == {"Be brief."}, "a server does not keep them"


async def test_chained_sends_everything_where_the_server_names_no_response():
    message = {"type": "message", "content": [{"type": "output_text", "text": "one"}]}
    model = ScriptedModel({"status": "completed", "output": [message]}, "two")

    class Nameless:
        requests = model.requests

        async def stream(self, request: Request):
            async for event in model.stream(request):
                if getattr(event, "response", {}).get("id"):
                    event.response = {**event.response, "id": None}
                yield event

    agent = Agent(Nameless(), state="chained")
    await agent.run("b", session=await agent.run("a"))
    assert [item.text for item in model.requests[1].input] == ["a", "one", "b"]
    assert "previous_response_id" not in model.requests[1].wire()


async def test_chained_goes_on_behind_the_last_complete_response():
    model = ScriptedModel("one", incomplete(["half", *looked("x")]), "three")
    agent = Agent(model, tools=[look], state="chained")
    broken = await agent.run("b", session=await agent.run("a"))
    await agent.run("c", session=broken)
    assert model.requests[2].wire()["previous_response_id"] == "resp_1"
    assert [item.text for item in model.requests[2].input] == ["b", "half", "c"]


async def test_a_hosted_conversation_gets_what_is_new():
    model = ScriptedModel(looked("x"), "one", "two")
    agent = Agent(model, tools=[look], state="conv_1")
    await agent.run("b", session=await agent.run("a"))
    assert {request.wire()["conversation"] for request in model.requests} == {"conv_1"}
    assert [kinds(request) for request in model.requests] == [
        ["message"],
        ["function_call_output"],
        ["message"],
    ]


@pytest.mark.parametrize("state", ["replay", "chained"])
async def test_a_server_that_checks_accepts_every_turn(state):
    @tool(approval=True)
    async def pay(amount: int) -> str:
        return "paid"

    script = looked("x", "y"), [*looked("z"), call("pay", amount=1)], "one", looked("x"), "two"
    async with ResponsesServer(ScriptedModel(*script)) as server:
        agent = Agent("m", base_url=server.url, tools=[look, pay], state=state, environment={})
        waiting = await agent.run("a")
        first = await agent.resume(waiting, [Approve(waiting.pending[0].call_id)])
        second = await agent.run("b", session=first)
    assert (first.output, second.output) == ("one", "two")
    assert [exchange.status for exchange in server.exchanges] == [200] * 5


async def test_call_ids_that_a_server_gives_twice_are_made_unique():
    script = [[call("look", "call_0", what=word)] for word in "xyz"]
    model = ScriptedModel(*script, "done")
    await Agent(model, tools=[look]).run("go")
    sent = wires(model.requests[3])[1:]
    assert [wire["call_id"] for wire in sent[::2]] == ["call_0", "call_0_2", "call_0_3"]
    assert [wire["call_id"] for wire in sent[1::2]] == ["call_0", "call_0_2", "call_0_3"]
    assert [wire["output"] for wire in sent[1::2]] == ["seen x", "seen y", "seen z"]


async def test_two_calls_of_one_answer_with_the_same_id_each_get_their_output():
    calls = [call("look", "same", what=word) for word in "xy"]
    model = ScriptedModel({"status": "completed", "output": calls}, "done")
    await Agent(model, tools=[look]).run("go")
    sent = wires(model.requests[1])[1:]
    ids = [wire["call_id"] for wire in sent]
    assert ids == ["same", "same_2"] * 2
    assert model.requests[1].outputs == ["seen x", "seen y"]


async def test_a_call_without_an_id_gets_one():
    nameless = {"type": "function_call", "name": "look", "arguments": '{"what": "x"}'}
    output = [{**nameless, "call_id": None}, {**nameless, "call_id": ""}]
    model = ScriptedModel({"status": "completed", "output": output}, "done")
    await Agent(model, tools=[look]).run("go")
    sent = wires(model.requests[1])[1:]
    assert all(wire["call_id"] for wire in sent)
    assert sent[0]["call_id"] != sent[1]["call_id"]
    assert [wire["call_id"] for wire in sent[:2]] == [wire["call_id"] for wire in sent[2:]]
