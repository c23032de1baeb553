"""How a job is shown while it goes on: pure text of a look at it, and when it is looked at."""

from __future__ import annotations

import asyncio
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit import Agent
from agentkit.cli.map_block import WIDEST, block, line, span
from agentkit.cli.map_display import display_for
from agentkit.cli.map_end import Seen
from agentkit.cli.map_job import Looking, ended
from agentkit.cli.map_look import Look, Pace
from agentkit.testing import ScriptedModel

LOOK = Look(
    total=10_000,
    done=1_187,
    failed=17,
    running=32,
    kept=211,
    spent=1.2042,
    level=32,
    refusals=4,
    per_minute=96.4,
    budget=5.0,
)


def test_a_block_says_what_is_over_what_runs_how_fast_and_what_it_costs():
    assert block(LOOK, 100) == [
        "█████░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░ 1,204 of 10,000 rows, 12 %",
        "1,187 done, 17 failed, 32 running, 8,764 left",
        "96 a minute, 1 h 31 min left",
        "$1.2042 spent, about $11.8710 in all, budget $5.0000",
        "18 % from log or cache, 4 × 429, 32 at once",
    ]


def test_a_line_for_a_log_says_the_same():
    assert line(LOOK) == (
        "1,204 of 10,000 rows: 1,187 done, 17 failed, 32 running, 8,764 left; 96 a minute, "
        "1 h 31 min left; $1.2042 spent, about $11.8710 in all, budget $5.0000; "
        "18 % from log or cache, 4 × 429, 32 at once"
    )


def test_what_is_not_known_yet_is_not_made_up():
    assert block(Look(spent=None), 80) == [
        "0 rows",
        "0 done, 0 failed, 0 running",
        "no rate yet",
        "cost unknown",
        "0 % from log or cache, 0 × 429, 0 at once",
    ]
    assert line(Look()) == "0 rows: 0 done, 0 failed, 0 running; $0.0000 spent"


def test_rows_that_were_there_before_are_not_in_what_a_row_costs():
    look = Look(total=100, done=60, kept=50, spent=1.0)
    assert look.whole_cost == pytest.approx(5.0)
    assert look.from_before == pytest.approx(50 / 60)


def test_what_earlier_jobs_spent_counts_against_the_budget():
    look = Look(total=100, done=60, kept=50, spent=1.0, before=2.0, budget=5.0)
    assert block(look, 80)[3] == "$3.0000 spent, about $7.0000 in all, budget $5.0000"


@given(
    width=st.integers(1, 200),
    total=st.none() | st.integers(0, 10**7),
    counts=st.tuples(*[st.integers(0, 10**7)] * 4),
    spent=st.none() | st.floats(0, 10**6),
    rate=st.none() | st.floats(0, 10**6),
)
def test_a_block_has_the_same_lines_at_any_moment_and_fits_any_terminal(
    width, total, counts, spent, rate
):
    done, failed, running, kept = counts
    look = Look(total, done, failed, running, min(kept, done), spent, per_minute=rate, budget=1.0)
    lines = block(look, width)
    assert len(lines) == 5
    assert all(1 <= len(each) <= min(width, WIDEST) for each in lines)
    assert "\n" not in line(look)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0.0 s"),
        (4.44, "4.4 s"),
        (45, "45 s"),
        (61, "1 min 1 s"),
        (3599, "1 h"),
        (5460, "1 h 31 min"),
        (86399, "1 d"),
        (90000, "1 d 1 h"),
    ],
)
def test_a_time_is_said_in_two_units_at_most(seconds, said):
    assert span(seconds) == said


def test_the_rate_is_that_of_the_last_minute():
    pace = Pace()
    assert pace.of(0.0, 0) is None
    assert pace.of(1.0, 10) is None  # too early to say
    assert pace.of(10.0, 100) == pytest.approx(600)
    for second in range(11, 200):
        rate = pace.of(float(second), 100 + second - 10)
    assert rate == pytest.approx(60, rel=0.05)


async def test_without_a_terminal_a_line_is_written_every_ten_seconds():
    begun, gate, shown_twice = asyncio.Event(), asyncio.Event(), asyncio.Event()
    clock, waits = iter(range(0, 1000, 10)), []

    async def second_row(request):
        begun.set()
        await gate.wait()
        return "Yes."

    async def wait(seconds: float) -> None:
        waits.append(seconds)
        await begun.wait()
        if len(waits) == 3:
            shown_twice.set()
            await asyncio.Event().wait()

    job = Agent(ScriptedModel("Yes.", second_row)).map(
        [{"city": "Oslo"}, {"city": "Rome"}], "{city}", concurrency=1
    )
    log = io.StringIO()
    display = display_for(log, is_quiet=False, shares_with_rows=False)
    looking = Looking(job.progress, budget=5.0, clock=lambda: float(next(clock)))
    ending = asyncio.create_task(ended(job, display, looking, wait=wait))
    await shown_twice.wait()
    gate.set()
    end = await ending
    assert (end.code, end.result.done, waits) == (0, 2, [10.0] * 3)
    first, second = log.getvalue().splitlines()
    assert first == (
        "1 of 2 rows: 1 done, 0 failed, 1 running, 0 left; cost unknown, budget $5.0000"
    )
    assert second == (
        "1 of 2 rows: 1 done, 0 failed, 1 running, 0 left; 0 a minute; cost unknown, budget $5.0000"
    )


async def test_rows_whose_answer_came_from_the_cache_are_counted(tmp_path):
    model = ScriptedModel("Oslo", "Rome")
    model.name = "any"
    agent = Agent(model, store=tmp_path / "runs.db", cache=True)
    rows = [{"city": "Oslo"}, {"city": "Rome"}]
    first, again = Seen(), Seen()
    await agent.map(rows, "{city}", concurrency=1, on_row=first.hear)
    other = agent.replace(settings={"user": "another"})  # other sessions, equal requests
    await other.map(rows, "{city}", on_row=again.hear)
    assert (first.cached, again.cached) == (0, 2)
