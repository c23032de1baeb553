"""Items: what a conversation is made of, as views over the wire's own objects.

An item keeps its JSON object as it came, unknown fields included, and is encoded once however
often it is sent. Knows nothing of requests, runs or tools.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from agentkit.encoding import Wire, encode

COMPACTION = "compaction"
"""The type of an item that stands, encrypted, for all that went before it."""


@dataclass(frozen=True)
class Item:
    """One item of a conversation; `wire` is its JSON object and is never changed."""

    wire: Wire

    @property
    def type(self) -> str:
        return str(self.wire.get("type") or "message")

    @property
    def id(self) -> str | None:
        """The item's identity at the server (`msg_…`, `fc_…`); not what links call and output."""
        return _text_or_none(self.wire.get("id"))

    @property
    def can_stand_alone(self) -> bool:
        """Whether a server that stored nothing can read it again."""
        return self.type in _SENT_BACK

    @property
    def is_from_outside(self) -> bool:
        """Whether an item of an answer brings in what others may have written: pages, services.

        So does what no version of the wire known here has.
        """
        return self.type not in _FROM_INSIDE

    @cached_property
    def encoded(self) -> bytes:
        """The item as JSON bytes, made at the first use and kept."""
        return encode(self.wire)

    @cached_property
    def shapes(self) -> dict[str, Item]:
        """The item as servers want it that do not take it as it is; made once each."""
        return {}

    def without_id(self) -> Item:
        """The item as a server reads it that looks nothing up."""
        if self.type not in _SENT_BACK or self.wire.keys() <= _SENT_BACK[self.type]:
            return self
        if "bare" not in self.shapes:
            self.shapes["bare"] = _without_ids(self)
        return self.shapes["bare"]


class Message(Item):
    """Something said: by the user, the developer or the model."""

    @property
    def role(self) -> str:
        return str(self.wire.get("role", "assistant"))

    @property
    def phase(self) -> str | None:
        """`commentary` or `final_answer` where the model says so, else None."""
        return _text_or_none(self.wire.get("phase"))

    @property
    def text(self) -> str:
        return _joined(self.wire.get("content"), "text")

    @property
    def refusal(self) -> str:
        return _joined(self.wire.get("content"), "refusal")


class FunctionCall(Item):
    """The model asks for a tool; `call_id` links it to its output."""

    @property
    def call_id(self) -> str:
        return str(self.wire.get("call_id") or self.wire.get("id") or "")

    @property
    def name(self) -> str:
        return str(self.wire.get("name") or "")

    @property
    def arguments(self) -> str:
        """The arguments as JSON text; some servers send "" or null for none, or an object."""
        value = self.wire.get("arguments")
        return (value if isinstance(value, str) else _as_text(value)) or "{}"


class CustomToolCall(FunctionCall):
    """The model asks for a tool whose input is free text, not JSON."""

    @property
    def arguments(self) -> str:
        return _as_text(self.wire.get("input"))


class FunctionCallOutput(Item):
    """What a call gave, as text or as a list of content parts."""

    @property
    def call_id(self) -> str:
        return str(self.wire.get("call_id") or "")

    @property
    def output(self) -> str | list[Wire]:
        return self.wire.get("output") or ""


class Reasoning(Item):
    """The model's thinking, often only as encrypted content to be sent back."""

    @property
    def text(self) -> str:
        return _joined(self.wire.get("summary"), "text") or _joined(
            self.wire.get("content"), "text"
        )

    @property
    def can_stand_alone(self) -> bool:
        """Whether a server that stored nothing can read it again."""
        return bool(self.wire.get("encrypted_content") or self.wire.get("content"))


class OtherItem(Item):
    """An item of a type not read here: kept and sent back verbatim."""


_KINDS: dict[str, type[Item]] = {
    "message": Message,
    "function_call": FunctionCall,
    "custom_tool_call": CustomToolCall,
    "function_call_output": FunctionCallOutput,
    "custom_tool_call_output": FunctionCallOutput,
    "reasoning": Reasoning,
}

# What a server takes back of its own items when it is not asked to look them up by id.
# Source: the item schemas of POST /responses, and shapes that servers accepted.
_SENT_BACK: dict[str, frozenset[str]] = {
    COMPACTION: frozenset({"type", "encrypted_content"}),
    "message": frozenset({"type", "role", "content", "phase"}),
    "function_call": frozenset(
        {"type", "call_id", "name", "arguments", "namespace", "caller", "extra_content"}
    ),
    "custom_tool_call": frozenset({"type", "call_id", "name", "input", "namespace", "caller"}),
    "reasoning": frozenset({"type", "summary", "content", "encrypted_content", "format"}),
}


