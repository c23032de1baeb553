"""JSON Lines: an object a line. Numbers keep their digits, what is nested stays JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from agentkit import ConfigurationError
from agentkit_tools.table.rows import MOST_COLUMNS, TextFile
from agentkit_tools.table.types import Word


class _Number(str):
    """A number of JSON, in the digits it has there."""

    __slots__ = ()


class Lines:
    """The rows of a file of JSON objects; a name that any of them has is a column."""

    def __init__(self, file: TextFile) -> None:
        self._file = file

    @cached_property
    def names(self) -> Sequence[str]:
        """All names, in the order in which they first come."""
        names: dict[str, None] = {}
        for number, each in self._objects():
            names |= dict.fromkeys(each)
            if len(names) > MOST_COLUMNS:
                reason = f"{self._file.path}, line {number}: more than {MOST_COLUMNS:,} names."
                raise ConfigurationError(reason)
        if not names:
            raise ConfigurationError(f"{self._file.path} is empty: there is no object in it.")
        return list(names)

    def __iter__(self) -> Iterator[Sequence[str | None]]:
        for _, each in self._objects():
            yield [_text(each.get(name)) for name in self.names]

    def _objects(self) -> Iterator[tuple[int, dict[str, Any]]]:
        with self._file.opened() as text:
            for number, line in enumerate(text, 1):
                if line.strip():
                    yield number, self._object(number, line)

    def _object(self, number: int, line: str) -> dict[str, Any]:
        try:
            value = json.loads(
                line,
                parse_int=_Number,
                parse_float=_Number,
                parse_constant=_refuse,
                object_pairs_hook=_once_each,
            )
        except (ValueError, RecursionError) as error:
            reason = f"{self._file.path}, line {number}: no JSON that can be read: {error}."
            raise ConfigurationError(reason) from error
        if not isinstance(value, dict):
            reason = f"{self._file.path}, line {number}: expected an object, as on every line."
            raise ConfigurationError(reason)
        return value


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, _Number):
        return value
    return Word(value if isinstance(value, str) else _json(value))


def _json(value: Any) -> str:
    """As JSON, with numbers as they stood; json.dumps would put them into quotes."""
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, dict):
        pairs = (
            f"{json.dumps(key, ensure_ascii=False)}: {_json(each)}" for key, each in value.items()
        )
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_json, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(pairs)
    if len(named) < len(pairs):
        raise ValueError("an object has a name twice")
    return named


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number in JSON")
