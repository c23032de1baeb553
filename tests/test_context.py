"""What of a long conversation is sent: parts of it that are whole, and the newest input always."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from agentkit import (
    Agent,
    Approve,
    BadRequestError,
    ConfigurationError,
    Limits,
    Log,
    Notice,
    Request,
    RunResult,
    Usage,
)
from agentkit.context import (
    Compacted,
    ContextPolicy,
    LastTokens,
    LastTurns,
    ServerCompaction,
    Summarized,
)
from agentkit.moves import AskModel, next_move
from agentkit.records import Input
from agentkit.responses.items import FunctionCall, FunctionCallOutput, Item, Reasoning
from agentkit.testing import (
    ResponsesServer,
    ScriptedModel,
    call,
    commentary,
    failed,
    incomplete,
    reasoning,
)
from tests.talking import look, said, talk, texts

COMPACTION = {"type": "compaction", "encrypted_content": "opaque"}


class Found(BaseModel):
    value: int


async def test_without_a_policy_everything_is_sent():
    model = ScriptedModel("1", "2", "3")
    await talk(Agent(model), "a", "b", "c")
    assert texts(model.requests[2]) == ["a", "1", "b", "2", "c"]


async def test_the_last_turns_are_sent_and_the_log_stays_whole():
    model = ScriptedModel("1", call("look", what="x"), "2", "3", "4")
    result = await talk(Agent(model, tools=[look], context=LastTurns(2)), "a", "b", "c", "d")
    assert texts(model.requests[2]) == ["a", "1", "b", '{"what":"x"}', "seen x"]
    assert texts(model.requests[3]) == ["b", '{"what":"x"}', "seen x", "2", "c"]
    assert texts(model.requests[4]) == ["c", "3", "d"]
    assert [said(item) for item in result.items][:2] == ["a", "1"]
    assert [record.kind for record in result.log].count("input") == 4


async def test_what_is_sent_follows_from_the_saved_log_alone():
    agent = Agent(ScriptedModel("1", "2", "3"), context=LastTurns(2))
    result = await talk(agent, "a", "b", "c")
    model = ScriptedModel("4")
    await agent.replace(model=model).run("d", session=Log.load(result.log.dump()))
    assert texts(model.requests[0]) == ["c", "3", "d"]


async def test_a_repair_begins_no_turn():
    model = ScriptedModel('{"value": 1}', "no number", '{"value": 2}')
    await talk(Agent(model, output=Found, context=LastTurns(1)), "a", "b")
    first, *_, problem = texts(model.requests[2])
    assert (first, len(model.requests[2].input)) == ("b", 3)
    assert "not JSON" in problem


async def test_a_word_to_go_on_begins_no_turn():
    calls = [call("look", what="x"), call("look", what="y")]
    model = ScriptedModel(*calls, "so far", "the rest")
    agent = Agent(model, tools=[look], context=LastTurns(1), limits=Limits(turns=3))
    await agent.resume(await agent.run("a"))
    assert texts(model.requests[3])[0] == "a"
    assert texts(model.requests[3])[-2:] == ["so far", "Go on."]


async def test_the_message_of_the_developer_at_the_beginning_is_always_sent():
    told = {"role": "developer", "content": "Be brief."}
    for policy in (LastTurns(1), LastTokens(1), ServerCompaction(1000)):
        model = ScriptedModel("1", ["2", COMPACTION], "3")
        agent = Agent(model, context=policy)
        first = await agent.run([told, {"role": "user", "content": "a"}])
        await talk(agent, "b", "c", session=first)
        assert texts(model.requests[2])[0] == "Be brief.", policy
        assert texts(model.requests[2])[-1] == "c"
        assert "a" not in texts(model.requests[2])


async def test_the_newest_steps_that_fit_are_sent_by_the_tokens_the_server_named():
    model = ScriptedModel("1", "2", "3", "4", usage=Usage(output_tokens=100))
    await talk(Agent(model, context=LastTokens(230)), "a", "b", "c", "d")
    assert texts(model.requests[3]) == ["2", "c", "3", "d"]


async def test_without_numbers_of_the_server_four_bytes_are_a_token():
    long = "x" * 4000
    message = {"type": "message", "content": [{"type": "output_text", "text": long}]}
    answers = [{"status": "completed", "output": [message]}] * 3
    model = ScriptedModel(*answers)
    await talk(Agent(model, context=LastTokens(1500)), "a", "b", "c")
    assert texts(model.requests[2]) == ["b", long, "c"]


async def test_a_turn_that_is_too_long_loses_its_older_steps_and_keeps_the_question():
    thinking = [[reasoning("hm"), call("look", what=str(number))] for number in range(4)]
    model = ScriptedModel("hello", *thinking, "done", usage=Usage(output_tokens=50))
    await talk(Agent(model, tools=[look], context=LastTokens(150)), "hi", "question")
    step = ["reasoning", '{"what":"3"}', "seen 3"]
    before = ["reasoning", '{"what":"2"}', "seen 2"]
    assert texts(model.requests[5]) == ["question", *before, *step]


async def test_the_newest_step_is_sent_however_long_it_is():
    calls = [call("look", what="x"), call("look", what="y" * 900)]
    model = ScriptedModel(calls[0], calls, "done")
    await talk(Agent(model, tools=[look], context=LastTokens(1)), "a")
    assert model.requests[2].outputs == ["seen x", f"seen {'y' * 900}"]
    assert texts(model.requests[2])[0] == "a"
    assert len(model.requests[2].input) == 5


async def test_an_output_counts_beside_the_tokens_of_its_answer():
    calls = [call("look", what="x" * 4000), call("look", what="y"), call("look", what="z")]
    model = ScriptedModel(*calls, "done", usage=Usage(output_tokens=10))
    await talk(Agent(model, tools=[look], context=LastTokens(500)), "a")
    assert texts(model.requests[3])[:2] == ["a", '{"what":"y"}']


async def test_a_servers_question_goes_with_the_answer_to_it():
    asks = {"type": "mcp_approval_request", "id": "mcpr_1", "name": "drop", "arguments": "{}"}
    model = ScriptedModel("1", asks, "2")
    agent = Agent(model, context=LastTokens(1))
    waiting = await agent.run("b", session=await agent.run("a"))
    await agent.resume(waiting, [Approve("mcpr_1")])
    kinds = [item.type for item in model.requests[2].input]
    assert kinds == ["message", "mcp_approval_request", "mcp_approval_response"]


async def test_branches_from_one_result_have_steps_of_their_own():
    model = ScriptedModel("1", "2", "3", "4")
    agent = Agent(model, context=LastTurns(2))
    first = await agent.run("a")
    await talk(agent, "b", "c", session=first)
    await agent.run("d", session=first)
    assert texts(model.requests[3]) == ["a", "1", "d"]


async def test_another_model_gets_the_same_turns_without_their_reasoning():
    agent = Agent(ScriptedModel([reasoning("hm"), "1"], [reasoning("hm"), "2"]))
    result = await talk(agent, "a", "b")
    model = ScriptedModel("3")
    model.name = "another"
    await agent.replace(model=model, context=LastTurns(2)).run("c", session=result)
    assert texts(model.requests[0]) == ["b", "2", "c"]


async def test_an_image_counts_as_what_it_costs_and_not_as_its_bytes():
    data = f"data:image/png;base64,{'A' * 40_000}"
    image = {"role": "user", "content": [{"type": "input_image", "image_url": data}]}
    model = ScriptedModel("1", "2")
    agent = Agent(model, context=LastTokens(2000))
    await talk(agent, "b", session=await agent.run([image]))
    assert len(model.requests[1].input) == 3


async def test_from_a_compaction_on_the_server_gets_what_is_behind_it():
    model = ScriptedModel("1", ["2", COMPACTION], "3", [COMPACTION, "4"], "5")
    agent = Agent(model, context=ServerCompaction(2000))
    await talk(agent, "a", "b", "c", "d", "e")
    assert model.requests[0].wire()["context_management"] == [
        {"type": "compaction", "compact_threshold": 2000}
    ]
    assert texts(model.requests[2]) == ["compaction", "c"]
    assert model.requests[2].input[0].wire == COMPACTION
    assert texts(model.requests[3]) == ["compaction", "c", "3", "d"]
    assert texts(model.requests[4]) == ["compaction", "4", "e"]


async def test_a_call_before_a_compaction_keeps_its_answer_whole():
    model = ScriptedModel("1", [reasoning("hm"), call("look", what="x"), COMPACTION], "2")
    await talk(Agent(model, tools=[look], context=ServerCompaction(1000)), "a", "b")
    step = ["reasoning", '{"what":"x"}', "compaction", "seen x"]
    assert texts(model.requests[2]) == ["b", *step]


async def test_a_compaction_within_a_turn_leaves_its_question_in_place():
    model = ScriptedModel("1", call("look", what="x"), [COMPACTION, call("look", what="y")], "2")
    await talk(Agent(model, tools=[look], context=ServerCompaction(1000)), "a", "b")
    assert texts(model.requests[3]) == ["b", "compaction", '{"what":"y"}', "seen y"]


async def test_another_server_gets_no_compaction_that_it_cannot_read():
    agent = Agent(ScriptedModel("1", ["2", COMPACTION], "3"), context=ServerCompaction(1000))
    result = await talk(agent, "a", "b", "c")
    model = ScriptedModel("4")
    model.name = "another"
    await agent.replace(model=model).run("d", session=result)
    assert texts(model.requests[0]) == ["a", "1", "b", "2", "c", "3", "d"]


async def test_where_the_server_keeps_the_conversation_it_may_also_shorten_it():
    model = ScriptedModel("1", ["2", COMPACTION], "3")
    agent = Agent(model, state="chained", context=ServerCompaction(1000))
    await talk(agent, "a", "b", "c")
    assert texts(model.requests[2]) == ["c"]
    assert model.requests[2].wire()["context_management"]


async def test_a_server_that_compacts_is_sent_what_is_behind_its_compaction():
    model = ScriptedModel("1", "2", usage=Usage(input_tokens=1200, output_tokens=5))
    with ResponsesServer(model) as server:
        agent = Agent("any", base_url=server.url, context=ServerCompaction(1000))
        heard: list[Any] = []
        first = await agent.run("a", on_event=heard.append)
        await agent.run("b", session=first)
    assert [item.type for item in first.items] == ["message", "message", "compaction"]
    kept = [item.get("type") for item in server.requests[1]["input"]]
    assert kept == ["compaction", "message"]


async def test_a_server_that_does_not_know_the_field_is_asked_without_it():
    def refusing(request: Request) -> str:
        if "context_management" in request.fields.values:
            raise BadRequestError("Unknown parameter: 'context_management'.", status=400)
        return "hello"

    heard: list[Any] = []
    with ResponsesServer(ScriptedModel(refusing, refusing, refusing)) as server:
        agent = Agent("any", base_url=server.url, context=ServerCompaction(1000))
        first = await agent.run("a", on_event=heard.append)
        second = await agent.run("b", session=first)
    assert (first.output, second.output) == ("hello", "hello")
    assert [exchange.status for exchange in server.exchanges] == [400, 200, 200]
    assert "context_management" in next(each for each in heard if isinstance(each, Notice)).text


@pytest.mark.parametrize(
    "make",
    [
        lambda: LastTurns(0),
        lambda: LastTokens(-1),
        lambda: LastTurns(True),
        lambda: ServerCompaction(999),
        lambda: Compacted(above=0),
        lambda: Summarized(above=100, keep_turns=0),
        lambda: Summarized(above=100, max_output_tokens=3),
    ],
)
def test_a_policy_with_a_number_that_cannot_be_is_the_callers_mistake(make):
    with pytest.raises(ConfigurationError, match="give a whole number from"):
        make()


@pytest.mark.parametrize("state", ["chained", "conv_1"])
@pytest.mark.parametrize("policy", [LastTurns(1), LastTokens(9), Compacted(9), Summarized(9)])
def test_where_the_server_keeps_the_conversation_nothing_can_be_left_out(state, policy):
    with pytest.raises(ConfigurationError, match="the server keeps the conversation"):
        Agent("offline", state=state, context=policy)


@pytest.mark.parametrize("context", [20, LastTurns, "last"])
def test_what_is_no_policy_is_refused_at_construction(context):
    with pytest.raises(ConfigurationError, match="expected a policy such as LastTurns"):
        Agent("offline", context=context)


async def test_a_policy_of_ones_own_is_an_object_with_sent():
    class OnlyWhatUsersSaid:
        def sent(self, log: Log) -> Sequence[Item]:
            return [item for item in log.items if item.wire.get("role") == "user"]

    model = ScriptedModel("1", "2")
    await talk(Agent(model, context=OnlyWhatUsersSaid()), "a", "b")
    assert texts(model.requests[1]) == ["a", "b"]


# Random conversations

words = st.text("ab ", max_size=60)
calls = words.map(lambda text: call("look", what=text))
thoughts = st.sampled_from([reasoning("hm"), reasoning("hm", encrypted_content=None)])
batches = st.builds(
    lambda thought, made, comment, shorter: [*thought, *comment, *made, *shorter],
    st.lists(thoughts, max_size=1),
    st.lists(calls, min_size=1, max_size=3),
    st.lists(words.map(lambda text: commentary(f"so {text}")), max_size=1),
    st.sampled_from([[], [], [COMPACTION]]),
)
good, bad = '{"value": 1}', "no number"
endings = st.sampled_from(
    [
        [good],
        [[reasoning("hm"), good]],
        [bad, good],
        [[reasoning("hm"), bad], good],
        [incomplete(["half", call("look", what="x")])],
        [failed("server_error", "down")],
        [[good, COMPACTION]],
    ]
)
turns = st.builds(lambda steps, end: [*steps, *end], st.lists(batches, max_size=3), endings)
conversations = st.lists(turns, min_size=1, max_size=5)
parts = st.one_of(
    st.integers(1, 6).map(LastTurns),
    st.integers(1, 400).map(LastTokens),
    st.just(ServerCompaction(1000)),
)


def numbered(script: list[list[Any]]) -> list[Any]:
    """The entries of a script, with no two calls alike: a run lets only four of these through."""
    numbers = count()

    def alone(item: Any) -> Any:
        is_call = isinstance(item, dict) and item["type"] == "function_call"
        text = f'{{"what":"{next(numbers)} ' if is_call else ""
        return {**item, "arguments": text + item["arguments"][9:]} if is_call else item

    entries = (entry for turn in script for entry in turn)
    return [
        [alone(each) for each in entry] if isinstance(entry, list) else entry for entry in entries
    ]


async def conversed(
    script: list[list[Any]], policy: ContextPolicy | None
) -> tuple[RunResult, ScriptedModel]:
    """A conversation, a run for each turn of the script."""
    model = ScriptedModel(*numbered(script))
    limits = Limits(turns=None)
    agent = Agent(model, tools=[look], output=Found, context=policy, limits=limits)
    told = {"role": "developer", "content": "Be brief."}
    result = await agent.run([told, {"role": "user", "content": "turn 0"}])
    for number in range(1, len(script)):
        result = await agent.run(f"turn {number}", session=result)
    return result, model


def prefixes(log: Log) -> list[Log]:
    """The log as it was before each of its requests."""
    records = log.records
    before = (Log(records[:count]) for count in range(1, len(records) + 1))
    return [log for log in before if log.items and isinstance(next_move(log), AskModel)]


def check_well_formed(items: Sequence[Item], whole: Sequence[Item]) -> None:
    """Calls have their outputs, reasoning its neighbours, and all is in order as it was."""
    place = {id(item): at for at, item in enumerate(whole)}
    places = [place[id(item)] for item in items]
    assert places == sorted(set(places)), "identical objects, in order, each once"
    asked = [item.call_id for item in items if isinstance(item, FunctionCall)]
    given = [item.call_id for item in items if isinstance(item, FunctionCallOutput)]
    assert asked == given, "in call order"
    for at, item in enumerate(items):
        if isinstance(item, FunctionCallOutput):
            assert item.call_id in {each.wire.get("call_id") for each in items[:at]}
        if isinstance(item, Reasoning):
            assert places[at + 1] == places[at] + 1, "what followed it"
        before = whole[places[at] - 1] if places[at] else None
        if isinstance(before, Reasoning):
            assert items[at - 1] is before, "what it followed"


@given(script=conversations, policy=parts)
@settings(max_examples=100)
def test_whatever_is_left_out_requests_are_well_formed_and_the_log_is_whole(script, policy):
    result, model = asyncio.run(conversed(script, policy))
    assert len(result.log.records) == len(asyncio.run(conversed(script, None))[0].log.records)
    asked = prefixes(result.log)
    assert len(asked) == len(model.requests)
    for request, before in zip(model.requests, asked, strict=True):
        check_well_formed(request.input, result.items)
        newest = next(
            record
            for record in reversed(before.records)
            if isinstance(record, Input) and not record.is_repair
        )
        assert newest.items[-1].wire in [item.wire for item in request.input]
        assert said(request.input[0]) == "Be brief."
        assert [item.wire for item in request.input] == [item.wire for item in policy.sent(before)]


@given(script=conversations)
@settings(max_examples=40)
def test_whoever_sends_more_sends_all_that_less_would_have_held(script):
    result, _ = asyncio.run(conversed(script, None))
    for log in prefixes(result.log):
        for policies in (map(LastTurns, range(1, 7)), map(LastTokens, range(1, 500, 20))):
            sent = [{id(item) for item in policy.sent(log)} for policy in policies]
            assert all(fewer <= more for fewer, more in pairwise(sent))
