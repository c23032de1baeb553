"""Words, and when two of them mean the same: just enough to match a question to a tool."""

from __future__ import annotations

import re
from functools import lru_cache

STOP_WORDS = frozenset(
    """a about all also am an and any are as at be been being both but by can could did do does each
    every for from give given had has have how i if in into is it its just let like many me more
    most much my no not now of on one or other our out over please same shall she should show so
    some such tell than that the their them then there these they this those to too us use using
    very want was we were what when where which who whom whose why will with would you your
    value result results return returns get gets given optional default string number text list
    name""".split()  # noqa: SIM905 — a column of 100 quoted words reads worse
)

# Words that begin a request; capitalised there, they are no names.
OPENERS = frozenset(
    """add answer ask book calculate call check compare compute convert count create dear delete
    describe divide explain fetch fill find get give hello help hey hi list look make multiply name
    open please plot read remove say search send set show sort subtract sum summarise summarize tell
    translate update write""".split()  # noqa: SIM905 — as above
)

_SAME = (
    ("population", "people", "inhabitant", "live", "resident", "populous"),
    ("weather", "forecast", "temperature", "rain", "sunny", "warm", "cold"),
    ("add", "sum", "plus", "addition"),
    ("multiply", "times", "product", "multiplication"),
    ("subtract", "minus", "difference", "subtraction"),
    ("divide", "quotient", "division"),
    ("calculate", "compute", "calculator", "evaluate"),
    ("search", "lookup"),
    ("area", "size", "big", "large"),
    ("price", "cost", "expensive", "cheap"),
    ("currency", "money"),
    ("mail", "email"),
)


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """The word without its common endings; of words that mean the same, the first."""
    word = word.lower()
    return _CANONICAL.get(_cut(word), _cut(word))


def stems(text: str) -> list[str]:
    """The stems of a text's words, stop words left out, names like `to_currency` taken apart."""
    return [stem(word) for word in words(text) if word.lower() not in STOP_WORDS]


def words(text: str) -> list[str]:
    """The words of a text or of a name in snake case or camel case."""
    return re.findall(r"[^\W\d_]+|\d+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text))


def _cut(word: str) -> str:
    for ending, instead in (("ies", "y"), ("ches", "ch"), ("ses", "s"), ("ing", ""), ("ed", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending) + instead
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


_CANONICAL = {_cut(word): group[0] for group in _SAME for word in group}
