"""A limit lands: the last request goes out with tools switched off, and the run ends answered."""

import asyncio
from dataclasses import replace
from itertools import count

import pytest

from agentkit import Agent, ConfigurationError, Limits, Usage, tool
from agentkit.limits import LANDING
from agentkit.paying import budgets_under
from agentkit.responses.events import TEXT_DELTA, Delta, ItemEvent
from agentkit.responses.response import Request
from agentkit.testing import ResponsesServer, ScriptedModel, call, commentary

RUNS: list[int] = []


@tool
async def look(number: int) -> int:
    """Look something up."""
    RUNS.append(number)
    return number


@pytest.fixture(autouse=True)
def no_runs_yet():
    RUNS.clear()


def looks(*numbers: int) -> list[dict]:
    return [call("look", number=number) for number in numbers]


def is_landing(request: Request) -> bool:
    wire = request.wire()
    return wire.get("tool_choice") == "none" and LANDING in wire.get("instructions", "")


class Clock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_turns_land():
    model = ScriptedModel(looks(1), looks(2), "What I know.")
    agent = Agent(model, instructions="Be brief.", tools=[look], limits=Limits(turns=3))
    result = await agent.run("go")
    assert (result.status, result.limit, result.output) == ("limited", "turns", "What I know.")
    assert [is_landing(request) for request in model.requests] == [False, False, True]
    assert model.requests[-1].wire()["instructions"] == f"Be brief.\n\n{LANDING}"
    assert model.requests[-1].wire()["tools"] == [look.schema()]


async def test_the_limits_of_a_run_win_over_the_agents():
    model = ScriptedModel("at once")
    result = await Agent(model, tools=[look]).run("go", limits=Limits(turns=1))
    assert (result.limit, is_landing(model.requests[0])) == ("turns", True)


async def test_calls_above_the_limit_are_answered_in_words():
    model = ScriptedModel(looks(1), looks(2, 3, 4), "Enough.")
    agent = Agent(model, tools=[look], limits=Limits(tool_calls=2))
    result = await agent.run("go")
    assert RUNS == [1, 2]
    refused = "Not run: all 2 tool calls of this run are used."
    assert model.requests[2].outputs == ["1", "2", refused, refused]
    assert (result.status, result.limit, result.output) == ("limited", "tool_calls", "Enough.")
    assert [is_landing(request) for request in model.requests] == [False, False, True]


async def test_as_many_calls_as_allowed_are_no_limit_met():
    model = ScriptedModel(looks(1, 2), "Fine.")
    result = await Agent(model, tools=[look], limits=Limits(tool_calls=2)).run("go")
    assert (result.status, result.limit) == ("completed", None)


async def test_tokens_land_while_an_answer_still_fits():
    usage = Usage(input_tokens=90, output_tokens=10, total_tokens=100)
    model = ScriptedModel(looks(1), looks(2), "Enough.", usage=usage)
    result = await Agent(model, tools=[look], limits=Limits(tokens=350)).run("go")
    assert (result.status, result.limit) == ("limited", "tokens")
    assert [is_landing(request) for request in model.requests] == [False, False, True]
    assert result.usage.total_tokens == 300


async def test_seconds_land_after_three_quarters_of_the_time():
    clock = Clock()

    @tool
    async def work() -> str:
        clock.now += 40
        return "worked"

    model = ScriptedModel([call("work")], [call("work")], "Time is up.")
    agent = Agent(model, tools=[work], limits=Limits(seconds=100), clock=clock)
    result = await agent.run("go")
    assert (result.status, result.limit, result.output) == ("limited", "seconds", "Time is up.")
    assert [is_landing(request) for request in model.requests] == [False, False, True]


async def test_no_tool_starts_when_the_time_for_tools_is_up():
    clock = Clock()

    def think_long(request: Request) -> list[dict]:
        clock.now = 80
        return looks(1)

    model = ScriptedModel(think_long, "Time is up.")
    agent = Agent(model, tools=[look], limits=Limits(seconds=100), clock=clock)
    result = await agent.run("go")
    assert RUNS == []
    assert model.requests[1].outputs == ["look was not run: the time of this run is used up."]
    assert (result.status, result.limit) == ("limited", "seconds")


async def test_a_tool_may_take_no_longer_than_the_run():
    clock = Clock()

    @tool(retries=3, effect="read")
    async def hang() -> None:
        clock.now = 0.01
        await asyncio.Event().wait()

    model = ScriptedModel([call("hang")], "Time is up.")
    agent = Agent(model, tools=[hang], limits=Limits(seconds=0.01), clock=clock)
    result = await agent.run("go")
    assert model.requests[1].outputs == [
        "hang timed out after 0.0075 s. The time of this run is used up."
    ]
    assert (result.status, result.limit) == ("limited", "seconds")


