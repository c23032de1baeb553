"""Which rows a pilot asks, and how it shows them."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.cli.map_again import more_dollars
from agentkit.cli.map_pilot import estimate_line, first_missing, left_after, pilot_table
from agentkit.cli.table import Table
from agentkit.jobs.estimates import Estimate
from agentkit.jobs.results import MapRow


def row(index: int, output: object, company: str = "ACME", **more: object) -> MapRow:
    is_done = output is not None
    told = {"status": "completed" if is_done else "failed", "error": None, "cost": 0.01, **more}
    cells = {"company": company}
    return MapRow(
        index, cells, output, is_done=is_done, attempts=1, session="map_1", is_kept=False, **told
    )


@given(st.lists(st.booleans(), min_size=1, max_size=200), st.integers(1, 30))
def test_a_pilot_takes_as_many_first_rows_as_have_enough_missing_ones(missing, wanted):
    asked = []

    async def count(limit: int) -> int:
        asked.append(limit)
        return sum(missing[:limit])

    limit = asyncio.run(first_missing(wanted, len(missing), count))
    if sum(missing) < wanted:
        assert limit == len(missing)
    else:
        assert sum(missing[:limit]) == wanted
        assert missing[limit - 1]
        assert max(asked) <= max(2 * limit, limit + wanted)


def test_a_pilots_rows_are_shown_with_their_cells_their_answers_and_their_cost():
    rows = [
        row(0, {"leader": "Ada", "since": 1999, "since_when": [1, 2]}),
        row(4, None, error="The model refused.", cost=None),
    ]
    table = pilot_table(rows, ["company"], 100)
    assert table.lines(100) == [
        "ROW  company  leader  since  since_when     COST  STATUS",
        "  1  ACME     Ada     1999   [1,2]       $0.0100  done",
        "  5  ACME                                      ?  The model refused.",
    ]


def test_answers_in_text_have_a_column_too():
    table = pilot_table([row(0, "It is Ada.")], ["company"], 100)
    assert table.lines(100)[1] == "  1  ACME     It is Ada.  $0.0100  done"


def test_hostile_cells_and_answers_can_do_nothing_to_a_terminal():
    hostile = "\x1b]0;owned\x07\u202eevil\r\nrow"
    lines = pilot_table([row(0, {hostile: hostile}, company=hostile)], ["company"], 200).lines(200)
    assert len(lines) == 2
    assert all(each.isprintable() for each in lines)
    assert r"\x1b]0;owned\x07\u202eevil" in lines[1]


@pytest.mark.parametrize("width", [20, 40, 80])
def test_long_cells_are_cut_for_a_narrow_terminal(width):
    table = pilot_table([row(0, {"text": "x" * 1000}, company="y" * 1000)], ["company"], width)
    assert isinstance(table, Table)
    assert max(map(len, table.lines(width))) <= 80


def test_what_is_left_behind_a_pilot_are_the_others_and_those_that_failed():
    rows = [row(0, "Yes."), row(1, None)]  # a third one had the same question
    assert left_after(10, 3, rows, None) == 8
    assert left_after(10, 3, rows, "failed") == 8
    assert left_after(10, 3, rows, "new") == 7


def test_an_estimate_says_its_spread_where_there_is_one():
    spread = Estimate(9.8, 9.1, 10.5, 1200.0, 1100.0, 1310.0)
    assert estimate_line(180, spread) == (
        "180 rows more would cost about $9.8000 ($9.1000 to $10.5000) and take about 20 min "
        "(18 min to 22 min)."
    )
    one = Estimate(None, None, None, 5.0, None, None)
    assert estimate_line(1, one) == (
        "1 row more would cost an unknown amount and take about 5.0 s."
    )


@pytest.mark.parametrize(
    ("budget", "missing", "more"),
    [(5.0, 1.21, "6.3"), (5.0, None, "10"), (0.001, 0.00034, "0.0014"), (100.0, 3.0, "110")],
)
def test_a_larger_budget_is_round_and_enough(budget, missing, more):
    assert more_dollars(budget, missing) == more
    assert float(more) >= budget + (missing or 0)
