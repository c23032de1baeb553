"""JSON Schemas as far as values are filled in from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agentkit.encoding import JSON, Wire


@dataclass(frozen=True)
class Slot:
    """One value a schema asks for, with references and unions resolved."""

    name: str
    type: str
    """`string`, `integer`, `number`, `boolean`, `array`, `object` or `null`."""
    is_nullable: bool
    schema: Wire
    root: Wire
    """Where the schema's references point into."""
    is_required: bool = True

    @property
    def description(self) -> str:
        return str(self.schema.get("description") or "")

    @property
    def options(self) -> list[JSON]:
        """The values allowed, where the schema lists them."""
        if "const" in self.schema:
            return [self.schema["const"]]
        return [option for option in self.schema.get("enum") or [] if option is not None]

    @property
    def items(self) -> Slot:
        """What an array's elements are."""
        return slot(self.name, self.schema.get("items") or {}, self.root)

    @property
    def properties(self) -> list[Slot]:
        """What an object's values are, in order."""
        required = self.schema.get("required") or ()
        return [
            slot(name, schema, self.root, is_required=name in required)
            for name, schema in (self.schema.get("properties") or {}).items()
        ]


def slot(name: str, schema: Any, root: Wire, *, is_required: bool = True) -> Slot:
    """The slot of a schema; of a union the first member that is not null."""
    resolved, is_nullable = _resolved(schema, root)
    return Slot(name, _type(resolved), is_nullable, resolved, root, is_required)


def parameters(tool: Wire) -> list[Slot]:
    """The parameters of a function tool, in order."""
    schema = tool.get("parameters") or {}
    return slot("", schema, schema).properties


def _resolved(schema: Any, root: Wire) -> tuple[Wire, bool]:
    if not isinstance(schema, Mapping):
        return {}, False
    if "$ref" in schema:
        target = _target(str(schema["$ref"]), root)
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        return _resolved({**target, **rest}, root)
    for union in ("anyOf", "oneOf", "allOf"):
        if members := schema.get(union):
            return _member(schema, members, union, root)
    types = schema.get("type")
    return dict(schema), isinstance(types, list) and "null" in types


def _member(schema: Mapping[str, Any], members: Any, union: str, root: Wire) -> tuple[Wire, bool]:
    of_members = [_resolved(member, root) for member in members]
    given = [(member, nullable) for member, nullable in of_members if _type(member) != "null"]
    chosen, is_nullable = given[0] if given else ({"type": "null"}, True)
    own = {key: value for key, value in schema.items() if key != union}
    return {**chosen, **own}, is_nullable or len(given) < len(of_members)


def _target(reference: str, root: Wire) -> Wire:
    found: Any = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        found = found.get(step.replace("~1", "/").replace("~0", "~"), {}) if step else found
    return found if isinstance(found, dict) and "$ref" not in found else {}


def _type(schema: Wire) -> str:
    types = schema.get("type")
    if isinstance(types, list):
        types = next((kind for kind in types if kind != "null"), "null")
    if types:
        return str(types)
    if "properties" in schema:
        return "object"
    return "array" if "items" in schema else "string"
