"""What to tell a model that names a table or a column that is not there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from agentkit_tools.sql.engine import Shape

MOST_NAMES = 40


def unknown_table(name: str, shapes: Sequence[Shape]) -> str:
    """The table that was probably meant, or those there are."""
    names = [shape.name for shape in shapes]
    return _meant(name, names) or f"Tables: {_listed(names)}."


def unknown_column(name: str, sql: str, shapes: Sequence[Shape]) -> str:
    """The column that was probably meant, or those of the tables that the SQL names."""
    named = [shape for shape in shapes if _names(sql, shape)] or list(shapes)
    columns = [column.name for shape in named for column in shape.columns]
    if meant := _meant(name.rpartition(".")[2], columns):
        return meant
    lists = [
        f"{shape.name} has {_listed([each.name for each in shape.columns])}" for shape in named
    ]
    return f"{'; '.join(lists[:5])}." if lists else ""


def _names(sql: str, shape: Shape) -> bool:
    bare = re.escape(shape.name.rpartition(".")[2].strip('"'))
    return re.search(rf"(?<!\w){bare}(?!\w)", sql, re.IGNORECASE) is not None


def _meant(name: str, names: Iterable[str]) -> str:
    by_folded = {_folded(each): each for each in names}
    close = get_close_matches(_folded(name), by_folded, n=3, cutoff=0.6)
    return f"Did you mean {' or '.join(by_folded[each] for each in close)}?" if close else ""


def _folded(name: str) -> str:
    return name.replace('"', "").casefold()


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMES
    shown = ", ".join(names[:MOST_NAMES])
    return f"{shown} and {more} more" if more > 0 else shown or "none"
