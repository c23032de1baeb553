"""Reading values of a schema that was sent as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentkit.schema.decoding import Decoder, array_decoder, object_decoder
from agentkit.schema.pointers import resolve


def loose_decoder(schema: Mapping[str, Any]) -> Decoder | None:
    """Leaves out each optional property that is null though its schema does not allow null.

    Looks into properties, items and references, not into unions.
    """
    return _Loose(schema).decoder(schema)


class _Loose:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._done: dict[str, Decoder | None] = {}

    def decoder(self, node: Any) -> Decoder | None:
        if not isinstance(node, Mapping):
            return None
        if isinstance(node.get("$ref"), str):
            return self._by_reference(node["$ref"])
        if isinstance(node.get("properties"), Mapping):
            return self._of_object(node, node["properties"])
        return array_decoder(self.decoder(node.get("items")))

    def _by_reference(self, ref: str) -> Decoder | None:
        if ref not in self._done:
            self._done[ref] = lambda value: value
            self._done[ref] = self.decoder(resolve(self._root, ref))
            return self._done[ref]

        def decode(value: Any) -> Any:
            known = self._done[ref]
            return known(value) if known else value

        return decode

    def _of_object(self, node: Mapping[str, Any], properties: Mapping[str, Any]) -> Decoder | None:
        optional = properties.keys() - set(node.get("required", ()))
        droppable = frozenset(name for name in optional if not self._allows_null(properties[name]))
        decoders = {name: self.decoder(part) for name, part in properties.items()}
        return object_decoder(decoders, droppable)

    def _allows_null(self, node: Any) -> bool:
        if not isinstance(node, Mapping):
            return node is True
        if isinstance(node.get("$ref"), str):
            target = resolve(self._root, node["$ref"])
            return target != node and self._allows_null(target)
        branches = [*node.get("anyOf", ()), *node.get("oneOf", ())]
        if any(self._allows_null(branch) for branch in branches):
            return True
        if "const" in node or "enum" in node:
            return None in node.get("enum", [node.get("const")])
        kinds = node.get("type")
        if kinds is None:
            return not branches and not node.keys() & {"properties", "items", "allOf"}
        return "null" in kinds if isinstance(kinds, list) else kinds == "null"