class EndlessModel:
    """Says a few words and then nothing more, without an end."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    async def stream(self, request: Request):
        self.requests.append(request)
        yield ItemEvent("response.output_item.added", {"type": "message", "content": []}, 0)
        for word in ("So ", "far."):
            yield Delta(TEXT_DELTA, word, None, 0, 0)
        await asyncio.Event().wait()


async def test_the_time_cuts_a_model_call_off_and_keeps_its_text():
    agent = Agent(EndlessModel(), tools=[look], limits=Limits(seconds=0.01))
    result = await agent.run("go")
    assert (result.status, result.limit, result.output) == ("limited", "seconds", "So far.")
    assert [item.type for item in result.items] == ["message", "message"]


async def test_an_answer_that_may_be_cut_off_is_streamed():
    model = EndlessModel()
    await Agent(model, limits=Limits(seconds=0.01)).run("go")
    assert model.requests[0].stream


async def test_a_cut_answer_over_http_keeps_its_text():
    async with ResponsesServer(EndlessModel()) as server:
        agent = Agent("m", base_url=server.url, limits=Limits(seconds=2), environment={})
        result = await agent.run("go")
    assert (result.status, result.output) == ("limited", "So far.")


async def test_a_landing_answer_that_still_calls_tools_runs_nothing():
    model = ScriptedModel(["I would look again.", *looks(1)], "Well.")
    agent = Agent(model, tools=[look], limits=Limits(turns=1))
    result = await agent.run("go")
    assert (result.status, result.limit, RUNS) == ("limited", "turns", [])
    assert result.output == "I would look again."
    await agent.run("and?", session=result)
    assert {item.type for item in model.requests[1].input} == {"message"}


async def test_a_third_identical_call_is_noted_and_a_fifth_ends_the_run():
    model = ScriptedModel(*[looks(7) for _ in range(5)], "I give up.")
    result = await Agent(model, tools=[look]).run("go")
    assert RUNS == [7] * 4
    note = "7\n\n[This same call was made {} times in this run.]"
    fifth = "Not run: this same call was made 4 times before."
    assert model.requests[-1].outputs == ["7", "7", note.format(3), note.format(4), fifth]
    assert (result.status, result.limit, result.output) == ("limited", "same_calls", "I give up.")


async def test_calls_count_anew_in_the_next_run():
    model = ScriptedModel(looks(7), looks(7), "one", looks(7), looks(7), "two")
    agent = Agent(model, tools=[look], limits=Limits(tool_calls=2))
    first = await agent.run("go")
    second = await agent.run("go on", session=first)
    assert model.requests[-1].outputs == ["7"] * 4
    assert (first.status, second.status, second.turns) == ("completed", "completed", 3)


async def test_a_limited_run_goes_on_when_resumed():
    model = ScriptedModel(looks(1), "So far.", looks(2), "All of it.")
    agent = Agent(model, tools=[look], limits=Limits(turns=2))
    limited = await agent.run("go")
    result = await agent.resume(limited, limits=Limits(turns=9))
    assert (result.status, result.output, RUNS) == ("completed", "All of it.", [1, 2])
    assert [item.text for item in model.requests[2].input if item.type == "message"] == [
        "go",
        "So far.",
        "Go on.",
    ]


@pytest.mark.parametrize(
    "limits",
    [
        {"turns": 0},
        {"tool_calls": -1},
        {"tokens": 0},
        {"seconds": 0},
        {"turns": "5"},
        {"seconds": float("nan")},
        {"cost": 0},
        {"cost": -0.5},
        {"cost": float("nan")},
        {"cost": True},
        {"budget": 5},
    ],
)
def test_a_limit_that_bounds_nothing_is_an_error(limits):
    (name,) = limits
    with pytest.raises(ConfigurationError, match=rf"Limits\({name}="):
        Limits(**limits)


def test_limits_can_be_replaced_one_by_one():
    limits = replace(Limits(turns=3, cost=0.5), cost=2.0)
    assert limits == Limits(turns=3, cost=2.0)
    assert [budget.dollars for budget in budgets_under(limits, spent=1.5)] == [2.0]
    assert budgets_under(replace(limits, cost=None)) == ()
    with pytest.raises(ConfigurationError, match=r"Limits\(cost="):
        replace(limits, cost=0)


async def test_whichever_limit_comes_first_is_the_one_that_is_met():
    model = ScriptedModel(looks(1), looks(2), "What I know.")
    agent = Agent(model, tools=[look], prices=lambda model, usage: 0.0)
    result = await agent.run("go", limits=Limits(turns=3, cost=1.0))
    assert (result.status, result.limit, result.cost) == ("limited", "turns", 0.0)
    assert [is_landing(request) for request in model.requests] == [False, False, True]


async def test_without_tools_a_limit_marks_no_answer_as_limited():
    model = ScriptedModel("hello")
    result = await Agent(model, limits=Limits(turns=1, tokens=1)).run("go")
    assert (result.status, result.limit, result.output) == ("completed", None, "hello")
    assert "tool_choice" not in model.requests[0].wire()


async def test_without_tools_commentary_ends_at_the_limit():
    turns = count(1)
    model = ScriptedModel(*[lambda _: commentary(f"Thought {next(turns)}")] * 3)
    result = await Agent(model, limits=Limits(turns=3)).run("go")
    assert (result.status, result.limit, result.turns) == ("limited", "turns", 3)
    assert "tool_choice" not in model.requests[-1].wire()
