"""Whether a quote says a name or another text."""

from __future__ import annotations

from collections.abc import Sequence

from agentkit.evidence.texts import alike, runs_together, words_of

_HONORIFICS = frozenset(
    {"mr", "mrs", "ms", "miss", "mx", "dr", "prof", "professor", "sir", "dame", "hon", "phd"}
    | {"md", "herr", "frau", "mme", "mlle"}
)
_MOST_OF_NAME = 6
"""Words of a name whose order may differ."""


def says(quote: str, value: str) -> bool:
    """Whether a text stands in another, word by word.

    Case, accents, hyphens and punctuation make no difference, nor does an honorific. Of a name the
    family name may come first: `Smith, John` and `John Smith` are one.
    """
    if any(map(runs_together, value)):
        return _solid(value) in _solid(quote)
    said, wanted = words_of(quote), words_of(value)
    if not wanted:
        return False
    if _holds(said, wanted):
        return True
    said, wanted = _without_honorifics(said), _without_honorifics(wanted)
    if not wanted:
        return False
    return _holds(said, wanted) or (_is_name(value) and _holds_turned(said, wanted))


def _holds(said: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether words stand among others one behind the other; in time of the text's length."""
    text, part = " ".join(("", *said, "")), " ".join(("", *wanted, ""))
    return part in text


def _holds_turned(said: Sequence[str], wanted: Sequence[str]) -> bool:
    turned = ([*wanted[place:], *wanted[:place]] for place in range(1, len(wanted)))
    return len(wanted) <= _MOST_OF_NAME and any(_holds(said, each) for each in turned)


def _is_name(value: str) -> bool:
    """Whether all words of a text begin with a capital, as those of a name do."""
    words = alike(value).replace(",", " ").split()
    return len(words) > 1 and all(word[0].isupper() for word in words)


def _without_honorifics(words: Sequence[str]) -> list[str]:
    return [word for word in words if word not in _HONORIFICS]


def _solid(text: str) -> str:
    return "".join(alike(text).casefold().split())
