"""Whether a quote says a name or another text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from agentkit.evidence.texts import alike, runs_together, words_of

_HONORIFICS = frozenset(
    {"mr", "mrs", "ms", "miss", "mx", "dr", "prof", "professor", "sir", "dame", "hon", "phd"}
    | {"md", "herr", "frau", "mme", "mlle"}
)
_MOST_OF_NAME = 6
"""Words of a name whose order may differ."""

_SHORT = re.compile(r"[A-Z]{1,3}")
"""A code such as US or NO, which in small letters is most often another word."""
_INITIALS = re.compile(r"(?<!\w)(?:[^\W\d_]\.\s?){2,}")
_LONGEST_WORD = 40
_BETWEEN_NAMES = r"[ ,.'\"-]{1,3}"


def says(quote: str, value: str) -> bool:
    """Whether a text stands in another, word by word.

    Case, accents, hyphens and punctuation make no difference, nor does an honorific. Of a name the
    family name may come first: `Smith, John` and `John Smith` are one.
    """
    if any(map(runs_together, value)):
        return _solid(value) in _solid(quote)
    return _says(quote, value) or _says(_with_initials_joined(quote), _with_initials_joined(value))


def _says(quote: str, value: str) -> bool:
    said, wanted = words_of(quote), words_of(value)
    if not wanted or not _has_case_of(quote, value):
        return False
    if _holds(said, wanted):
        return True
    said, wanted = _without_honorifics(said), _without_honorifics(wanted)
    if not wanted:
        return False
    return _holds(said, wanted) or (_is_name(value) and _holds_turned(quote, value))


def _has_case_of(quote: str, value: str) -> bool:
    """Whether a code stands there as one: in capitals, or as the whole of a value."""
    code = alike(value)
    if not _SHORT.fullmatch(code):
        return True
    as_value = f'"{code.lower()}"', code.lower()
    plain = alike(quote)
    is_value = as_value[0] in plain.lower() or plain.lower() == as_value[1]
    return is_value or re.search(rf"(?<!\w){code}(?!\w)", plain) is not None


def _holds(said: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether words stand among others one behind the other; in time of the text's length."""
    text, part = " ".join(("", *said, "")), " ".join(("", *wanted, ""))
    return part in text


def _holds_turned(quote: str, value: str) -> bool:
    """Whether a name stands there with its last words first."""
    words = re.findall(r"[^\W_]+", _unaccented(value))
    words = [re.escape(word) for word in words if word.casefold() not in _HONORIFICS]
    if len(words) > _MOST_OF_NAME:
        return False
    text = _unaccented(quote)
    turned = ([*words[place:], *words[:place]] for place in range(1, len(words)))
    return any(
        not _is_of_two_names(match)
        for each in turned
        for match in re.finditer(rf"(?<!\w){_BETWEEN_NAMES.join(each)}(?!\w)", text, re.I)
    )


def _is_of_two_names(match: re.Match[str]) -> bool:
    """Whether a comma in it stands between two names: `Mary Smith, John Byron` is no John Smith."""
    if "," not in match[0]:
        return False
    near = match.string[max(0, match.start() - _LONGEST_WORD) : match.start()]
    before = re.search(r"([^\W\d_][\w'.]*)[ -]\Z", near)
    behind = re.match(r"[ -]([^\W\d_])", match.string[match.end() : match.end() + 2])
    words = [found[1] for found in (before, behind) if found is not None]
    return any(each[0].isupper() and _without_honorifics(words_of(each)) for each in words)


def _is_name(value: str) -> bool:
    """Whether all words of a text begin with a capital, as those of a name do."""
    words = alike(value).replace(",", " ").split()
    return len(words) > 1 and all(word[0].isupper() for word in words)


def _with_initials_joined(text: str) -> str:
    """U.S. as US, J. R. R. as JRR."""
    return _INITIALS.sub(lambda found: f"{re.sub(r'[. ]', '', found[0])} ", text)


def _without_honorifics(words: Sequence[str]) -> list[str]:
    return [word for word in words if word not in _HONORIFICS]


def _unaccented(text: str) -> str:
    apart = unicodedata.normalize("NFKD", alike(text))
    return "".join(each for each in apart if not unicodedata.combining(each))


def _solid(text: str) -> str:
    return "".join(alike(text).casefold().split())
