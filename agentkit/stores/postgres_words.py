"""Text as PostgreSQL searches it.

The words are made here and not by PostgreSQL's parser, which takes a path or an address for one
word and leaves capitals that are not ASCII to the locale of the database.
"""

from __future__ import annotations

from unicodedata import combining, normalize

from agentkit.stores.text import words

LONGEST_WORD = 80
"""How many letters of a word are looked at; an index takes some 2,000 bytes."""

MOST_WORDS = 1000
"""How many words are looked for; PostgreSQL takes no condition of many more."""


def lexemes(text: str) -> list[str]:
    """The words of a text, each once, without case and accents."""
    return list(dict.fromkeys(_words(text)))


def query(text: str) -> str:
    """What finds the texts with all these words, the last of which may be a beginning.

    Empty where there are none. A word is letters and digits, so that nothing in it is syntax.
    """
    *before, last = _words(text)[:MOST_WORDS] or [""]
    whole = (f"'{word}'" for word in dict.fromkeys(before))
    return " & ".join([*whole, f"'{last}':*"]) if last else ""


def _words(text: str) -> list[str]:
    return [word[:LONGEST_WORD] for word in words(_folded(text))]


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    return "".join(each for each in normalize("NFKD", text) if not combining(each)).casefold()
