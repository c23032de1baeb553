"""How a job over a table stands at a moment, and what can be said of the rest of it."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

LATELY = 60.0
"""Seconds over which the rate is taken."""

LEAST = 2.0
"""Seconds before which there is no rate to speak of."""


@dataclass(frozen=True)
class Look:
    """A job at a moment."""

    total: int | None = None
    """Rows to be done, None where they are not counted yet."""
    done: int = 0
    """Rows that have an answer, those among them that had it before."""
    failed: int = 0
    running: int = 0
    kept: int = 0
    """Rows whose answer was in the log before."""
    spent: float | None = 0.0
    """US dollars of this job, None where they are not known."""
    before: float = 0.0
    """US dollars of earlier jobs, as far as they count."""
    level: int = 0
    """How many rows may run at once."""
    refusals: int = 0
    """How often the server said that it was too much."""
    cached: int = 0
    """Rows whose answer came from the cache."""
    per_minute: float | None = None
    """Rows that ended lately, None where that is too early to say."""
    budget: float | None = None
    """US dollars that may be spent."""

    @property
    def ended(self) -> int:
        """Rows that need no more, for now."""
        return self.done + self.failed

    @property
    def asked(self) -> int:
        """Rows that were run by this job."""
        return self.ended - self.kept

    @property
    def left(self) -> int | None:
        """Rows that have not begun."""
        return None if self.total is None else max(self.total - self.ended - self.running, 0)

    @property
    def share(self) -> float:
        """How much of it is over, from 0 to 1."""
        return min(self.ended / self.total, 1.0) if self.total else 0.0

    @property
    def seconds_left(self) -> float | None:
        """How long it goes on at this rate."""
        if self.total is None or not self.per_minute:
            return None
        seconds = max(self.total - self.ended, 0) / self.per_minute * 60
        return seconds if math.isfinite(seconds) else None

    @property
    def whole_cost(self) -> float | None:
        """US dollars of all jobs, where the rest is like what was run."""
        if self.total is None or self.spent is None or not self.asked:
            return None
        rows = self.asked + max(self.total - self.ended, 0)
        return self.before + self.spent / self.asked * rows

    @property
    def from_before(self) -> float:
        """How much of what is over was in the log or the cache, from 0 to 1."""
        return min((self.kept + self.cached) / self.ended, 1.0) if self.ended else 0.0


class Pace:
    """How many rows end in a minute, by what ended lately."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def of(self, now: float, ended: int) -> float | None:
        """The rate at a moment at which so many rows have ended; None where it is too early."""
        self._seen.append((now, ended))
        while len(self._seen) > 2 and now - self._seen[1][0] >= LATELY:
            self._seen.popleft()
        began, before = self._seen[0]
        return (ended - before) / (now - began) * 60 if now - began >= LEAST else None
