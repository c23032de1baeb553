"""Which items of a conversation go together: all of them are sent, or none.

Servers refuse a call without its output, and a reasoning item without what followed it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from agentkit.responses.items import Item, user_message

Kind = Literal["turn", "input", "answer", "before"]
"""What the caller said, which begins a turn or has one go on; what the model answered, with the
outputs of its calls and what a repair asked; what stands for the beginning of the conversation."""

GO_ON = user_message("Go on.")
"""Said to a model whose answer was limited or broke off. Whoever says it, the turn goes on."""


@dataclass(frozen=True, slots=True)
class Step:
    """Items of a conversation that are sent together."""

    start: int
    """Where it begins among the items; it ends where the next one begins."""
    kind: Kind
    tokens: int = 0
    """Of an answer, its output tokens; zero where the server did not say."""


def input_step(items: Sequence[Item], start: int) -> Step:
    """The step of what the caller said."""
    return Step(start, "input" if tuple(items) == (GO_ON,) else "turn")


def moved(steps: Sequence[Step], places: Sequence[int]) -> list[Step]:
    """The steps where items were taken away; `places` are the new places of the old ones."""
    return [replace(step, start=places[step.start]) for step in steps]


def replaced(steps: Sequence[Step], count: int, by: int) -> list[Step]:
    """The steps where the first `count` items were replaced by others, `by` in number."""
    if not count:
        return list(steps)
    behind = (step for step in steps if step.start >= count)
    return [Step(0, "before"), *(replace(step, start=step.start - count + by) for step in behind)]
