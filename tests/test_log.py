"""The log is the run: saved, loaded and copied, it says the same about what comes next."""

import json

import pytest

from agentkit import Agent, Approve, ConfigurationError, Edit, Final, Limits, Reject, tool
from agentkit.errors import AgentkitError
from agentkit.log import Log
from agentkit.moves import next_move
from agentkit.records import Input, Output
from agentkit.responses.items import FunctionCallOutput
from agentkit.testing import (
    ScriptedModel,
    call,
    commentary,
    failed,
    incomplete,
    reasoning,
    refusal,
)


@tool
async def look(what: str) -> str:
    """Look something up."""
    return f"seen {what}"


@tool(approval=True)
async def pay(amount: int) -> str:
    """Pay."""
    return f"paid {amount}"


@tool
async def finish(value: int) -> Final:
    """End the run."""
    return Final({"value": value})


async def tools_and_two_runs() -> Log:
    model = ScriptedModel(
        [reasoning("hm"), call("look", what="x"), call("lok", what="y")],
        "one",
        commentary("so"),
        "2",
    )
    agent = Agent(model, tools=[look], settings={"tool_choice": "required"})
    return (await agent.run("and?", session=await agent.run("go"))).log


async def decisions() -> Log:
    calls = [call("pay", amount=number) for number in (1, 2, 3)]
    agent = Agent(ScriptedModel([*calls, call("look", what="x")], "done"), tools=[pay, look])
    waiting = await agent.run("go")
    words = [Approve("call_1"), Reject("call_2", "no"), Edit("call_3", {"amount": 4})]
    return (await agent.resume(waiting, words)).log


async def repaired() -> Log:
    return (await Agent(ScriptedModel("bad", '{"value": 1}'), output=int).run("go")).log


async def limited() -> Log:
    model = ScriptedModel(*[[call("look", what="x")]] * 5, "enough")
    agent = Agent(model, tools=[look], limits=Limits(tool_calls=3))
    return (await agent.run("go")).log


async def ended(*script) -> Log:
    agent = Agent(ScriptedModel(*script, "well"), tools=[look, finish])
    return (await agent.run("again", session=await agent.run("go"))).log


async def every_log() -> list[Log]:
    return [
        await tools_and_two_runs(),
        await decisions(),
        await repaired(),
        await limited(),
        await ended(incomplete([reasoning("hm"), "so far", call("look", what="x")])),
        await ended(failed("server_error", "down")),
        await ended(refusal("no")),
        await ended([call("finish", value=3)]),
    ]


def facts(log: Log) -> dict:
    """What a log says, in plain data."""
    move = next_move(log)
    trip = log.trip
    return {
        "items": [item.wire for item in log.items],
        "usage": log.usage,
        "trip": (trip.turns, trip.calls, trip.same_calls, trip.usage, trip.limit, trip.final),
        "move": type(move).__name__,
        "status": getattr(move, "status", None),
        "calls": [
            (each.call_id, each.waits, each.arguments) for each in getattr(move, "calls", [])
        ],
        "known": (log.known_items, log.response_id, log.session),
        "setup": log.setup and log.setup.digest,
    }


async def test_what_a_log_says_is_computed_anew_from_every_saved_prefix():
    for whole in await every_log():
        live = Log()
        for length, record in enumerate(whole.records):
            assert facts(Log.load(whole.dump()[:length])) == facts(live)
            live.append(record)
        assert facts(Log.load(whole.dump())) == facts(whole)


async def test_a_dumped_log_is_plain_json_and_round_trips():
    for log in await every_log():
        text = json.dumps(log.dump())
        assert Log.load(json.loads(text)).dump() == log.dump()
        assert all(record["kind"] for record in json.loads(text))


async def test_a_copy_says_the_same_and_goes_its_own_way():
    for log in await every_log():
        before, copy = facts(log), log.copy()
        assert facts(copy) == before
        assert [id(item) for item in copy.items] == [id(item) for item in log.items]
        copy.append(Input(()))
        assert facts(log) == before
        assert len(copy) == len(log) + 1


async def test_a_copy_with_open_calls_leaves_the_original_open():
    agent = Agent(ScriptedModel([call("pay", amount=1)], "done"), tools=[pay])
    waiting = await agent.run("go")
    await agent.resume(waiting, [Approve("call_1")])
    assert [each.call_id for each in waiting.pending] == ["call_1"]
    assert len(waiting.log) == 3


async def test_a_record_of_unknown_kind_is_refused_by_name():
    log = await repaired()
    with pytest.raises(ConfigurationError, match="unknown kind 'verdict'"):
        Log.load([*log.dump(), {"kind": "verdict", "by": "someone"}])


@pytest.mark.parametrize("record", [{"kind": "answer"}, {"kind": "output"}])
def test_a_record_that_cannot_be_read_says_which(record):
    with pytest.raises(ConfigurationError, match=f"The log's {record['kind']} record"):
        Log.load([record])


async def test_a_log_takes_one_output_a_call():
    log = await decisions()
    output = Output(FunctionCallOutput({"type": "function_call_output", "call_id": "call_1"}))
    for wrong in (log, Log()):
        with pytest.raises(AgentkitError, match="no open call 'call_1'"):
            wrong.append(output)


async def test_nobody_speaks_while_a_call_is_open():
    agent = Agent(ScriptedModel([call("pay", amount=1)]), tools=[pay])
    log = (await agent.run("go")).log
    with pytest.raises(AgentkitError, match="A call has no output yet"):
        log.append(Input(()))


async def test_an_answer_is_kept_without_what_it_repeats_of_the_request():
    model = ScriptedModel("hi")
    result = await Agent(model, instructions="A long story.", tools=[look]).run("go")
    (answer,) = [each for each in result.log.dump() if each["kind"] == "answer"]
    assert not {"instructions", "tools", "text"} & answer["response"].keys()
    assert answer["response"]["output"][0]["content"][0]["text"] == "hi"


async def test_a_setup_is_written_once_and_again_when_it_changed():
    agent = Agent(ScriptedModel("one", "two", "three"), instructions="Be brief.")
    first = await agent.run("a")
    second = await agent.run("b", session=first)
    third = await agent.replace(instructions="Be long.").run("c", session=second)
    kinds = [record.kind for record in third.log]
    assert kinds == ["setup", *["input", "answer"] * 2, "setup", "input", "answer"]


async def test_usage_and_cost_are_of_the_run_and_kept_in_the_log():
    priced = {"usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5, "cost": 0.25}}
    message = {"type": "message", "content": [{"type": "output_text", "text": "hi"}]}
    answers = [{"status": "completed", "output": [message], **priced}] * 2
    agent = Agent(ScriptedModel(*answers, "for free?"))
    first = await agent.run("a")
    second = await agent.run("b", session=first)
    assert (second.usage.total_tokens, second.cost) == (5, 0.25)
    assert second.log.usage.total_tokens == 10
    third = await agent.run("c", session=second)
    assert third.cost is None, "an unknown cost is not zero"
