"""The limits of strict mode: how large a schema may be.

Source: Structured Outputs, limitations on nesting depth and size.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agentkit.schema.merge import NotStrictError

PROPERTIES = 5_000
LEVELS = 10
CHARACTERS = 120_000
ENUM_VALUES = 1_000
LARGE_ENUM = 250
LARGE_ENUM_CHARACTERS = 15_000


def check_bounds(schema: dict[str, Any]) -> None:
    """Raise NotStrictError, naming the limit, where the service would refuse the schema."""
    nodes = list(_nodes(schema))
    names = [name for node in nodes for name in node.get("properties", ())]
    enums = [node["enum"] for node in nodes if "enum" in node]
    values = [value for enum in enums for value in enum]
    texts = [*names, *schema.get("$defs", ()), *_strings(values)]
    texts += _strings([node["const"] for node in nodes if "const" in node])
    _hold("properties", len(names), PROPERTIES)
    _hold("enum values", len(values), ENUM_VALUES)
    _hold("characters of names and values", sum(map(len, texts)), CHARACTERS)
    for enum in enums:
        if len(enum) > LARGE_ENUM:
            _hold("characters in one enum", sum(map(len, _strings(enum))), LARGE_ENUM_CHARACTERS)
    _hold("levels of nesting", _levels(schema, schema.get("$defs", {}), {}), LEVELS)


def _hold(what: str, count: int, limit: int) -> None:
    if count > limit:
        raise NotStrictError(f"it has {count:,} {what}, {limit:,} are allowed")


def _strings(values: list[Any]) -> list[str]:
    return [value for value in values if isinstance(value, str)]


def _children(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from node.get("properties", {}).values()
    yield from node.get("anyOf", ())
    if "items" in node:
        yield node["items"]


def _nodes(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    pending = [schema, *schema.get("$defs", {}).values()]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(_children(node))


def _levels(node: dict[str, Any], defs: dict[str, Any], seen: dict[str, int]) -> int:
    """Objects within objects, each definition followed once."""
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        if name not in seen:
            seen[name] = 0
            seen[name] = _levels(defs[name], defs, seen)
        return seen[name]
    deepest = max((_levels(child, defs, seen) for child in _children(node)), default=0)
    return deepest + (node.get("type") == "object")
