"""Something shorter stands for the beginning: the server's compaction, or the model's summary."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentkit import (
    Agent,
    ConfigurationError,
    Limits,
    Log,
    Notice,
    Request,
    Response,
    RunResult,
    ServerError,
    Usage,
    tool,
)
from agentkit.compact import WRITE
from agentkit.context import SUMMARY, Compacted, ServerCompaction, Summarized
from agentkit.pairing import paired_calls
from agentkit.records import Compaction
from agentkit.responses.compaction import CompactRequest
from agentkit.responses.events import StreamEvent
from agentkit.responses.items import Reasoning
from agentkit.responses.response import read_response
from agentkit.stores.sqlite import SQLiteStore
from agentkit.testing import ResponsesServer, ScriptedModel, call, failed, incomplete, reasoning
from tests.talking import look, said, talk, texts

LONG = Usage(input_tokens=100, output_tokens=900)
"""What answers take here: any conversation has 1,000 tokens."""


def compactions(result: RunResult) -> list[Compaction]:
    return [record for record in result.log if isinstance(record, Compaction)]


async def test_a_summary_stands_for_the_turns_before_the_last_ones():
    model = ScriptedModel("1", "2", "all of a", "3", "a and b", "4", usage=LONG)
    agent = Agent(
        model,
        tools=[look],
        instructions="Be a pirate.",
        settings={"temperature": 0.5, "tool_choice": "auto", "text": {"verbosity": "low"}},
    )
    before = await talk(agent, "a", "b")
    context = Summarized(above=999, keep_turns=2)
    agent = agent.replace(context=context)
    result = await agent.run("c", session=before)
    asked = model.requests[2]
    assert texts(asked) == ["a", "1", WRITE.text]
    wire = asked.wire()
    assert (wire["instructions"], wire["max_output_tokens"]) == (SUMMARY, 4096)
    assert wire["temperature"] == 0.5
    assert wire.keys().isdisjoint({"tools", "tool_choice", "text"})
    assert texts(model.requests[3]) == ["all of a", "b", "2", "c"]
    assert [record.kind for record in result.log][-3:] == ["input", "compaction", "answer"]
    await agent.run("d", session=result)
    assert texts(model.requests[4]) == ["all of a", "b", "2", WRITE.text]
    assert texts(model.requests[5]) == ["a and b", "c", "3", "d"]


async def test_the_stored_log_stays_whole_and_goes_on_from_the_summary():
    model = ScriptedModel("1", "2", "all of a", "3", usage=LONG)
    agent = Agent(model, context=Summarized(above=999, keep_turns=1))
    result = await talk(agent, "a", "b")
    assert [said(item) for item in result.items] == ["2", "b", "all of a"]
    said_by_all = [
        said(item)
        for record in result.log
        if record.kind in ("input", "answer")
        for item in (record.items if record.kind == "input" else record.response.output)
    ]
    assert said_by_all == ["a", "1", "b", "all of a"]
    again = ScriptedModel("new summary", "4", usage=LONG)
    await agent.replace(model=again).run("c", session=Log.load(result.log.dump()))
    assert texts(again.requests[0]) == ["2", "b", "all of a", WRITE.text]
    assert texts(again.requests[1]) == ["new summary", "c"]


async def test_a_summary_counts_as_the_runs_own():
    model = ScriptedModel("1", "sum", "2", usage=LONG)
    result = await talk(Agent(model, context=Summarized(above=999, keep_turns=1)), "a", "b")
    assert result.usage.total_tokens == 2000
    assert result.turns == 1
    assert compactions(result)[0].usage.total_tokens == 1000


async def test_a_summary_is_paid_as_any_request_and_left_out_where_it_cannot_be():
    model = ScriptedModel("1", "sum", "2", "not asked for", usage=LONG)
    context = Summarized(above=999, keep_turns=1)
    agent = Agent(model, context=context, prices=lambda _, usage: usage.total_tokens * 1e-6)
    result = await talk(agent, "a", "b")
    assert result.cost == pytest.approx(0.002)
    heard: list[Any] = []
    poor = Limits(cost=0.0003)
    await agent.run("c", session=result, limits=poor, on_event=heard.append)
    assert len(model.requests) == 3
    assert any("all of it is sent: cost" in each.text for each in heard if hasattr(each, "text"))


async def test_a_notice_of_a_failure_hides_what_is_secret():
    model = ScriptedModel("1", ServerError("down for sk-1234567890", status=500), "2", usage=LONG)
    context = Summarized(above=999, keep_turns=1)
    agent = Agent(model, context=context, secrets=["sk-1234567890"])
    heard: list[Any] = []
    await agent.run("b", session=await agent.run("a"), on_event=heard.append)
    (notice,) = (each.text for each in heard if isinstance(each, Notice))
    assert "down for [secret]" in notice


async def test_what_is_short_is_not_summarized():
    model = ScriptedModel("1", "2", "3", usage=LONG)
    result = await talk(Agent(model, context=Summarized(above=2000)), "a", "b", "c")
    assert compactions(result) == []
    assert len(model.requests) == 3


async def test_no_second_summary_is_made_before_enough_has_come():
    short = Usage(input_tokens=990, output_tokens=10)
    model = ScriptedModel("1", "sum " * 200, *"23", usage=short)
    agent = Agent(model, context=Summarized(above=200, keep_turns=1))
    first = await talk(agent, "a" * 200, "b")
    assert len(compactions(first)) == 1
    assert len(compactions(await agent.run("c", session=first))) == 1, (
        "ten tokens are worth no summary of their own"
    )


async def test_what_has_come_since_the_last_answer_counts():
    @tool
    async def read() -> str:
        """Read a long text."""
        return "x" * 4000

    model = ScriptedModel("1", call("read"), "of a", "2", usage=LONG)
    agent = Agent(model, tools=[read], context=Summarized(above=1500, keep_turns=1))
    await talk(agent, "a", "b")
    assert texts(model.requests[3])[:2] == ["of a", "b"], "an output"
    model = ScriptedModel("1", "of a", "2", usage=LONG)
    await talk(Agent(model, context=Summarized(above=1500, keep_turns=1)), "a", "b" * 4000)
    assert texts(model.requests[2])[0] == "of a", "an input"


@pytest.mark.parametrize("usage", [{}, {"usage": {"total_tokens": 1}}])
async def test_a_server_that_counts_nothing_is_counted_for(usage):
    message = {"type": "message", "content": [{"type": "output_text", "text": "x" * 4000}]}
    down = {"status": "failed", "error": {"code": "server_error"}, **usage}
    model = ScriptedModel({"status": "completed", "output": [message]}, down, "of a", "2")
    agent = Agent(model, context=Summarized(above=900, keep_turns=1))
    before = await talk(agent.replace(context=None), "a", "b")
    assert (await agent.resume(before)).output == "2"
    assert texts(model.requests[3]) == ["of a", "b"]


async def test_a_summary_is_not_made_twice_where_the_answer_behind_it_fails():
    model = ScriptedModel("1", "2", "of a", ServerError("down", status=500), "3", usage=LONG)
    agent = Agent(model, context=Summarized(above=999))
    before = await talk(agent.replace(context=None), "a", "b")
    with pytest.raises(ServerError) as broken:
        await agent.run("c", session=before)
    result = await agent.resume(broken.value.result)
    assert texts(model.requests[4]) == ["of a", "b", "2", "c"]
    assert len(compactions(result)) == 1


async def test_no_summary_is_begun_when_the_time_for_it_is_over():
    model = ScriptedModel("1", "2", usage=LONG)
    times = iter([0.0])
    agent = Agent(model, context=Summarized(above=999, keep_turns=1))
    first = await agent.run("a")
    late = agent.replace(clock=lambda: next(times, 8.0))
    await late.run("b", session=first, limits=Limits(seconds=10))
    assert texts(model.requests[1]) == ["a", "1", "b"]


async def test_middleware_cannot_break_the_request_for_a_summary():
    async def careless(request: Request, proceed: Any) -> Response:
        without = [item for item in request.input if item.type != "function_call_output"]
        is_summary = request.input[-1] is WRITE
        return await proceed(replace(request, input=tuple(without)) if is_summary else request)

    model = ScriptedModel(call("look", what="x"), "1", usage=LONG)
    first = await Agent(model, tools=[look]).run("a")
    context = Summarized(above=999, keep_turns=1)
    agent = Agent(model, tools=[look], context=context, middleware=[careless])
    with pytest.raises(ConfigurationError, match="middleware: the call 'call_1' has no output"):
        await agent.run("b", session=first)
    assert len(model.requests) == 2


async def test_a_turn_that_is_too_long_alone_is_summarized_up_to_its_newest_step():
    steps = [[reasoning("hm"), call("look", what=str(number))] for number in range(2)]
    model = ScriptedModel(*steps, "what was seen", "done", usage=LONG)
    told = {"role": "developer", "content": "Be brief."}
    agent = Agent(model, tools=[look], context=Summarized(above=999))
    asking = [told, {"role": "user", "content": "question"}]
    result = await agent.run(asking)
    first = ["reasoning", '{"what":"0"}', "seen 0"]
    newest = ["reasoning", '{"what":"1"}', "seen 1"]
    assert texts(model.requests[2]) == ["question", *first, WRITE.text]
    assert texts(model.requests[3]) == ["Be brief.", "what was seen", "question", *newest]
    assert result.output == "done"


async def test_a_long_turn_is_summarized_again_without_piling_up_what_was_asked():
    steps = [call("look", what=str(number)) for number in range(3)]
    model = ScriptedModel(*steps[:2], "sum 1", steps[2], "sum 2", "done", usage=LONG)
    await Agent(model, tools=[look], context=Summarized(above=999)).run("question")
    newest = ['{"what":"2"}', "seen 2"]
    assert texts(model.requests[5]) == ["sum 2", "question", *newest]


@pytest.mark.parametrize(
    "answer",
    [ServerError("down", status=500), failed("server_error", "down"), incomplete([call("look")])],
    ids=["error", "failed", "no text"],
)
async def test_a_summary_that_fails_ends_no_run(answer):
    model = ScriptedModel("1", answer, "2", usage=LONG)
    agent = Agent(model, context=Summarized(above=999, keep_turns=1))
    heard: list[Any] = []
    result = await agent.run("b", session=await agent.run("a"), on_event=heard.append)
    assert result.output == "2"
    assert texts(model.requests[2]) == ["a", "1", "b"]
    assert "all of it is sent" in next(each for each in heard if isinstance(each, Notice)).text


async def test_a_summary_that_cannot_be_used_is_counted_all_the_same():
    model = ScriptedModel("1", incomplete([reasoning("hm")]), "2", usage=LONG)
    result = await talk(Agent(model, context=Summarized(above=999, keep_turns=1)), "a", "b")
    assert result.usage.total_tokens == 2000
    assert [said(item) for item in result.items] == ["a", "1", "b", "2"]


async def test_without_a_listener_a_failure_is_logged(caplog):
    model = ScriptedModel("1", ServerError("down", status=500), "2", usage=LONG)
    with caplog.at_level(logging.WARNING, "agentkit"):
        await talk(Agent(model, context=Summarized(above=999, keep_turns=1)), "a", "b")
    assert "could not be shortened" in caplog.text


async def test_a_summary_that_was_cut_off_stands_in_and_says_so():
    model = ScriptedModel("1", incomplete("the first half"), "2", usage=LONG)
    await talk(Agent(model, context=Summarized(above=999, keep_turns=1)), "a", "b")
    assert texts(model.requests[2]) == ["the first half […]", "b"]


async def test_a_run_that_is_broken_off_before_the_record_makes_the_summary_again():
    gate = asyncio.Event()

    async def never(_: Request) -> str:
        gate.set()
        await asyncio.Event().wait()
        raise AssertionError

    model = ScriptedModel("1", never, "sum", "2", usage=LONG)
    agent = Agent(model, context=Summarized(above=999, keep_turns=1))
    first = await agent.run("a")
    running = asyncio.create_task(agent.run("b", session=first))
    await gate.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError) as broken:
        await running
    result = await agent.resume(broken.value.result)
    assert result.output == "2"
    assert len(compactions(result)) == 1
    assert texts(model.requests[3]) == ["sum", "b"]


async def test_a_summary_takes_no_longer_than_the_run_may():
    async def never(_: Request) -> str:
        await asyncio.Event().wait()
        raise AssertionError

    model = ScriptedModel("1", never, "2", usage=LONG)
    agent = Agent(model, context=Summarized(above=999, keep_turns=1))
    heard: list[Any] = []
    first = await agent.run("a")
    soon = Limits(seconds=0.05)
    result = await agent.run("b", session=first, limits=soon, on_event=heard.append)
    assert any("in time" in each.text for each in heard if isinstance(each, Notice))
    assert texts(model.requests[2]) == ["a", "1", "b"]
    assert compactions(result) == []


async def test_middleware_sees_the_request_for_a_summary():
    seen: list[str] = []

    async def watch(request: Request, proceed: Any) -> Response:
        seen.append(texts(request)[-1])
        return await proceed(request)

    model = ScriptedModel("1", "sum", "2", usage=LONG)
    context = Summarized(above=999, keep_turns=1)
    await talk(Agent(model, context=context, middleware=[watch]), "a", "b")
    assert seen == ["a", WRITE.text, "b"]


async def test_a_listener_hears_the_record_and_no_word_of_the_summary():
    heard: list[Any] = []
    model = ScriptedModel("1", "secret sum", "2", usage=LONG)
    agent = Agent(model, context=Summarized(above=999, keep_turns=1))
    await agent.run("b", session=await agent.run("a"), on_event=heard.append)
    assert any(isinstance(each, Compaction) for each in heard)
    assert "secret" not in "".join(each.text for each in heard if hasattr(each, "text"))


# The endpoint


async def test_the_server_compacts_what_is_before_this_turn():
    model = ScriptedModel("1", "2", usage=LONG)
    with ResponsesServer(model) as server:
        agent = Agent(
            "any", base_url=server.url, instructions="Be brief.", context=Compacted(above=999)
        )
        result = await talk(agent, "a", "b")
    paths = [exchange.path for exchange in server.exchanges]
    assert paths == ["/v1/responses", "/v1/responses/compact", "/v1/responses"]
    body = server.exchanges[1].body
    assert body.keys() == {"model", "instructions", "input"}
    assert [item["role"] for item in body["input"]] == ["user", "assistant"]
    kinds = [item.get("type") for item in server.requests[1]["input"]]
    assert kinds == ["message", "compaction", "message"]
    (made,) = compactions(result)
    assert made.replaced == 2
    assert made.usage.total_tokens > 0


async def test_what_the_server_gives_goes_back_as_it_is():
    model = ScriptedModel("1", "2", usage=LONG)
    result = await talk(Agent(model, context=Compacted(above=999)), "a", "b")
    (made,) = compactions(result)
    assert [item.wire for item in made.items] == [item.wire for item in result.items[:2]]
    assert model.requests[1].input[1].id == made.items[1].id


async def test_what_the_server_gives_stays_whole_under_its_other_policy():
    model = ScriptedModel("1", "2", "3", usage=LONG)
    agent = Agent(model, context=Compacted(above=999))
    result = await talk(agent, "a", "b")
    await agent.replace(context=ServerCompaction(1000)).run("c", session=result)
    assert texts(model.requests[2]) == ["a", "compaction", "b", "2", "c"]


async def test_a_session_in_a_store_goes_on_from_its_summary(tmp_path):
    store = SQLiteStore(tmp_path / "runs.db")
    agent = Agent(
        ScriptedModel("1", "all of a", "2", usage=LONG),
        context=Summarized(above=999, keep_turns=1),
        store=store,
    )
    await agent.run("a", session="s")
    await agent.run("b", session="s")
    model = ScriptedModel("3", usage=LONG)
    await agent.replace(model=model, context=None).run("c", session="s")
    assert texts(model.requests[0]) == ["all of a", "b", "2", "c"]
    kept = (await store.load("s")).records
    assert [record.kind for record in kept].count("input") == 3
    await store.close()


async def test_the_opening_is_not_compacted_and_stays():
    told = {"role": "system", "content": "Be brief."}
    model = ScriptedModel("1", "2", usage=LONG)
    agent = Agent(model, context=Compacted(above=999))
    await talk(agent, "b", session=await agent.run([told, {"role": "user", "content": "a"}]))
    assert [said(item) for item in model.compactions[0].input] == ["a", "1"]
    assert texts(model.requests[1]) == ["Be brief.", "a", "compaction", "b"]


async def test_a_server_without_the_endpoint_gets_everything_and_is_asked_once():
    class Plain:
        """A model that does not compact, behind a server that says so."""

        def __init__(self, model: ScriptedModel) -> None:
            self.stream = model.stream

    heard: list[Any] = []
    with ResponsesServer(Plain(ScriptedModel("1", "2", "3", usage=LONG))) as server:
        agent = Agent("any", base_url=server.url, context=Compacted(above=999))
        result = await agent.run("a")
        for word in ("b", "c"):
            result = await agent.run(word, session=result, on_event=heard.append)
    assert result.output == "3"
    assert [exchange.status for exchange in server.exchanges] == [200, 404, 200, 200]
    assert len(server.requests[2]["input"]) == 5
    assert len([each for each in heard if isinstance(each, Notice)]) == 1


async def test_a_gateway_that_answers_with_something_else_changes_nothing():
    class Gateway(ScriptedModel):
        async def compact(self, request: CompactRequest) -> Response:
            message = {"type": "message", "role": "assistant", "content": "Hello."}
            return read_response({"output": [message]})

    model = Gateway("1", "2", usage=LONG)
    result = await talk(Agent(model, context=Compacted(above=999)), "a", "b")
    assert texts(model.requests[1]) == ["a", "1", "b"]
    assert result.output == "2"


async def test_another_server_gets_what_the_first_one_compacted():
    agent = Agent(ScriptedModel("1", "2", "3", usage=LONG), context=Compacted(above=999))
    result = await talk(agent, "a", "b", "c")
    assert len(compactions(result)) == 2
    model = ScriptedModel("4", usage=LONG)
    model.name = "another"
    moved = agent.replace(model=model, context=None)
    await moved.run("d", session=result)
    assert texts(model.requests[0]) == ["a", "1", "b", "2", "c", "3", "d"]


async def test_another_server_compacts_anew_before_it_is_sent_too_much():
    agent = Agent(ScriptedModel("1", usage=LONG), context=Compacted(above=50))
    first = await agent.run("a")
    short = agent.replace(model=ScriptedModel("2", usage=Usage(total_tokens=5)))
    result = await short.run("b", session=first)
    assert len(compactions(result)) == 1
    model = ScriptedModel("3", usage=LONG)
    model.name = "another"
    await agent.replace(model=model).run("c", session=result)
    assert texts(model.compactions[0]) == ["a", "1", "b", "2"]
    assert texts(model.requests[0]) == ["a", "b", "compaction", "c"]


async def test_another_server_keeps_a_summary_that_it_can_read():
    context = Summarized(above=999, keep_turns=1)
    agent = Agent(ScriptedModel("1", "sum", "2", usage=LONG), context=context)
    result = await talk(agent, "a", "b")
    model = ScriptedModel("3", usage=LONG)
    model.name = "another"
    await agent.replace(model=model, context=None).run("c", session=result)
    assert texts(model.requests[0]) == ["sum", "b", "2", "c"]


def test_a_model_that_cannot_compact_is_the_callers_mistake():
    class Plain:
        def stream(self, request: Request) -> AsyncIterator[StreamEvent]:
            raise NotImplementedError

    with pytest.raises(ConfigurationError, match="Plain has no compact"):
        Agent(Plain(), context=Compacted(above=999))


def test_the_endpoint_answers_as_the_recorded_ones_do():
    with ResponsesServer(ScriptedModel(), now=lambda: 7.0) as server:
        said_before = [
            {"role": "user", "content": "a"},
            {"type": "message", "role": "assistant", "content": "1"},
        ]
        body = {"model": "m", "input": said_before}
        reply = httpx.post(f"{server.url}/responses/compact", json=body).json()
        wrong = httpx.post(f"{server.url}/responses/compact", json={"model": "m"})
        got = httpx.get(f"{server.url}/responses/compact")
    assert reply["object"] == "response.compaction"
    assert (reply["id"], reply["created_at"]) == ("resp_1", 7)
    assert [item.get("type", "message") for item in reply["output"]] == ["message", "compaction"]
    assert reply["output"][0] == said_before[0]
    assert reply["usage"]["total_tokens"] > 0
    assert (wrong.status_code, got.status_code) == (400, 405)


def test_a_threshold_below_what_servers_take_is_refused():
    wanted = [{"type": "compaction", "compact_threshold": 10}]
    with ResponsesServer(ScriptedModel("1")) as server:
        body = {"model": "m", "input": "a", "context_management": wanted}
        reply = httpx.post(f"{server.url}/responses", json=body)
    assert reply.status_code == 400
    assert "Expected a value >= 1000" in reply.json()["error"]["message"]


def test_a_stream_that_is_compacted_says_so_in_events():
    wanted = [{"type": "compaction", "compact_threshold": 1000}]
    usage = Usage(input_tokens=1000, output_tokens=1)
    with ResponsesServer(ScriptedModel("1", usage=usage)) as server:
        body = {"model": "m", "input": "a", "context_management": wanted, "stream": True}
        reply = httpx.post(f"{server.url}/responses", json=body).text
    kinds = [line.removeprefix("event: ") for line in reply.splitlines() if "event: " in line]
    assert kinds[-3:] == [
        "response.output_item.added",
        "response.output_item.done",
        "response.completed",
    ]


# Random conversations

steps = st.lists(
    st.lists(st.integers(0, 10**9), min_size=1, max_size=3, unique=True).map(
        lambda numbers: [reasoning("hm"), *(call("look", what=str(number)) for number in numbers)]
    ),
    max_size=4,
)
conversations = st.lists(steps, min_size=1, max_size=4)
policies = st.one_of(
    st.builds(Summarized, above=st.integers(1, 400), keep_turns=st.integers(1, 3)),
    st.builds(Compacted, above=st.integers(1, 400)),
)


class Summarizer(ScriptedModel):
    """Writes a summary wherever it is asked for one, and else goes on with its script."""

    async def stream(self, request: Request) -> AsyncIterator[StreamEvent]:
        if request.input[-1] is not WRITE:
            async for event in super().stream(request):
                yield event
            return
        paired_calls(request.input)
        async for event in ScriptedModel("what was said").stream(request):
            yield event


async def conversed(script: list[list[Any]], policy: Any) -> tuple[RunResult, ScriptedModel]:
    model = Summarizer(*(entry for turn in script for entry in [*turn, "done"]))
    agent = Agent(model, tools=[look], context=policy, limits=Limits(turns=None))
    told = {"role": "developer", "content": "Be brief."}
    result = await agent.run([told, {"role": "user", "content": "turn 0"}])
    for number in range(1, len(script)):
        result = await agent.run(f"turn {number}", session=result)
    return result, model


@given(script=conversations, policy=policies)
@settings(max_examples=80)
def test_whatever_stands_for_the_beginning_requests_are_well_formed(script, policy):
    result, model = asyncio.run(conversed(script, policy))
    turns = [number for number, turn in enumerate(script) for _ in [*turn, "done"]]
    for number, request in zip(turns, model.requests, strict=True):
        sent = texts(request)
        paired_calls(request.input)
        assert sent[0] == "Be brief."
        assert f"turn {number}" in sent
        assert sent.count("Be brief.") == 1
        for item, following in zip(request.input, request.input[1:], strict=False):
            assert not isinstance(item, Reasoning) or following.type == "function_call"
    kept = [record for record in result.log if record.kind != "compaction"]
    plain, _ = asyncio.run(conversed(script, None))
    assert [record.kind for record in kept] == [record.kind for record in plain.log]
    again = Log.load(result.log.dump())
    assert [item.wire for item in again.items] == [item.wire for item in result.items]
    assert again.steps == result.log.steps
