"""A text looked for in the files of a folder: as it stands, since a pattern could take for ever."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from time import monotonic

from agentkit import Retry
from agentkit_tools.files.listing import Entry, walked
from agentkit_tools.files.names import folder_shown, shown
from agentkit_tools.files.reading import is_binary, numbered
from agentkit_tools.files.root import Place

MOST_FILE = 10_000_000
"""Bytes of a file that is searched; larger ones are counted."""

MOST_HITS = 100
MOST_DEEP = 32

_LINE = 20_000
"""Bytes of a line that are searched."""

_SHOWN = 200
"""Characters of a line that are shown."""


@dataclass
class Search:
    """A search under way: what it looks for, and what it has come to."""

    text: str
    pattern: str
    ignore_case: bool
    seconds: float
    now: Callable[[], float] = monotonic
    files: int = 0
    skipped: int = 0
    """Files that are binary, too large, or not to be opened."""
    ended: str = ""
    """Why it ended before all was searched."""
    _until: float = field(init=False)

    def __post_init__(self) -> None:
        self._until = self.now() + self.seconds

    def lines(self, folder: int) -> Iterator[str]:
        """A line for each hit, until there are too many or the time is up."""
        hits = 0
        for entry in walked(folder, MOST_DEEP):
            if self._is_over():
                return
            if not (entry.is_file and fnmatchcase(entry.name, self.pattern)) or _is_hidden(entry):
                continue
            for hit in self._hits(entry):
                if hits == MOST_HITS:
                    self.ended = f"the first {hits} hits are shown"
                    return
                hits += 1
                yield hit

    def _hits(self, entry: Entry) -> Iterator[str]:
        if entry.found.st_size > MOST_FILE:
            self.skipped += 1
            return
        place = Place(entry.folder, entry.name, shown(entry.path))
        try:
            with place.opened() as descriptor, os.fdopen(os.dup(descriptor), "rb") as stream:
                if is_binary(stream.read(8_192)):
                    self.skipped += 1
                    return
                stream.seek(0)
                self.files += 1
                yield from self._in_lines(place.shown, numbered(stream, _LINE))
        except (OSError, Retry):  # gone, or another thing by now
            self.skipped += 1

    def _in_lines(self, path: str, lines: Iterator[tuple[int, bytes, int]]) -> Iterator[str]:
        wanted = self.text.casefold() if self.ignore_case else self.text
        for number, line, _ in lines:
            text = line.decode("utf-8", "replace")
            place = (text.casefold() if self.ignore_case else text).find(wanted)
            if place >= 0:
                yield f"{path}:{number}: {_around(text, place)}"
            if self._is_over():
                return

    def _is_over(self) -> bool:
        if self.now() > self._until:
            self.ended = f"stopped after {self.seconds:g} seconds"
        return bool(self.ended)


def search_text(search: Search, folder: int, path: str) -> str:
    """The hits as lines, and how far the search came."""
    lines = list(search.lines(folder))
    if not lines:
        lines = [f"{search.text!r} was not found."]
    told = (
        f"{search.files:,} file{'' if search.files == 1 else 's'} searched in {folder_shown(path)}"
    )
    told += f", {search.skipped:,} binary or large ones left out" if search.skipped else ""
    told += f"; {search.ended}: narrow the path or the pattern" if search.ended else ""
    return "\n".join([*lines, f"{told}."])


def _is_hidden(entry: Entry) -> bool:
    return any(part.startswith(".") for part in entry.path.split("/")[:-1])


def _around(text: str, place: int) -> str:
    start = max(0, place - _SHOWN // 2)
    cut = text[start : start + _SHOWN].strip()
    return f"{'…' if start else ''}{cut}{'…' if len(text) > start + _SHOWN else ''}"
