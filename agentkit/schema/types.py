"""Any type pydantic knows as a JSON schema, with what makes a value of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError

from agentkit.errors import ConfigurationError
from agentkit.schema.fields import ArgumentsSchema
from agentkit.schema.merge import Schema
from agentkit.schema.typed_dicts import readable


def schema_of_type(given: Any) -> tuple[Schema, Callable[[bytes], Any]]:
    """The schema of a type, and what reads JSON as a value of it.

    Raises ConfigurationError for what is no type. Reading raises pydantic's ValidationError.
    """
    try:
        adapter = TypeAdapter(readable(given))
        return adapter.json_schema(schema_generator=ArgumentsSchema), adapter.validate_json
    except (PydanticSchemaGenerationError, PydanticUserError, TypeError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise ConfigurationError(
            f"output={given!r} is no type that pydantic can read: {reason}. Give a type such as a "
            "dataclass, TypedDict or pydantic model, or a JSON schema as a dict."
        ) from error
