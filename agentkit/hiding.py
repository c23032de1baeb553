"""Records without the secrets that a model, a tool or a person has put into them.

A log is read by many, so what it takes in is cleaned before. Ids stay as they are, since they say
what belongs together, and so does what only the server can read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeVar

from agentkit.encoding import Wire, encode
from agentkit.records import Answer, Compaction, Decision, Input, Output, Record
from agentkit.responses.endpoint import secrets_of_headers, secrets_of_url
from agentkit.responses.items import Item, read_item
from agentkit.responses.response import Response
from agentkit.secrets import Secrets

R = TypeVar("R", Input, Compaction, Answer, Output, Decision)

_KEPT = frozenset(
    {"approval_request_id", "call_id", "encrypted_content", "id", "previous_response_id"}
)


def hidden(record: Record, secrets: Secrets) -> Record:
    """The record with `[secret]` in the place of each; the same object where there is none.

    A Setup stays as it is, because requests are made of it: it hides them where it is dumped.
    """
    if not secrets:
        return record
    match record:
        case Input(items=items):
            return _with(record, items=_hidden_items(items, secrets))
        case Compaction(items=items):
            return _with(record, items=_hidden_items(items, secrets))
        case Answer(response=response, problems=problems):
            response, problems = hidden_response(response, secrets), secrets.hide_json(problems)
            return _with(record, response=response, problems=problems)
        case Output(item=item, value=value, whole=whole):
            value, whole = secrets.hide_json(value), secrets.hide_json(whole)
            return _with(record, item=_hidden_item(item, secrets), value=value, whole=whole)
        case Decision(value=value):
            return _with(record, value=secrets.hide_json(value))
    return record


def hidden_response(response: Response, secrets: Secrets) -> Response:
    """The response with `[secret]` in the place of each; the same object where there is none."""
    rest = {key: value for key, value in response.wire.items() if key != "output"}
    # what its items are sent back as is encoded anew, so this encoding is not worth keeping
    if not secrets or not secrets.is_in(encode([rest, *(item.wire for item in response.output)])):
        return response
    wire, output = _hidden_wire(rest, secrets), _hidden_items(response.output, secrets)
    if wire is rest and output is response.output:
        return response
    if "output" in response.wire:
        wire = {**wire, "output": [item.wire for item in output]}
    return Response(wire, output)


def hosted_secrets(tools: Iterable[Wire]) -> list[str]:
    """What hosted tools take to reach others, as far as their names and their URLs say so."""
    found: list[str] = []
    for tool in tools:
        headers = tool.get("headers")
        named = {"authorization": tool.get("authorization"), **(headers or {})}
        found += secrets_of_headers((name, str(value)) for name, value in named.items() if value)
        found += secrets_of_url(str(tool.get("server_url") or ""))
    return found


def _hidden_items(items: tuple[Item, ...], secrets: Secrets) -> tuple[Item, ...]:
    cleaned = tuple(_hidden_item(item, secrets) for item in items)
    return items if all(new is old for new, old in zip(cleaned, items, strict=True)) else cleaned


def _hidden_item(item: Item, secrets: Secrets) -> Item:
    wire = _hidden_wire(item.wire, secrets) if secrets.is_in(item.encoded) else item.wire
    return item if wire is item.wire else read_item(wire)


def _hidden_wire(wire: Wire, secrets: Secrets) -> Wire:
    cleaned = {k: v if k in _KEPT else secrets.hide_json(v) for k, v in wire.items()}
    return wire if all(cleaned[key] is value for key, value in wire.items()) else cleaned


def _with(record: R, /, **parts: Any) -> R:
    """The record with these parts; the same object where they are its own."""
    is_same = all(part is getattr(record, name) for name, part in parts.items())
    return record if is_same else replace(record, **parts)
