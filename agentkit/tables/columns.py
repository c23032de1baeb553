"""The columns of a job's table: the row's own, the answer's, and what became of the row.

Knows JSON schemas and values, no files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentkit.encoding import JSON, Wire
from agentkit.errors import ConfigurationError

ENDING = ("_status", "_error", "_cost", "_attempts", "_session")
"""The columns behind the answer's: what became of the row."""

NUMBER = "_row"
"""The column of a SQLite table that has the row's number."""

ANSWER = "answer"
"""The column of an answer without fields."""

_NOTHING: Mapping[str, Evidence] = {}


@dataclass(frozen=True)
class Evidence:
    """Where a field's value was found, and what came of looking there."""

    source: Any = None
    verified: Any = None


@dataclass(frozen=True)
class Columns:
    """The columns of a job's table, and what stands in them."""

    given: tuple[str, ...]
    """Those of the input."""
    answered: tuple[str, ...]
    """One for each field of the answer, or one for all of it."""
    is_object: bool
    """Whether the answer has fields."""
    with_evidence: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """All of them in order: given, answered (each with its evidence behind it), ENDING."""
        answered = [name for field in self.answered for name in self._of_field(field)]
        return (*self.given, *answered, *ENDING)

    def cells(
        self,
        row: Mapping[str, Any],
        answer: JSON,
        ending: Sequence[Any],
        evidence: Mapping[str, Evidence] | None = None,
    ) -> list[Any]:
        """The values of a row in the order of `names`, with their types; None where there is none.

        `answer` is the decoded answer, None where there is none; `ending` has the values of ENDING.
        """
        values = [row.get(name) for name in self.given]
        fields = answer if self.is_object else {self.answered[0]: answer}
        for field in self.answered:
            values.append(fields.get(field) if isinstance(fields, Mapping) else None)
            if self.with_evidence:
                found = (evidence or _NOTHING).get(field, Evidence())
                values += [found.source, found.verified]
        return [*values, *ending]

    def _of_field(self, field: str) -> tuple[str, ...]:
        behind = (f"{field}__source", f"{field}__verified") if self.with_evidence else ()
        return (field, *behind)


def columns_of(
    given: Sequence[str], schema: Wire | None, *, with_evidence: bool = False
) -> Columns:
    """The columns for an input and the JSON schema of an output; None is an answer in text.

    The columns that an earlier job put behind its answers are left out of `given`. Raises
    ConfigurationError where an answer's column has the name of another.
    """
    fields = _fields(schema or {})
    own = _without_endings(given)
    columns = Columns(own, fields or (ANSWER,), bool(fields), with_evidence)
    _check(columns)
    return columns


def _fields(schema: Wire) -> tuple[str, ...]:
    """The properties of an object; none of anything else."""
    named = schema.get("$ref", "")
    if isinstance(named, str) and named.startswith("#/$defs/"):
        definitions = schema.get("$defs", {})
        return _fields({**definitions.get(named.removeprefix("#/$defs/"), {}), "$ref": ""})
    properties = schema.get("properties")
    return tuple(properties) if isinstance(properties, dict) else ()


def _without_endings(given: Sequence[str]) -> tuple[str, ...]:
    """The columns without those of an earlier job, whose table has all of them."""
    is_from_a_job = set(ENDING) <= set(given)
    return tuple(each for each in given if not (is_from_a_job and each in (*ENDING, NUMBER)))


def _check(columns: Columns) -> None:
    count = Counter(columns.names)
    for name in columns.answered:
        if name in columns.given and not columns.is_object:
            raise ConfigurationError(
                f"output: the answer goes to a column {name!r}, and the table has a column "
                f"{name!r}. Rename that, or ask for an object whose field has another name."
            )
    for name, times in count.items():
        if times > 1:
            raise ConfigurationError(_clash(name, columns))


def _clash(name: str, columns: Columns) -> str:
    if name in columns.given and name in columns.answered:
        return (
            f"output: the answer has a field {name!r}, and the table has a column {name!r}. "
            "Rename one of them."
        )
    where = "the table has a column" if name in columns.given else "the answer has a field"
    return f"output: {where} {name!r}, which is the name of a column that is added. Rename it."
