"""Values checked by a JSON schema that was given as one, with jsonschema.

The schema may come from elsewhere: no reference leads out of the document, to a file or a host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from agentkit.errors import ToolDefinitionError
from agentkit.schema.merge import Schema
from agentkit.schema.pointers import resolve
from agentkit.schema.problems import got, limited, unknown
from agentkit.schema.words import path_of

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

Check = Callable[[Any], list[str]]

_TYPES = {
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "string": "a string",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def checked_schema(name: str, schema: Any) -> Schema:
    """The schema itself. Raises ToolDefinitionError, which begins with `name`, if it is none."""
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import Draft202012Validator, validator_for

    if not isinstance(schema, Mapping):
        raise ToolDefinitionError(f"{name}: a JSON schema must be a dict, not {got(schema)}.")
    try:
        validator_for(schema, default=Draft202012Validator).check_schema(dict(schema))
    except SchemaError as error:
        where = path_of(error.absolute_path)
        reason = f"{name}: not a valid JSON schema, at {where}: {error.message}."
        raise ToolDefinitionError(reason) from error
    for node in _nodes(schema):
        ref = node.get("$ref")
        if isinstance(ref, str) and _leaves(ref, schema):
            reason = f"{name}: the schema refers to {ref!r}. Put it under `$defs`."
            raise ToolDefinitionError(reason)
    return dict(schema)


def compiled(schema: Schema) -> Check:
    """What tells the problems of a value, one line each; made once, used often."""
    from jsonschema.validators import Draft202012Validator, validator_for
    from referencing.jsonschema import EMPTY_REGISTRY

    kind: Any = validator_for(schema, default=Draft202012Validator)
    # A registry of its own keeps the library from fetching what a reference names.
    validator = kind(schema, registry=EMPTY_REGISTRY)

    def check(value: Any) -> list[str]:
        lines = [line for error in validator.iter_errors(value) for line in _lines(error)]
        return limited(list(dict.fromkeys(lines)))

    return check


def _leaves(ref: str, root: Mapping[str, Any]) -> bool:
    """Whether a reference is no place in the document; anchors are left to the validator."""
    if ref == "#" or ref.startswith("#/"):
        return resolve(root, ref) is None
    return not ref.startswith("#")


def _nodes(schema: Any) -> Iterator[Mapping[str, Any]]:
    pending = [schema]
    while pending:
        each = pending.pop()
        if isinstance(each, Mapping):
            yield each
            pending.extend(each.values())
        elif isinstance(each, list):
            pending.extend(each)


def _lines(error: ValidationError) -> Iterator[str]:
    places: list[str | int] = list(error.absolute_path)
    value: Any = error.instance
    asked: Any = error.validator_value
    match error.validator:
        case "required":
            yield from (
                f"{path_of([*places, name])}: missing" for name in asked if name not in value
            )
        case "additionalProperties" if asked is False:
            known = [*_object(error.schema).get("properties", ())]
            for name in value.keys() - set(known):
                yield unknown(path_of([*places, name]), name, known)
        case "anyOf" | "oneOf" if error.context:
            yield f"{path_of(places)}: {_any_of(error)}, got {got(value)}"
        case _:
            yield f"{path_of(places)}: {_text(error)}, got {got(value)}"


def _object(schema: Any) -> Mapping[str, Any]:
    return schema if isinstance(schema, Mapping) else {}


def _any_of(error: ValidationError) -> str:
    here = [_text(each) for each in error.context or () if not each.relative_path]
    texts = list(dict.fromkeys(text.removeprefix("expected ") for text in here))
    return f"expected {' or '.join(texts)}" if texts else "fits none of the allowed forms"


def _text(error: ValidationError) -> str:
    asked: Any = error.validator_value
    match error.validator:
        case "type":
            kinds = asked if isinstance(asked, list) else [asked]
            return f"expected {' or '.join(_TYPES.get(kind, str(kind)) for kind in kinds)}"
        case "enum":
            return f"expected one of {', '.join(map(got, asked))}"
        case "const":
            return f"expected {got(asked)}"
    return f"does not hold to {error.validator} {got(asked)}"
