"""A value for any JSON Schema, from what calls gave and what the question names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from agentkit.encoding import JSON, Wire
from agentkit.testing.offline.arguments import Passage, best_value, blank
from agentkit.testing.offline.quoting import PARTS, asks_for_evidence, quote_for
from agentkit.testing.offline.schemas import Slot, slot
from agentkit.testing.offline.wording import Result, plain
from agentkit.testing.offline.words import stem, words

DEEPEST = 8
"""Levels of a schema that are filled; a schema that refers to itself ends there."""

_SUBJECT = frozenset({"name", "subject", "title", "entity", "place", "item", "key"})
_WORDED = frozenset(
    {"answer", "text", "summary", "explanation", "message", "reason", "reasoning", "conclusion"}
)


@dataclass(frozen=True)
class Known:
    """What there is to fill in from: facts by subject, the answer in words, the question."""

    records: tuple[Wire, ...]
    """What is known of each subject, field by field, arguments first."""
    answer: str
    question: Passage
    results: tuple[Result, ...] = ()


def known(results: Sequence[Result], answer: str, question: Passage) -> Known:
    """The results gathered into one record for each subject."""
    records: dict[str, Wire] = {}
    for result in results:
        if not result.is_error:
            given = {key: value for key, value in result.arguments.items() if value is not None}
            records.setdefault(result.subject, given).update(_fields(result))
    return Known(tuple(records.values()), answer, question, tuple(results))


def fill(schema: Wire, facts: Known) -> JSON:
    """A value that has every required key and the right types, by what is known."""
    return _fill(slot("", schema, schema), facts, DEEPEST)


def _fill(wanted: Slot, facts: Known, depth: int) -> JSON:
    if depth == 0 or (
        wanted.type == "object" and wanted.is_nullable and not _is_told(wanted, facts)
    ):
        return blank(wanted)
    if wanted.type == "object":
        return {each.name: _part(each, facts, depth) for each in wanted.properties}
    if wanted.type == "array":
        return _filled_array(wanted, facts, depth)
    found = _field(wanted, facts)
    if found is None:
        found = _fitting(best_value(wanted, facts.question), wanted)
    if found is None and wanted.type == "string" and not wanted.options:
        found = facts.answer if not wanted.is_nullable or _is_worded(wanted) else None
    return blank(wanted) if found is None else found


def _part(wanted: Slot, facts: Known, depth: int) -> JSON:
    """The value of a property; with evidence where that is asked for, and null where none is."""
    if not asks_for_evidence(wanted):
        return _fill(wanted, facts, depth - 1)
    value = next(each for each in wanted.properties if each.name == "value")
    bare = replace(value, name=wanted.name, is_nullable=False)
    # what only the question says is shown by no call
    is_whole = bare.type in ("object", "array")
    found = _fill(bare, facts, depth - 1) if is_whole else _field(bare, facts)
    quote = quote_for(wanted.name, found, facts.results)
    if quote is None:
        return dict.fromkeys(PARTS)
    return {"call_id": quote.call_id, "quote": quote.text, "value": found}


def _is_told(wanted: Slot, facts: Known) -> bool:
    """Whether a result has any of the object's values."""
    pairs = ((each, record) for each in wanted.properties for record in facts.records)
    return any(_of_record(each, record) is not None for each, record in pairs)


def _filled_array(wanted: Slot, facts: Known, depth: int) -> JSON:
    items = wanted.items
    if items.type == "object":
        if {each.name for each in items.properties} == {"key", "value"}:
            return _pairs(wanted, facts)
        single = (replace(facts, records=(record,)) for record in facts.records)
        return [_fill(items, each, depth - 1) for each in single]
    singular = replace(items, name=wanted.name)
    found = (_of_record(singular, record) for record in facts.records)
    listed = [value for value in found if value is not None]
    return listed or best_value(wanted, facts.question) or []


def _pairs(wanted: Slot, facts: Known) -> list[Wire]:
    """What stands for a mapping: the named value of each subject, else every fact."""
    value = next(each for each in wanted.items.properties if each.name == "value")
    named = replace(value, name=wanted.name)
    of_subjects = {
        plain(next(iter(record.values()))): _of_record(named, record) for record in facts.records
    }
    every = {key: _fitting(each, value) for record in facts.records for key, each in record.items()}
    pairs = of_subjects if any(each is not None for each in of_subjects.values()) else every
    return [{"key": key, "value": each} for key, each in pairs.items() if each is not None]


def _field(wanted: Slot, facts: Known) -> JSON:
    """The value of the field whose name fits best; of several subjects, the one it names."""
    if _is_worded(wanted) and wanted.type == "string":
        return facts.answer
    named = _stems(wanted.name)
    ordered = sorted(facts.records, key=lambda record: -len(named & _subject_words(record)))
    values = (_of_record(wanted, record) for record in ordered)
    found = next((value for value in values if value is not None), None)
    return _only_value(wanted, facts) if found is None else found


def _of_record(wanted: Slot, record: Wire) -> JSON:
    named = _stems(wanted.name) - _subject_words(record)
    for key, value in sorted(record.items(), key=lambda each: -_nearness(each[0], wanted)):
        fits = bool(named) and (named <= _stems(key) or _stems(key) <= named)
        if fits and (fitting := _fitting(value, wanted)) is not None:
            return fitting
    is_subject = wanted.name.lower() in _SUBJECT and record
    return _fitting(next(iter(record.values())), wanted) if is_subject else None


def _nearness(key: str, wanted: Slot) -> int:
    """How near a field's name is to the one that is wanted: a `currency_code` is a code."""
    last = [stem(word) for word in words(wanted.name)[-1:]]
    return (_stems(key) == _stems(wanted.name)) + (_stems(key) >= set(last))


def _only_value(wanted: Slot, facts: Known) -> JSON:
    """Of the only subject, what the question asks for by name, else its last fact."""
    if len(facts.records) != 1 or wanted.type == "string" or wanted.is_nullable:
        return None
    asked, record = _stems(facts.question.text), facts.records[0]
    named = [value for key, value in record.items() if _stems(key) <= asked]
    fitting = (_fitting(value, wanted) for value in [*named, *reversed(record.values())])
    return next((value for value in fitting if value is not None), None)


def _fitting(value: JSON, wanted: Slot) -> JSON:
    """The value in the slot's type, None where it cannot be."""
    if value is None:
        return None
    if wanted.options:
        alike = (each for each in wanted.options if str(each).lower() == str(value).lower())
        return next(alike, None)
    match wanted.type:
        case "string":
            return value if isinstance(value, str) else plain(value)
        case "boolean":
            return value if isinstance(value, bool) else _yes_or_no(value)
        case "integer" | "number":
            return _number(value, wanted)
    return None


def _number(value: JSON, wanted: Slot) -> int | float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        match = re.search(r"-?\d[\d,]*(?:\.\d+)?", value)
        value = float(match[0].replace(",", "")) if match else None
    if not isinstance(value, (int, float)):
        return None
    return int(value) if wanted.type == "integer" or value == int(value) else value


def _yes_or_no(value: JSON) -> bool | None:
    return {"yes": True, "true": True, "no": False, "false": False}.get(str(value).lower())


def _fields(result: Result) -> Wire:
    value = result.value
    return value if isinstance(value, dict) else {result.label: value}


def _subject_words(record: Wire) -> frozenset[str]:
    return _stems(str(next(iter(record.values()), "")))


def _stems(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in words(text))


def _is_worded(wanted: Slot) -> bool:
    return bool(_WORDED & {word.lower() for word in words(wanted.name)})
