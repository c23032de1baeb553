"""Texts made alike: what is written differently and reads the same becomes the same.

Every step takes time in proportion to the text.
"""

from __future__ import annotations

import re
import unicodedata
from html import unescape

_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
_DOUBLE = "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb\uff02"
_SINGLE = "\u2018\u2019\u201a\u201b\u2032\u02bc\u00b4\uff07`"
# Soft hyphens, joiners and marks of direction, which nobody sees; and what divides texts here.
_UNSEEN = (
    "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\x00"
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)


def _raised() -> dict[int, str]:
    """Digits that are none of the number beside them: exponents, footnotes, fractions.

    Compatibility forms alone would make 106 of 10⁶ and 51/4 of 5¼.
    """
    table = {}
    for point in (*range(0xB2, 0xBF), *range(0x2070, 0x2500), *range(0x3200, 0x3400)):
        plain = unicodedata.normalize("NFKC", chr(point)).replace("\u2044", "/")
        if plain != chr(point) and re.search(r"[0-9\u2212]", plain):
            table[point] = f"^{plain.replace(chr(0x2212), '-')}"
    return table


_SAME = str.maketrans(
    {
        **_raised(),
        **dict.fromkeys(map(ord, _DASHES), "-"),
        **dict.fromkeys(map(ord, _DOUBLE), '"'),
        **dict.fromkeys(map(ord, _SINGLE), "'"),
        **dict.fromkeys(map(ord, _UNSEEN), ""),
        0x066B: ".",
        0x066C: ",",
    }
)
# Thai to Myanmar, Khmer, Chinese and Japanese, Korean with its particles.
_WITHOUT_SPACES = (
    ("\u0e00", "\u109f"),
    ("\u1780", "\u17ff"),
    ("\u2e80", "\u9fff"),
    ("\uac00", "\ud7af"),
    ("\uf900", "\ufaff"),
)
_FOREIGN_DIGIT = re.compile(r"(?![0-9])\d")

# 1 234 567, 1,234,567, 1'234'567 and 1.234.567; a single point may as well begin a fraction.
_GROUPED = re.compile(
    r"(?<![\d.,'])[1-9]\d{0,2}(?:(?:,\d{3})+|(?: \d{3})+|(?:'\d{3})+|(?:\.\d{3}){2,})(?!\d)"
)
_BETWEEN = re.compile(r"[ ,'.]")
# What divides columns and lines does not divide the groups of one number.
_COLUMNS = re.compile(r"(?<![\d.,'])(\d{1,3})(?:[^\S ]| (?=\s))\s*(?=\d{3}(?!\d))")
_COLUMN = "\\1\u00a6"
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,30});")
# [text](address) of Markdown, and the marks of emphasis at the edges of words.
_LINK = re.compile(r"!?\[([^\[\]\x00]*)\]\([^()\s]*(?: \"[^\"]*\")?\)")
_EMPHASIS = re.compile(r"(?<!\w)[*_~]+(?=\S)|(?<=\S)[*_~]+(?!\w)")
_AROUND = re.compile(r" ?([:,\[\]{}]) ?")

# Letters that are no plain letter with a mark.
_LETTERS = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
        "ı": "i",
        "&": " and ",
    }
)
# With a sign before a number, and what is behind a grade or the name of a language: A+, C#.
_WORD = re.compile(
    r"(?:(?<![^\W_])-(?=\d))?[^\W_]+(?:[.,](?<=\d.)(?=\d)[^\W_]+)*(?: ?%|[+#]+|-(?![\w-]))?"
)


def alike(text: str) -> str:
    """The text with one kind of space, dash, quotation mark and digit, and without entities."""
    if "&" in text:
        text = _ENTITY.sub(lambda found: unescape(found[0]), text)
    if text.isascii():
        plain = text.replace("`", "'").replace("\x00", "")
    else:
        plain = unicodedata.normalize("NFKC", text.translate(_SAME)).translate(_SAME)
        plain = _FOREIGN_DIGIT.sub(lambda found: str(unicodedata.digit(found[0])), plain)
    return " ".join(_COLUMNS.sub(_COLUMN, plain).split())


def ungrouped(text: str) -> str:
    """Such a text with the groups of its numbers joined: 1 234 567 and 1,234,567 are 1234567."""
    return _GROUPED.sub(lambda found: _BETWEEN.sub("", found[0]), text)


def tight(text: str) -> str:
    """Such a text of JSON without spaces between its parts."""
    return _AROUND.sub(r"\1", text)


def unmarked(text: str) -> str:
    """Such a text of Markdown as it reads: without the addresses of links, and emphasis."""
    return _EMPHASIS.sub("", _LINK.sub(r"\1", text))


def words_of(text: str) -> list[str]:
    """The words of a text, without case, accents and punctuation; numbers stay whole."""
    folded = ungrouped(alike(text)).casefold().translate(_LETTERS)
    if not folded.isascii():
        apart = unicodedata.normalize("NFKD", folded)
        folded = "".join(each for each in apart if not unicodedata.combining(each))
    return [word.replace(" ", "") for word in _WORD.findall(folded)]


def runs_together(character: str) -> bool:
    """Whether a character is of a script that puts no space where another word begins."""
    return any(first <= character <= last for first, last in _WITHOUT_SPACES)
