"""The words of a script: what a model says, written as briefly as a test wants to read it.

Items are wire objects without ids; `complete.py` gives them ids and the fields they lack.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentkit.encoding import Wire, encode

Said = str | Wire
"""A final message, or an item's wire object (such as `call` gives)."""


@dataclass(frozen=True)
class Scripted:
    """A response to be: what it says and the fields that are unlike a completed one's."""

    items: tuple[Said, ...]
    fields: Mapping[str, Any] = field(default_factory=dict)


def call(name: str, _call_id: str | None = None, /, **arguments: Any) -> Wire:
    """The model calls a function; without a call id it gets the next of `call_1`, `call_2`, …

    For arguments that are no JSON, write the item: `{"type": "function_call", …}`.
    """
    item: Wire = {"type": "function_call", "name": name, "arguments": encode(arguments).decode()}
    return {**item, "call_id": _call_id} if _call_id else item


def reasoning(text: str, *, encrypted_content: str | None = "opaque") -> Wire:
    """The model thinks; `text` is the summary that it shows of it."""
    item: Wire = {"type": "reasoning", "summary": [{"type": "summary_text", "text": text}]}
    return {**item, "encrypted_content": encrypted_content} if encrypted_content else item


def commentary(text: str) -> Wire:
    """The model says something on the way to its answer."""
    return {**message(text), "phase": "commentary"}


def refusal(text: str) -> Wire:
    """The model declines to answer; the response is completed all the same."""
    return {"type": "message", "content": [{"type": "refusal", "refusal": text}]}


def incomplete(said: Said | Sequence[Said], reason: str = "max_output_tokens") -> Scripted:
    """A response that broke off, its last item incomplete."""
    details = {"status": "incomplete", "incomplete_details": {"reason": reason}}
    return Scripted(_listed(said), details)


def failed(code: str, message: str) -> Scripted:
    """A response that ended with the server's error, such as `server_error`."""
    return Scripted((), {"status": "failed", "error": {"code": code, "message": message}})


def message(text: str) -> Wire:
    """The model says something."""
    return {"type": "message", "content": [{"type": "output_text", "text": text}]}


def answer(said: Said | Sequence[Said] | Scripted) -> Scripted:
    """What an entry of a script says, whatever it is written as."""
    return said if isinstance(said, Scripted) else Scripted(_listed(said))


def _listed(said: Said | Sequence[Said]) -> tuple[Said, ...]:
    return (said,) if isinstance(said, (str, dict)) else tuple(said)
