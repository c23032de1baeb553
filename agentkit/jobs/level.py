"""How many rows run at once: as many as the server answers well.

Told what the server has said (`Limiter.heard`), it doubles while that brings more finished rows a
second. From the first refusal on it halves at each, and grows by one a round. Pure: the clock is
given.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from agentkit.errors import ConfigurationError
from agentkit.responses.limiter import Heard

START, CAP = 4, 64

GAIN = 1.2
"""How many times as many rows a second twice the level has to bring."""

PAUSE = 20.0
"""Seconds without growth behind a server's own error."""

FEWEST = 16
"""Rows that a rate is measured over, at least, before a doubling."""

REST = 16
"""Rounds until growth is tried again where it was in vain."""

MOST_CARE = 8
"""How many times both may become of it: they double each time that growth was in vain."""


class Level:
    """How many rows may run now. `fixed` is a number that it stays at.

    `heard` is what the limiters had heard before: they serve the whole process.
    """

    def __init__(
        self,
        fixed: int | None = None,
        *,
        heard: Heard = Heard(),  # noqa: B008 - a value that never changes
        start: int = START,
        cap: int = CAP,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if fixed is not None and fixed < 1:
            raise ConfigurationError(f"concurrency: expected 1 or more, got {fixed}.")
        self._is_fixed = fixed is not None
        self._level = fixed or min(start, cap)
        self._cap, self._clock, self._heard = cap, clock, heard
        self._is_doubling = True
        self._last: tuple[int, float] | None = None
        """A level and the rows a second that it brought: what growth is compared with."""
        self._care = 1
        """How many times FEWEST and REST apply."""
        self._obeyed = 0
        """Rows that began before the last halving and have not ended: they may be refused yet."""
        self._paused_until = self._began = clock()
        self._ended = self._skip = self._window = 0
        self._measure(FEWEST)

    @property
    def now(self) -> int:
        """How many may run at once, at least 1; never more than the server says remain."""
        remaining = self._heard.remaining
        if self._is_fixed or remaining is None:
            return self._level
        return max(1, min(self._level, remaining))

    def took(self, *heard: Heard) -> None:
        """A row that asked the server has ended; `heard` is what each limiter has heard so far."""
        before, self._heard = self._heard, sum(heard[1:], heard[0]) if heard else self._heard
        self._obeyed -= 1
        if self._is_fixed:
            return
        if self._heard.refusals > before.refusals:
            self._refused()
        elif self._heard.server_errors > before.server_errors:
            self._paused_until = self._clock() + PAUSE
            self._measure(self._round, skip=self._level)
        else:
            self._answered()

    @property
    def _round(self) -> int:
        """Rows to measure before the next step."""
        return max(FEWEST * self._care, self._level) if self._is_doubling else max(4, self._level)

    def _refused(self) -> None:
        """Halve, once for all that ran at once."""
        self._is_doubling = False
        self._last, self._care = None, 1
        if self._obeyed <= 0:
            self._obeyed = self._level
            self._level = max(1, self._level // 2)
        self._measure(self._round, skip=self._obeyed)

    def _answered(self) -> None:
        now = self._clock()
        if self._skip > 0:
            self._skip -= 1
            self._began = now
            return
        self._ended += 1
        if self._ended < self._window:
            return
        if now < self._paused_until or self.now < self._level:
            self._measure(self._round)
        else:
            self._grow(self._ended / max(now - self._began, 1e-9))

    def _grow(self, rate: float) -> None:
        """Go up, or back to where as many rows were finished with fewer at once."""
        level, slower = self._last or (self._level, rate)
        is_compared = self._level >= 2 * level
        if is_compared and rate < GAIN * slower:
            self._go_back(level)
            return
        self._last = (self._level, rate) if is_compared else (level, slower)
        before = self._level
        self._level = min(before + (before if self._is_doubling else 1), self._cap)
        self._measure(self._round, skip=self._level - before)

    def _go_back(self, level: int) -> None:
        """Stay there for long, and measure what it brings over all that time."""
        self._level, self._last = level, None
        self._measure(REST * self._care * level, skip=level)
        self._care = min(2 * self._care, MOST_CARE)

    def _measure(self, rows: int, *, skip: int = 0) -> None:
        """Measure the rate of so many rows, behind some that began at another level."""
        self._window, self._skip, self._ended, self._began = rows, skip, 0, self._clock()
