"""The arguments of a tool whose JSON schema is given."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import cached_property
from inspect import Parameter
from typing import Any

from agentkit.errors import ToolDefinitionError
from agentkit.schema.annotations import Function, Typed, typed_parameters
from agentkit.schema.given import Check, checked_schema, compiled
from agentkit.schema.merge import Schema
from agentkit.schema.problems import RejectedError
from agentkit.schema.signature import BoundCall, read_arguments
from agentkit.schema.strict import StrictSchema, as_it_is, to_strict


class RawSignature:
    """Validates arguments by a JSON schema, compiled once, and gives them by keyword."""

    def __init__(
        self,
        name: str,
        schema: Schema,
        function: Function,
        is_context: Callable[[Any], bool],
        strict: bool = True,
    ) -> None:
        self._schema = _object_schema(name, schema)
        self._strict = strict
        given = _parameters(function, name)
        self.context_places: list[int | str] = [
            each.name for each in given if is_context(each.annotation)
        ]
        needed = {each.name for each in given if each.default is Parameter.empty}
        self._defaults = {
            key: part["default"]
            for key, part in self._schema.get("properties", {}).items()
            if key in needed and isinstance(part, Mapping) and "default" in part
        }
        """Those of the schema that the function has no default of its own for."""

    @cached_property
    def wire(self) -> StrictSchema:
        """The schema as it is sent."""
        if self._strict:
            return to_strict(self._schema)
        return as_it_is(self._schema, "Not strict: strict=False")

    def read(self, arguments: str) -> BoundCall:
        """The call that JSON arguments stand for. Raises RejectedError with a line a problem."""
        values = read_arguments(arguments, self.wire)
        if problems := self._check(values):
            raise RejectedError(problems)
        missing = self._defaults.keys() - values.keys()
        whole = {**values, **{name: copy.deepcopy(self._defaults[name]) for name in missing}}
        return BoundCall((), whole, whole)

    @cached_property
    def _check(self) -> Check:
        return compiled(self._schema)


def _object_schema(name: str, schema: Any) -> Schema:
    if isinstance(schema, Mapping) and schema.get("type", "object") != "object":
        raise ToolDefinitionError(f"{name}: parameters must be a JSON schema of type object.")
    return {"type": "object", **checked_schema(name, schema)}


def _parameters(function: Function, name: str) -> list[Typed]:
    try:
        given = typed_parameters(function, name)
    except ToolDefinitionError:  # it is called by keyword, whatever its signature is
        return []
    by_keyword = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    return [each for each in given if each.kind in by_keyword]
