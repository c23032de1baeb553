"""Pieces of strict schemas, and small questions about schemas."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from agentkit.schema.merge import NotStrictError, Schema
from agentkit.schema.words import in_words, sentences

NULL: Schema = {"type": "null"}
ANNOTATIONS = frozenset(
    [
        "title",
        "default",
        "examples",
        "$comment",
        "$schema",
        "$id",
        "$defs",
        "definitions",
        "deprecated",
        "readOnly",
    ]
)
NUMERIC = ("multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")

_TYPE_OF = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
_KEYWORDS = {
    "object": frozenset(["properties", "additionalProperties", "patternProperties", "required"]),
    "array": frozenset(["items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"]),
    "string": frozenset(["pattern", "minLength", "maxLength", "format", "contentEncoding"]),
    "number": frozenset(NUMERIC),
}
_SHAPE = frozenset(
    [
        "type",
        "properties",
        "items",
        "prefixItems",
        "$ref",
        "enum",
        "const",
        "anyOf",
        "oneOf",
        "allOf",
    ]
)


def closed(properties: Mapping[str, Any]) -> Schema:
    """An object with exactly these properties."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def nullable(node: Schema) -> Schema:
    """The schema or null."""
    if node == NULL or NULL in node.get("anyOf", ()):
        return node
    if node.keys() == {"anyOf"}:
        return {"anyOf": [*node["anyOf"], NULL]}
    return {"anyOf": [node, NULL]}


def titled(node: Schema, text: str | None) -> Schema:
    """The node with a text put before its description; a reference gets it from around it."""
    whole = sentences(text, node.get("description"))
    if not whole:
        return node
    return (
        {"anyOf": [node], "description": whole}
        if "$ref" in node
        else {**node, "description": whole}
    )


def described(node: Schema, origin: Mapping[str, Any], known: Collection[str]) -> Schema:
    """The node with the description of its origin, and in words what else the origin asks."""
    words = in_words(origin, [key for key in origin if key not in known])
    text = sentences(origin.get("description"), node.get("description"), words)
    return {**node, "description": text} if text else node


def choice(origin: Mapping[str, Any], path: str) -> Schema:
    """An enum or const with the type that strict mode asks for."""
    values = origin["enum"] if "enum" in origin else [origin["const"]]
    kinds = list(dict.fromkeys(_TYPE_OF.get(type(value), "") for value in values))
    if not kinds or "" in kinds:
        raise NotStrictError(
            f"the enum of {path or 'the root'} needs values, and none may be a list or object"
        )
    typed: Schema = {"type": kinds[0] if len(kinds) == 1 else kinds}
    return {**typed, "const": values[0]} if "enum" not in origin else {**typed, "enum": [*values]}


def inferred_type(node: Mapping[str, Any]) -> str | None:
    """The type a schema means though it does not say it; None where anything fits."""
    return next((kind for kind, words in _KEYWORDS.items() if node.keys() & words), None)


def has_shape(node: Any) -> bool:
    """Whether a schema says what a value is, and not only what it must fulfil."""
    return not isinstance(node, Mapping) or not node or bool(node.keys() & _SHAPE)


def for_type(node: Mapping[str, Any], kind: str) -> Schema:
    """What a schema for several types says of one of them."""
    others = frozenset[str]().union(*(words for name, words in _KEYWORDS.items() if name != kind))
    mine = _KEYWORDS["number" if kind == "integer" else kind] if kind in _KEYWORDS else frozenset()
    kept = {key: value for key, value in node.items() if key not in others or key in mine}
    return {**kept, "type": kind}


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """The name itself, or with a number where it is taken."""
    used, name, number = set(taken), wanted, 1
    while name in used:
        number += 1
        name = f"{wanted}_{number}"
    return name


def slug(text: str) -> str:
    """A text as a name of letters, digits, underscores and hyphens."""
    return re.sub(r"[^a-zA-Z0-9_-]+", "_", text).strip("_")


def position_names(parts: Sequence[Any]) -> list[str]:
    """A name for each place of a tuple: its title, as named tuples have, or its number."""
    names = [slug(str(part.get("title", ""))).lower() for part in parts if isinstance(part, dict)]
    if len(names) == len(parts) and all(names) and len(set(names)) == len(names):
        return names
    return [f"item_{number}" for number in range(1, len(parts) + 1)]
