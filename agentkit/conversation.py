"""What of the log goes into the next request.

Three ways, all read from the log alone: the conversation every time, the whole of it or what a
policy leaves of it; what is new since the response the server remembers; or what is new in a
conversation the server keeps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

from agentkit.errors import ConfigurationError

if TYPE_CHECKING:
    from agentkit.context import Compacted, ContextPolicy, Summarized
    from agentkit.encoding import Wire
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

    @property
    def shortened_by(self) -> Compacted | Summarized | None:
        """What has something shorter stand for the beginning of a long conversation."""

    def next_input(self, log: Log) -> tuple[tuple[Item, ...], Wire]:
        """The items, and the fields."""


@dataclass(frozen=True)
class Replay:
    """Everything, every time, but for what a policy leaves out: works on every server and after
    any pause.
    """

    keeps_call_ids = False
    keeps_answers = False
    context: ContextPolicy | None = None

    @property
    def shortened_by(self) -> Compacted | Summarized | None:
        shortens = hasattr(self.context, "beginning")
        return cast("Compacted | Summarized", self.context) if shortens else None

    def next_input(self, log: Log) -> tuple[tuple[Item, ...], Wire]:
        return tuple(log.items if self.context is None else self.context.sent(log)), {}


@dataclass(frozen=True)
class Chained:
    """What is new, behind `previous_response_id`: the server has to store responses."""

    keeps_call_ids = True
    keeps_answers = False
    shortened_by = None

    def next_input(self, log: Log) -> tuple[tuple[Item, ...], Wire]:
        if log.response_id is None:
            return tuple(log.items), {}
        return tuple(log.items[log.known_items :]), {"previous_response_id": log.response_id}


@dataclass(frozen=True)
class Hosted:
    """What is new, in a `conversation` made at the server beforehand."""

    keeps_call_ids = True
    keeps_answers = True
    shortened_by = None
    conversation: str

    def next_input(self, log: Log) -> tuple[tuple[Item, ...], Wire]:
        return tuple(log.items[log.known_items :]), {"conversation": self.conversation}


def conversation_for(
    state: str, context: ContextPolicy | None, models: Sequence[object]
) -> Conversation:
    """The way that `state` names, with a policy.

    Raises ConfigurationError for a state that is none, and for a policy that cannot work with it
    or with a model.
    """
    for model in models:
        _check_policy(context, model)
    if state == "replay":
        return Replay(context)
    if context is not None and not hasattr(context, "request_fields"):
        raise ConfigurationError(
            f"context: with state={state!r} the server keeps the conversation, so "
            f"{type(context).__name__} has nothing to leave out. Use ServerCompaction, or "
            "state='replay'."
        )
    if state == "chained":
        return Chained()
    if isinstance(state, str) and state.startswith("conv_"):
        if len(models) > 1:
            raise ConfigurationError(
                f"model: the conversation {state} is at one server, so no other can go on with it. "
                "Give one model, or use state='replay'."
            )
        return Hosted(state)
    raise ConfigurationError(
        f"state {state!r} is none of 'replay', 'chained' or a conversation id ('conv_…')."
    )


def request_fields(context: ContextPolicy | None) -> Wire:
    """The fields that every request carries because of a policy."""
    return getattr(context, "request_fields", {})


def _check_policy(context: ContextPolicy | None, model: object) -> None:
    if context is None:
        return
    if isinstance(context, type) or not hasattr(context, "sent"):
        raise ConfigurationError(
            f"context: expected a policy such as LastTurns(20), got {context!r:.80}."
        )
    asks_server = getattr(context, "asks_server", False)
    if asks_server and not (isinstance(model, str) or hasattr(model, "compact")):
        raise ConfigurationError(
            f"context: {type(model).__name__} has no compact(request). Use Summarized(above=…)."
        )
