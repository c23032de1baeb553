"""Two schemas that both hold, as one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

_TIGHTER = {
    "minimum": max,
    "exclusiveMinimum": max,
    "minLength": max,
    "minItems": max,
    "minProperties": max,
    "maximum": min,
    "exclusiveMaximum": min,
    "maxLength": min,
    "maxItems": min,
    "maxProperties": min,
}
_LATER_WINS = frozenset({"title", "description", "default", "examples", "$comment", "$id"})


class NotStrictError(Exception):
    """The schema cannot be said in the strict subset; the text says why."""


def merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> Schema:
    """The schema that holds where both do; for texts the second one counts.

    Raises NotStrictError where no single schema says so.
    """
    whole = dict(first)
    for key, value in second.items():
        whole[key] = _both(key, whole[key], value) if key in whole else value
    return whole


def _both(key: str, first: Any, second: Any) -> Any:
    if first == second or key in _LATER_WINS:
        return second
    if key == "properties":
        return {**first, **{name: _part(first.get(name), second[name]) for name in second}}
    if key == "required":
        return list(dict.fromkeys([*first, *second]))
    if key in ("$defs", "definitions"):
        return {**first, **second}
    if key == "allOf":
        return [*first, *second]
    if key == "additionalProperties" and False in (first, second):
        return False
    if key == "enum":
        return [value for value in first if value in second]
    if key == "type":
        return _common_type(first, second)
    if key in _TIGHTER and isinstance(first, (int, float)) and isinstance(second, (int, float)):
        return _TIGHTER[key](first, second)
    raise NotStrictError(f"two schemas that must both hold differ in `{key}`")


def _part(first: Any, second: Any) -> Any:
    return second if first is None or first == second else {"allOf": [first, second]}


def _common_type(first: Any, second: Any) -> Any:
    one = first if isinstance(first, list) else [first]
    other = second if isinstance(second, list) else [second]
    common = [kind for kind in one if kind in other]
    if "integer" not in common and {"integer", "number"} <= {*one, *other}:
        common.append("integer")
    if not common:
        raise NotStrictError("two schemas that must both hold have no type in common")
    return common if len(common) > 1 else common[0]
