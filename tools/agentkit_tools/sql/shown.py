"""Rows as compact text that is exact: what is NULL, a number, or a text that looks like one.

id | name | born
1 | Ada Lovelace | 1815-12-10
2 | "line one\\nline two" | NULL
2 rows
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal

_PLAIN = re.compile(r"[^\s|\"'<\x00-\x1f\x7f-\x9f](?:[^|\x00-\x1f\x7f-\x9f]*[^\s|])?")
_LIKE_A_VALUE = re.compile(
    r"null|true|false|[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]+)?|[-+]?inf(?:inity)?|nan",
    re.IGNORECASE,
)
_UNSEEN = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


@dataclass(frozen=True)
class Caps:
    """How much one answer may hold, and how long it may take."""

    rows: int = 100
    bytes: int = 20_000
    """Of the rows as text, in UTF-8."""
    cell: int = 1_000
    """Characters of one value."""
    timeout: float = 10.0
    """Seconds."""


@dataclass(frozen=True)
class Reader:
    """Makes text of columns and rows while they can be fetched; it may stop early."""

    caps: Caps
    hint: str = ""
    """How to ask for the rows that are left out."""

    def __call__(self, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
        """A header, a line for each row, and how many there are."""
        return table_text(columns, rows, self.caps, self.hint)


class Exact(str):
    """A value that the database has already put into words, such as a number or a date."""

    __slots__ = ()


class Blob(int):
    """Bytes that are said and not shown: how many there are."""


def table_text(
    columns: Sequence[str], rows: Iterable[Sequence[object]], caps: Caps, hint: str = ""
) -> str:
    """A header, a line for each row within the caps, and how many there are.

    Takes no more from `rows` than it shows, and one to see whether there are more.
    """
    lines = [" | ".join(cell(name, caps.cell) for name in columns)]
    size, count, cut = len(lines[0].encode(errors="replace")), 0, ""
    for row in rows:
        if count == caps.rows:
            cut = f"the first {count:,} rows; there are more"
            break
        line = " | ".join(cell(value, caps.cell) for value in row)
        size += len(line.encode(errors="replace")) + 1
        if size > caps.bytes:
            cut = f"{count:,} rows, as many as fit into {caps.bytes:,} bytes; there are more"
            break
        lines.append(line)
        count += 1
    end = f"{cut}. {hint}".rstrip() if cut else f"{count:,} row{'' if count == 1 else 's'}"
    return "\n".join([*lines, end])


def cell(value: object, most: int) -> str:
    """One value; a text longer than `most` characters is cut, and says how long it is."""
    if isinstance(value, str) and not isinstance(value, Exact):
        return _text(value, most)
    for kinds, show in _SHOWN:
        if isinstance(value, kinds):
            return show(value)
    return _text(_nested(value), most)


def visible(text: str) -> str:
    """The text in double quotes, with whatever a person could not see escaped."""
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


def _text(text: str, most: int) -> str:
    if len(text) > most:
        return f"{visible(text[:most])}… [{len(text):,} characters]"
    is_plain = _PLAIN.fullmatch(text) and not _LIKE_A_VALUE.fullmatch(text)
    return text if is_plain and not _UNSEEN.search(text) else visible(text)


def _nested(value: object) -> str:
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


_SHOWN: list[tuple[type | tuple[type, ...], Callable[..., str]]] = [
    (type(None), lambda _: "NULL"),
    (bool, lambda value: "true" if value else "false"),
    (Blob, lambda value: f"<blob, {value:d} bytes>"),
    (float, repr),
    ((int, Decimal, Exact), str),
    ((bytes, bytearray, memoryview), lambda value: f"<blob, {len(value)} bytes>"),
    (datetime, lambda value: value.isoformat(sep=" ")),
    ((date, time), lambda value: value.isoformat()),
]
