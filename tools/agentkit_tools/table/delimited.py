"""CSV and TSV: cells as they stand, with quotes and line ends within them. Empty cells are NULL."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from functools import cached_property

from agentkit import ConfigurationError
from agentkit_tools.table.rows import MOST_COLUMNS, TextFile

LONGEST_CELL = 16 * 1024 * 1024
"""Characters of one cell."""

_DELIMITERS = (",", ";", "\t", "|")


class Delimited:
    """The rows of a file of cells; its first row names the columns."""

    def __init__(self, file: TextFile, delimiter: str | None) -> None:
        self._file = file
        self._given = delimiter

    @cached_property
    def names(self) -> Sequence[str]:
        """What stands in the first row."""
        first = next(self._lines(), None)
        if first is None:
            raise ConfigurationError(f"{self._file.path} is empty: it has no row with names.")
        if any("\0" in name for name in first[1]):
            raise ConfigurationError(
                f"{self._file.path} has NUL characters in its first row. Say what it is written "
                "in: encoding='utf-16-le', …"
            )
        if len(first[1]) > MOST_COLUMNS:
            raise ConfigurationError(f"{self._file.path} has more than {MOST_COLUMNS:,} columns.")
        return first[1]

    def __iter__(self) -> Iterator[Sequence[str | None]]:
        width = len(self.names)
        lines = self._lines()
        next(lines, None)
        for number, cells in lines:
            if any(cells[width:]):
                raise ConfigurationError(
                    f"{self._file.path}, line {number}: {len(cells)} cells, but {width} names in "
                    "the first row. Correct the line, or say the delimiter: delimiter=';'."
                )
            values: list[str | None] = [cell or None for cell in cells[:width]]
            yield values + [None] * (width - len(values))

    def _lines(self) -> Iterator[tuple[int, list[str]]]:
        """Each row with the number of the line that it ends in, without empty ones."""
        delimiter = self._delimiter
        # the module has no limit of a reader's own, and a lower one would depend on who read before
        csv.field_size_limit(max(csv.field_size_limit(), LONGEST_CELL))
        with self._file.opened() as text:
            reader = csv.reader(text, delimiter=delimiter, strict=True)
            try:
                yield from ((reader.line_num, cells) for cells in reader if cells)
            except csv.Error as error:
                raise ConfigurationError(
                    f"{self._file.path}, line {reader.line_num}: {error}. {_remedy(str(error))}"
                ) from error

    @cached_property
    def _delimiter(self) -> str:
        if self._given is not None:
            return self._given
        if self._file.path.suffix.lower() == ".tsv":
            return "\t"
        with self._file.opened() as text:
            head = text.readline(100_000)
        counts = {each: head.count(each) for each in _DELIMITERS}
        # a comma wins where there is one: the others stand in texts more often than it is missing
        return "," if counts[","] else max(_DELIMITERS, key=lambda each: counts[each])


def _remedy(text: str) -> str:
    if "field limit" in text:
        return f"A cell has at most {LONGEST_CELL:,} characters. Is a quote missing?"
    return "A cell with a quote or a line end in it stands in quotes, each quote in it twice."
