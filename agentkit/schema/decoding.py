"""From the text a model writes to a value, and from its strict form to that of its own schema.

A decoder is a plain function; None stands for "already right", so that most values cost nothing.
Decoders are lenient: a value that already has its own form, as servers without strict mode send,
passes through.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import NoReturn

from agentkit.encoding import JSON
from agentkit.schema.words import Place, path_of

Decoder = Callable[[JSON], JSON]

JSON_TEXT = "json"
"""The property that carries an object or array of any shape as JSON text."""

MOST_DEPTH = 100
"""Objects and arrays within one another, in what a model writes."""

_MARKS = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[{]|[\]}]', re.DOTALL)


class UndecodableError(ValueError):
    """A value in strict form that stands for nothing; `.path` says where, `.reason` why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path: list[Place] = []

    def __str__(self) -> str:
        return f"{path_of(self.path)}: {self.reason}"


def read_json(text: str) -> JSON:
    """The value of a JSON text that means one thing to everybody who reads it.

    Raises ValueError for what is no JSON, and UndecodableError for what some take for it: numbers
    that are none or too large, what is nested too deeply, and a name that an object has twice: of
    two readers one takes the first, the other the last, and a person may be the third.
    """
    if text.count("{") + text.count("[") > MOST_DEPTH and _is_too_deep(text):
        raise UndecodableError(f"nested more than {MOST_DEPTH} levels deep")
    try:
        return _READER.decode(text)
    except (json.JSONDecodeError, UndecodableError):
        raise
    except ValueError as error:  # more digits than Python reads
        raise UndecodableError("a number has too many digits") from error


def _object(pairs: list[tuple[str, JSON]]) -> JSON:
    whole = dict(pairs)
    if len(whole) < len(pairs):
        raise _twice([name for name, _ in pairs])
    return whole


def _twice(names: Sequence[str]) -> UndecodableError:
    error = UndecodableError("given twice")
    error.path.append(Counter(names).most_common(1)[0][0])
    return error


def _number(literal: str) -> float:
    if isfinite(number := float(literal)):
        return number
    raise UndecodableError(f"{literal} is too large a number")


def _refuse(constant: str) -> NoReturn:
    raise UndecodableError(f"{constant} is not JSON")


_READER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_number, parse_constant=_refuse)


def _is_too_deep(text: str) -> bool:
    """Whether too many objects and arrays are within one another; brackets in strings are none."""
    depth = 0
    for mark in _MARKS.finditer(text):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(mark[0], 0)
        if depth > MOST_DEPTH:
            return True
    return False


def decoded(decoder: Decoder | None, value: JSON, place: Place) -> JSON:
    """The decoded value; what goes wrong inside it is reported under `place`."""
    if decoder is None:
        return value
    try:
        return decoder(value)
    except UndecodableError as error:
        error.path.insert(0, place)
        raise


def object_decoder(
    decoders: Mapping[str, Decoder | None], optional: frozenset[str]
) -> Decoder | None:
    """Leaves out optional properties that are null and decodes the others."""
    needed = {name: decoder for name, decoder in decoders.items() if decoder is not None}
    if not needed and not optional:
        return None

    def decode(value: JSON) -> JSON:
        if not isinstance(value, dict):
            return value
        return {
            name: part if (inner := needed.get(name)) is None else decoded(inner, part, name)
            for name, part in value.items()
            if part is not None or name not in optional
        }

    return decode


def array_decoder(item: Decoder | None) -> Decoder | None:
    """Decodes every item of a list."""
    if item is None:
        return None

    def decode(value: JSON) -> JSON:
        if not isinstance(value, list):
            return value
        return [decoded(item, part, index) for index, part in enumerate(value)]

    return decode


def pairs_decoder(item: Decoder | None) -> Decoder:
    """Makes an object of a list of key and value pairs, no two of them with an equal key."""

    def decode(value: JSON) -> JSON:
        if isinstance(value, dict):
            return {key: decoded(item, part, key) for key, part in value.items()}
        if not isinstance(value, list):
            return value
        if not all(isinstance(pair, dict) and pair.keys() == {"key", "value"} for pair in value):
            raise UndecodableError("expected a list of objects with `key` and `value`")
        keys = [str(pair["key"]) for pair in value]
        if len(set(keys)) < len(keys):
            raise _twice(keys)
        return {str(pair["key"]): decoded(item, pair["value"], pair["key"]) for pair in value}

    return decode


