"""Parameters as the fields of one typed dictionary, which pydantic validates in one go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from inspect import Parameter
from typing import Annotated, Any, cast, get_args, get_origin

from pydantic import ConfigDict, TypeAdapter
from pydantic.errors import (
    PydanticInvalidForJsonSchema,
    PydanticSchemaGenerationError,
    PydanticUserError,
)
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaWarningKind
from pydantic_core import PydanticSerializationError, SchemaValidator, to_jsonable_python
from typing_extensions import TypedDict, get_type_hints, is_typeddict

from agentkit.errors import ToolDefinitionError
from agentkit.schema.annotations import NotYetDefinedError, Typed, unpacked
from agentkit.schema.merge import Schema

_REMEDY = "Give it with functools.partial, or take it from ToolContext.deps."
_REJECTED = (PydanticSchemaGenerationError, PydanticInvalidForJsonSchema, PydanticUserError)
_MISSING = object()


@dataclass(frozen=True)
class Field:
    """One entry of the arguments: its type, and what its schema says besides."""

    annotation: Any
    is_required: bool
    text: str | None = None
    default: Any = _MISSING
    """The default as JSON, where it has such a form."""
    key: str | None = None
    """Its name in JSON where that differs."""


class ArgumentsSchema(GenerateJsonSchema):
    """Pydantic's JSON schema, which refuses classes and callables everywhere."""

    ignored_warning_kinds: set[JsonSchemaWarningKind] = {"non-serializable-default"}  # noqa: RUF012

    def get_title_from_name(self, name: str) -> str:
        return name

    def is_subclass_schema(self, schema: Any) -> dict[str, Any]:
        return self.handle_invalid_for_json_schema(schema, "a class")

    def emit_warning(self, kind: JsonSchemaWarningKind, detail: str) -> None:
        if kind == "skipped-choice":
            raise PydanticInvalidForJsonSchema(detail)
        super().emit_warning(kind, detail)


def arguments_validator(
    name: str, parameters: Iterable[Typed], texts: Mapping[str, str]
) -> tuple[SchemaValidator, Schema]:
    """The validator of a tool's arguments, and their JSON schema.

    Raises ToolDefinitionError naming the parameter that no JSON value can be.
    """
    fields = _fields(name, list(parameters), texts)
    try:
        return _validator(fields)
    except NameError as error:
        raise _not_yet(name, error) from error
    except _REJECTED as error:
        if getattr(error, "code", "") == "class-not-fully-defined":
            raise _not_yet(name, error) from error
        raise _culprit(name, fields, error) from error


def _validator(fields: Mapping[str, Field]) -> tuple[SchemaValidator, Schema]:
    hints = {name: field.annotation for name, field in fields.items()}
    arguments = cast(Any, TypedDict("Arguments", hints))  # type: ignore[operator]
    # Wrapping each hint in NotRequired would cost more than the rest of this function.
    required = frozenset(name for name, field in fields.items() if field.is_required)
    arguments.__required_keys__ = required
    arguments.__optional_keys__ = frozenset(hints) - required
    arguments.__pydantic_config__ = ConfigDict(extra="forbid")
    adapter: TypeAdapter[dict[str, Any]] = TypeAdapter(arguments)
    schema = adapter.json_schema(schema_generator=ArgumentsSchema)
    schema.pop("title", None)
    for name, field in fields.items():
        part = schema["properties"][field.key or name]
        part.pop("title", None)
        _say(part, field)
    return cast(SchemaValidator, adapter.validator), schema


def _say(schema: Schema, field: Field) -> None:
    if field.text and "description" not in schema:
        schema["description"] = field.text
    if field.default is not _MISSING:
        schema["default"] = field.default


def _culprit(name: str, fields: Mapping[str, Field], error: Exception) -> ToolDefinitionError:
    for parameter, field in fields.items():
        try:
            _validator({parameter: field})
        except (PydanticSchemaGenerationError, PydanticInvalidForJsonSchema):
            kind = getattr(field.annotation, "__name__", None)
            what = kind if isinstance(field.annotation, type) and kind else field.annotation
            reason = f"the parameter {parameter!r} is a {what}, which no JSON value can be"
            return ToolDefinitionError(f"{name}: {reason}. {_REMEDY}")
        except PydanticUserError as own:
            reason = f"the parameter {parameter!r} cannot be read: {_first_line(own)}"
            return ToolDefinitionError(f"{name}: {reason}.")
    return ToolDefinitionError(f"{name}: {_first_line(error)}.")


def _not_yet(name: str, error: Exception) -> NotYetDefinedError:
    return NotYetDefinedError(f"{name}: an annotation cannot be resolved ({_first_line(error)}).")


def _fields(name: str, parameters: list[Typed], texts: Mapping[str, str]) -> dict[str, Field]:
    fields: dict[str, Field] = {}
    for each in parameters:
        inner = unpacked(each.annotation)
        if each.kind is not Parameter.VAR_KEYWORD or not is_typeddict(inner):
            fields[each.name] = _field(each, inner, texts.get(each.name))
            continue
        entries = _entries(inner, texts)
        if clash := next((key for key in entries if key in {one.name for one in parameters}), None):
            reason = f"{clash!r} is a parameter and a key of **{each.name}. Rename one."
            raise ToolDefinitionError(f"{name}: {reason}")
        fields |= entries
    _check_keys(name, fields)
    return fields


def _check_keys(name: str, fields: Mapping[str, Field]) -> None:
    keys = [field.key or own for own, field in fields.items()]
    if clash := next((key for key in keys if keys.count(key) > 1), None):
        raise ToolDefinitionError(f"{name}: two parameters are called {clash!r}. Rename one.")


def _entries(entries: Any, texts: Mapping[str, str]) -> dict[str, Field]:
    hints = get_type_hints(entries, include_extras=True)
    required = entries.__required_keys__
    return {key: _described(hints[key], key in required, texts.get(key)) for key in hints}


def _field(parameter: Typed, inner: Any, text: str | None) -> Field:
    match parameter.kind:
        case Parameter.VAR_POSITIONAL:
            return _described(inner or _of(list, parameter.annotation), False, text)
        case Parameter.VAR_KEYWORD:
            return _described(_of(dict, str, parameter.annotation), False, text)
    if parameter.default is Parameter.empty:
        return _described(parameter.annotation, True, text)
    if isinstance(parameter.default, FieldInfo):
        return _described(Annotated[parameter.annotation, parameter.default], True, text)
    try:
        default = to_jsonable_python(parameter.default)
    except (PydanticSerializationError, ValueError, TypeError):
        default = _MISSING
    return _described(parameter.annotation, False, text, default)


def _of(kind: Any, *parts: Any) -> Any:
    return kind[parts]


def _described(
    annotation: Any, is_required: bool, text: str | None, default: Any = _MISSING
) -> Field:
    """The field, with bare texts in an annotation taken as its description."""
    if get_origin(annotation) is not Annotated:
        return Field(annotation, is_required, text, default)
    base, *metadata = get_args(annotation)
    for each in metadata:
        if not isinstance(each, str):
            base = Annotated[base, each]
    said = next((each for each in metadata if isinstance(each, str)), text)
    return Field(base, is_required, said, default, _alias(metadata))


def _alias(metadata: Iterable[Any]) -> str | None:
    infos = [each for each in metadata if isinstance(each, FieldInfo)]
    named = [each.validation_alias or each.alias for each in infos]
    return next((name for name in reversed(named) if isinstance(name, str)), None)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(". ")
