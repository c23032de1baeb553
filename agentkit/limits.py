"""Bounds on a run, and when the last request has to go out.

A limit lands: as long as one more request fits, it goes out with tools switched off, so that the
run ends with an answer. Knows the log and how much time has passed, no clock.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from agentkit.errors import ConfigurationError

if TYPE_CHECKING:
    from agentkit.budget import Budget
    from agentkit.log import Log

NOTE_AT = 3
"""The third identical call of a run gets a note in its output."""
STOP_AT = 5
"""The fifth does not run, and the run ends."""

TOOL_TIME = 0.75
"""The share of `seconds` after which no tool runs any more: the rest is for the last answer."""

LANDING = "No more tool calls are possible. Answer now with what you know, and say what is missing."
"""What the model is told with the last request."""


@dataclass(frozen=True)
class Limits:
    """How far one run may go; None is no bound."""

    turns: int | None = 30
    """Requests to the model."""
    tool_calls: int | None = None
    """Calls that run. The ones above it are answered in words and do not run."""
    tokens: int | None = None
    """Input and output tokens, cached ones included, as the server counts them.

    The run lands when another turn like the last would leave no room for an answer.
    """
    seconds: float | None = None
    """Wall-clock time of one `run` or `resume`. Tools have three quarters of it."""
    cost: float | None = None
    """US dollars of the run and of the runs that its tools begin."""
    budget: Budget | None = None
    """What the run may spend together with all others that have it."""

    def __post_init__(self) -> None:
        is_budget = hasattr(self.budget, "take") and not isinstance(self.budget, type)
        if self.budget is not None and not is_budget:
            raise ConfigurationError(
                f"Limits(budget={self.budget!r:.80}): give a Budget; a run's own bound is cost=."
            )
        for name in (each.name for each in fields(self) if each.name != "budget"):
            value = getattr(self, name)
            kind = int | float if name in ("seconds", "cost") else int
            is_number = isinstance(value, kind) and not isinstance(value, bool)
            if value is not None and not (is_number and value > 0):
                raise ConfigurationError(
                    f"Limits({name}={value!r}): give a number above 0, or None for no bound."
                )

    def landing(self, log: Log, elapsed: float) -> str | None:
        """The limit because of which the next request has to be the last, if there is one."""
        trip = log.trip
        if trip.limit:
            return trip.limit
        if self.turns is not None and trip.turns + 1 >= self.turns:
            return "turns"
        if self.tokens is not None and _is_short_of_tokens(log, self.tokens):
            return "tokens"
        if self.seconds is not None and elapsed >= self.seconds * TOOL_TIME:
            return "seconds"
        return None

    def has_room(self, log: Log, elapsed: float) -> bool:
        """Whether one more request fits behind the answer that has just come."""
        if self.turns is not None and log.trip.turns + 2 > self.turns:
            return False
        return self.landing(log, elapsed) not in ("tokens", "seconds")

    def refusal(self, log: Log, planned: int, repeat: int) -> tuple[str, str] | None:
        """Which limit keeps a call from running, and what to tell the model.

        `planned` calls of the same answer run before it; it is the `repeat`-th identical one.
        """
        if repeat >= STOP_AT:
            return "same_calls", f"Not run: this same call was made {repeat - 1} times before."
        most = self.tool_calls
        if most is not None and log.trip.calls.total() + planned >= most:
            return "tool_calls", f"Not run: all {self.tool_calls} tool calls of this run are used."
        return None


def _is_short_of_tokens(log: Log, most: int) -> bool:
    """Whether the answer would not fit any more behind another turn like the last."""
    if log.last_answer is None:
        return False
    last = log.last_answer.response.usage.total_tokens
    return log.trip.usage.total_tokens + 2 * last > most
