"""What a server remembers between requests: the responses it gave, and conversations.

Knows nothing of HTTP or of models. Bounded: the oldest is forgotten first.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TypeVar

from agentkit.encoding import Wire
from agentkit.testing.rejection import RejectionError, check_new_ids

T = TypeVar("T")

CAPACITY = 1000
"""How many responses, and how many conversations, are remembered."""


@dataclass(frozen=True)
class Given:
    """A response and all the items that led to it and are in it."""

    response: Wire
    items: tuple[Wire, ...]


class Memory:
    """Responses by id and conversations by id."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._responses: OrderedDict[str, Given] = OrderedDict()
        self._conversations: OrderedDict[str, tuple[Wire, ...]] = OrderedDict()
        self._created = 0

    def response(self, response_id: str) -> Wire:
        """The response. Raises RejectionError (404) where there is none."""
        return self._given(response_id).response

    def forget(self, response_id: str) -> None:
        """Delete a response. Raises RejectionError (404) where there is none."""
        self._given(response_id)
        del self._responses[response_id]

    def new_conversation(self, items: tuple[Wire, ...] = ()) -> str:
        """The id of a new conversation that begins with these items."""
        self._created += 1
        conversation_id = f"conv_{self._created}"
        self._put(self._conversations, conversation_id, items)
        return conversation_id

    def input(self, body: Wire) -> tuple[Wire, ...]:
        """All the items that a request means: what went before, then its own.

        Raises RejectionError for an unknown id and for an item that went before already.
        """
        before, own = self._before(body), _own(body)
        check_new_ids(own, before)
        return (*before, *(self._resolved(item) for item in own))

    def keep(self, body: Wire, items: tuple[Wire, ...], response: Wire) -> None:
        """Remember the response to a request; `store: false` keeps it out of `response`."""
        after = (*items, *response["output"])
        if body.get("store") is not False:
            self._put(self._responses, response["id"], Given(response, after))
        if conversation_id := conversation_of(body):
            self._put(self._conversations, conversation_id, after)

    def _given(self, response_id: str) -> Given:
        if response_id not in self._responses:
            raise RejectionError(f"Response with id '{response_id}' not found.", status=404)
        return self._responses[response_id]

    def _before(self, body: Wire) -> tuple[Wire, ...]:
        if previous := body.get("previous_response_id"):
            if previous not in self._responses:
                raise RejectionError(
                    f"Previous response with id '{previous}' not found.",
                    code="previous_response_not_found",
                    param="previous_response_id",
                )
            return self._responses[previous].items
        conversation_id = conversation_of(body)
        if conversation_id and conversation_id not in self._conversations:
            raise RejectionError(f"Conversation with id '{conversation_id}' not found.", status=404)
        return self._conversations[conversation_id] if conversation_id else ()

    def _resolved(self, item: Wire) -> Wire:
        if item.get("type") != "item_reference":
            return item
        for given in reversed(self._responses.values()):
            for known in given.items:
                if known.get("id") == item.get("id"):
                    return known
        raise RejectionError(
            f"Item with id '{item.get('id')}' not found.", status=404, param="input"
        )

    def _put(self, kept: OrderedDict[str, T], key: str, value: T) -> None:
        kept[key] = value
        kept.move_to_end(key)
        if len(kept) > self._capacity:
            kept.popitem(last=False)


def conversation_of(body: Wire) -> str | None:
    """The id of the conversation that a request belongs to."""
    conversation = body.get("conversation")
    return conversation.get("id") if isinstance(conversation, dict) else conversation


def _own(body: Wire) -> tuple[Wire, ...]:
    said = body["input"]
    if isinstance(said, str):
        said = [{"type": "message", "role": "user", "content": said}]
    return tuple(said)
