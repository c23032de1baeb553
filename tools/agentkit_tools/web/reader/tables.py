"""Tables made even, so that markdown shows each value in the column that it belongs to.

Markdown has no cells over several rows or columns, and in a cell no other table and no lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bs4 import BeautifulSoup, Tag

CELLS = ["td", "th"]
MOST_COLUMNS = 100
"""That one cell may go over."""
MOST_REPEATED = 200
"""Characters of a cell that are repeated in the rows below, which it goes over as well."""

_Above = dict[int, tuple[int, str]]
"""By column: over how many more rows a cell from above goes, and its text."""


def make_even(soup: BeautifulSoup) -> None:
    """Give each row of each table a cell for every column."""
    for table in soup("table"):
        if table.get("role") == "presentation" or table.find("table") or _has_lines(table):
            _take_apart(table)
        else:
            _fill_rows(table, soup)


def _fill_rows(table: Tag, soup: BeautifulSoup) -> None:
    for caption in table("caption"):
        table.insert_before(caption.extract())
        caption.name = "p"
    for text in table(string=re.compile(r"\|")):
        text.replace_with(text.replace("|", r"\|"))
    above: _Above = {}
    for row in table("tr"):
        filled, above = _filled(row(CELLS), above)
        before: Tag | None = None
        for each in filled:
            cell = each if isinstance(each, Tag) else soup.new_tag("td", string=each)
            if cell is not each:
                _ = before.insert_after(cell) if before else row.insert(0, cell)
            before = cell
    for part in table(["thead", "tbody", "tfoot"]):
        part.unwrap()


def _filled(cells: list[Tag], above: _Above) -> tuple[list[Tag | str], _Above]:
    """The cells of a row with the texts of those that are missing, and what goes on below it."""
    filled, below = list[Tag | str](), _Above()
    waiting, last = iter(cells), max(above, default=-1)
    cell = next(waiting, None)
    while cell or len(filled) <= last:
        column = len(filled)
        if column in above:
            rows, text = above[column]
            filled.append(text)
        elif cell:
            rows, text = _span(cell, "rowspan"), " ".join(cell.get_text(" ").split())
            spread = [""] * (_span(cell, "colspan", MOST_COLUMNS) - 1)
            below |= {column + i: (rows - 1, "") for i in range(1, len(spread) + 1) if rows > 1}
            filled += [cell, *spread]
            cell = next(waiting, None)
        else:
            rows, text = 1, ""
            filled.append("")
        if rows > 1:
            below[column] = (rows - 1, text[:MOST_REPEATED])
    return filled, below


def _span(cell: Tag, attribute: str, most: int = 65_534) -> int:
    """Over how many rows or columns a cell goes; the attribute is taken away."""
    written = str(cell.attrs.pop(attribute, "1")).strip()[:6]
    return max(1, min(int(written), most)) if written.isascii() and written.isdigit() else 1


def _has_lines(table: Tag) -> bool:
    return any("\n" in pre.get_text().strip() for pre in table("pre"))


def _take_apart(table: Tag) -> None:
    """A table that is there for how the page looks, or holds what no cell can: rows as lines."""
    for part in [table, *_parts(table)]:
        in_line = part.name in CELLS and not part.find(["table", "pre"])
        before = part.find_previous_sibling()
        if in_line and before and before.name == "span":
            part.insert_before(" | ")
        part.name = "span" if in_line else "div"


def _parts(tag: Tag) -> Iterator[Tag]:
    """Rows and cells of a table, without those of tables in it."""
    for child in list(tag.children):
        if isinstance(child, Tag) and child.name in ("thead", "tbody", "tfoot", "form", "tr"):
            yield from _parts(child)
        if isinstance(child, Tag) and child.name in ("tr", *CELLS):
            yield child
