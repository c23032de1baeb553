"""What a text names: quoted words, names, numbers, dates, addresses, each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from agentkit.testing.offline.words import OPENERS, STOP_WORDS

Kind = Literal["quoted", "url", "email", "date", "expression", "code", "number", "name"]

TEXTS = frozenset({"quoted", "name", "code", "email", "url"})
"""Kinds that can be the value of a text parameter of any name."""


@dataclass(frozen=True)
class Mention:
    """A value in the text."""

    kind: Kind
    value: str
    start: int
    end: int
    before: str = ""
    """The word before it, in lower case."""
    after: str = ""
    """The word after it, in lower case."""

    @property
    def number(self) -> int | float:
        """The value of a number, as an integer where it is one."""
        plain = self.value.replace(",", "")
        return float(plain) if "." in plain else int(plain)

    @property
    def is_year(self) -> bool:
        return self.kind == "number" and re.fullmatch(r"1\d{3}|20\d\d", self.value) is not None


_MONTHS = (
    "january february march april may june july august september october november december".split()  # noqa: SIM905
)
_MONTH = "|".join(_MONTHS)
_WORD_NUMBERS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8} | {
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
}
# Names that hold an "and" of their own, which elsewhere stands between two names.
_JOINED = (
    r"Antigua and Barbuda|Bosnia and Herzegovina|Saint Kitts and Nevis|"
    r"Saint Vincent and the Grenadines|S[aã]o Tom[eé] and Pr[ií]ncipe|Trinidad and Tobago"
)
_CAPITALISED = r"(?<!\w)(?-i:[A-ZÀ-ÖØ-ÞĀ-Ž](?:[\w\-]|['’](?!s\b)\w|\.(?=[A-Z]))*)"
_LINK = r"(?:of the|of|the|de la|de|da|del|la|van|von|der|di|du|el|al|bin)"

_PATTERNS: tuple[tuple[Kind, str], ...] = (
    ("quoted", r'"([^"\n]+)"|“([^”\n]+)”|`([^`\n]+)`|(?<!\w)\'([^\'\n]+)\'(?!\w)'),
    ("url", r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?)]"),
    ("email", r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    ("date", rf"\d{{4}}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?)?|\d{{1,2}}\.? (?:{_MONTH}) \d{{4}}"),
    ("date", rf"(?:{_MONTH}) \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}"),
    ("expression", r"(?<![\w.])[(\d][\d.()\s]*(?:\s*(?:\*\*|[-+*/^%])\s*[(\d][\d.()]*)+"),
    (
        "code",
        r"(?<![\w./#-])(?=[\w./#-]*[a-zA-Z])(?=(?:[./#-]?\w)*?(?:\d|[./_#]\w))"
        r"[\w#/]+(?:[./#-]\w+)*",
    ),
    ("number", r"(?<![\w.])-?\d{1,3}(?:,\d{3})+(?:\.\d+)?|(?<![\w.])-?\d+(?:\.\d+)?"),
    ("number", rf"\b(?:{'|'.join(_WORD_NUMBERS)})\b"),
    ("name", _JOINED),
    ("name", rf"{_CAPITALISED}(?:\s(?:{_LINK}\s)?{_CAPITALISED}|\sd['’]\w+)*"),
)


def find_mentions(text: str, vocabulary: frozenset[str] = frozenset()) -> list[Mention]:
    """What the text names, in order, none inside another.

    A word that begins a sentence is no name where it is in `vocabulary` (lower case) or commonly
    begins a request. A name all of whose words are in `vocabulary` is none anywhere.
    """
    found: list[Mention] = []
    for kind, pattern in _PATTERNS:
        for match in re.finditer(pattern, text, re.IGNORECASE):
            if not any(match.start() < m.end and m.start < match.end() for m in found):
                found.extend(_mention(kind, match, text, vocabulary))
    return sorted(found, key=lambda mention: mention.start)


def _mention(
    kind: Kind, match: re.Match[str], text: str, vocabulary: frozenset[str]
) -> list[Mention]:
    start, value = match.start(), match[0]
    if kind == "name":
        value = _without_openers(value, text, start, vocabulary)
        start = match.end() - len(value)
    elif kind == "quoted":
        value = next(group for group in match.groups() if group)
    elif kind == "date":
        value = _iso_date(value)
    elif kind == "number":
        value = str(_WORD_NUMBERS.get(value.lower(), value))
    if not value.strip():
        return []
    before = re.search(r"([^\W_]+)\W*$", text[:start])
    after = re.match(r"\W*([^\W_]+)", text[match.end() :])
    around = [side[1].lower() if side else "" for side in (before, after)]
    return [Mention(kind, value.strip(), start, match.end(), *around)]


def _without_openers(name: str, text: str, start: int, vocabulary: frozenset[str]) -> str:
    """The name without words that are only capitalised because they begin a sentence."""
    if all(part.lower() in vocabulary for part in name.split()):
        return ""
    is_first = re.search(r"(?:^|[.?!:\n])\W*$", text[:start]) is not None
    while name:
        first = re.split(r"[\s'’]", name, maxsplit=1)[0]
        word = first.lower()
        opens = is_first and (word in OPENERS or word in vocabulary)
        if not (opens or (word in STOP_WORDS and (is_first or word == "i"))):
            return name
        rest = name.split(maxsplit=1)
        name = rest[1] if len(rest) > 1 else ""
    return name


def _iso_date(text: str) -> str:
    if re.match(r"\d{4}-", text):
        return text
    year = re.findall(r"\d{4}", text)[0]
    day = re.findall(r"\b\d{1,2}(?!\d)", text)[0]
    month = 1 + _MONTHS.index(re.findall(r"[a-z]{3,}", text.lower())[0])
    return f"{year}-{month:02}-{int(day):02}"
