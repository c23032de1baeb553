"""What of the log goes into the next request.

Three ways, all read from the log alone: the whole conversation every time, what is new since the
response the server remembers, or what is new in a conversation the server keeps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from agentkit.encoding import Wire
from agentkit.errors import ConfigurationError
from agentkit.log import Log
from agentkit.responses.items import Item


class Conversation(Protocol):
    """Chooses the items of the next request, and the fields that say what they continue."""

    @property
    def keeps_call_ids(self) -> bool:
        """Whether the server pairs calls and outputs itself, by the ids it gave."""

    @property
    def keeps_answers(self) -> bool:
        """Whether every answer stays in the conversation, also one that leads nowhere."""

    def next_input(self, log: Log) -> tuple[tuple[Item, ...], Wire]:
        """The items, and the fields."""


@dataclass(frozen=True)
class Replay:
    """Everything, every time: works on every server and after any pause."""

    keeps_call_ids = False
    keeps_answers = False

    def next_input(self, log: Log) -> tuple[tuple[Item, ...], Wire]:
        return tuple(log.items), {}


@dataclass(frozen=True)
class Chained:
    """What is new, behind `previous_response_id`: the server has to store responses."""

    keeps_call_ids = True
    keeps_answers = False

    def next_input(self, log: Log) -> tuple[tuple[Item, ...], Wire]:
        if log.response_id is None:
            return tuple(log.items), {}
        return tuple(log.items[log.known_items :]), {"previous_response_id": log.response_id}


@dataclass(frozen=True)
class Hosted:
    """What is new, in a `conversation` made at the server beforehand."""

    keeps_call_ids = True
    keeps_answers = True
    conversation: str

    def next_input(self, log: Log) -> tuple[tuple[Item, ...], Wire]:
        return tuple(log.items[log.known_items :]), {"conversation": self.conversation}


def conversation_for(state: str) -> Conversation:
    """The way that `state` names. Raises ConfigurationError for one that is none."""
    if state == "replay":
        return Replay()
    if state == "chained":
        return Chained()
    if isinstance(state, str) and state.startswith("conv_"):
        return Hosted(state)
    raise ConfigurationError(
        f"state {state!r} is none of 'replay', 'chained' or a conversation id ('conv_…')."
    )