def extras_decoder(inner: Decoder | None, extras: str, names: frozenset[str]) -> Decoder:
    """Puts the entries of the property `extras` beside the object's own properties."""

    def decode(value: JSON) -> JSON:
        whole = inner(value) if inner else value
        if not isinstance(whole, dict) or not isinstance(whole.get(extras), dict):
            return whole
        more = whole[extras]
        if clash := next((name for name in more if name in names), None):
            error = UndecodableError(f"{clash!r} is a property of its own, give it there")
            error.path.append(extras)
            raise error
        return {**{name: part for name, part in whole.items() if name != extras}, **more}

    return decode


def tuple_decoder(names: Sequence[str], decoders: Sequence[Decoder | None], least: int) -> Decoder:
    """Makes a list of an object with one property a position; a null tail is left out."""

    def decode(value: JSON) -> JSON:
        if isinstance(value, dict) and value.keys() <= set(names):
            value = [value.get(name) for name in names]
            while len(value) > least and value[-1] is None:
                value.pop()
        if not isinstance(value, list) or len(value) > len(decoders):
            return value
        return [
            decoded(decoder, part, index)
            for index, (decoder, part) in enumerate(zip(decoders, value, strict=False))
        ]

    return decode


def union_decoder(
    branches: Sequence[tuple[JSON, Decoder | None]], defs: Mapping[str, JSON]
) -> Decoder | None:
    """Decodes by the first branch the value fits; by the only one where one needs decoding."""
    needing = [decoder for _, decoder in branches if decoder is not None]
    if not needing:
        return None
    if len([node for node, _ in branches if node != {"type": "null"}]) == 1:
        return needing[0]

    def decode(value: JSON) -> JSON:
        for node, decoder in branches:
            if fits(value, node, defs):
                return decoder(value) if decoder else value
        return value

    return decode


def wrapped_decoder(name: str, inner: Decoder | None) -> Decoder:
    """Takes the value out of the object with a single property that carries it."""

    def decode(value: JSON) -> JSON:
        if not isinstance(value, dict) or value.keys() != {name}:
            return value
        return decoded(inner, value[name], name)

    return decode


def decode_any(value: JSON) -> JSON:
    """A value of any type; objects and arrays come as JSON text under the property `json`."""
    if not isinstance(value, dict) or value.keys() != {JSON_TEXT}:
        return value
    text = value[JSON_TEXT]
    if not isinstance(text, str):
        return value
    try:
        return read_json(text)
    except UndecodableError:
        raise
    except ValueError as error:
        raise UndecodableError(f"expected JSON text, but {error}") from error


def fits(value: JSON, node: JSON, defs: Mapping[str, JSON]) -> bool:
    """Whether a value has the shape of a strict schema; a missing property counts as null."""
    if "$ref" in node:
        return fits(value, defs[node["$ref"].rpartition("/")[2]], defs)
    if "anyOf" in node:
        return any(fits(value, branch, defs) for branch in node["anyOf"])
    if "const" in node or "enum" in node:
        return value in node.get("enum", [node.get("const")])
    kinds = node["type"] if isinstance(node["type"], list) else [node["type"]]
    return any(_is_of(value, kind, node, defs) for kind in kinds)


def _is_of(value: JSON, kind: str, node: JSON, defs: Mapping[str, JSON]) -> bool:
    if kind == "object":
        return isinstance(value, dict) and _fits_object(value, node["properties"], defs)
    if kind == "array":
        if not isinstance(value, list):
            return False
        if not node.get("minItems", 0) <= len(value) <= node.get("maxItems", len(value)):
            return False
        return all(fits(part, node["items"], defs) for part in value)
    if kind == "integer":
        return _is_number(value) and value == int(value)
    if kind == "number":
        return _is_number(value)
    return isinstance(value, {"string": str, "boolean": bool, "null": type(None)}[kind])


def _fits_object(value: JSON, properties: Mapping[str, JSON], defs: Mapping[str, JSON]) -> bool:
    if value.keys() - properties.keys():
        return False
    return all(fits(value.get(name), node, defs) for name, node in properties.items())


def _is_number(value: JSON) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
