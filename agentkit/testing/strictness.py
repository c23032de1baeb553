"""Whether schemas sent with `strict: true` are in the subset that OpenAI's server takes.

Checked is what is refused most: objects that are open or leave keys optional, and keywords that
the subset lacks.
Source: the guide to Structured Outputs, and recorded error bodies.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agentkit.encoding import Wire
from agentkit.testing.rejection import RejectionError

_REFUSED = frozenset(
    {"allOf", "not", "if", "then", "else", "oneOf", "patternProperties", "propertyNames"}
    | {"minProperties", "maxProperties", "uniqueItems", "contains", "unevaluatedProperties"}
    | {"dependentRequired", "dependentSchemas"}
)
_OF_NAMES = ("properties", "$defs", "definitions")
_OF_SCHEMAS = ("anyOf", "items")

Path = tuple[str, ...]


def check_strictness(body: Wire) -> None:
    """Raise RejectionError for the first strict schema that is none."""
    for at, tool in enumerate(body.get("tools") or ()):
        if tool.get("type") == "function" and tool.get("strict"):
            named = f"function '{tool.get('name')}'"
            param = f"tools[{at}].parameters"
            _check(tool.get("parameters"), named, param, "invalid_function_parameters")
    wanted = (body.get("text") or {}).get("format")
    if isinstance(wanted, dict) and wanted.get("type") == "json_schema" and wanted.get("strict"):
        named = f"response_format '{wanted.get('name')}'"
        _check(wanted.get("schema"), named, "text.format.schema", "invalid_json_schema")


def _check(schema: Any, named: str, param: str, code: str) -> None:
    if not isinstance(schema, dict) or schema.get("type") != "object" or "anyOf" in schema:
        problem = "schema must be a JSON Schema of 'type: \"object\"'."
    else:
        problem = next(_problems(schema, ()), "")
    if problem:
        raise RejectionError(f"Invalid schema for {named}: {problem}", code=code, param=param)


def _problems(schema: Any, path: Path) -> Iterator[str]:
    if isinstance(schema, list):
        for at, member in enumerate(schema):
            yield from _problems(member, (*path, str(at)))
    if not isinstance(schema, dict):
        return
    for keyword in sorted(_REFUSED & schema.keys()):
        yield f"In context={path}, '{keyword}' is not permitted."
    if "properties" in schema or schema.get("type") == "object":
        yield from _object_problems(schema, path)
    for keyword in _OF_NAMES:
        for name, member in (schema.get(keyword) or {}).items():
            yield from _problems(member, (*path, keyword, name))
    for keyword in _OF_SCHEMAS:
        yield from _problems(schema.get(keyword), (*path, keyword))


def _object_problems(schema: Wire, path: Path) -> Iterator[str]:
    if schema.get("additionalProperties") is not False:
        yield (
            f"In context={path}, 'additionalProperties' is required to be supplied and to be false."
        )
    for name in schema.get("properties") or {}:
        if name not in (schema.get("required") or ()):
            yield (
                f"In context={path}, 'required' is required to be supplied and to be an array "
                f"including every key in properties. Missing '{name}'."
            )
