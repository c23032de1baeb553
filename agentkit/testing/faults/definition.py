"""A fault: what a server does in the place of the right answer, once or again and again.

An effect is a coroutine of what was asked; it may let the model answer and change that, or leave
the model alone. Faults are values: one may be given other options, or be said to last longer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from agentkit.encoding import JSON
from agentkit.testing.http import HttpRequest, Reply

Proceed = Callable[[], Awaitable[Reply]]
"""Gives the right reply, for which the model is asked."""


@dataclass(frozen=True)
class Asked:
    """A request that a fault has to reply to."""

    request: HttpRequest
    body: JSON
    """What the request says."""
    options: Mapping[str, str]
    """The fault's options, each with its value or its default."""
    proceed: Proceed

    @property
    def is_streamed(self) -> bool:
        """Whether the client wants a stream of events."""
        return isinstance(self.body, dict) and self.body.get("stream") is True

    def number(self, option: str) -> float:
        """The value of an option that is a number."""
        return float(self.options[option])


Effect = Callable[[Asked], Awaitable[Reply]]


@dataclass(frozen=True)
class Fault:
    """Something a server does wrong, or differently from all others."""

    name: str
    """Such as `reset-mid-stream`."""
    does: str
    """What the server does, in a line."""
    effect: Effect = field(repr=False, compare=False)
    options: Mapping[str, str] = field(default_factory=dict)
    """What can be said more exactly, each with its value; the first may follow the name."""
    times: int | None = 1
    """How many requests in a row it meets; None for all from there on."""
    loses: bool = False
    """Whether an answer of the model is lost with it, so that the same request gets it again."""

    def __str__(self) -> str:
        return self.name

    def lasting(self, times: int | None) -> Fault:
        """The same fault for so many requests in a row, None for all."""
        return replace(self, times=times)