# What a server notes of its own work, under ids that no other server can look up.
_NOTES = frozenset(
    {
        COMPACTION,
        "code_interpreter_call",
        "file_search_call",
        "image_generation_call",
        "item_reference",
        "mcp_approval_request",
        "mcp_approval_response",
        "mcp_call",
        "mcp_list_tools",
        "web_search_call",
    }
)
# A signature of the thoughts behind a call.
_FROM_INSIDE = frozenset(
    (  # noqa: SIM905 - a word a line would fill a screen
        "message reasoning function_call custom_tool_call compaction file_search_call "
        "code_interpreter_call image_generation_call local_shell_call shell_call apply_patch_call "
        "mcp_list_tools mcp_approval_request tool_search_call"
    ).split()
)
"""Items of an answer that are the model's own, or of the caller's own files."""

_OF_ONE_SERVER = frozenset({"extra_content"})


def read_item(wire: Wire) -> Item:
    """The view that fits the item's type; `OtherItem` for a type not known here."""
    kind = wire.get("type") or ("message" if "role" in wire else "")
    return _KINDS.get(str(kind), OtherItem)(wire)


def read_items(wires: Iterable[Any] | None) -> tuple[Item, ...]:
    """All items of a list, in order; null and what is no object are left out."""
    return tuple(read_item(wire) for wire in wires or () if isinstance(wire, dict))


def final_messages(items: Iterable[Item]) -> list[Message]:
    """The messages that are the answer; `commentary` is said on the way to it."""
    return [
        item
        for item in items
        if isinstance(item, Message) and item.role == "assistant" and item.phase != "commentary"
    ]


def user_message(content: str | Sequence[Wire]) -> Message:
    """What the user says, as text or as content parts."""
    return Message({"type": "message", "role": "user", "content": content})


def sent_back(items: Sequence[Item]) -> tuple[Item, ...]:
    """The items of one answer as the next request carries them, in the same order.

    Ids are left out, so that a server which stored nothing looks nothing up. Where an item can
    only be understood through what the server stored (reasoning without content, hosted tools),
    the whole answer keeps its ids: a server checks such neighbours by id.
    """
    if all(item.can_stand_alone for item in items):
        return tuple(_without_ids(item) for item in items)
    return tuple(items)


def portable(items: Iterable[Item]) -> list[Item]:
    """The items of a conversation as another model or server can read them.

    Without reasoning and compactions, which only the server that wrote them reads, and without
    ids.
    """
    return [
        _without_ids(item, _OF_ONE_SERVER) if item.type in _SENT_BACK else item
        for item in items
        if is_portable(item)
    ]


def with_own_call_ids(items: Iterable[Item]) -> list[Item]:
    """The items with a call id of its own for every call, and its output under the same.

    A server that keeps the conversation may count calls anew in each answer (`call_0`); one that
    is sent all of it would pair an output with the wrong call.
    """
    taken: set[str] = set()
    named: dict[str, str] = {}
    own: list[Item] = []
    for item in items:
        call_id = item.wire.get("call_id")
        if isinstance(item, FunctionCall) and isinstance(call_id, str):
            named[call_id] = _free(call_id, taken)
            taken.add(named[call_id])
        new_id = named.get(call_id, call_id) if isinstance(call_id, str) else call_id
        own.append(item if new_id == call_id else type(item)({**item.wire, "call_id": new_id}))
    return own


def _free(call_id: str, taken: set[str]) -> str:
    free, number = call_id, 2
    while free in taken:
        free, number = f"{call_id[:56]}_{number}", number + 1
    return free


def is_portable(item: Item) -> bool:
    """Whether another model or server than the one that wrote it can read an item."""
    return not isinstance(item, Reasoning) and item.type not in _NOTES


def _without_ids(item: Item, dropped: frozenset[str] = frozenset()) -> Item:
    kept = _SENT_BACK[item.type] - dropped
    if item.wire.keys() <= kept:
        return item
    return type(item)({key: value for key, value in item.wire.items() if key in kept})


def _joined(parts: Any, key: str) -> str:
    if isinstance(parts, str):
        return parts if key == "text" else ""
    if not isinstance(parts, list):
        return ""
    texts = (part.get(key) for part in parts if isinstance(part, dict))
    return "".join(text for text in texts if isinstance(text, str))


def _text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _as_text(value: Any) -> str:
    """What a server sent as JSON in the place of text, encoded; null and the like are no text."""
    if isinstance(value, str):
        return value
    return encode(value).decode() if value else ""
