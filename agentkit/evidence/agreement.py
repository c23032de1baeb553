"""Whether a value agrees with the quote that is to show it."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from decimal import Decimal

from agentkit.encoding import JSON
from agentkit.evidence.dates import gives_date, is_date
from agentkit.evidence.names import says
from agentkit.evidence.numbers import exactly, number_of, numbers_in, numbers_in_json
from agentkit.evidence.standing import Reading
from agentkit.evidence.texts import alike
from agentkit.schema.decoding import JSON_TEXT, read_json
from agentkit.schema.problems import got

BY_READER = "A quote stands there; whether it means this is for a reader to judge."
"""What is to be known of a value that no text says literally, such as true."""


def disagreement(value: JSON, quote: str, readings: Sequence[Reading]) -> str:
    """What of a value its quote does not say, in words; empty where it says all of it.

    Of lists and objects, every value in them has to stand there. true and false agree with any
    quote. `readings` are the ways to read the quote where it stands.
    """
    plain = alike(_unescaped(quote) if "json" in readings else quote)
    told = {number for each in readings for number in _NUMBERS_OF[each](plain)}
    for leaf in _leaves(value):
        if not _agrees(leaf, plain, told):
            return f"the quote does not say {_shown(leaf)}"
    return ""


def is_for_a_reader(value: JSON) -> bool:
    """Whether a value has nothing that a text could say literally."""
    return all(isinstance(leaf, bool) for leaf in _leaves(value))


_ESCAPES = re.compile(r"(?:\\u[0-9a-fA-F]{4})+|\\[\"\\/bfnrt]")
_CURRENCIES = {
    "$": r"\$|usd|dollar|peso",
    "\u20ac": r"\u20ac|eur",
    "\u00a3": r"\u00a3|gbp|pound|sterling",
    "\u00a5": r"\u00a5|jpy|cny|rmb|yen|yuan",
}

_NUMBERS_OF = {"text": numbers_in, "json": numbers_in_json}


def _agrees(leaf: JSON, quote: str, told: set[Decimal]) -> bool:
    if isinstance(leaf, bool):
        return True
    if isinstance(leaf, int | float):
        return exactly(leaf) in told
    text = str(leaf)
    if not _has_currency_of(quote, text):
        return False
    if is_date(text) and gives_date(_folded(quote), text):
        return True
    return says(quote, text) or not told.isdisjoint(number_of(alike(text)))


def _has_currency_of(quote: str, text: str) -> bool:
    """Whether a currency that a value names by its sign stands there, too."""
    return all(re.search(words, quote, re.I) for sign, words in _CURRENCIES.items() if sign in text)


def _unescaped(quote: str) -> str:
    """A piece of JSON with the characters that its escapes stand for."""
    return _ESCAPES.sub(lambda found: str(json.loads(f'"{found[0]}"')), quote)


def _leaves(value: JSON) -> Iterator[JSON]:
    """The values that hold no others and are something, in order."""
    pending = [value]
    while pending:
        each = _opened(pending.pop())
        if isinstance(each, dict):
            pending.extend(reversed(each.values()))
        elif isinstance(each, list):
            pending.extend(reversed(each))
        elif each is not None:
            yield each


def _opened(value: JSON) -> JSON:
    """The object or list that is carried as JSON text, as a value of any type is."""
    if not isinstance(value, dict) or value.keys() != {JSON_TEXT}:
        return value
    try:
        return read_json(value[JSON_TEXT])
    except (ValueError, TypeError):
        return value


def _folded(quote: str) -> str:
    apart = unicodedata.normalize("NFKD", quote.casefold())
    return "".join(each for each in apart if not unicodedata.combining(each))


def _shown(leaf: JSON) -> str:
    return got(leaf) if isinstance(leaf, str) else json.dumps(leaf)
