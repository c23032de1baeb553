"""What more rows would cost and how long they would take, from a sample of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

_T = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)
"""Student's t for a 95 % interval, by degrees of freedom from 1 on.

Source: NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2.
"""


@dataclass(frozen=True)
class Estimate:
    """What rows would take; None where that is not known, as a spread never is of one row."""

    cost: float | None
    """US dollars."""
    low_cost: float | None
    high_cost: float | None
    seconds: float | None
    """With as many rows at once as the sample had."""
    low_seconds: float | None
    high_seconds: float | None


@dataclass
class Series:
    """Numbers as they come, of which only mean and spread are kept (Welford's way)."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    """The sum of the squared distances from the mean."""

    def add(self, value: float) -> None:
        """Take a number in."""
        self.count += 1
        distance = value - self.mean
        self.mean += distance / self.count
        self.squares += distance * (value - self.mean)

    def margin(self, more: int) -> float | None:
        """Half of the 95 % interval for the sum of so many more, None for fewer than two numbers.

        They vary themselves, and the mean is known only so well: both are in it.
        """
        if self.count < 2:
            return None
        variance = self.squares / (self.count - 1)
        return t_of(self.count - 1) * math.sqrt(variance * (more + more**2 / self.count))


@dataclass
class Costs:
    """What rows that were asked took."""

    dollars: Series = field(default_factory=Series)
    seconds: Series = field(default_factory=Series)
    """Of each row alone."""
    unpriced: int = 0
    """Rows whose cost is not known."""
    span: float = 0.0
    """Seconds of all of them together, many at once."""

    def add(self, cost: float | None, seconds: float) -> None:
        """Take in a row that was asked."""
        self.seconds.add(seconds)
        if cost is None:
            self.unpriced += 1
        else:
            self.dollars.add(cost)

    def estimate(self, rows: int) -> Estimate:
        """What so many rows more would take."""
        cost = _spread(self.dollars, rows) if not self.unpriced else (None, None, None)
        return Estimate(*cost, *_spread(self.seconds, rows, self._at_once))

    @property
    def _at_once(self) -> float:
        """How many rows ran at once, on average."""
        busy = self.seconds.mean * self.seconds.count
        return max(1.0, busy / self.span) if self.span > 0 else 1.0


def t_of(freedom: int) -> float:
    """Student's t for a 95 % interval with so many degrees of freedom, never too small."""
    # above the table the normal distribution's value and a correction, at most 0.002 too large
    return _T[freedom - 1] if freedom <= len(_T) else 1.96 + 2.5 / freedom


def _spread(
    series: Series, rows: int, at_once: float = 1.0
) -> tuple[float | None, float | None, float | None]:
    if not series.count:
        return None, None, None
    margin, whole = series.margin(rows), series.mean * rows / at_once
    if margin is None:
        return whole, None, None
    return whole, max(0.0, whole - margin / at_once), whole + margin / at_once
