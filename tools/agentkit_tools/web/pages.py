"""A page as text: the part that is shown, the passages that hold a text, and the last pages."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from agentkit import Retry

PASSAGES = 10
"""Passages that `find` shows."""
AROUND = 200
"""Characters that it shows on either side."""
MAX_WANTED = 500
"""Characters that can be looked for."""
MOST_KEPT = 10_000_000
"""Characters of all pages that are kept."""
MOST_TITLE = 300
"""Characters of a title; more are cut off where a page is read."""
LEAST_KEPT = 1_000
"""Characters that a page counts for at least, so that empty ones are not kept without end."""
KEPT_FOR = 300.0
"""Seconds."""

_WORD = re.compile(r"\S+")


@dataclass(frozen=True)
class Page:
    """What was at a URL, as text."""

    url: str
    """Behind all redirects."""
    kind: str
    """The type without its parameters, such as text/html."""
    size: int
    """Bytes, unpacked."""
    text: str
    title: str = ""
    is_cut: bool = False
    """Whether there was more than may be read."""

    def part(self, start: int, size: int) -> str:
        """Some `size` characters from `start` on, below what the page is and how long."""
        if start < 0 or start > len(self.text) or (start and start == len(self.text)):
            raise Retry(f"The page has {len(self.text)} characters. Give a start from 0 to less.")
        end = self._end(start, size)
        shown = f"Characters {start} to {end} of {len(self.text)}."
        if not self.text:
            shown += " There is no text in it; perhaps it is made by a program in a browser."
        if end < len(self.text):
            shown += f" Go on with start={end}."
        return "\n".join([*self._head(), shown, "", self.text[start:end]]).rstrip()

    def passages(self, wanted: str) -> str:
        """Where a text stands, whatever its case and white space, with what is around it."""
        words = wanted.split()
        if not words or len(wanted) > MAX_WANTED:
            raise Retry(f"Give a text of 1 to {MAX_WANTED} characters to find.")
        number, found = _places(self.text, words)
        if not found:
            # an error, for the model's own words in it are no evidence of anything
            raise Retry("\n".join([*self._head(), self._missing(wanted)]))
        count = f"{number} places" if number > 1 else "1 place"
        if number > len(found):
            count += f", of which the first {len(found)} are shown"
        head = f"{wanted!r:.200} stands in {count}. Fetch the page with a start to read on there."
        shown = [self._passage(start, end) for start, end in found]
        return "\n".join([*self._head(), head, "", *shown])

    def _head(self) -> Iterator[str]:
        yield self.url
        if self.title:
            yield f"Title: {self.title}"
        cut = ", and that is only its beginning" if self.is_cut else ""
        yield f"Type: {self.kind or 'not said'}, {self.size} bytes{cut}"

    def _end(self, start: int, size: int) -> int:
        """Where a part ends: behind a line, if there is one in the last fifth of it."""
        end = start + size
        if end >= len(self.text):
            return len(self.text)
        line = self.text.rfind("\n", end - size // 5, end)
        return line + 1 if line > start else end

    def _passage(self, start: int, end: int) -> str:
        first, last = max(0, start - AROUND), end + AROUND
        return f"at {first}: … {' '.join(self.text[first:last].split())} …"

    def _missing(self, wanted: str) -> str:
        lower = self.text.lower()
        words = list(dict.fromkeys(wanted.lower().split()))[:10]
        counts = ", ".join(f"{word!r:.60} {lower.count(word)} times" for word in words)
        apart = f" Its words: {counts}." if len(words) > 1 else ""
        return f"{wanted!r:.200} does not stand in its {len(self.text)} characters.{apart}"


def _places(text: str, words: list[str]) -> tuple[int, list[tuple[int, int]]]:
    """How often the words stand in a text one behind the other, and the first of these places.

    Not by a pattern: a page can be made so that the search for one takes minutes.
    """
    wanted, flat = _folded(" ".join(words)), _folded(" ".join(text.split()))
    number = flat.count(wanted)
    starts = [word.start() for word in _WORD.finditer(text)] if number else []

    def in_text(at: int) -> int:
        return starts[flat.count(" ", 0, at)] + at - flat.rfind(" ", 0, at) - 1

    found, at = list[tuple[int, int]](), flat.find(wanted)
    while at >= 0 and len(found) < PASSAGES:
        end = at + len(wanted)
        found.append((in_text(at), in_text(end - 1) + 1))
        at = flat.find(wanted, end)
    return number, found


def _folded(text: str) -> str:
    """The text in lower case, with as many characters as before."""
    return text.replace("İ", "i").lower().replace("ς", "σ")


class Shelf:
    """The pages of the last minutes, by the URL that was asked for."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._pages: OrderedDict[str, tuple[float, Page]] = OrderedDict()

    def get(self, url: str) -> Page | None:
        """The page, unless it is too old."""
        at, page = self._pages.get(url, (0.0, None))
        return page if page and self._clock() - at < KEPT_FOR else None

    def put(self, url: str, page: Page) -> None:
        """Keep a page, and let the oldest go while they are too long together."""
        self._pages.pop(url, None)
        self._pages[url] = (self._clock(), page)
        while sum(LEAST_KEPT + len(kept.text) for _, kept in self._pages.values()) > MOST_KEPT:
            self._pages.popitem(last=False)
