"""Has a request fit a server, by what its dialect says.

Knows nothing of HTTP. What is the same in every request of a run is made once and kept.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from agentkit.encoding import Wire, encode
from agentkit.responses.dialect import ALL, Dialect
from agentkit.responses.items import (
    FunctionCall,
    FunctionCallOutput,
    Item,
    Message,
    Reasoning,
    with_own_call_ids,
)
from agentkit.responses.response import Fields, Request

_NOT_EMPTY = ("reasoning", "text", "tools")
"""Fields that are left out where nothing is left in them."""


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
            items = tuple(with_own_call_ids((*request.before, *items)))
        extra = _extra(extra, dialect, request.value_of("text"))
        if "tool_choice" in extra and not _may_choose(extra, fields, dialect):
            del extra["tool_choice"]
    if dialect.reshapes_items or refused:
        items = _items(items, dialect, refused)
    is_streamed = _is_streamed(request, dialect)
    if (
        fields is request.fields
        and items is request.input
        and extra == request.extra
        and is_streamed is request.stream
    ):
        return request
    return replace(request, fields=fields, input=tuple(items), extra=extra, stream=is_streamed)


def left_out(request: Request, dialect: Dialect) -> list[str]:
    """What the caller asked for and the server is not asked for, in words."""
    values = request.fields.values
    parts = [f"{name}.{part}" for name in values for part in _parts_of(values[name])]
    fields = [f"`{name}`" for name in (*values, *parts) if name in dialect.unsent - {"include"}]
    tools = [str(tool.get("type")) for tool in values.get("tools") or ()]
    lost = [kind for kind in dict.fromkeys(tools) if _is_lacking(kind, dialect)]
    return [*fields, *(f"tools of the type {kind}" for kind in lost)]


def _parts_of(value: Any) -> Iterable[str]:
    return value if isinstance(value, dict) else ()


def schema_name(name: str, schema: Any) -> str:
    """What a strict schema is known by: the name of its tool, or `text.format`, and its content."""
    return f"{name}:{zlib.crc32(encode(schema)):08x}"


def schema_in_words(schema: Any) -> str:
    """What tells a model of the form of its answer where the server does not."""
    text = encode(schema).decode()
    return f"Answer with one JSON object and nothing else. It must fit this schema:\n{text}"


def _fields(values: Mapping[str, Any], dialect: Dialect) -> Wire:
    fields = {key: _without_parts(key, value, dialect) for key, value in values.items()}
    fields = {key: each for key, each in fields.items() if key not in dialect.unsent}
    if dialect.encrypted_reasoning and "include" not in values.keys() | dialect.unsent:
        fields["include"] = ["reasoning.encrypted_content"]
    if "tools" in fields:
        fields["tools"] = _tools(fields["tools"], dialect)
    if isinstance(fields.get("text"), dict):
        fields |= _text(fields["text"], str(fields.get("instructions") or ""), dialect)
    return {key: each for key, each in fields.items() if each or key not in _NOT_EMPTY}


def _without_parts(name: str, value: Any, dialect: Dialect) -> Any:
    """The value of a field without those parts that the server does not know."""
    if not isinstance(value, dict) or not any(f"{name}.{part}" in dialect.lacks for part in value):
        return value
    return {part: each for part, each in value.items() if f"{name}.{part}" not in dialect.lacks}


def _tools(tools: Iterable[Wire], dialect: Dialect) -> list[Wire]:
    kept = [tool for tool in tools if not _is_lacking(str(tool.get("type")), dialect)]
    if "strict" in dialect.lacks:
        return [{key: each for key, each in tool.items() if key != "strict"} for tool in kept]
    return [
        {**tool, "strict": False} if tool.get("strict") and _is_loose(tool, dialect) else tool
        for tool in kept
    ]


def _is_lacking(kind: str, dialect: Dialect) -> bool:
    return kind in dialect.lacks_tools or (ALL in dialect.lacks_tools and kind != "function")


def _is_loose(tool: Wire, dialect: Dialect) -> bool:
    if not dialect.not_strict or ALL in dialect.not_strict:
        return bool(dialect.not_strict)
    return schema_name(str(tool.get("name")), tool.get("parameters")) in dialect.not_strict


def _is_streamed(request: Request, dialect: Dialect) -> bool:
    if dialect.streams == "always":
        return True
    return request.stream and not (dialect.streams == "without tools" and request.value_of("tools"))


def _text(text: Wire, instructions: str, dialect: Dialect) -> Wire:
    """The `text` of a request, and its instructions where they have to say what it may not."""
    form = text.get("format")
    if not isinstance(form, dict) or form.get("type") != "json_schema":
        return {"text": text}
    if not dialect.text_format:
        rest = {key: value for key, value in text.items() if key != "format"}
        told = f"{instructions}\n\n{schema_in_words(form.get('schema'))}".strip()
        return {"text": rest, "instructions": told}
    if "strict" in dialect.lacks:
        return {"text": {**text, "format": {k: v for k, v in form.items() if k != "strict"}}}
    name = schema_name("text.format", form.get("schema"))
    if form.get("strict") and dialect.not_strict & {ALL, name}:
        return {"text": {**text, "format": {**form, "strict": False}}}
    return {"text": text}


def _extra(extra: Mapping[str, Any], dialect: Dialect, text: Any) -> Wire:
    """The fields of one request alone."""
    kept = {key: value for key, value in extra.items() if key not in dialect.unsent}
    if kept.get("tools"):
        kept["tools"] = _tools(kept["tools"], dialect)
    choice = extra.get("tool_choice")
    if not dialect.tool_choice and choice == "none":
        kept["tools"] = None
    if not dialect.forced_choice and choice not in (None, "none", "auto"):
        kept["tool_choice"] = "auto"
    if isinstance(text, dict) and extra.get("instructions") is not None:
        told = _text(text, extra["instructions"], dialect).get("instructions")
        kept |= {} if told is None else {"instructions": told}
    return kept


def _may_choose(extra: Wire, fields: Fields, dialect: Dialect) -> bool:
    """Whether a choice has something to choose from: servers refuse one without tools."""
    choice = extra["tool_choice"]
    kind = choice.get("type") if isinstance(choice, dict) else ""
    has_tools = "tools" in extra or "tools" in fields.values or not dialect.lacks_tools
    return has_tools and kind not in dialect.lacks_tools


def _items(items: Iterable[Item], dialect: Dialect, refused: frozenset[bytes]) -> tuple[Item, ...]:
    kept = list(items)
    if refused and any(item.encoded in refused for item in kept):
        # what stood beside it must not be looked up by its id
        kept = [item.without_id() for item in kept if item.encoded not in refused]
    if not dialect.takes_reasoning:
        kept = [item.without_id() for item in kept if not isinstance(item, Reasoning)]
    if not dialect.empty_reasoning:
        kept = [item for item in kept if _shows_itself(item)]
    if not dialect.bare_messages:
        kept = [_typed(item) for item in kept]
    if not dialect.lists_in_outputs:
        kept = [_in_words(item) for item in kept]
    return tuple(kept) if dialect.calls_apart else tuple(_with_calls_together(kept))


def _shows_itself(item: Item) -> bool:
    return not isinstance(item, Reasoning) or bool(item.wire.get("content"))


def _typed(item: Item) -> Item:
    """A message that says that it is one."""
    if not isinstance(item, Message) or "type" in item.wire:
        return item
    if "typed" not in item.shapes:
        item.shapes["typed"] = Message({"type": "message", **item.wire})
    return item.shapes["typed"]


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
