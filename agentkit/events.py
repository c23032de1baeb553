"""What a listener hears while a run goes on: deltas, tool calls, and every record of the log.

Values to look at; nothing a listener does changes the run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from agentkit.encoding import Wire
from agentkit.records import Ended, Record
from agentkit.responses.events import Notice


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the model's text."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """A piece of the model's reasoning, as far as the server shows it."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool is about to run."""

    call_id: str
    name: str
    arguments: str
    """JSON text, as the model wrote it."""


@dataclass(frozen=True, slots=True)
class ToolProgress:
    """A running tool reports."""

    call_id: str
    value: Any


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """A call has its output."""

    call_id: str
    name: str
    output: str | list[Wire]
    """What the model reads."""
    ended: Ended = "ok"
    seconds: float = 0.0
    error: BaseException | None = field(default=None, compare=False)
    """What the tool raised, whole; the model reads one line of it."""


Event = TextDelta | ReasoningDelta | ToolCall | ToolProgress | ToolOutput | Notice | Record

Listener = Callable[[Event], object]

__all__ = [
    "Event",
    "Listener",
    "Notice",
    "ReasoningDelta",
    "TextDelta",
    "ToolCall",
    "ToolOutput",
    "ToolProgress",
]
