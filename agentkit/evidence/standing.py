"""Whether a quote stands literally in what a call gave, and in which way it is to be read there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from agentkit.encoding import JSON
from agentkit.evidence.texts import alike, runs_together, tight, ungrouped, unmarked
from agentkit.schema.decoding import read_json

Reading = Literal["text", "json"]
"""How a quote is to be read: as a text that somebody wrote, or as a piece of JSON."""

SHORTEST = 3
"""Letters and digits of a quote; a shorter one has to be the whole of a value."""

_MOST_CUT = 1_000
"""Places at which a quote stands cut off, after which it is not looked for any further."""

_OF_NUMBERS = frozenset("0123456789$€£¥")
# What makes another number of the one that follows: minus 5, twenty-five.
_BEFORE_NUMBER = re.compile(
    r"(?<!\w)(?:minus|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)-)[ ]?\Z", re.I
)
_LONGEST_BEFORE = 10
"""Characters in which that is looked for."""

_BORDER = "\x00"
"""Between texts that no quote may span."""


@dataclass(frozen=True)
class Place:
    """A text in which a quote may stand, made alike."""

    text: str
    reading: Reading


def places_of(text: str) -> list[Place]:
    """What of an output can be quoted: its text, and of JSON the strings in it as they read."""
    plain = alike(text)
    value = _json_of(text)
    if not isinstance(value, dict | list | str):
        return _written(ungrouped(plain))
    strings = _BORDER.join(ungrouped(alike(each)) for each in _strings(value))
    rewritten = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    as_json = list(dict.fromkeys([tight(plain), tight(alike(rewritten))]))
    return [*_written(strings), *(Place(each, "json") for each in as_json)]


def leaves_of(text: str) -> frozenset[str]:
    """The single values of an output, each as a whole quote of it would be."""
    value = _json_of(text)
    leaves = {ungrouped(alike(text))}
    if isinstance(value, dict | list | str):
        leaves |= {ungrouped(alike(each)) for each in _scalars(value)}
    return frozenset(leaves)


def is_trivial(quote: str) -> bool:
    """Whether a quote is so short that it says nothing unless it is the whole of a value."""
    return sum(map(str.isalnum, quote)) < SHORTEST and not any(map(runs_together, quote))


def stands_in(quote: str, places: list[Place]) -> list[Reading]:
    """The ways to read a quote, one for each kind of place where it stands; none where it does not.

    Words and numbers stand there whole: `15` does not stand in `2015`, nor `5` in `-5`.
    """
    said = ungrouped(quote)
    forms = {"text": (said, unmarked(said)), "json": (tight(quote),)}
    found = (
        place.reading
        for place in places
        if any(_stands(form, place.text) for form in forms[place.reading])
    )
    return list(dict.fromkeys(found))


def without_marks(quote: str) -> str:
    """A quote without the quotation marks that a model put around it."""
    is_marked = len(quote) > 2 and quote[0] == quote[-1] and quote[0] in "\"'"
    return quote[1:-1].strip() if is_marked else quote


def _written(text: str) -> list[Place]:
    """A text that somebody wrote, and where it is Markdown, as it reads."""
    return [Place(each, "text") for each in dict.fromkeys([text, unmarked(text)])]


def _stands(quote: str, text: str) -> bool:
    start = -1
    for _ in range(_MOST_CUT):
        start = text.find(quote, start + 1) if quote else -1
        if start < 0:
            return False
        if not _is_cut(text, start, start + len(quote)):
            return True
    return False


def _is_cut(text: str, start: int, end: int) -> bool:
    """Whether a word or number goes on before or behind."""
    before, behind = text[max(0, start - 2) : start], text[end : end + 2]
    first, last = text[start], text[end - 1]
    if before and _joins(before[-1], first):
        return True
    if behind and _joins(last, behind[0]):
        return True
    if first in _OF_NUMBERS and before and _goes_on_before(before):
        return True
    if _BEFORE_NUMBER.search(text, max(0, start - _LONGEST_BEFORE), start):
        return True
    if first in ".,'" and before[-1:].isdigit() and text[start + 1 : start + 2].isdigit():
        return True
    if last.isdigit() and len(behind) == 2 and behind[0] in ".,':" and behind[1].isdigit():
        return True
    return last.isdigit() and behind[:1] == "^"


def _joins(left: str, right: str) -> bool:
    are_words = left.isalnum() and right.isalnum()
    return are_words and not (runs_together(left) or runs_together(right))


def _goes_on_before(before: str) -> bool:
    """Whether what is before a digit makes it the rest of a number, or a negative one."""
    mark, earlier = before[-1], before[:-1]
    if mark in ".,':":
        return earlier.isdigit()
    return mark == "^" or (mark == "-" and not earlier.isalnum())


def _json_of(text: str) -> JSON:
    if text.lstrip()[:1] not in ("{", "[", '"'):
        return None
    try:
        return read_json(text)
    except (ValueError, RecursionError):
        return None


def _strings(value: JSON) -> Iterator[str]:
    return (each for each in _parts(value) if isinstance(each, str))


def _scalars(value: JSON) -> Iterator[str]:
    for each in _parts(value):
        if isinstance(each, str):
            yield each
        elif each is not None:
            yield json.dumps(each)


def _parts(value: JSON) -> Iterator[JSON]:
    """The values that hold no others, in order."""
    pending = [value]
    while pending:
        each = pending.pop()
        if isinstance(each, dict):
            pending.extend(reversed(each.values()))
        elif isinstance(each, list):
            pending.extend(reversed(each))
        else:
            yield each
