"""What a server does differently, as a value.

Where the values come from: `providers` knows servers, `learning` reads them from what a server
refuses. `fitting` has requests heed them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from agentkit.responses.chat.dialect import ChatDialect

if TYPE_CHECKING:
    from agentkit.responses.response import Model

WireName = Literal["responses", "chat"]
"""Where a server is asked: at `/responses`, or at `/chat/completions`."""

STATE = ("previous_response_id", "conversation")
"""The fields by which a request goes on from what the server remembers."""
ALL = "*"


@dataclass(frozen=True)
class Dialect:
    """What a server does differently from `POST /responses` as OpenAI documents it."""

    wire: WireName = "responses"
    """Where it is asked."""
    chat: ChatDialect = field(default_factory=ChatDialect)
    """What it does differently there."""
    encrypted_reasoning: bool = False
    """Gives reasoning back encrypted when asked by `include`, so that it can be replayed."""
    text_format: bool = True
    """Holds the answer to the JSON schema in `text.format`; where not, it is told in words."""
    tool_choice: bool = True
    """Heeds `tool_choice`; where not, tools are switched off by leaving them out."""
    forced_choice: bool = True
    """Takes a `tool_choice` that forces a call; where not, the model is left to choose."""
    lists_in_outputs: bool = True
    """Reads a call's output as a list of content parts; where not, as text alone."""
    state: bool = True
    """Remembers responses; where not, every request carries the whole conversation."""
    keeps_responses: bool = False
    """Stores each response unless told not to, so that it can be fetched if a connection breaks."""
    calls_apart: bool = True
    """Takes what the model said between two calls of one answer where it stood; where not, it goes
    before them, and the calls follow one another."""
    takes_reasoning: bool = True
    """Takes back what the model thought; where not, it is left out."""
    empty_reasoning: bool = True
    """Takes back reasoning whose text it does not show."""
    bare_messages: bool = True
    """Takes messages without their `type`, as a caller may write them."""
    streams: Literal["both", "always", "without tools"] = "both"
    """Whether an answer may come as a stream or whole, and whether with calls in it."""
    not_strict: frozenset[str] = frozenset()
    """Strict schemas that it refuses, as `fitting.schema_name` names them; `*` for all."""
    lacks: frozenset[str] = frozenset()
    """Request fields that it does not know, also parts (`reasoning.effort`) and `strict` of tools
    and of the answer's form; they are left out."""
    lacks_tools: frozenset[str] = frozenset()
    """Types of hosted tools that it does not have, `*` for all; such tools are left out."""

    @cached_property
    def reshapes_items(self) -> bool:
        """Whether items have to be looked at before they are sent."""
        takes_all = self.lists_in_outputs and self.calls_apart and self.bare_messages
        return not (takes_all and self.empty_reasoning and self.takes_reasoning)

    @cached_property
    def unsent(self) -> frozenset[str]:
        """The fields that a request to it never has."""
        named = self.lacks if self.tool_choice else self.lacks | {"tool_choice"}
        return named if self.state else named | frozenset(STATE)


def dialect_of(model: Model) -> Dialect:
    """The dialect that a model says its server has, else the documented one."""
    return getattr(model, "dialect", None) or Dialect()
