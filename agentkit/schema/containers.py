"""Objects, maps, lists and tuples in the strict subset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from agentkit.schema.decoding import (
    Decoder,
    array_decoder,
    extras_decoder,
    object_decoder,
    pairs_decoder,
    tuple_decoder,
)
from agentkit.schema.merge import Schema
from agentkit.schema.shapes import closed, described, free_name, nullable, position_names, titled
from agentkit.schema.words import sentences, shown

Rewritten = tuple[Schema, Decoder | None]

OBJECT = frozenset(["type", "properties", "required", "additionalProperties", "patternProperties"])
_PAIRS = OBJECT | {"propertyNames", "minProperties", "maxProperties"}
_ARRAY = frozenset(["type", "items", "prefixItems", "additionalItems", "minItems", "maxItems"])


class Rewriter(Protocol):
    """What rewrites the parts of a container."""

    def rewrite(self, schema: Any, path: str) -> Rewritten: ...
    def any_of(self, parts: list[Rewritten]) -> Rewritten: ...
    def note(self, path: str, text: str) -> None: ...


def rewrite_object(rewriter: Rewriter, node: Schema, path: str) -> Rewritten:
    """A closed object; one with free keys alone becomes a list of pairs."""
    properties = dict(node.get("properties") or {})
    for name in node.get("required", ()):
        properties.setdefault(name, {})
    more = node.get("additionalProperties")
    if more is None and not node.keys() & {"properties", "patternProperties"} and not properties:
        more = True
    is_open = more is True or isinstance(more, Mapping) or bool(node.get("patternProperties"))
    if not is_open:
        return _fixed(rewriter, node, properties, path)
    if not properties:
        return _pairs(rewriter, node, path)
    return _with_extras(rewriter, node, properties, path)


def _fixed(rewriter: Rewriter, node: Schema, properties: Schema, path: str) -> Rewritten:
    required = set(node.get("required", ()))
    nodes: Schema = {}
    decoders: dict[str, Decoder | None] = {}
    for name, part in properties.items():
        place = f"{path}.{name}" if path else name
        if name in required:
            nodes[name], decoders[name] = rewriter.rewrite(part, place)
        else:
            nodes[name], decoders[name] = _optional(rewriter, part, place)
    whole = described(closed(nodes), node, OBJECT)
    return whole, object_decoder(decoders, frozenset(properties.keys() - required))


def _optional(rewriter: Rewriter, part: Any, path: str) -> Rewritten:
    origin = part if isinstance(part, Mapping) else {}
    bare = {key: value for key, value in origin.items() if key != "description"}
    node, decoder = rewriter.rewrite(bare if origin else part, path)
    meaning = "Null to leave it out."
    if "default" in origin:
        default = origin["default"]
        meaning = "" if default is None else f"Null for the default: {shown(default)}."
    rewriter.note(
        path, "null stands for its default" if "default" in origin else "null leaves it out"
    )
    text = sentences(origin.get("description"), node.get("description"), meaning)
    inner = {key: value for key, value in node.items() if key != "description"}
    return titled(nullable(inner), text), decoder


def _with_extras(rewriter: Rewriter, node: Schema, properties: Schema, path: str) -> Rewritten:
    extras = free_name("additional_properties", properties)
    rest: Schema = {"type": "object", "description": "Any other properties."}
    rest["additionalProperties"] = node.get("additionalProperties", False)
    if "patternProperties" in node:
        rest["patternProperties"] = node["patternProperties"]
    whole = {**node, "required": [*node.get("required", ()), extras]}
    rewritten, decoder = _fixed(rewriter, whole, {**properties, extras: rest}, path)
    return rewritten, extras_decoder(decoder, extras, frozenset(properties))


def _pairs(rewriter: Rewriter, node: Schema, path: str) -> Rewritten:
    rewriter.note(path, "an object with free keys, sent as a list of {key, value} objects")
    patterns = node.get("patternProperties") or {}
    values = list(patterns.values())
    if not patterns or node.get("additionalProperties", False) is not False:
        values.append(node.get("additionalProperties", True))
    names = node.get("propertyNames")
    key = {"type": "string", **(names if isinstance(names, dict) else {})}
    if len(patterns) == len(values) == 1:
        key["pattern"] = next(iter(patterns))
    key_node, _ = rewriter.rewrite(key, f"{path}{{key}}")
    value, decoder = rewriter.any_of([rewriter.rewrite(one, f"{path}{{value}}") for one in values])
    pairs: Schema = {"type": "array", "items": closed({"key": key_node, "value": value})}
    for mine, own in (("minItems", "minProperties"), ("maxItems", "maxProperties")):
        if own in node:
            pairs[mine] = node[own]
    pairs["description"] = "As a list of key and value pairs."
    return described(pairs, node, _PAIRS), pairs_decoder(decoder)


def rewrite_array(rewriter: Rewriter, node: Schema, path: str) -> Rewritten:
    """A list; a tuple of different types becomes an object with a property for each place."""
    items = node.get("items", True)
    places = node.get("prefixItems") or (items if isinstance(items, list) else None)
    if places:
        rest = items if "prefixItems" in node else node.get("additionalItems", True)
        return _tuple(rewriter, node, places, rest, path)
    if items is False or items == []:
        items, node = {"type": "null"}, {**node, "maxItems": 0}
    item, decoder = rewriter.rewrite(items, f"{path}[]")
    kept: Schema = {key: node[key] for key in ("minItems", "maxItems") if key in node}
    whole = {"type": "array", "items": item, **kept}
    return described(whole, node, _ARRAY), array_decoder(decoder)


def _tuple(rewriter: Rewriter, node: Schema, places: list[Any], rest: Any, path: str) -> Rewritten:
    others = {key: node[key] for key in node.keys() - {"items", "prefixItems", "additionalItems"}}
    if rest is not False and node.get("maxItems", len(places) + 1) > len(places):
        return rewrite_array(rewriter, {**others, "items": {"anyOf": [*places, rest]}}, path)
    least = min(node.get("minItems", len(places)), len(places))
    bare = [_without_title(place) for place in places]
    if all(place == bare[0] for place in bare):
        one: Schema = {"items": bare[0], "minItems": least, "maxItems": len(places)}
        return rewrite_array(rewriter, {**others, **one}, path)
    rewriter.note(path, "a tuple, sent as an object with a property for each place")
    names = position_names(places)
    parts = [
        rewriter.rewrite(place, f"{path}.{name}")
        if number < least
        else _optional(rewriter, place, f"{path}.{name}")
        for number, (name, place) in enumerate(zip(names, bare, strict=True))
    ]
    whole = closed({name: part for name, (part, _) in zip(names, parts, strict=True)})
    decoder = tuple_decoder(names, [decoder for _, decoder in parts], least)
    return described(whole, node, _ARRAY), decoder


def _without_title(place: Any) -> Any:
    if not isinstance(place, dict):
        return place
    return {key: value for key, value in place.items() if key != "title"}
