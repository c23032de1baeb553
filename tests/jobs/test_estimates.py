"""What a sample says of the rest."""

import pytest
from asked import Answers
from hypothesis import given
from hypothesis import strategies as st

from agentkit import Agent
from agentkit.jobs.estimates import Costs, Series, t_of


def test_an_estimate_is_the_mean_with_its_interval():
    costs = Costs()
    for dollars in (0.01, 0.02, 0.03):
        costs.add(dollars, 2.0)
    costs.span = 3.0  # two at once
    estimate = costs.estimate(100)
    assert estimate.cost == pytest.approx(2.0)
    margin = 4.303 * 0.01 * (100 + 100**2 / 3) ** 0.5  # theirs, and that of the mean
    assert estimate.high_cost == pytest.approx(2.0 + margin)
    assert estimate.low_cost == 0.0, "below nothing there is nothing"
    assert (estimate.seconds, estimate.low_seconds, estimate.high_seconds) == (100, 100, 100)


def test_one_row_says_nothing_of_the_spread():
    costs = Costs()
    costs.add(0.01, 2.0)
    estimate = costs.estimate(10)
    assert (estimate.cost, estimate.low_cost, estimate.high_cost) == (0.1, None, None)


def test_an_unknown_cost_makes_the_estimate_unknown():
    costs = Costs()
    costs.add(0.01, 2.0)
    costs.add(None, 2.0)
    assert costs.estimate(10).cost is None
    assert costs.estimate(10).seconds == 20


def test_of_no_rows_nothing_is_known():
    assert Costs().estimate(10).cost is None
    assert Costs().estimate(10).seconds is None


def test_students_t_falls_to_that_of_the_normal_distribution():
    values = [t_of(freedom) for freedom in range(1, 1000)]
    assert values == sorted(values, reverse=True)
    # Source: tables of the distribution
    assert t_of(9) == 2.262
    assert 0 <= t_of(40) - 2.0211 < 0.002
    assert 0 <= t_of(120) - 1.9799 < 0.002


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=50))
def test_mean_and_spread_are_those_of_all_numbers(numbers):
    series = Series()
    for number in numbers:
        series.add(number)
    mean = sum(numbers) / len(numbers)
    squares = sum((number - mean) ** 2 for number in numbers)
    assert series.mean == pytest.approx(mean, abs=1e-6)
    assert series.squares == pytest.approx(squares, rel=1e-6, abs=1e-3)


async def test_rows_that_were_there_say_nothing_of_what_is_to_come(tmp_path):
    agent = Agent(Answers(), store=tmp_path / "runs.db", prices=lambda model, usage: 0.5)
    rows = [{"n": n} for n in range(4)]
    await agent.map(rows[:2], "{n}")
    result = await agent.map(rows, "{n}")
    estimate = result.estimate(10)
    assert (estimate.cost, estimate.low_cost, estimate.high_cost) == (5.0, 5.0, 5.0)
    assert (await agent.map(rows, "{n}")).estimate(10).cost is None
