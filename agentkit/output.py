"""The output type of an agent: what the server is asked for, and what is made of the answer.

Any type pydantic knows, or a JSON schema. The same strict schema and the same way back serve
tool arguments.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic_core import ValidationError

from agentkit.encoding import JSON, Wire, decode, encode
from agentkit.errors import AgentkitError, OutputError
from agentkit.responses.fitting import schema_in_words
from agentkit.responses.items import Message, user_message
from agentkit.schema.given import checked_schema, compiled
from agentkit.schema.problems import problems_in, validation_problems
from agentkit.schema.strict import StrictSchema, to_strict

if TYPE_CHECKING:
    from agentkit.evidence.found import Evidence
    from agentkit.log import Log
    from agentkit.records import Record

SHOW_THEM = (
    "Quote the piece of an output that says the value, give the value that an output says, or give "
    "null where none does."
)


@dataclass(frozen=True)
class OutputFormat:
    """How an answer is asked for and read."""

    name: str
    strict: StrictSchema
    check: Callable[[JSON], Any]
    """The Python value of a decoded answer. Raises OutputError, or whatever a validator raises."""
    schema: Wire = field(default_factory=dict)
    """What the answer is, as the caller says it: before any of it was made strict."""

    def text_format(self) -> Wire:
        """The request's `text.format`."""
        return {
            "type": "json_schema",
            "name": self.name,
            "schema": self.strict.schema,
            "strict": self.strict.is_strict,
        }

    def instruction(self) -> str:
        """The same in words, for a server without `text.format`."""
        return schema_in_words(self.strict.schema)

    def read(self, text: str, records: Sequence[Record] = ()) -> Any:  # noqa: ARG002
        """The value of an answer. Raises OutputError.

        `records` are those of its log, for a format that asks what the tools gave.
        """
        return self.validate(self.decoded(text))

    def written(self, text: str) -> JSON:
        """An answer as JSON. Raises OutputError."""
        try:
            return decode(_without_fence(text))
        except ValueError as error:
            raise OutputError("The answer is not JSON.", [f"not JSON: {error}"]) from error

    def decoded(self, text: str) -> JSON:
        """An answer in the form that its schema describes. Raises OutputError."""
        value = self.written(text)
        try:
            return self.strict.decode(value)
        except (ValueError, RecursionError) as error:
            raise OutputError("The answer does not fit.", [str(error)]) from error

    def validate(self, value: JSON) -> Any:
        """The Python value of a decoded answer. Raises OutputError."""
        try:
            return self.check(value)
        except AgentkitError:
            raise
        except (Exception, SystemExit) as error:  # validators may be the caller's own code
            raise misfit(problems_in(error, "answer")) from error

    def problems(self, text: str, records: Sequence[Record] = ()) -> list[str]:
        """Why an answer cannot be read, one line a problem; empty where it can."""
        try:
            self.read(text, records)
        except OutputError as error:
            return error.problems
        return []

    def doubts(self, text: str, records: Sequence[Record]) -> list[str]:  # noqa: ARG002
        """What of an answer its tools do not show, one line each, where evidence is asked for."""
        return []

    def evidence(self, log: Log) -> dict[str, Evidence]:  # noqa: ARG002
        """Where each field of the last answer was found; empty where evidence is not asked for."""
        return {}


def output_format(output: Any) -> OutputFormat | None:
    """The format of a type or JSON schema; None for `str`, which is any text.

    Raises ConfigurationError for what is neither.
    """
    if output is str:
        return None
    if isinstance(output, dict):
        return _from_schema(output)
    # all of pydantic, which takes longer to load than all of agentkit
    from agentkit.schema.types import schema_of_type

    schema, read = schema_of_type(output)

    def check(value: JSON) -> Any:
        try:
            return read(encode(value))
        except ValidationError as error:
            raise misfit(validation_problems(error, value, ())) from error

    return OutputFormat(_name_of(schema, output), to_strict(schema), check, schema)


def repair_message(
    problems: Sequence[str], output: OutputFormat, doubts: Sequence[str] = ()
) -> Message:
    """What the model is told about an answer that does not fit, or that its tools do not show."""
    told = []
    if problems:
        told.append(_listed("That answer does not fit the required format:", problems))
    if doubts:
        told += [_listed("The outputs of the tools do not show these values:", doubts), SHOW_THEM]
    told.append(f"Give the whole answer again, with these problems mended. {output.instruction()}")
    return user_message("\n".join(told))


def _listed(heading: str, lines: Sequence[str]) -> str:
    return "\n".join([heading, *(f"- {line}" for line in lines)])


def _from_schema(schema: Wire) -> OutputFormat:
    problems_of = compiled(checked_schema("output", schema))

    def check(value: JSON) -> JSON:
        if problems := problems_of(value):
            raise misfit(problems)
        return value

    return OutputFormat(_name_of(schema, None), to_strict(schema), check, schema)


def misfit(problems: list[str]) -> OutputError:
    """The error of an answer with these problems."""
    return OutputError("The answer does not fit. " + "; ".join(problems), problems)


def _name_of(schema: Wire, output: Any) -> str:
    """The wire wants at most 64 of letters, digits, `_` and `-`."""
    name = schema.get("title") or getattr(output, "__name__", None) or "answer"
    return re.sub(r"[^a-zA-Z0-9_-]+", "_", str(name))[:64].strip("_") or "answer"


def _without_fence(text: str) -> str:
    """Models that were asked in words like to wrap JSON in a code fence."""
    fenced = re.fullmatch(r"\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*", text, re.DOTALL)
    return fenced[1] if fenced else text
