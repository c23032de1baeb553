"""Parameters of JSON's own types: texts, numbers, truth values, choices, lists and dictionaries.

Most functions take no others. Pydantic's core is told of them directly, so that the greater part
of pydantic, which makes the same of any type, is not loaded for them.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from inspect import Parameter
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic_core import SchemaValidator, core_schema

from agentkit.schema.annotations import Typed
from agentkit.schema.merge import Schema

Part = tuple[core_schema.CoreSchema, Schema]
"""How values are validated, and what their schema says."""

_SCALARS: dict[type, Part] = {
    str: (core_schema.str_schema(), {"type": "string"}),
    bool: (core_schema.bool_schema(), {"type": "boolean"}),
    int: (core_schema.int_schema(), {"type": "integer"}),
    float: (core_schema.float_schema(), {"type": "number"}),
}
_CHOICES = {str: "string", int: "integer"}
_DEFAULTS = (types.NoneType, *_SCALARS)
_GIVEN_ONCE = (
    Parameter.POSITIONAL_ONLY,
    Parameter.POSITIONAL_OR_KEYWORD,
    Parameter.KEYWORD_ONLY,
)


def json_arguments(
    parameters: Iterable[Typed], texts: Mapping[str, str]
) -> tuple[SchemaValidator, Schema] | None:
    """The validator of a tool's arguments and their JSON schema; None where one is no JSON type."""
    fields: dict[str, core_schema.TypedDictField] = {}
    properties: dict[str, Schema] = {}
    required: list[str] = []
    for each in parameters:
        said, annotation = _description(each.annotation)
        part = _part(annotation)
        is_required = each.default is Parameter.empty
        is_known = is_required or type(each.default) in _DEFAULTS
        if part is None or each.kind not in _GIVEN_ONCE or not is_known:
            return None
        fields[each.name] = core_schema.typed_dict_field(part[0], required=is_required)
        properties[each.name] = _described(part[1], said or texts.get(each.name), each.default)
        required += [each.name] * is_required
    whole = core_schema.typed_dict_schema(fields, extra_behavior="forbid")
    schema: Schema = {"additionalProperties": False, "properties": properties}
    schema |= {"required": required} if required else {}
    return SchemaValidator(whole), {**schema, "type": "object"}


def _description(annotation: Any) -> tuple[str | None, Any]:
    """The text in an annotation that has nothing else beside its type."""
    if get_origin(annotation) is not Annotated:
        return None, annotation
    base, *metadata = get_args(annotation)
    if all(isinstance(each, str) for each in metadata):
        return metadata[0], base
    return None, annotation


def _described(schema: Schema, text: str | None, default: object) -> Schema:
    whole = dict(schema)
    if text:
        whole["description"] = text
    if default is not Parameter.empty:
        whole["default"] = default
    return whole


def _part(annotation: Any) -> Part | None:
    if type(annotation) is type and annotation in _SCALARS:
        return _SCALARS[annotation]
    if annotation is Any:
        return core_schema.any_schema(), {}
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return _choice(args)
    if origin in (Union, types.UnionType):
        return _nullable(args)
    if origin is list or annotation is list:
        return _list(*args)
    if (origin is dict and args[0] is str) or annotation is dict:
        return _dict(*args)
    return None


def _choice(values: tuple[Any, ...]) -> Part | None:
    kinds = {type(value) for value in values}
    if len(kinds) > 1 or not kinds <= _CHOICES.keys():
        return None
    said = {"const": values[0]} if len(values) == 1 else {"enum": list(values)}
    return core_schema.literal_schema(list(values)), {**said, "type": _CHOICES[kinds.pop()]}


def _nullable(args: tuple[Any, ...]) -> Part | None:
    """`T | None`; which type of another union is meant is a longer story."""
    if len(args) != 2 or args[1] is not types.NoneType:
        return None
    part = _part(args[0])
    if part is None:
        return None
    return core_schema.nullable_schema(part[0]), {"anyOf": [part[1], {"type": "null"}]}


def _list(item: Any = Any) -> Part | None:
    part = _part(item)
    return part and (core_schema.list_schema(part[0]), {"items": part[1], "type": "array"})


def _dict(key: Any = Any, value: Any = Any) -> Part | None:
    part, keys = _part(value), core_schema.any_schema() if key is Any else core_schema.str_schema()
    if part is None:
        return None
    schema = {"additionalProperties": part[1] or True, "type": "object"}
    return core_schema.dict_schema(keys, part[0]), schema
