"""The rewriting of a JSON schema into the strict subset, node by node.

Every step gives the new node and the decoder for its values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from agentkit.schema.containers import OBJECT, Rewritten, rewrite_array, rewrite_object
from agentkit.schema.decoding import (
    JSON_TEXT,
    Decoder,
    decode_any,
    union_decoder,
    wrapped_decoder,
)
from agentkit.schema.merge import NotStrictError, Schema, merged
from agentkit.schema.pointers import resolve
from agentkit.schema.shapes import (
    ANNOTATIONS,
    NUMERIC,
    choice,
    closed,
    described,
    for_type,
    free_name,
    has_shape,
    inferred_type,
    slug,
    titled,
)

WRAPPED = "value"
"""The property that carries a value whose schema is no object."""

_UNION = frozenset({"anyOf", "oneOf"})
_FORMATS = frozenset(
    ["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"]
)
_LOOKAROUND = re.compile(r"\(\?<?[=!]")
_MERGES = 100
_ANYTHING: Schema = {
    "anyOf": [
        {"type": "string"},
        {"type": "number"},
        {"type": "boolean"},
        {"type": "null"},
        closed({JSON_TEXT: {"type": "string", "description": "An object or array as JSON text."}}),
    ]
}


def rewrite_root(schema: Mapping[str, Any], notes: list[str]) -> Rewritten:
    """The whole document in the strict subset; what was rewritten is added to `notes`.

    Raises NotStrictError where strict mode has no words for it.
    """
    rewriter = _Rewriter(schema, notes)
    root = dict(schema)
    if root.get("type") == "object" and not root.keys() & {*OBJECT - {"type"}, *_UNION, "allOf"}:
        root["properties"] = {}  # a function without parameters, not an object of any shape
    node, decoder = rewriter.rewrite(root, "")
    if "$ref" in node:
        node = rewriter.defs[_name_in(node)]
    if node.get("type") != "object":
        rewriter.note("", f"sent as the property `{WRAPPED}` of an object")
        node, decoder = closed({WRAPPED: node}), wrapped_decoder(WRAPPED, decoder)
    return ({**node, "$defs": rewriter.defs} if rewriter.defs else node), decoder


class _Rewriter:
    def __init__(self, root: Mapping[str, Any], notes: list[str]) -> None:
        self.defs: dict[str, Schema] = {}
        self._root = root
        self._notes = notes
        self._names: dict[str, str] = {}
        self._decoders: dict[str, Decoder | None] = {}

    def note(self, path: str, text: str) -> None:
        self._notes.append(f"{path or 'the whole'}: {text}")

    def rewrite(self, schema: Any, path: str) -> Rewritten:
        node = self._single(schema, path)
        if "$ref" in node:
            return self._reference(node["$ref"])
        if node.keys() & _UNION:
            return self._union(node, path)
        if "const" in node or "enum" in node:
            return described(choice(node, path), node, {"const", "enum", "type"}), None
        kinds = node.get("type") or inferred_type(node)
        if isinstance(kinds, list):
            rest = {key: value for key, value in node.items() if key != "description"}
            parts = [self.rewrite(for_type(rest, kind), path) for kind in kinds]
            return self.any_of(parts, node.get("description"))
        match kinds:
            case None:
                return self._anything(node, path)
            case "object":
                return rewrite_object(self, node, path)
            case "array":
                return rewrite_array(self, node, path)
            case "string" | "number" | "integer" | "boolean" | "null":
                return self._scalar(node, kinds, path), None
        raise NotStrictError(f"{path or 'the root'} has the unknown type {kinds!r}")

    def any_of(self, parts: list[Rewritten], text: str | None = None) -> Rewritten:
        """A union of what was rewritten, or the only one of it."""
        nodes: list[Schema] = []
        for node, _ in parts:
            inner = node["anyOf"] if node.keys() == {"anyOf"} else [node]
            nodes.extend(branch for branch in inner if branch not in nodes)
        decoder = union_decoder(parts, self.defs)
        return titled(nodes[0] if len(nodes) == 1 else {"anyOf": nodes}, text), decoder

    def _single(self, schema: Any, path: str) -> Schema:
        """One mapping, with allOf and references that have siblings merged into it."""
        if schema is True:
            return {}
        if not isinstance(schema, Mapping):
            raise NotStrictError(f"no value fits {path or 'the root'}")
        node = dict(schema)
        for _ in range(_MERGES):
            if "allOf" in node:
                for part in node.pop("allOf"):
                    node = merged(self._target(part), node)
            elif "$ref" not in node:
                return node
            elif node.keys() - {"$ref"} <= ANNOTATIONS:
                return {"$ref": node["$ref"]}
            else:
                node = self._target(node)
        raise NotStrictError(f"{path or 'the root'} refers to itself")

    def _target(self, part: Any) -> Schema:
        if not isinstance(part, Mapping):
            raise NotStrictError("allOf holds something that is no schema")
        if "$ref" not in part:
            return dict(part)
        rest = {key: value for key, value in part.items() if key != "$ref"}
        return merged(self._resolved(part["$ref"]), rest)

    def _resolved(self, ref: Any) -> Schema:
        target = resolve(self._root, ref) if isinstance(ref, str) else None
        if not isinstance(target, Mapping):
            raise NotStrictError(f"the reference {ref!r} leads nowhere in the schema")
        return {key: value for key, value in target.items() if key != "$defs"}

    def _reference(self, ref: str) -> Rewritten:
        name = self._names.get(ref)
        if name is None:
            name = self._names[ref] = free_name(slug(ref.rpartition("/")[2]) or "root", self.defs)
            self.defs[name] = {}
            node, self._decoders[name] = self.rewrite(self._resolved(ref), name)
            if "$ref" in node and not self.defs[_name_in(node)]:
                raise NotStrictError(f"the reference {ref!r} leads back to itself")
            self.defs[name] = node
        decoder = self._decoders[name] if name in self._decoders else self._later(name)
        return {"$ref": f"#/$defs/{name}"}, decoder

    def _later(self, name: str) -> Decoder:
        """The decoder of a definition that is still being rewritten."""

        def decode(value: Any) -> Any:
            decoder = self._decoders[name]
            return decoder(value) if decoder else value

        return decode

    def _union(self, node: Schema, path: str) -> Rewritten:
        base = {key: value for key, value in node.items() if key not in _UNION}
        branches = [*node.get("anyOf", ()), *node.get("oneOf", ())]
        if not any(map(has_shape, branches)) and has_shape(base) and base:
            rewritten, decoder = self.rewrite(base, path)
            return described(rewritten, node, base.keys()), decoder
        if not branches or node.keys() >= _UNION:
            raise NotStrictError(f"{path or 'the root'} has no single union")
        silent = ANNOTATIONS | {"description", "discriminator"}
        shared = {key: value for key, value in base.items() if key not in silent}
        parts = [self.rewrite(_holding(shared, branch), path) for branch in branches]
        return self.any_of(parts, base.get("description"))

    def _anything(self, node: Schema, path: str) -> Rewritten:
        self.note(path, f"anything; objects and lists are sent as JSON text in `{JSON_TEXT}`")
        return described(dict(_ANYTHING), node, ()), decode_any

    def _scalar(self, node: Schema, kind: str, path: str) -> Schema:
        kept = {"type": kind, **_kept(node, kind)}
        whole = described(kept, node, kept.keys())
        lost = node.keys() - kept.keys() - ANNOTATIONS - {"description"}
        if lost:
            self.note(path, f"{', '.join(sorted(lost))}: said in the description")
        return whole


def _kept(node: Schema, kind: str) -> Schema:
    """The keywords of a scalar that strict mode knows."""
    if kind in ("number", "integer"):
        known = node.keys() & set(NUMERIC)
        return {key: node[key] for key in NUMERIC if key in known and node[key] is not True}
    kept: Schema = {}
    if kind == "string" and node.get("format") in _FORMATS:
        kept["format"] = node["format"]
    pattern = node.get("pattern")
    if kind == "string" and isinstance(pattern, str) and not _LOOKAROUND.search(pattern):
        kept["pattern"] = pattern
    return kept


def _holding(shared: Schema, branch: Any) -> Any:
    return {"allOf": [shared, branch]} if shared and isinstance(branch, Mapping) else branch


def _name_in(node: Schema) -> str:
    return str(node["$ref"]).rpartition("/")[2]
