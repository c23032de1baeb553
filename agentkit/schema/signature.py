"""A function's signature as a JSON schema, and JSON arguments as a call of it.

Pydantic validates the values, once a call; defaults are left to Python. Knows nothing of how a
function is run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from inspect import Parameter
from typing import Any

from pydantic_core import PydanticSerializationError, SchemaValidator, ValidationError, to_json

from agentkit.schema.annotations import Function, Typed, typed_parameters, unpacked
from agentkit.schema.decoding import UndecodableError, read_json
from agentkit.schema.json_types import json_arguments
from agentkit.schema.merge import Schema
from agentkit.schema.problems import RejectedError, got, limited, validation_problems
from agentkit.schema.strict import StrictSchema, as_it_is, to_strict


@dataclass(frozen=True)
class BoundCall:
    """Validated arguments as Python values, without the context."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    values: Mapping[str, Any]
    """Every parameter's value by its name, defaults included."""


@dataclass(frozen=True)
class Signature:
    """The arguments of one function; the schema is made at the first use."""

    function: Function
    name: str
    texts: Mapping[str, str]
    """What the docstring says of parameters."""
    is_context: Callable[[Any], bool]
    """Whether an annotation asks for what the model does not give."""
    is_method: bool = False
    """Whether the first parameter is the instance."""
    strict: bool = True

    @cached_property
    def wire(self) -> StrictSchema:
        """The schema as it is sent. Raises ToolDefinitionError where there can be none."""
        schema = self._checked[1]
        return to_strict(schema) if self.strict else as_it_is(schema, "Not strict: strict=False")

    @cached_property
    def context_places(self) -> list[int | str]:
        """Where the context goes: positions in the arguments, ascending, or names."""
        return [
            number if each.name in self._by_position else each.name
            for number, each in enumerate(self._parameters)
            if self.is_context(each.annotation)
        ]

    def read(self, arguments: str) -> BoundCall:
        """The call that JSON arguments stand for. Raises RejectedError with a line a problem."""
        values = read_arguments(arguments, self.wire)
        validator = self._checked[0]
        try:
            try:
                return self._bound(validator.validate_json(to_json(values)))
            except PydanticSerializationError:  # lone surrogates
                return self._bound(validator.validate_python(values))
        except ValidationError as error:
            names = self._checked[1].get("properties", ())
            raise RejectedError(validation_problems(error, values, names)) from error

    @cached_property
    def _parameters(self) -> list[Typed]:
        return typed_parameters(self.function, self.name)[int(self.is_method) :]

    @cached_property
    def _given(self) -> list[Typed]:
        return [each for each in self._parameters if not self.is_context(each.annotation)]

    @cached_property
    def _checked(self) -> tuple[SchemaValidator, Schema]:
        checked = json_arguments(self._given, self.texts)
        if checked is not None:
            return checked
        # loaded for the first other type: all of pydantic takes longer than all of agentkit
        from agentkit.schema.fields import arguments_validator

        return arguments_validator(self.name, self._given, self.texts)

    @cached_property
    def _by_position(self) -> frozenset[str]:
        """Parameters that are given by position: those before a `*`, where there is one."""
        has_star = any(each.kind is Parameter.VAR_POSITIONAL for each in self._parameters)
        kinds: set[Any] = {Parameter.POSITIONAL_ONLY}
        if has_star:
            kinds.add(Parameter.POSITIONAL_OR_KEYWORD)
        return frozenset(each.name for each in self._parameters if each.kind in kinds)

    @cached_property
    def _all_by_name(self) -> dict[str, Any] | None:
        """Every parameter's default by its name; None where not all are given by name alone."""
        has_more = any(each.kind is Parameter.VAR_KEYWORD for each in self._given)
        if has_more or self._by_position:
            return None
        return {each.name: each.default for each in self._given}

    def _bound(self, values: dict[str, Any]) -> BoundCall:
        if self._all_by_name is not None:
            return BoundCall((), values, {**self._all_by_name, **values})
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        every: dict[str, Any] = {}
        for each in self._given:
            if each.kind is Parameter.VAR_POSITIONAL:
                every[each.name] = tuple(values.get(each.name, ()))
                args.extend(every[each.name])
            elif each.kind is Parameter.VAR_KEYWORD:
                more = self._extras(each, values)
                every.update({each.name: more} if each.name in values else more)
                kwargs.update(more)
            else:
                value = every[each.name] = values.get(each.name, each.default)
                if each.name in self._by_position:
                    args.append(value)
                elif each.name in values:
                    kwargs[each.name] = value
        return BoundCall(tuple(args), kwargs, every)

    def _extras(self, parameter: Typed, values: Mapping[str, Any]) -> dict[str, Any]:
        if unpacked(parameter.annotation) is not None:
            own = {each.name for each in self._given}
            return {key: value for key, value in values.items() if key not in own}
        extras: dict[str, Any] = values.get(parameter.name, {})
        for each in self._parameters:
            if each.name in extras and each.kind is not Parameter.POSITIONAL_ONLY:
                raise RejectedError([f"{parameter.name}.{each.name}: is a parameter of its own"])
        return extras


def read_arguments(arguments: str, wire: StrictSchema) -> dict[str, Any]:
    """The JSON object that a call's arguments are, decoded. Raises RejectedError for others."""
    try:
        values = read_json(arguments) if arguments.strip() else None
        values = {} if values is None else values
        decoded = wire.decoder(values) if wire.decoder else values
    except UndecodableError as error:
        raise RejectedError(limited([str(error)])) from error
    except ValueError as error:
        raise RejectedError([f"arguments: not valid JSON, {error}: {got(arguments)}"]) from error
    if not isinstance(decoded, dict):
        raise RejectedError([f"arguments: expected a JSON object, got {got(decoded)}"])
    return decoded
