"""What runs, sessions and days cost: a sum says what it leaves out."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from agentkit import Agent, ConfigurationError, Usage, tool
from agentkit.cost import Cost, Line, by, session_cost
from agentkit.stores.protocol import Spent
from agentkit.testing import ScriptedModel, call

ONE = Usage(8, 0, 2, 0, 10)


def some(model: str, usage: Usage) -> float:
    return 0.25


def answered(session: str, at: datetime, model: str, cost: float | None) -> Spent:
    return Spent(session, at, model, ONE, cost)


@tool(effect="read")
async def look() -> str:
    """Look something up."""
    return "seen"


async def test_a_run_costs_the_sum_of_its_answers():
    agent = Agent(ScriptedModel([call("look")], "Done."), tools=[look], prices=some)
    assert (await agent.run("go")).cost == 0.5


async def test_a_run_with_an_answer_of_unknown_price_has_no_cost():
    known = iter([0.25, None])
    agent = Agent(
        ScriptedModel([call("look")], "Done."),
        tools=[look],
        prices=lambda model, usage: next(known),
    )
    result = await agent.run("go")
    assert result.cost is None
    assert str(session_cost(result.log)) == "$0.2500 + 1 answer of unknown price"


async def test_a_run_that_was_never_answered_has_no_cost():
    with pytest.raises(AssertionError) as failed:
        await Agent(ScriptedModel(), prices=some).run("go")
    assert failed.value.result.cost is None


async def test_a_session_costs_what_all_its_runs_did():
    agent = Agent(ScriptedModel("One.", "Two."), prices=some)
    first = await agent.run("a")
    second = await agent.run("b", session=first)
    assert (second.cost, session_cost(second.log).total) == (0.25, 0.5)


def test_a_cost_says_in_words_what_it_leaves_out():
    assert str(Cost(1.5, priced=1)) == "$1.5000"
    assert str(Cost(1.5, unpriced=2, priced=1)) == "$1.5000 + 2 answers of unknown price"
    assert str(Cost(unpriced=2)) == "unknown"
    assert str(Cost(0.00001, priced=1)) == "<$0.0001"
    assert str(Cost(0.0, priced=1)) == "$0.0000"


def test_only_a_cost_that_is_known_whole_has_a_total():
    totals = [Cost(1.5, priced=1), Cost(1.5, unpriced=1, priced=1), Cost(unpriced=1), Cost()]
    assert [cost.total for cost in totals] == [1.5, None, None, None]


NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
LEDGER = [
    answered("b", NOON, "large", 0.5),
    answered("a", NOON + timedelta(hours=11, minutes=30), "small", 0.25),
    answered("b", NOON + timedelta(days=1), "", None),
]


def test_a_ledger_is_summed_by_day():
    two = Usage(16, 0, 4, 0, 20)
    assert by(LEDGER, "day") == [
        Line("2026-01-31", 2, two, Cost(0.75, 0, 2)),
        Line("2026-02-01", 1, ONE, Cost(0.0, 1, 0)),
    ]


def test_a_day_is_one_of_the_time_zone():
    days = [line.key for line in by(LEDGER[:2], "day", timezone(timedelta(hours=1)))]
    assert days == ["2026-01-31", "2026-02-01"]


def test_a_ledger_is_summed_by_model_and_by_session():
    assert [(line.key, str(line.cost)) for line in by(LEDGER, "model")] == [
        ("", "unknown"),
        ("large", "$0.5000"),
        ("small", "$0.2500"),
    ]
    assert [(line.key, str(line.cost)) for line in by(LEDGER, "session")] == [
        ("a", "$0.2500"),
        ("b", "$0.5000 + 1 answer of unknown price"),
    ]


def test_a_request_that_did_not_go_out_is_no_answer_of_a_ledger():
    unsent = Spent("c", NOON, "", Usage(), 0.0)
    assert by([unsent, LEDGER[0]], "session") == by([LEDGER[0]], "session")


def test_a_free_answer_whose_tokens_nobody_counted_is_one_of_a_ledger():
    free = Spent("c", NOON, "local", Usage(), 0.0)
    assert by([free], "model") == [Line("local", 1, Usage(), Cost(0.0, priced=1))]


def test_a_ledger_is_summed_by_nothing_else():
    with pytest.raises(ConfigurationError, match="day, model, session"):
        by(LEDGER, "year")
    assert by([], "day") == []
