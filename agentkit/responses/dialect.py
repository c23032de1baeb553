"""What a server does differently, as a value, and the one place where a request heeds it.

Knows nothing of HTTP. Where the values come from: `providers` knows servers, `learning` reads them
from what a server refuses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from agentkit.encoding import Wire, encode
from agentkit.responses.chat_dialect import ChatDialect
from agentkit.responses.items import FunctionCall, FunctionCallOutput, Item, Reasoning
from agentkit.responses.response import Fields, Model, Request

WireName = Literal["responses", "chat"]
"""Where a server is asked: at `/responses`, or at `/chat/completions`."""

STATE = ("previous_response_id", "conversation", "store")
"""The fields by which a server is asked to remember."""


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
    empty_reasoning: bool = True
    """Takes back reasoning whose text it does not show."""
    not_strict: frozenset[str] = frozenset()
    """Tools, by name, whose strict schemas it refuses; `text.format` is the answer's, `*` all."""
    lacks: frozenset[str] = frozenset()
    """Request fields that it does not know; they are left out."""
    lacks_tools: frozenset[str] = frozenset()
    """Types of hosted tools that it does not have; such tools are left out."""

    @cached_property
    def reshapes_items(self) -> bool:
        """Whether items have to be looked at before they are sent."""
        takes_all = self.lists_in_outputs and self.calls_apart and self.empty_reasoning
        return not takes_all

    @cached_property
    def unsent(self) -> frozenset[str]:
        """The fields that a request to it never has."""
        named = self.lacks if self.tool_choice else self.lacks | {"tool_choice"}
        return named if self.state else named | frozenset(STATE)


def dialect_of(model: Model) -> Dialect:
    """The dialect that a model says its server has, else the documented one."""
    return getattr(model, "dialect", None) or Dialect()


def spoken(request: Request, dialect: Dialect, refused: frozenset[bytes] = frozenset()) -> Request:
    """The request as the server wants it, without the reasoning that it has refused."""
    fields = request.fields.spoken.get(dialect)
    if fields is None:
        # the fields are the same in every request of a run, so this is done once
        values = _fields(request.fields.values, dialect)
        fields = request.fields if values == request.fields.values else Fields(values)
        request.fields.spoken[dialect] = fields
    extra, items = request.extra, request.input
    if extra:
        if not dialect.state and extra.get("previous_response_id"):
            items = (*request.before, *items)
        extra = _extra(extra, dialect)
    if dialect.reshapes_items or refused:
        items = _items(items, dialect, refused)
    if fields is request.fields and items is request.input and extra == request.extra:
        return request
    return replace(request, fields=fields, input=tuple(items), extra=extra)


def schema_in_words(schema: Any) -> str:
    """What tells a model of the form of its answer where the server does not."""
    text = encode(schema).decode()
    return f"Answer with one JSON object and nothing else. It must fit this schema:\n{text}"


def _fields(values: Mapping[str, Any], dialect: Dialect) -> Wire:
    fields = {key: value for key, value in values.items() if key not in dialect.unsent}
    if dialect.encrypted_reasoning and "include" not in values.keys() | dialect.unsent:
        fields["include"] = ["reasoning.encrypted_content"]
    if "tools" in fields:
        fields["tools"] = _tools(fields["tools"], dialect)
    if isinstance(fields.get("text"), dict):
        fields |= _text(fields["text"], str(fields.get("instructions") or ""), dialect)
    return {key: each for key, each in fields.items() if each or key not in ("tools", "text")}


def _tools(tools: Iterable[Wire], dialect: Dialect) -> list[Wire]:
    return [
        {**tool, "strict": False} if tool.get("strict") and _is_loose(tool, dialect) else tool
        for tool in tools
        if tool.get("type") not in dialect.lacks_tools
    ]


def _is_loose(tool: Wire, dialect: Dialect) -> bool:
    return "*" in dialect.not_strict or tool.get("name") in dialect.not_strict


def _text(text: Wire, instructions: str, dialect: Dialect) -> Wire:
    """The `text` of a request, and its instructions where they have to say what it may not."""
    form = text.get("format")
    if not isinstance(form, dict) or form.get("type") != "json_schema":
        return {"text": text}
    if not dialect.text_format:
        rest = {key: value for key, value in text.items() if key != "format"}
        told = f"{instructions}\n\n{schema_in_words(form.get('schema'))}".strip()
        return {"text": rest, "instructions": told}
    if form.get("strict") and dialect.not_strict & {"*", "text.format"}:
        return {"text": {**text, "format": {**form, "strict": False}}}
    return {"text": text}


def _extra(extra: Mapping[str, Any], dialect: Dialect) -> Wire:
    """The fields of one request alone."""
    kept = {key: value for key, value in extra.items() if key not in dialect.unsent}
    choice = extra.get("tool_choice")
    if not dialect.tool_choice and choice == "none":
        kept["tools"] = None
    if not dialect.forced_choice and choice not in (None, "none", "auto"):
        kept["tool_choice"] = "auto"
    return kept


def _items(items: Iterable[Item], dialect: Dialect, refused: frozenset[bytes]) -> tuple[Item, ...]:
    kept = list(items)
    if refused and any(item.encoded in refused for item in kept):
        # what stood beside it must not be looked up by its id
        kept = [item.without_id() for item in kept if item.encoded not in refused]
    if not dialect.empty_reasoning:
        kept = [item for item in kept if _shows_itself(item)]
    if not dialect.lists_in_outputs:
        kept = [_in_words(item) for item in kept]
    return tuple(kept) if dialect.calls_apart else tuple(_with_calls_together(kept))


def _shows_itself(item: Item) -> bool:
    return not isinstance(item, Reasoning) or bool(item.wire.get("content"))


def _in_words(item: Item) -> Item:
    """An output that is a list of parts, as text."""
    if not isinstance(item, FunctionCallOutput) or not isinstance(item.output, list):
        return item
    parts = item.output
    said = item.shapes.get("words")
    if said is None:
        text = "\n".join(
            str(part.get("text"))
            if part.get("type") == "input_text"
            else "[an image or a file, left out]"
            for part in parts
        )
        said = item.shapes["words"] = FunctionCallOutput({**item.wire, "output": text})
    return said


def _with_calls_together(items: Iterable[Item]) -> list[Item]:
    """The same items, with what stands between two calls of one answer before the first.

    Source: DeepSeek answers "No tool output found" where anything stands between calls.
    """
    ordered: list[Item] = []
    calls: list[Item] = []
    between: list[Item] = []
    for item in items:
        if isinstance(item, FunctionCall):
            calls.append(item)
        elif calls and _is_said_by_model(item):
            between.append(item)
        else:
            ordered += [*between, *calls, item]
            calls, between = [], []
    return [*ordered, *between, *calls]


def _is_said_by_model(item: Item) -> bool:
    return isinstance(item, Reasoning) or item.wire.get("role") == "assistant"
