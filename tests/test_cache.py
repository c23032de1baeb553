"""Answers that are kept and given again: to equal requests alone, and never to repeat an act."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentkit import (
    Agent,
    Approve,
    ConfigurationError,
    Image,
    Limits,
    Notice,
    ResponsesModel,
    Retries,
    RunResult,
    TextDelta,
    Usage,
    tool,
)
from agentkit.budget import Budget
from agentkit.context import LastTurns
from agentkit.errors import ServerError, StoreError
from agentkit.quote import ANSWER, LEAST
from agentkit.records import Answer
from agentkit.responses.endpoint import Endpoint
from agentkit.responses.items import user_message
from agentkit.responses.response import Fields
from agentkit.stores.sqlite import SQLiteStore
from agentkit.testing import (
    ResponsesServer,
    ScriptedModel,
    call,
    failed,
    incomplete,
    reasoning,
    refusal,
)

KEY = "sk-proj-9f8e7d6c5b4a"
PIXEL = b"\x89PNG\r\n\x1a\n"
SENT: list[str] = []
"""What was sent by the tool that must not run twice."""


class Clock:
    """A time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = datetime(2024, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def passes(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path, clock) -> Iterator[SQLiteStore]:
    store = SQLiteStore(tmp_path / "log.db", now=clock)
    yield store
    asyncio.run(store.close())


@tool(effect="read")
async def add(a: int, b: int) -> int:
    """The sum."""
    return a + b


@tool(effect="idempotent")
async def put(text: str) -> str:
    """Put it there."""
    return f"put {text}"


@tool
async def send(text: str) -> str:
    """Send it, once."""
    SENT.append(text)
    return f"sent {text}"


def agent_at(server: ResponsesServer, store: Any, *tools: Any, **options: Any) -> Agent:
    options = {"model": "m", "cache": "7d", "environment": {}, **options}
    return Agent(base_url=server.url, store=store, tools=tools, **options)


def cached(result: RunResult) -> list[bool]:
    """Which answers of a run were kept of an earlier one."""
    return [record.is_cached for record in result.log if isinstance(record, Answer)]


def values_in(store: SQLiteStore) -> list[str]:
    with closing(sqlite3.connect(store.path)) as connection:
        return [value for (value,) in connection.execute("SELECT value FROM answers")]


async def test_what_was_asked_before_is_not_asked_again(store):
    model = ScriptedModel([reasoning("Hm."), call("add", a=1, b=2)], "It is 3.")
    async with ResponsesServer(model) as server:
        agent = agent_at(server, store, add)
        first, second = await agent.run("1 + 2?"), await agent.run("1 + 2?")
    assert len(server.requests) == 2
    assert (first.output, second.output) == ("It is 3.", "It is 3.")
    assert (cached(first), cached(second)) == ([False, False], [True, True])
    assert [item.wire for item in second.items] == [item.wire for item in first.items]
    assert (second.usage, second.cost, second.turns) == (Usage(), 0.0, 2)
    assert second.log.response_id is None, "no server is told of it"


async def test_an_answer_of_the_cache_says_so_in_the_log_also_once_it_is_stored(store):
    async with ResponsesServer(ScriptedModel("Hello.")) as server:
        agent = agent_at(server, store)
        sessions = [(await agent.run("Hi.", session=name)).session for name in ("one", "two")]
    kept = [(await store.load(name)).records[-1] for name in sessions]
    assert [record.is_cached for record in kept] == [False, True]
    assert [record.response.status for record in kept] == ["completed", "completed"]


async def test_without_a_cache_every_run_asks(store):
    async with ResponsesServer(ScriptedModel("one", "two", "three")) as server:
        for off in (None, False, None):
            await agent_at(server, store, cache=off).run("?")
    assert len(server.requests) == 3
    assert await store.cached_answers() == []


OTHER = {
    "instructions": {"instructions": "Be brief."},
    "a setting": {"settings": {"temperature": 0.5}},
    "a tool": {"tools": [put]},
    "a hosted tool": {"tools": [{"type": "web_search"}]},
    "the form of the answer": {"output": Literal["a", "b"]},
    "the model": {"model": "m-2"},
    "the wire": {"wire": "chat"},
}


@pytest.mark.parametrize("other", OTHER.values(), ids=OTHER.keys())
async def test_who_asks_otherwise_asks_anew(store, other):
    answer = '"a"' if "output" in other else "two"
    answer = '{"value": "a"}' if "output" in other else answer
    async with ResponsesServer(ScriptedModel("one", answer)) as server:
        agent = agent_at(server, store)
        await agent.run("?")
        result = await agent.replace(**other).run("?")
    assert len(server.requests) == 2
    assert cached(result) == [False]


INPUTS = {
    "text": "!",
    "an image": ["?", Image(PIXEL)],
    "another image": ["?", Image(PIXEL + b"0")],
    "another role": [{**user_message("?").wire, "role": "developer"}],
}


async def test_what_is_said_otherwise_is_asked_anew(store):
    async with ResponsesServer(ScriptedModel(*"12345")) as server:
        agent = agent_at(server, store)
        asked = [await agent.run(said) for said in ("?", *INPUTS.values())]
        again = [await agent.run(said) for said in ("?", *INPUTS.values())]
    assert [result.output for result in asked] == [*"12345"]
    assert [result.output for result in again] == [*"12345"]
    assert len(server.requests) == 5


async def test_what_went_before_is_a_part_of_what_is_asked(store):
    async with ResponsesServer(ScriptedModel("one", "two", "three")) as server:
        agent = agent_at(server, store)
        first = await agent.run("?")
        second = await agent.run("And?", session=first)
        third = await agent.run("And?")
        again = await agent.run("And?", session=await agent.run("?"))
    assert [second.output, third.output, again.output] == ["two", "three", "two"]
    assert len(server.requests) == 3


async def test_another_server_is_asked_itself(store):
    async with (
        ResponsesServer(ScriptedModel("one")) as one,
        ResponsesServer(ScriptedModel("two")) as two,
    ):
        assert (await agent_at(one, store).run("?")).output == "one"
        assert (await agent_at(two, store).run("?")).output == "two"
        assert (await agent_at(one, store).run("?")).output == "one"
    assert (len(one.requests), len(two.requests)) == (1, 1)


async def test_what_leads_to_another_model_at_the_same_address_is_asked_itself(store):
    async with ResponsesServer(ScriptedModel("one", "two", "three")) as server:
        ways = [("?deployment=a", {}), ("?deployment=b", {}), ("?deployment=b", {"X-Route": "c"})]
        asked = [ResponsesModel("m", Endpoint(server.url + query, head)) for query, head in ways]
        answers = [
            (await Agent(model, store=store, cache="1d").run("?")).output
            for model in [*asked, *asked]
        ]
        renewed = [{"X-Route": "c", "Authorization": f"Bearer sk-{key}"} for key in ("old", "new")]
        for head in renewed:
            model = ResponsesModel("m", Endpoint(f"{server.url}?deployment=b&key=k", head))
            answers.append((await Agent(model, store=store, cache="1d").run("?")).output)
    assert answers == ["one", "two", "three", "one", "two", "three", "three", "three"]


async def test_who_asks_and_how_it_is_heard_make_no_difference(store):
    who = {"user": "u", "safety_identifier": "s", "prompt_cache_key": "k", "metadata": {"n": "1"}}
    async with ResponsesServer(ScriptedModel("one")) as server:
        agent = agent_at(server, store)
        await agent.run("?")
        await agent.run("?", on_event=lambda _event: None)
        result = await agent.replace(settings=who, api_key=KEY, name="other").run("?")
        async with agent.stream("?", limits=Limits(seconds=9, turns=5)) as stream:
            heard = [event.text async for event in stream if isinstance(event, TextDelta)]
    assert len(server.requests) == 1
    assert (result.output, heard) == ("one", ["one"])


@pytest.mark.parametrize("age", ["1h30m", "90m", 5400, timedelta(minutes=90)])
async def test_an_answer_that_is_too_old_is_asked_for_anew(store, clock, age):
    async with ResponsesServer(ScriptedModel("one", "two")) as server:
        agent = agent_at(server, store, cache=age)
        await agent.run("?")
        clock.passes(minutes=90)
        assert (await agent.run("?")).output == "one"
        clock.passes(seconds=1)
        assert (await agent.run("?")).output == "two"
        clock.passes(minutes=89)
        assert (await agent.run("?")).output == "two", "it was kept anew"
    assert len(server.requests) == 2


@pytest.mark.parametrize("age", [True, "99999999d"])
async def test_an_answer_of_any_age_is_taken_where_none_is_too_old(store, clock, age):
    async with ResponsesServer(ScriptedModel("one")) as server:
        agent = agent_at(server, store, cache=age)
        await agent.run("?")
        clock.passes(days=10_000)
        assert cached(await agent.run("?")) == [True]


async def test_a_store_is_not_asked_for_an_age_where_any_will_do(tmp_path):
    asked = []

    class Asked(SQLiteStore):
        async def cached(self, key, *, within=None):
            asked.append(within)
            return await super().cached(key, within=within)

    store = Asked(tmp_path / "log.db")
    async with ResponsesServer(ScriptedModel("one")) as server:
        for age in (True, "7d"):
            await agent_at(server, store, cache=age).run("?")
    await store.close()
    assert asked == [None, timedelta(days=7)]


async def test_an_answer_that_calls_what_must_not_run_twice_is_asked_for_each_time(store):
    SENT.clear()
    script = [[call("send", text="a")], "Sent.", [call("send", text="b")], "Sent, too."]
    async with ResponsesServer(ScriptedModel(*script)) as server:
        agent = agent_at(server, store, send, add)
        first, second = await agent.run("Send it."), await agent.run("Send it.")
    assert SENT == ["a", "b"]
    assert (cached(first), cached(second)) == ([False, False], [False, False])
    assert len(server.requests) == 4


async def test_behind_a_call_that_must_not_run_twice_the_rest_of_the_run_is_asked_for(store):
    script = [
        call("send", "call_7", text="a"),
        call("add", "call_8", a=1, b=2),
        "Sent.",
        "You see?",
    ]
    async with ResponsesServer(ScriptedModel(*script[:3], *script)) as server:
        agent = agent_at(server, store, send, add)
        first, second = await agent.run("Send it."), await agent.run("Send it.")
        assert await store.cached_answers() == []
        await agent.run("Is it sent?", session=second)
        assert [kept.count for kept in await store.cached_answers()] == [1], "a run of its own"
    bodies = [{**body, "stream": False} for body in server.requests]
    assert bodies[:3] == bodies[3:6], "the same was asked"
    assert (cached(first), cached(second)) == ([False] * 3, [False] * 3)


async def test_of_several_calls_one_that_must_not_run_twice_is_enough(store):
    SENT.clear()
    both = [call("add", a=1, b=2), call("send", text="3")]
    async with ResponsesServer(ScriptedModel(both, "Done.", both, "Done.")) as server:
        agent = agent_at(server, store, send, add)
        await agent.run("?")
        await agent.run("?")
    assert (SENT, len(server.requests)) == (["3", "3"], 4)


async def test_a_call_that_may_run_again_is_given_again_and_runs_again(store):
    ran = []

    @tool(effect="idempotent")
    async def note(text: str) -> str:
        """Note it."""
        ran.append(text)
        return "noted"

    async with ResponsesServer(ScriptedModel([call("note", text="a")], "Noted.")) as server:
        agent = agent_at(server, store, note)
        await agent.run("?")
        await agent.run("?")
    assert (ran, len(server.requests)) == (["a", "a"], 2)


async def test_an_output_that_is_another_now_is_answered_anew(store):
    temperatures = iter([20, 30])

    @tool(effect="read")
    async def temperature() -> int:
        """Degrees."""
        return next(temperatures)

    script = [[call("temperature")], "It is 20.", "It is 30."]
    async with ResponsesServer(ScriptedModel(*script)) as server:
        agent = agent_at(server, store, temperature)
        assert (await agent.run("?")).output == "It is 20."
        result = await agent.run("?")
    assert result.output == "It is 30."
    assert cached(result) == [True, False]


async def test_a_tool_that_must_not_run_twice_any_more_is_called_by_the_model_alone(store):
    script = [[call("add", a=1, b=2)], "3", [call("add", a=1, b=2)], "3"]
    async with ResponsesServer(ScriptedModel(*script)) as server:
        await agent_at(server, store, add).run("?")
        once = replace(add, effect="once")
        result = await agent_at(server, store, once).run("?")
    assert cached(result)[0] is False
    assert len(server.requests) >= 3


ACTS = {
    "a call of no tool": [call("subtract", a=1), "done"],
    "code that ran": [{"type": "code_interpreter_call", "code": "1", "status": "completed"}, "1"],
    "a call at another server": [{"type": "mcp_call", "name": "pay", "arguments": "{}"}, "done"],
    "what nobody knows": [{"type": "teleport_call"}, "done"],
}
NO_ANSWERS = {
    "one that broke off": incomplete("It is"),
    "a filtered one": incomplete("It is", "content_filter"),
    "one that failed": failed("invalid_prompt", "no"),
    "a refusal": refusal("I will not."),
    "a refusal with reasons": ["I could,", refusal("but I will not.")],
    "an empty one": [],
}


@pytest.mark.parametrize("answer", [*ACTS.values(), *NO_ANSWERS.values()], ids=[*ACTS, *NO_ANSWERS])
async def test_some_answers_are_not_kept(store, answer):
    script = [answer, "done", "done", "done"]
    async with ResponsesServer(ScriptedModel(*script)) as server:
        agent = agent_at(server, store, add, limits=Limits(turns=9))
        await agent.run("?")
        before = len(server.requests)
        result = await agent.run("?")
    assert cached(result)[0] is False
    assert len(server.requests) > before


async def test_what_a_hosted_search_found_is_kept(store):
    found = {"type": "web_search_call", "status": "completed", "action": {"type": "search"}}
    async with ResponsesServer(ScriptedModel([found, "It rains."])) as server:
        agent = agent_at(server, store, {"type": "web_search"})
        await agent.run("?")
        assert cached(await agent.run("?")) == [True]


async def test_what_a_server_may_have_forgotten_since_does_not_go_back_to_it(store):
    found = {"type": "web_search_call", "status": "completed", "action": {"type": "search"}}
    bare = reasoning("Hm.", encrypted_content=None)
    script = [[found, bare, "It rains."], "One.", "Two."]
    async with ResponsesServer(ScriptedModel(*script)) as server:
        agent = agent_at(server, store, {"type": "web_search"})
        for _ in range(2):
            result = await agent.run("And then?", session=await agent.run("?"))
    kinds = [[item["type"] for item in body["input"]] for body in server.requests[1:]]
    assert kinds == [
        ["message", "web_search_call", "reasoning", "message", "message"],
        ["message", "message", "message"],
    ]
    assert not any("id" in item for item in server.requests[2]["input"])
    assert result.output == "Two."


async def test_an_answer_that_did_not_fit_is_not_kept(store):
    script = ["no number", '{"value": "nor this"}', '{"value": 7}']
    async with ResponsesServer(ScriptedModel(*script)) as server:
        agent = agent_at(server, store, output=int)
        assert (await agent.run("?")).output is None
        assert (await agent.run("?")).output == 7
        assert cached(await agent.run("?")) == [True]


async def test_a_persons_word_is_asked_for_each_time(store):
    asked_first = replace(add, approval=True)
    async with ResponsesServer(ScriptedModel([call("add", a=1, b=2)], "3")) as server:
        agent = agent_at(server, store, asked_first)
        for _ in range(2):
            waiting = await agent.run("?")
            assert (waiting.status, [each.name for each in waiting.pending]) == ("waiting", ["add"])
            result = await agent.resume(waiting, [Approve(waiting.pending[0].call_id)])
            assert result.output == "3"
    assert len(server.requests) == 2


async def test_a_limit_counts_the_turns_of_the_cache_too_and_its_last_answer_is_not_kept(store):
    script = [[call("add", a=1, b=2)], "cut", "cut again"]
    async with ResponsesServer(ScriptedModel(*script)) as server:
        agent = agent_at(server, store, add, limits=Limits(turns=2))
        first, second = await agent.run("?"), await agent.run("?")
    assert (first.status, first.output) == ("limited", "cut")
    assert (second.status, cached(second)) == ("limited", [True, False])
    assert len(server.requests) == 3


async def test_a_budget_with_no_room_has_room_for_what_costs_nothing(store):
    async with ResponsesServer(ScriptedModel("one")) as server:
        agent = agent_at(server, store, prices=lambda _model, _usage: 1.0)
        await agent.run("?")
        spent = Limits(budget=Budget(0.5))
        assert (await agent.run("?", limits=spent)).output == "one"
        other = await agent.run("!", limits=spent)
    assert (other.limit, len(server.requests)) == ("budget", 1)


async def test_an_answer_that_a_budget_made_the_last_is_not_kept(store):
    dollars = 2.0**-17
    short = Limits(cost=(ANSWER + LEAST - 1) * dollars)
    async with ResponsesServer(ScriptedModel("cut", "whole")) as server:
        prices = {"prices": lambda _model, usage: usage.output_tokens * dollars}
        agent = agent_at(server, store, add, **prices)
        first, second = await agent.run("?", limits=short), await agent.run("?")
    assert (first.limit, first.output) == ("cost", "cut")
    assert (second.limit, second.output) == (None, "whole")


async def test_a_secret_is_not_kept_and_another_in_its_place_asks_the_same(store):
    script = [f"The key is {KEY}.", "no other"]
    async with ResponsesServer(ScriptedModel(*script)) as server:
        told = {"instructions": f"Your key is {KEY}.", "secrets": [KEY]}
        await agent_at(server, store, **told).run(f"Is it {KEY}?")
        rotated = {"instructions": "Your key is another-long-key.", "secrets": ["another-long-key"]}
        result = await agent_at(server, store, **rotated).run("Is it another-long-key?")
    assert result.output == "The key is [secret]."
    assert len(server.requests) == 1
    assert KEY not in "".join(values_in(store))


BROKEN = (
    *("{", "[]", "{}", "null", '{"form": 1}', '{"form": 1, "response": []}'),
    '{"form": 1, "response": {"status": "completed", "output": {}}}',
    '{"form": 1, "response": {"status": "completed", "output": [3, null, "x"]}}',
    '{"form": 1, "response": {"status": "completed", "output": [{"type": 7}, {"content": 1}]}}',
    '{"form": 1, "response": {"status": "in_progress", "output": [{"type": "message", '
    '"role": "assistant", "content": [{"type": "output_text", "text": "half"}]}]}}',
    '{"form": 2, "response": {"status": "completed", "output": [{"type": "message", '
    '"role": "assistant", "content": [{"type": "output_text", "text": "newer"}]}]}}',
)


@pytest.mark.parametrize("value", BROKEN)
async def test_what_cannot_be_read_is_asked_for_and_kept_anew(store, value):
    async with ResponsesServer(ScriptedModel("one", "two")) as server:
        agent = agent_at(server, store)
        await agent.run("?")
        with closing(sqlite3.connect(store.path)) as connection, connection:
            connection.execute("UPDATE answers SET value = ?", (value,))
        assert (await agent.run("?", on_event=lambda _event: None)).output == "two"
        assert (await agent.run("?")).output == "two"
    assert len(server.requests) == 2


class Forgetful(SQLiteStore):
    """Fails at answers alone."""

    async def cached(self, key, *, within=None):  # noqa: ARG002
        raise StoreError("The cache is on fire.")

    async def cache(self, key, value, *, model):  # noqa: ARG002
        raise OSError(f"No room for {KEY}.")


async def test_a_store_that_fails_at_it_is_said_and_the_model_asked(tmp_path):
    store, heard = Forgetful(tmp_path / "log.db"), []
    async with ResponsesServer(ScriptedModel("one")) as server:
        result = await agent_at(server, store, secrets=[KEY]).run("?", on_event=heard.append)
    await store.close()
    assert result.output == "one"
    assert [event.text for event in heard if isinstance(event, Notice)] == [
        "The cache cannot be read, so the model is asked. (The cache is on fire.)",
        "The answer is not kept in the cache. (No room for [secret].)",
    ]


async def test_an_answer_that_is_too_large_is_said_and_not_kept(store):
    heard = []
    async with ResponsesServer(ScriptedModel("x" * 4_000_001, "x" * 4_000_001)) as server:
        agent = agent_at(server, store)
        await agent.run("?", on_event=heard.append)
        await agent.run("?")
    assert len(server.requests) == 2
    assert any("bytes of at most 4000000" in e.text for e in heard if isinstance(e, Notice))


class Plain:
    """A store that keeps logs and nothing else."""

    def __init__(self, store: SQLiteStore) -> None:
        names = "load append list search spent delete fork hold close"
        for name in names.split():
            setattr(self, name, getattr(store, name))


async def test_a_cache_needs_a_store_that_has_one(store):
    async with ResponsesServer(ScriptedModel()) as server:
        with pytest.raises(ConfigurationError, match="cache: there is no store to keep answers in"):
            await agent_at(server, None).run("?")
        with pytest.raises(ConfigurationError, match="cache: Plain keeps no answers"):
            await agent_at(server, Plain(store)).run("?")
    assert server.requests == []


@pytest.mark.parametrize("state", ["chained", "conv_1"])
def test_what_a_server_keeps_cannot_be_cached(state):
    with pytest.raises(ConfigurationError, match=f"cache: with state='{state}' an answer depends"):
        Agent("offline", state=state, cache="7d", store="log.db")


@pytest.mark.parametrize("age", ["", "7", "d", "-1h", "1y", 0, -3, "0s", float("nan"), 1e300, []])
def test_an_age_that_is_none_is_the_callers_mistake(age):
    with pytest.raises(ConfigurationError, match="^cache: "):
        Agent("offline", cache=age, store="log.db")


async def test_a_model_without_a_name_is_asked_each_time(store):
    model = ScriptedModel("one", "two")
    agent = Agent(model, store=store, cache="7d")
    assert [(await agent.run("?")).output for _ in range(2)] == ["one", "two"]


async def test_a_run_that_asks_a_server_for_the_rest_of_a_conversation_is_not_cached(store):
    async def further_back(request, proceed):
        return await proceed(replace(request, extra={"previous_response_id": "resp_1"}))

    async with ResponsesServer(ScriptedModel("one", "two", "three")) as server:
        await agent_at(server, store).run("?")
        agent = agent_at(server, store, middleware=[further_back])
        assert [(await agent.run("?")).output for _ in range(2)] == ["two", "three"]


async def test_middleware_is_around_the_cache(store):
    seen = []

    async def politely(request, proceed):
        fields = Fields({**request.fields.values, "instructions": "Be polite."})
        seen.append(await proceed(replace(request, fields=fields)))
        return seen[-1]

    async with ResponsesServer(ScriptedModel("one", "two")) as server:
        agent = agent_at(server, store, middleware=[politely])
        first, second = await agent.run("?"), await agent.run("?")
        assert (await agent.replace(middleware=[]).run("?")).output == "two"
        assert cached(await agent.replace(middleware=[], instructions="Be polite.").run("?")) == [
            True
        ]
    assert (cached(first), cached(second)) == ([False], [True])
    assert [response.text for response in seen] == ["one", "one"]
    assert [request.get("instructions") for request in server.requests] == ["Be polite.", None]


async def test_an_answer_is_cached_only_where_nobody_was_asked_for_it(store):
    async def better(request, proceed):
        await proceed(request)
        return await proceed(replace(request, input=(*request.input, user_message("Better!"))))

    async with ResponsesServer(ScriptedModel("one", "two")) as server:
        await agent_at(server, store).run([user_message("?").wire, user_message("Better!").wire])
        agent = agent_at(server, store, middleware=[better])
        results = [await agent.run("?") for _ in range(2)]
    assert [result.output for result in results] == ["one", "one"]
    assert [cached(result) for result in results] == [[False], [True]]
    assert len(server.requests) == 2


async def test_an_answer_is_that_of_the_model_that_gave_it(store):
    script = [ServerError("down", status=500)] * 9
    async with (
        ResponsesServer(ScriptedModel(*script)) as down,
        ResponsesServer(ScriptedModel("two")) as up,
    ):
        once = Retries(attempts=1)
        models = [ResponsesModel("m", each.url, retries=once) for each in (down, up)]
        agent = Agent(models, store=store, cache="7d")
        results = [await agent.run("?") for _ in range(2)]
    assert [result.output for result in results] == ["two", "two"]
    assert len(up.requests) == 1
    assert len(down.requests) == 2, "it is asked before the other's answer is taken"


async def test_ids_stay_unique_in_a_session_that_is_given_an_answer_twice(store):
    async with ResponsesServer(ScriptedModel([call("add", a=1, b=2)], "3", "3")) as server:
        agent = agent_at(server, store, add, context=LastTurns(1))
        result = await agent.run("?", session=await agent.run("?"))
    outputs = [item.wire["call_id"] for item in result.items if item.type.endswith("_output")]
    assert len(outputs) == len(set(outputs)) == 2
    assert cached(result)[2] is True


async def test_an_answer_that_was_paid_for_is_kept_though_the_run_fails_later(store):
    script = [[call("add", a=1, b=2)], failed("invalid_prompt", "no"), "3"]
    async with ResponsesServer(ScriptedModel(*script)) as server:
        agent = agent_at(server, store, add)
        assert (await agent.run("?")).status == "failed"
        result = await agent.run("?")
    assert (result.output, cached(result)) == ("3", [True, False])


async def test_sessions_may_go_and_answers_stay(store):
    async with ResponsesServer(ScriptedModel("one")) as server:
        agent = agent_at(server, store)
        await agent.run("?", session="s")
        assert await store.delete("s")
        assert (await agent.run("?")).output == "one"
        assert await store.prune_cache() == 1
    (listed,) = [await store.cached_answers()]
    assert listed == []


TURNS = st.lists(
    st.sampled_from(
        [
            [call("add", a=1, b=2)],
            [reasoning("Hm."), call("add", a=1, b=2), call("put", text="x")],
            [call("send", text="y"), call("add", a=5, b=5)],
            [call("add", a="no number", b=2)],
            ["I shall add.", call("add", a=3, b=4)],
            [call("subtract", a=1)],
        ]
    ),
    max_size=4,
)


@settings(max_examples=60)
@given(turns=TURNS, again=st.integers(1, 3))
def test_a_run_is_the_same_with_a_cache_but_for_what_it_cost(turns, again, tmp_path_factory):
    store = SQLiteStore(tmp_path_factory.mktemp("cache") / "log.db")

    async def runs() -> None:
        without, model = following(turns), following(turns)
        plain = await heard_of(without, store, None)
        assert await heard_of(model, store, True) == plain
        assert [each.wire() for each in model.requests] == [
            each.wire() for each in without.requests
        ], "what is sent"
        for _ in range(again):
            assert await heard_of(model, store, True) == plain
        if not {"send", "subtract"} & {name for turn in turns for name in names_of(turn)}:
            assert len(model.requests) == len(turns) + 1
        await store.close()

    asyncio.run(runs())


class Named(ScriptedModel):
    name = "m"


def following(turns: list[list[Any]]) -> Named:
    """A model that goes by these turns, whichever of them it is asked for."""
    ends = list(accumulate((len(names_of(turn)) for turn in turns), initial=0))
    answers = dict(zip(ends, [*turns, "Done."], strict=True))
    return Named(*[lambda request: answers[len(request.outputs)]] * 100)


def names_of(turn: list[Any]) -> list[str]:
    """The tools that are called in a turn."""
    return [each["name"] for each in turn if isinstance(each, dict) and "name" in each]


async def heard_of(model: ScriptedModel, store: Any, cache: Any) -> list[Any]:
    """All that a run says, without ids, times and what it took."""
    agent = Agent(model, store=store, cache=cache, tools=[add, put, send])
    events: list[Any] = []
    result = await agent.run("?", on_event=events.append)
    facts = [result.status, result.output, result.turns]
    told = [event.text for event in events if isinstance(event, TextDelta)]
    return [facts, "".join(told), *(said(record) for record in result.log)]


def said(record: Any) -> Any:
    if isinstance(record, Answer):
        output = [without_ids(item.wire) for item in record.response.output]
        return [record.response.status, output, record.waits, record.problems, record.limit]
    body = record.body()
    for name in ("session", "seconds"):
        body.pop(name, None)
    if "effects" in body:
        body["effects"] = list(body["effects"].values())
    if "item" in body:
        body["item"] = without_ids(body["item"])
    return body


def without_ids(wire: dict) -> dict:
    return {key: value for key, value in wire.items() if key not in ("id", "call_id")}
