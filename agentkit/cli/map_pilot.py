"""A pilot: the first rows that are missing, shown with what the rest would take."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from agentkit.cli.map_block import span
from agentkit.cli.safe_text import one_line
from agentkit.cli.show import counted
from agentkit.cli.table import Table, dollars
from agentkit.encoding import Wire, encode
from agentkit.jobs.estimates import Estimate
from agentkit.jobs.results import MapRow
from agentkit.tool_output import plain

MOST_GIVEN, MOST_ANSWERED = 3, 6
"""Columns of the table that show what was asked, and what was answered."""
LEAST_OF_A_CELL, MOST_OF_A_CELL = 8, 30

_ANSWER = "answer"
_NUMBERS = ("ROW", "COST")

Missing = Callable[[int], Awaitable[int]]
"""How many questions a job asks of so many first rows."""


async def first_missing(wanted: int, total: int, missing: Missing) -> int:
    """How many first rows of the table have so many questions among them that a job asks.

    `total` where there are not so many. Looks at few rows behind those.
    """
    low, high = 1, min(wanted, total)
    while (found := await missing(high)) < wanted and high < total:
        low, high = high + 1, min(max(2 * high, high + wanted - found), total)
    if found < wanted:
        return total
    while low < high:
        middle = (low + high) // 2
        if await missing(middle) < wanted:
            low = middle + 1
        else:
            high = middle
    return high


def pilot_table(rows: Sequence[MapRow], columns: Sequence[str], width: int) -> Table:
    """The rows of a pilot with these cells of theirs, what was answered, and what it cost."""
    answers = [_fields(row.output) for row in rows]
    fields = list({name: None for answer in answers for name in answer})[:MOST_ANSWERED]
    given = list(columns)[:MOST_GIVEN]
    head = ["ROW", *given, *(fields or [_ANSWER]), "COST", "STATUS"]
    room = min(max(width // len(head) - 2, LEAST_OF_A_CELL), MOST_OF_A_CELL)
    lines = [
        [
            f"{row.index + 1:,}",
            *(_cell(row.row.get(name), room) for name in given),
            *(_cell(answer.get(name), room) for name in fields or [_ANSWER]),
            dollars(row.cost),
            "done" if row.is_done else one_line(row.error or row.status),
        ]
        for row, answer in zip(rows, answers, strict=True)
    ]
    styles = ["" if row.is_done else "red" for row in rows]
    return Table([one_line(name, room) for name in head], lines, styles, _NUMBERS)


def estimate_line(left: int, estimate: Estimate) -> str:
    """What the rows that are left would take, in a sentence."""
    cost = "an unknown amount"
    if estimate.cost is not None:
        cost = f"about {dollars(estimate.cost)}"
        if estimate.low_cost is not None:
            cost += f" ({dollars(estimate.low_cost)} to {dollars(estimate.high_cost)})"
    return f"{counted(left, 'row')} more would cost {cost} and take {_time(estimate)}."


def estimate_wire(left: int, estimate: Estimate) -> Wire:
    """The same as a JSON object."""
    return {
        "rows": left,
        "cost": estimate.cost,
        "cost_spread": [estimate.low_cost, estimate.high_cost],
        "seconds": estimate.seconds,
        "seconds_spread": [estimate.low_seconds, estimate.high_seconds],
    }


def left_after(to_do: int, wanted: int, rows: Sequence[MapRow], only: str | None) -> int:
    """How many questions are still to be asked, so many of which a pilot was of.

    `rows` are those that it asked; the failed ones among them are tried again.
    """
    failed = (row for row in rows if not row.is_done and row.status != "waiting")
    again = 0 if only == "new" else len({row.session for row in failed})
    return max(to_do - wanted + again, 0)


def _time(estimate: Estimate) -> str:
    if estimate.seconds is None:
        return "an unknown time"
    said = f"about {span(estimate.seconds)}"
    if estimate.low_seconds is None or estimate.high_seconds is None:
        return said
    return f"{said} ({span(estimate.low_seconds)} to {span(estimate.high_seconds)})"


def _fields(output: Any) -> Mapping[str, Any]:
    """An answer's columns."""
    if output is None:
        return {}
    value = plain(output)
    return value if isinstance(value, dict) else {_ANSWER: value}


def _cell(value: Any, most: int) -> str:
    if value is None:
        return ""
    return one_line(value if isinstance(value, str) else encode(plain(value)).decode(), most)
