"""Rows as a person reads them on a terminal, and as other programs take them from a pipe."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TextIO
from unicodedata import category, east_asian_width

from agentkit.cli.safe_text import visible
from agentkit.cli.show import ColourScreen, screen_for

Row = Sequence[str]

_GAP = "  "
_LEAST = 10
"""Cells that the last column has, however narrow the terminal is."""


@dataclass(frozen=True)
class Table:
    """Rows under a head; the last column takes what room there is."""

    head: Row
    rows: Sequence[Row]
    styles: Sequence[str] = ()
    """One a row, for a terminal with colours."""
    numbers: Collection[str] = ()
    """The columns that stand to the right."""

    def lines(self, width: int) -> list[str]:
        """The head and the rows in columns, none wider than `width` if the first columns let it."""
        rows = [[_safe(cell) for cell in row] for row in (self.head, *self.rows)]
        widths = [max(map(_cells, column)) for column in zip(*rows, strict=True)]
        room = max(width - sum(widths[:-1]) - len(_GAP) * (len(widths) - 1), _LEAST)
        return [self._line(row, widths, room) for row in rows]

    def _line(self, row: Row, widths: Sequence[int], room: int) -> str:
        *cells, last = row
        padded = [
            _padded(cell, width, name in self.numbers)
            for cell, width, name in zip(cells, widths, self.head, strict=False)
        ]
        if self.head[-1] in self.numbers:
            last = _padded(last, widths[-1], True)
        return _GAP.join([*padded, _cut(last, room)]).rstrip()


def write_table(stream: TextIO, table: Table) -> None:
    """Write the table to a terminal, as wide as that is."""
    lines = table.lines(shutil.get_terminal_size().columns)
    styles = ["bold", *(table.styles or [""] * len(table.rows))]
    write = lines_on(stream)
    for line, style in zip(lines, styles, strict=True):
        write(line, style)


def write_rows(stream: TextIO, rows: Sequence[Row]) -> None:
    """Write the rows with a tab between two cells, whole and without a head."""
    for row in rows:
        stream.write("\t".join(map(_safe, row)) + "\n")


def lines_on(stream: TextIO) -> Callable[[str, str], None]:
    """What writes a line, in its style where the stream is a terminal with colours."""
    screen = screen_for(stream, is_quiet=False)
    if isinstance(screen, ColourScreen):
        return screen.line

    def write(line: str, style: str) -> None:  # noqa: ARG001
        stream.write(f"{line}\n")

    return write


def dollars(cost: float | None) -> str:
    """The cost as a person reads it: `?` where it is not known, and never 0 for a little."""
    if cost is None:
        return "?"
    return "<$0.0001" if 0 < cost < 0.0001 else f"${cost:,.4f}"


def _safe(cell: str) -> str:
    """The cell on one harmless line; a name keeps every space that it has."""
    return visible(cell).replace("\n", " ").replace("\t", " ")


def _padded(cell: str, width: int, is_number: bool) -> str:
    space = " " * (width - _cells(cell))
    return space + cell if is_number else cell + space


def _cut(cell: str, width: int) -> str:
    if _cells(cell) <= width:
        return cell
    kept = ""
    for letter in cell:
        if _cells(kept) + _cells(letter) >= width:
            break
        kept += letter
    return f"{kept}…"


def _cells(text: str) -> int:
    """How wide a terminal shows it."""
    return sum(_width(letter) for letter in text)


def _width(letter: str) -> int:
    if letter.isascii():
        return 1
    if category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if east_asian_width(letter) in "WF" else 1
