"""The output format of an answer with evidence.

It is asked for with a call and a quote for each field; read, it is what it would be without.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agentkit.encoding import JSON
from agentkit.errors import ConfigurationError, OutputError
from agentkit.evidence.fields import field_of, names_in, root_of, with_evidence
from agentkit.evidence.found import Evidence, check, of_final
from agentkit.evidence.sources import called, sources_of
from agentkit.output import OutputFormat, misfit, output_format
from agentkit.records import Record
from agentkit.schema.given import compiled
from agentkit.schema.merge import Schema

if TYPE_CHECKING:
    from agentkit.log import Log

_MOST_CALLS = 20
"""Calls that a repair names, the last of all."""


@dataclass(frozen=True)
class EvidenceFormat(OutputFormat):
    """How an answer is asked for and read of which each field shows where it was found."""

    names: tuple[str, ...] = ()
    """The fields."""
    is_required: bool = False
    """Whether a value that nothing shows is taken away."""

    def read(self, text: str, records: Sequence[Record] = ()) -> Any:
        """The value of an answer, by what the records of a log show. Raises OutputError."""
        value = self.decoded(text)
        if not self.is_required or not isinstance(value, dict):
            return self.validate(value)
        found = self.found(text, records)
        return self._without_doubtful(value, found)

    def doubts(self, text: str, records: Sequence[Record]) -> list[str]:
        """The values that nothing shows, a line each, and what could be quoted for them."""
        found = self.found(text, records).items()
        doubtful = [(name, each.reason) for name, each in found if each.status == "unverified"]
        lines = [f"{name}: {reason}" for name, reason in doubtful]
        return [*lines, *_quotable(records)] if lines else []

    def evidence(self, log: Log) -> dict[str, Evidence]:
        """Where each field of the last answer was found; empty where there is none to read."""
        if log.trip.final is not None:
            return of_final(log.trip.final, self.names, log.records)
        answer = log.answer.response if log.answer else None
        return {} if answer is None else self.found(answer.text, log.records)

    def found(self, text: str, records: Sequence[Record]) -> dict[str, Evidence]:
        """Where each field of an answer was found; empty for one that cannot be read."""
        try:
            written = self.written(text)
        except OutputError:
            return {}
        if not isinstance(written, dict):
            return {}
        return check({name: field_of(written.get(name)) for name in self.names}, records)

    def _without_doubtful(self, value: dict[str, JSON], found: Mapping[str, Evidence]) -> Any:
        doubtful = [name for name, each in found.items() if each.status != "verified"]
        try:
            return self.validate({**value, **dict.fromkeys(doubtful)})
        except OutputError as error:
            lines = [_in_its_place(line, found) for line in error.problems]
            raise misfit(lines) from error


def evidence_format(output: Any, *, is_required: bool = False) -> EvidenceFormat:
    """The format of a type or JSON schema, with evidence for each of its fields.

    With `is_required`, a value that nothing shows is null. Raises ConfigurationError for an output
    without fields.
    """
    plain = output_format(output)
    names = names_in(plain.schema) if plain else ()
    if plain is None or not names:
        raise ConfigurationError(
            "evidence: the answer needs fields, so that each can show where it was found. Give "
            "output= a dataclass, a TypedDict, a model or the JSON schema of an object (on the "
            "command line: --schema 'name str, since int')."
        )
    is_schema = isinstance(output, dict)
    return EvidenceFormat(
        plain.name,
        with_evidence(plain.strict, names, keeps_null=is_schema),
        _nullable_check(root_of(plain.schema), names) if is_schema else plain.check,
        plain.schema,
        names,
        is_required,
    )


def _nullable_check(root: Schema, names: Sequence[str]) -> Callable[[JSON], JSON]:
    """The check of a JSON schema in which each of these fields may be null as well."""

    def check(value: JSON) -> JSON:
        blank = [name for name in names if isinstance(value, dict) and value.get(name, 0) is None]
        needed = [name for name in root.get("required", ()) if name not in blank]
        given = {k: v for k, v in value.items() if k not in blank} if blank else value
        if problems := compiled({**root, "required": needed})(given):
            raise misfit(problems)
        return value

    return check


def _in_its_place(line: str, found: Mapping[str, Evidence]) -> str:
    """A problem of the type; of a value that was taken away, why it was."""
    name = line.partition(":")[0]
    if name not in found or found[name].status == "verified":
        return line
    reason = found[name].reason or "no value was given"
    return f"{name}: {reason}; without evidence it is null, which its type does not allow"


def _quotable(records: Sequence[Record]) -> list[str]:
    """A line with the calls that can be quoted."""
    usable = [called(each) for each in sources_of(records).values() if each.is_ok]
    if not usable:
        return []
    return [f"The calls that can be quoted: {'; '.join(usable[-_MOST_CALLS:])}"]
