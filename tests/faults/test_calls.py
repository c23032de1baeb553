"""Calls that are wrong in every way: what runs, what the model reads, and that the run goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from faces import FACES, UNHEARD, WIRES, Face, run
from tool_endings import ADDED, CALLS, CallEnding, use, uses

from agentkit import Agent, Approve, Limits, Reject, Tool, tool
from agentkit.responses.items import FunctionCall
from agentkit.testing import ScriptedModel, call, reasoning


def tools_that_say(ran: list[Any]) -> list[Tool]:
    """Tools that keep what they were run with."""

    @tool
    async def add(a: int, b: int = 2) -> int:
        ran.append((a, b))
        return a + b

    @tool
    async def note(text: str, more: dict[str, str] | None = None) -> int:
        ran.append(len(text))
        return len(text)

    return [add, note]


@pytest.mark.parametrize(
    ("row", "face"),
    [(row, face) for row in CALLS for face in WIRES if row.is_streamed or face in UNHEARD],
    ids=lambda each: getattr(each, "name", None) or each.__name__,
)
async def test_a_wrong_call_is_answered_and_the_run_goes_on(row: CallEnding, face: Face):
    ran: list[Any] = []
    model = ScriptedModel(list(row.calls), "done")
    ended = await face(model, tools=tools_that_say(ran))
    assert (ended.result.status, ended.result.output) == ("completed", "done")
    assert ended.reads == row.reads
    assert tuple(ran) == row.ran
    json.loads(model.requests[1].body())


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.__name__)
async def test_calls_that_are_counted_anew_in_each_answer_keep_their_own_outputs(face):
    ran: list[Any] = []
    answers = [[call("add", "call_0", a=number, b=0)] for number in (1, 2, 3)]
    ended = await face(ScriptedModel(*answers, "done"), tools=tools_that_say(ran))
    assert (ended.reads, ran) == (("1", "2", "3"), [(1, 0), (2, 0), (3, 0)])


async def test_a_tool_that_has_the_name_of_a_wrapper_is_the_tool():
    @tool
    async def parallel(tool_uses: list[dict[str, Any]]) -> str:
        return f"{len(tool_uses)} uses"

    model = ScriptedModel(call("parallel", "w", tool_uses=[]), "done")
    assert (await run(model, tools=[parallel])).reads == ("0 uses",)


async def test_a_wrapper_goes_back_as_the_calls_that_it_stands_for():
    ran: list[Any] = []
    wrapper = uses(use("functions.add", a=1, b=2), use("functions.add", a=3, b=4))
    model = ScriptedModel([reasoning("both"), wrapper], "done")
    await run(model, tools=tools_that_say(ran))
    sent = model.requests[1].wire()["input"]
    assert [item["type"] for item in sent[1:]] == [
        "reasoning",
        *["function_call"] * 2,
        *["function_call_output"] * 2,
    ]
    made = [(item["call_id"], item["name"], item["arguments"]) for item in sent[2:4]]
    assert made == [("w", "add", '{"a":1,"b":2}'), ("w_2", "add", '{"a":3,"b":4}')]
    assert [item["call_id"] for item in sent[4:]] == ["w", "w_2"]


@pytest.mark.parametrize("state", ["chained", "conv_1"])
async def test_where_the_server_keeps_the_wrapper_its_call_is_answered_in_words(state):
    ran: list[Any] = []
    model = ScriptedModel(uses(use("add", a=1)), call("add", "c", a=1, b=2), "done")
    await run(model, tools=tools_that_say(ran), state=state)
    (said,) = model.requests[1].wire()["input"]
    assert said["call_id"] == "w"
    assert "Call each tool by itself" in said["output"]
    assert ran == [(1, 2)]


async def test_where_the_answer_goes_back_by_its_ids_the_wrapper_does_too():
    ran: list[Any] = []
    stored = reasoning("both", encrypted_content=None)
    model = ScriptedModel([stored, uses(use("add", a=1))], "done")
    ended = await run(model, tools=tools_that_say(ran))
    assert ran == []
    assert "Call each tool by itself" in ended.reads[0]
    assert [item["type"] for item in model.requests[1].wire()["input"]][1:] == [
        "reasoning",
        "function_call",
        "function_call_output",
    ]


async def test_a_persons_word_is_asked_for_each_call_in_a_wrapper():
    paid: list[int] = []

    @tool(approval=lambda values: values["euros"] > 10)
    async def pay(euros: int) -> str:
        paid.append(euros)
        return f"{euros} paid"

    wrapper = uses(*(use("functions.pay", euros=euros) for euros in (5, 50, 500)))
    agent = Agent(ScriptedModel(wrapper, "done"), tools=[pay])
    waiting = await agent.run("go")
    assert [each.arguments for each in waiting.pending] == [{"euros": 50}, {"euros": 500}]
    assert paid == [5]
    fifty, more = (each.call_id for each in waiting.pending)
    result = await agent.resume(waiting, [Approve(fifty), Reject(more, "too much")])
    assert (result.status, paid) == ("completed", [5, 50])


async def test_the_calls_in_a_wrapper_count_against_limits():
    ran: list[Any] = []
    wrapper = uses(*(use("add", a=number, b=0) for number in range(5)))
    ended = await run(
        ScriptedModel(wrapper, "done"), tools=tools_that_say(ran), limits=Limits(tool_calls=2)
    )
    assert (ended.result.limit, ran) == ("tool_calls", [(0, 0), (1, 0)])
    assert ended.reads[2:] == ("Not run: all 2 tool calls of this run are used.",) * 3


async def test_thousands_of_uses_in_one_wrapper_are_thousands_of_calls():
    ran: list[Any] = []
    wrapper = uses(*(use("add", a=number, b=0) for number in range(3_000)))
    ended = await run(ScriptedModel(wrapper, "done"), tools=tools_that_say(ran))
    assert ended.reads == tuple(str(number) for number in range(3_000))


async def test_a_wrapper_in_an_answer_that_broke_off_runs_nothing():
    ran: list[Any] = []
    item = {**uses(use("add", a=1)), "status": "completed"}
    broken = {
        "status": "incomplete",
        "incomplete_details": {"reason": "max_output_tokens"},
        "output": [item],
    }
    ended = await run(ScriptedModel(broken), tools=tools_that_say(ran))
    assert (ended.result.status, ran) == ("incomplete", [])


async def test_a_call_under_the_prefix_is_subject_to_the_rules_of_its_tool():
    @tool(approval=True)
    async def pay(euros: int) -> str:
        return "paid"

    made = call("functions.pay", "c", euros=5)
    waiting = await Agent(ScriptedModel(made), tools=[pay]).run("go")
    assert [(each.name, each.arguments) for each in waiting.pending] == [("pay", {"euros": 5})]


async def test_nobody_is_asked_about_arguments_that_can_be_read_in_two_ways():
    seen: list[Mapping[str, Any]] = []

    def rule(name: str, arguments: Mapping[str, Any]) -> bool:
        seen.append(arguments)
        return True

    made = {"type": "function_call", "name": "add", "arguments": '{"a":1,"a":100}'}
    ran: list[Any] = []
    ended = await run(ScriptedModel(made, "done"), tools=tools_that_say(ran), approve=rule)
    assert (ended.result.status, seen, ran) == ("completed", [], [])


async def test_what_was_approved_is_what_runs_to_the_letter():
    ran: list[Any] = []
    made = {"type": "function_call", "name": "add", "arguments": '{ "b": 2,\n"a": 1 }'}
    agent = Agent(ScriptedModel(made, "done"), tools=tools_that_say(ran), approve=lambda *_: False)
    waiting = await agent.run("go")
    (pending,) = waiting.pending
    assert (pending.arguments, ran) == ({"a": 1, "b": 2}, [])
    await agent.resume(waiting, [Approve(pending.call_id, digest=pending.digest)])
    assert ran == [(1, 2)]


async def test_a_log_with_split_calls_can_be_kept_and_gone_on_with():
    ran: list[Any] = []
    model = ScriptedModel(uses(use("add", a=1, b=2), use("add", a=3, b=4)), "done", "again")
    agent = Agent(model, tools=tools_that_say(ran))
    first = await agent.run("go")
    kept = type(first.log).load(json.loads(json.dumps(first.log.dump())))
    assert (await agent.run("on", session=kept)).output == "again"
    assert tuple(ran) == ADDED
    assert [item.call_id for item in kept.items if isinstance(item, FunctionCall)] == ["w", "w_2"]
