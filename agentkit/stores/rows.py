"""A record as a row of a database: its kind, its JSON text, and what is searched of it.

And a fact, or an answer of the cache: its JSON text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agentkit.encoding import Wire, decode, encode
from agentkit.errors import ConfigurationError, StoreError
from agentkit.records import VERSION, Record, dump_record, load_record
from agentkit.responses.response import Usage
from agentkit.stores.protocol import Spent
from agentkit.stores.text import checked_key, lexemes, searchable, storable

LARGEST_FACT = 16_000
"""Bytes that the JSON text of a fact may have."""

LARGEST_ANSWER = 4_000_000
"""Bytes that the JSON text of an answer in the cache may have."""


@dataclass(frozen=True)
class Row:
    """A record as it is stored."""

    kind: str
    body: str
    text: str
    """What is searched of it, empty for nothing."""

    @property
    def words(self) -> str:
        """What it is found by, with spaces between."""
        return " ".join(lexemes(self.text))


def rows_of(session: str, records: Sequence[Record]) -> list[Row]:
    """The records as they are stored. Raises StoreError for one that is no JSON."""
    try:
        return [
            Row(record.kind, encode(dump_record(record)).decode(), searchable(record))
            for record in records
        ]
    except (TypeError, ValueError, RecursionError) as error:
        raise StoreError(
            f"A record of session {session!r} cannot be stored, since it is no JSON: {error}."
        ) from error


def record_of(body: bytes | str) -> Record:
    """The record that was stored. Raises StoreError that says why it cannot be read."""
    try:
        return load_record(_wire(body))
    except ConfigurationError as error:
        raise StoreError(str(error)) from error


def spent_of(session: str, at: datetime, body: bytes | str) -> Spent:
    """What a stored answer or compaction took, without making a record of it.

    Raises StoreError that says why it cannot be read.
    """
    wire = _wire(body)
    if wire.get("version", 1) != VERSION:
        # one of an older version gets today's form, one of a newer version is refused
        wire = dump_record(record_of(body))
    response = wire.get("response")
    try:
        if response is None:
            return Spent(session, at, "", Usage(**(wire.get("usage") or {})), wire.get("cost"))
        model, usage = str(response.get("model") or ""), Usage.read(response.get("usage"))
        return Spent(session, at, model, usage, wire.get("cost"))
    except (TypeError, AttributeError) as error:
        raise StoreError(f"It has no usage that can be read: {error}.") from error


def fact_body(name: str, value: Wire) -> str:
    """A fact as it is stored. Raises StoreError for what is no JSON object, or too large."""
    return _body(f"fact {name!r}", value, LARGEST_FACT).decode()


def fact_of(name: str, body: bytes | str, place: str = "") -> Wire:
    """The fact that was stored. Raises StoreError that says why it cannot be read."""
    return _value(f"fact {name!r}{place}", body)


@dataclass(frozen=True)
class AnswerRow:
    """An answer of a model as the cache keeps it."""

    key: str
    model: str
    body: str
    size: int
    """Bytes of the body."""


def answer_row(key: str, value: Wire, model: str) -> AnswerRow:
    """An answer as it is cached. Raises StoreError for what is no JSON object, or too large."""
    body = _body(f"answer {checked_key(key)!r}", value, LARGEST_ANSWER)
    return AnswerRow(key, storable(model), body.decode(), len(body))


def answer_of(key: str, body: bytes | str, place: str = "") -> Wire:
    """The answer that was cached. Raises StoreError that says why it cannot be read."""
    return _value(f"answer {key!r}{place}", body)


def _body(what: str, value: Wire, most: int) -> bytes:
    try:
        body = encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise StoreError(f"The {what} cannot be stored: it is no JSON: {error}.") from error
    if not isinstance(value, dict):
        raise StoreError(f"The {what} cannot be stored: it is no JSON object.")
    if len(body) > most:
        raise StoreError(
            f"The {what} cannot be stored: it has {len(body)} bytes of at most {most}."
        )
    return body


def _value(what: str, body: bytes | str) -> Wire:
    try:
        return _wire(body)
    except StoreError as error:
        raise StoreError(f"The {what} cannot be read. {error}") from error


def _wire(body: bytes | str) -> Wire:
    try:
        wire = decode(body)
    except ValueError as error:
        raise StoreError(f"It is no JSON: {error}.") from error
    if not isinstance(wire, dict):
        raise StoreError("It is no JSON object.")
    return wire
