"""What a server remembers between requests: the responses it gave, and conversations.

Knows nothing of HTTP or of models. Bounded: the oldest is forgotten first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from agentkit.encoding import Wire
from agentkit.testing.rejection import RejectionError, check_new_ids

T = TypeVar("T")

CAPACITY = 1000
"""How many responses, and how many conversations, are remembered."""

LONGEST_PAGE = 100
"""How many items a page has at most."""


@dataclass(frozen=True)
class Given:
    """A response and all the items that led to it and are in it."""

    response: Wire
    items: tuple[Wire, ...]
    asked: int
    """How many of them were the input."""


class Memory:
    """Responses by id and conversations by id."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._responses: OrderedDict[str, Given] = OrderedDict()
        self._conversations: OrderedDict[str, tuple[Wire, ...]] = OrderedDict()
        self._created = 0

    def __contains__(self, response_id: str) -> bool:
        return response_id in self._responses

    def response(self, response_id: str) -> Wire:
        """The response. Raises RejectionError (404) where there is none."""
        return self._given(response_id).response

    def input_items(self, response_id: str) -> list[Wire]:
        """What a response was asked, each item with an id. Raises RejectionError (404)."""
        given = self._given(response_id)
        suffix = response_id.partition("_")[2] or response_id
        return [
            {"id": f"item_{suffix}_{at}", **_in_full(item)}
            for at, item in enumerate(given.items[: given.asked])
        ]

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
            self._put(self._responses, response["id"], Given(response, after, len(items)))
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


def page_of(items: Sequence[Wire], query: Mapping[str, Sequence[str]]) -> Wire:
    """A list of items as a server gives it, page by page: `order`, `after`, `limit`.

    Raises RejectionError for an `after` that is none of them, and for a `limit` out of bounds.
    """
    said = {name: values[-1] for name, values in query.items()}
    listed = list(items) if said.get("order") == "asc" else list(reversed(items))
    limit = said.get("limit", "20")
    if not limit.isdecimal() or not 1 <= int(limit) <= LONGEST_PAGE:
        raise RejectionError(
            f"Invalid 'limit': expected an integer from 1 to {LONGEST_PAGE}.", param="limit"
        )
    if "after" in said:
        ids = [item["id"] for item in listed]
        if said["after"] not in ids:
            raise RejectionError(f"Item with id '{said['after']}' not found.", param="after")
        listed = listed[ids.index(said["after"]) + 1 :]
    page = listed[: int(limit)]
    ends = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {}
    return {
        "object": "list",
        "data": page,
        "has_more": len(listed) > len(page),
        "first_id": None,
        "last_id": None,
        **ends,
    }


def conversation_of(body: Wire) -> str | None:
    """The id of the conversation that a request belongs to."""
    conversation = body.get("conversation")
    return conversation.get("id") if isinstance(conversation, dict) else conversation


def _in_full(item: Wire) -> Wire:
    """The item as a server lists it: what was said in short is a message of parts."""
    if not isinstance(item.get("content"), str):
        return item
    kind = "output_text" if item.get("role") == "assistant" else "input_text"
    parts = [{"type": kind, "text": item["content"]}]
    return {"type": "message", "status": "completed", **item, "content": parts}


def _own(body: Wire) -> tuple[Wire, ...]:
    said = body["input"]
    if isinstance(said, str):
        said = [{"type": "message", "role": "user", "content": said}]
    return tuple(said)
