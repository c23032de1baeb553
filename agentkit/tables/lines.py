"""A row as the bytes of a line: CSV, TSV or JSONL, in UTF-8 with `\\n` behind each row.

CSV is that of RFC 4180 but for the line end, and a cell's text is never changed: a spreadsheet
program may take one that begins with `=`, `+`, `-` or `@` for a formula.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any

from agentkit.tables.cells import as_json, as_text

AsLine = Callable[[Sequence[Any]], bytes]
"""The line of a row's cells."""


def lines_of(kind: str, columns: Sequence[str]) -> AsLine:
    """How the rows of such a table are written."""
    if kind == "jsonl":
        return JsonLine(columns)
    return DelimitedLine("\t" if kind == "tsv" else ",")


def header_of(kind: str, columns: Sequence[str]) -> bytes:
    """What stands before the first row."""
    return b"" if kind == "jsonl" else lines_of(kind, columns)(columns)


class JsonLine:
    """Rows as JSON objects; values keep their types."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns

    def __call__(self, cells: Sequence[Any]) -> bytes:
        return as_json(dict(zip(self._columns, cells, strict=True))) + b"\n"


class DelimitedLine:
    """Rows as CSV or TSV."""

    def __init__(self, delimiter: str) -> None:
        self._line = io.StringIO(newline="")
        self._writer = csv.writer(self._line, delimiter=delimiter, lineterminator="\n")
        self._quoting = csv.writer(
            self._line, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL
        )

    def __call__(self, cells: Sequence[Any]) -> bytes:
        texts = [as_text(value) for value in cells]
        # before Python 3.13 the module leaves a lone \r, which ends a line too, without quotes
        writer = self._quoting if any("\r" in text for text in texts) else self._writer
        self._line.seek(0)
        self._line.truncate()
        writer.writerow(texts)
        return utf8(self._line.getvalue())


def utf8(text: str) -> bytes:
    """The text in UTF-8, which has no lone surrogates: `?` stands for one."""
    return text.encode("utf-8", "replace")
