"""What runs cost, as a sum that says what it leaves out: an unknown cost is never 0."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Literal

from agentkit.errors import ConfigurationError
from agentkit.log import Log
from agentkit.responses.response import Usage
from agentkit.stores.protocol import Spent

Column = Literal["day", "model", "session"]


@dataclass(frozen=True)
class Cost:
    """US dollars, as far as they are known."""

    known: float = 0.0
    unpriced: int = 0
    """How many answers there were besides, of unknown price."""
    priced: int = 0
    """How many answers the known part is of."""

    @property
    def total(self) -> float | None:
        """The whole, None where it is not known."""
        return self.known if self.priced and not self.unpriced else None

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.known + other.known,
            self.unpriced + other.unpriced,
            self.priced + other.priced,
        )

    def __str__(self) -> str:
        """`$0.0123`, `$0.0123 + 2 answers of unknown price`, or `unknown`."""
        dollars = "<$0.0001" if 0 < self.known < 0.0001 else f"${self.known:.4f}"
        if not self.unpriced:
            return dollars
        answers = "1 answer" if self.unpriced == 1 else f"{self.unpriced} answers"
        return f"{dollars} + {answers} of unknown price" if self.priced else "unknown"


@dataclass(frozen=True)
class Line:
    """What the answers of one day, model or session took."""

    key: str
    """The day as `2026-01-31`, the model's or the session's name; empty where it has none."""
    answers: int
    usage: Usage
    cost: Cost


def cost_of(log: Log) -> float | None:
    """US dollars of the last run in the log, None where an answer's price is not known."""
    trip = log.trip
    return trip.cost if trip.turns and not trip.unpriced else None


def session_cost(log: Log) -> Cost:
    """What all runs of the log cost."""
    return Cost(log.cost, log.unpriced, max(0, log.turns - log.unpriced))


def by(spent: Iterable[Spent], column: Column, zone: tzinfo = UTC) -> list[Line]:
    """The answers of a store's ledger, summed by day, model or session, in order of that.

    Days are those of the time zone. Requests that did not go out because of a limit are left out.
    """
    key_of = _key_of(column, zone)
    lines: dict[str, Line] = {}
    for answer in spent:
        if not answer.model and answer.cost == 0.0 and not answer.usage.total_tokens:
            continue  # only what was never sent names no model, costs nothing and has no tokens
        line = lines.get(key := key_of(answer)) or Line(key, 0, Usage(), Cost())
        cost = Cost(unpriced=1) if answer.cost is None else Cost(answer.cost, priced=1)
        lines[key] = Line(key, line.answers + 1, line.usage + answer.usage, line.cost + cost)
    return [lines[key] for key in sorted(lines)]


def _key_of(column: Column, zone: tzinfo) -> Callable[[Spent], str]:
    keys: dict[str, Callable[[Spent], str]] = {
        "day": lambda answer: answer.at.astimezone(zone).date().isoformat(),
        "model": lambda answer: answer.model,
        "session": lambda answer: answer.session,
    }
    if column not in keys:
        raise ConfigurationError(f"by: {column!r} is none of {', '.join(keys)}.")
    return keys[column]
