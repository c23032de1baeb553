"""The fields of an answer on the wire, each with the call and the quote that show its value.

A schema in, a schema out that has three parts for each field; and the way back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agentkit.encoding import JSON, Wire
from agentkit.evidence.found import ASKED, Field
from agentkit.schema.bounds import check_bounds
from agentkit.schema.decoding import Decoder
from agentkit.schema.merge import NotStrictError, Schema
from agentkit.schema.pointers import resolve
from agentkit.schema.shapes import closed, free_name, nullable, titled
from agentkit.schema.strict import StrictSchema
from agentkit.schema.words import sentences

_PARTS = frozenset({"call_id", "quote", "value"})
_TOLD = (
    "Give with each value the tool call whose output shows it and a quote from that output. Where "
    "no output shows it, give null for all three."
)
_CALL_ID = "The call_id of the tool call that is quoted."
_QUOTE = (
    f"The piece of that call's output, {ASKED} characters at most, that says the value: copied "
    "literally, in one piece."
)


def root_of(schema: Schema) -> Schema:
    """What a schema says of the whole, also where it is a reference into itself."""
    ref = schema.get("$ref")
    target = resolve(schema, ref) if isinstance(ref, str) else None
    if not isinstance(target, dict):
        return schema
    return {**{key: part for key, part in schema.items() if key != "$ref"}, **target}


def names_in(schema: Schema) -> tuple[str, ...]:
    """The fields of an object, in order; none of what is no object with fields."""
    root = root_of(schema)
    properties, is_object = root.get("properties"), root.get("type", "object") == "object"
    return tuple(properties) if is_object and isinstance(properties, dict) else ()


def with_evidence(plain: StrictSchema, names: Sequence[str], *, keeps_null: bool) -> StrictSchema:
    """A strict schema of an object, with three parts for each of these fields.

    Read, it is what the plain one reads; with `keeps_null`, a field without a value is null there
    and not left out.
    """
    root = root_of(plain.schema)
    defs = dict(root.get("$defs") or {})
    parts = [_defined(defs, "call_id", _CALL_ID), _defined(defs, "quote", _QUOTE)]
    properties = {
        name: _three(node, parts) if name in names else node
        for name, node in root["properties"].items()
    }
    schema = {**root, "properties": properties, "$defs": defs}
    schema["description"] = sentences(root.get("description"), _TOLD)
    decoder = _decoder(plain, names, keeps_null=keeps_null)
    return StrictSchema(schema, plain.is_strict and _is_small(schema), plain.notes, decoder)


def without_evidence(schema: Schema) -> Schema | None:
    """The schema that such a one was made of, as far as it shows that; None for any other."""
    properties = schema.get("properties") or {}
    fields = [node for node in properties.values() if _asks_for_parts(node)]
    told = str(schema.get("description") or "")
    if not fields or not told.endswith(_TOLD):
        return None
    asked = [node["properties"][part]["$ref"] for node in fields for part in ("call_id", "quote")]
    added = {ref.rpartition("/")[2] for ref in asked}
    plain = {
        name: titled(node["properties"]["value"], node.get("description"))
        if _asks_for_parts(node)
        else node
        for name, node in properties.items()
    }
    defs = {name: node for name, node in schema.get("$defs", {}).items() if name not in added}
    whole = {**schema, "properties": plain, "$defs": defs}
    return {**whole, "description": told.removesuffix(_TOLD).strip()}


def field_of(written: JSON) -> Field:
    """A field as the model wrote it; a bare value is one that nothing is said of."""
    if not _has_parts(written):
        return Field(written)
    call_id, quote = written.get("call_id"), written.get("quote")
    return Field(
        written["value"],
        call_id if isinstance(call_id, str) else None,
        quote if isinstance(quote, str) else None,
    )


def _asks_for_parts(node: Schema) -> bool:
    parts = node.get("properties") or {}
    return parts.keys() == _PARTS and all("$ref" in parts[each] for each in ("call_id", "quote"))


def _has_parts(written: JSON) -> bool:
    if not isinstance(written, dict) or "value" not in written:
        return False
    return written.keys() <= _PARTS or written.keys() >= _PARTS


def _defined(defs: Wire, wanted: str, description: str) -> Schema:
    """A reference to a text or null, so that its description is said once and not in each field."""
    name = free_name(wanted, defs)
    defs[name] = {"anyOf": [{"type": "string"}, {"type": "null"}], "description": description}
    return {"$ref": f"#/$defs/{name}"}


def _three(node: Schema | bool, parts: Sequence[Schema]) -> Schema:
    """A field as the object that has its evidence before its value, in the order of thought."""
    said = node if isinstance(node, dict) else {}
    bare = {key: value for key, value in said.items() if key != "description"}
    call_id, quote = parts
    whole = closed({"call_id": call_id, "quote": quote, "value": nullable(bare)})
    return titled(whole, said.get("description"))


def _decoder(plain: StrictSchema, names: Sequence[str], *, keeps_null: bool) -> Decoder:
    def decode(value: Any) -> JSON:
        if not isinstance(value, dict):
            return plain.decode(value)
        bare = {
            name: field_of(part).value if name in names else part for name, part in value.items()
        }
        read = plain.decode(bare)
        if not keeps_null or not isinstance(read, dict):
            return read
        given = [name for name in names if name in value]
        return {**dict.fromkeys(given), **read}

    return decode


def _is_small(schema: Schema) -> bool:
    try:
        check_bounds(schema)
    except NotStrictError:
        return False
    return True
