"""Tables as text, so that a model knows the columns before it asks for them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agentkit_tools.sql.engine import Column, Shape
from agentkit_tools.sql.shown import visible

_WORDS = """
all and any as asc between by case cast check collate column constraint create cross current
current_date current_time current_timestamp default delete desc distinct do drop else end escape
except exists false fetch for foreign from full glob grant group having if in index inner insert
intersect into is isnull join key left like limit match natural not notnull null offset on or order
outer over partition pivot primary qualify references returning right row rows select set some table
then to transaction true union unique unpivot update user using values view when where window with
"""
_RESERVED = frozenset(_WORDS.split())
"""What a name cannot be without quotes in at least one of the databases."""

_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def identifier(name: str) -> str:
    """The name as SQL wants it: as it is, or in double quotes."""
    if _BARE.fullmatch(name) and name.lower() not in _RESERVED:
        return name
    return '"{}"'.format(name.replace('"', '""'))


def overview(shapes: Sequence[Shape], dialect: str, most: int, ask: str) -> str:
    """Every table with its columns; with the names alone where that is longer than `most` bytes."""
    if not shapes:
        return f"{dialect}: there are no tables that can be read."
    full = [_line(shape) for shape in shapes]
    lines = full if _size(full) <= most else [_short(shape) for shape in shapes]
    kept = _within(lines, most)
    count = "1 table" if len(shapes) == 1 else f"{len(shapes):,} tables and views"
    head = f"{dialect}, {count}."
    left = [f"… and {len(lines) - len(kept):,} more."] if len(kept) < len(lines) else []
    return "\n".join([head, *kept, *left, ask])


def detail(shape: Shape, most: int) -> str:
    """One table with everything that is known of it but its rows."""
    head = f"{_seen(shape.name)}: {shape.kind}{f', {shape.rows}' if shape.rows else ''}"
    lines = [head, *(f"- {_column(each)}" for each in shape.columns), *map(_seen, shape.notes)]
    kept = _within(lines, most)
    left = [f"… and {len(lines) - len(kept):,} lines more."] if len(kept) < len(lines) else []
    return "\n".join([*kept, *left])


def _line(shape: Shape) -> str:
    columns = ", ".join(_column(each) for each in shape.columns)
    return f"{_short(shape).partition(':')[0]}: {columns}" if columns else _short(shape)


def _short(shape: Shape) -> str:
    told = ", ".join(
        part for part in (shape.kind if shape.kind != "table" else "", shape.rows) if part
    )
    name = f"{_seen(shape.name)} ({told})" if told else _seen(shape.name)
    return f"{name}: {len(shape.columns)} columns"


def _column(column: Column) -> str:
    return " ".join([_seen(column.name), _seen(column.type), *map(_seen, column.notes)]).strip()


def _seen(text: str) -> str:
    """Names come from the database, where they may hold anything."""
    shown = visible(text)[1:-1].replace('\\"', '"')
    return shown if len(shown) <= 500 else f"{shown[:500]}…"


def _size(lines: Sequence[str]) -> int:
    return sum(len(line.encode(errors="replace")) + 1 for line in lines)


def _within(lines: Sequence[str], most: int) -> list[str]:
    kept: list[str] = []
    for line in lines:
        if kept and _size([*kept, line]) > most:
            break
        kept.append(line)
    return kept
