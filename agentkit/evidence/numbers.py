"""The numbers that a quote gives, in all ways in which each may be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Context, Decimal, localcontext

_SCALES = {
    "hundred": 2,
    "dozen": 0,
    "thousand thousands tsd tausend mille mil duizend k": 3,
    "lakh lakhs": 5,
    "million millions millionen millones millioni milhoes miljoen mio mill mln mn m": 6,
    "crore crores": 7,
    "billion billions milliard milliards milliarde milliarden miljard miliardi mrd bn bln b": 9,
    "trillion trillions billionen tn trn": 12,
}
_FACTOR = {
    word: 12 if word == "dozen" else 10**power
    for words, power in _SCALES.items()
    for word in words.split()
}
_OF_A_NUMBER = frozenset({"hundred", "dozen"})
"""Scales that nobody gives a column in, as of 5 million one gives 5: five hundred is no 5."""
_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty"
)
_TENS = "thirty forty fifty sixty seventy eighty ninety"
_WORDS = {word: number for number, word in enumerate(_SMALL.split())}
_WORDS |= {word: 10 * number for number, word in enumerate(_TENS.split(), 3)}

_LETTER = "A-Za-z\u00c0-\u024f\u0370-\u052f"
_SCALE = "|".join(sorted((each for each in _FACTOR if len(each) > 1), key=len, reverse=True))
_SHARE = r"%|‰|percent\b|per cent\b|pct\b|prozent\b|pour cent\b|per mille\b"
_PER_MILLE = ("‰", "per mille")
_NUMBER = re.compile(
    rf"(?<![{_LETTER}_^])(?P<before>(?:\^-?\d*/?|[{_LETTER}_])*)"
    r"(?P<sign>(?<![\w.,)\]%])-[$€£¥]?|(?<!\w)minus )?"
    r"(?P<digits>\d{1,3}(?:[ ']\d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,]\d+)*|(?<![\d.])\.\d+)"
    r"(?P<part>\^\d+/\d+)?"
    r"(?P<power>e[-+]?\d+|\s?[x×*·⋅]\s?10(?:\^-?\d*)+|(?<=\b10)(?:\^-?\d*)+)?"
    rf"(?:(?:[\s-]?(?P<scale>{_SCALE})|(?P<letter>[kmb]))(?![^\W\d_]|\^)\.?)?"
    rf"(?:\s?(?P<share>{_SHARE}))?",
    re.IGNORECASE,
)
# Two hundred, but nothing of two hundred and five, and nothing of twenty-five.
_IN_WORDS = re.compile(
    rf"(?<![\w-])(?<!half )(?P<word>{'|'.join(_WORDS)}|an?)"
    rf"(?:[\s-](?P<scale>{_SCALE})\b(?![\s-](?:and\s)?(?:{'|'.join(_WORDS)}|{_SCALE})\b)"
    rf"|(?![\s-](?:{_SCALE})\b))(?![\w-])",
    re.IGNORECASE,
)
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_OF_JSON = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w.])")

# Which signs divide the groups of a number, and which its fraction.
_GROUPED = re.compile(
    r"(?:(?P<comma>[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?)"
    r"|(?P<point>[1-9]\d{0,2}(?:\.\d{3})+(?:,\d+)?)"
    r"|(?P<indian>[1-9]\d?(?:,\d{2})+,\d{3}(?:\.\d+)?))"
)
_DATE = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_CODE = re.compile(r"-?0\d")
"""What a number does not begin with, but a code does, such as a postal one."""
_PLURAL = re.compile(r"s(?!\w)", re.IGNORECASE)
_MOST_POWER = 400
_EXACT = Context(prec=5_000)
"""More digits than a quote has, so that nothing is rounded."""


def numbers_in(quote: str) -> set[Decimal]:
    """Every number that a text gives; one that can be read in two ways gives both.

    12 % is 12 and 0.12, 1.2 million is 1.2 and 1,200,000. Digits that belong to a word (`A4`) are
    none. The text is one that was made alike.
    """
    with localcontext(_EXACT):
        readings = (each for match in _NUMBER.finditer(quote) for each in _readings(match))
        found = {number for each in readings for number in each}
        return found | {each for match in _IN_WORDS.finditer(quote) for each in _spelled(match)}


def numbers_in_json(quote: str) -> set[Decimal]:
    """Every number of a piece of JSON; what stands in its strings is a text."""
    if quote.count('"') % 2:
        return numbers_in(quote)
    inside = {number for each in _STRING.findall(quote) for number in numbers_in(each)}
    outside = _OF_JSON.findall(_STRING.sub('""', quote))
    return inside | {Decimal(each) for each in outside}


def number_of(text: str) -> set[Decimal]:
    """The readings of a text that is a number and nothing else; empty for any other."""
    match = None if _CODE.match(text) else _NUMBER.fullmatch(text)
    with localcontext(_EXACT):
        return {each[-1] for each in _readings(match)} if match else set()


def _readings(match: re.Match[str]) -> Iterator[list[Decimal]]:
    """What a number may mean; for each reading of its digits by itself, then with what is behind.

    The last one is all that it says: of 1.2 million, 1,200,000.
    """
    if match["before"] or _is_decade(match):
        return
    sign = -1 if match["sign"] else 1
    for digits in _decimals(match["digits"]):
        number = sign * (digits + _part(match["part"]))
        if match["power"]:
            number = _raised(number, match["power"])
        scale = (match["scale"] or match["letter"] or "").lower()
        meanings = [] if scale in _OF_A_NUMBER else [number]
        if scale:
            meanings.append(number * _FACTOR[scale])
        if share := match["share"]:
            meanings.append(meanings[-1] / (1000 if share.lower() in _PER_MILLE else 100))
        yield meanings
    if _is_in_row(match):
        yield [Decimal(each) for each in match["digits"].split(",") if each.count(".") <= 1]


def _is_decade(match: re.Match[str]) -> bool:
    """Whether it is the 1990s and not the year 1990."""
    is_round = len(match["digits"]) == 4 and match["digits"].isdigit() and match[0].endswith("0")
    return is_round and _PLURAL.match(match.string, match.end()) is not None


def _is_in_row(match: re.Match[str]) -> bool:
    """Whether commas without spaces divide cells around a number, and so perhaps in it."""
    before, behind = match.string[: match.start()], match.string[match.end() :]
    is_last = before.endswith(",") and not behind[:1].isalnum()
    return is_last or (behind[:1] == "," and behind[1:2].isalnum())


def _decimals(digits: str) -> Iterator[Decimal]:
    """What digits with signs between them may mean."""
    if _DATE.fullmatch(digits):
        yield from map(Decimal, digits.split("."))
        return
    joined = re.sub(r"[ ']", "", digits)
    if grouped := _GROUPED.fullmatch(joined):
        is_point = grouped["point"] is not None
        group, fraction = (".", ",") if is_point else (",", ".")
        yield Decimal(joined.replace(group, "").replace(fraction, "."))
    signs = re.findall(r"[.,]", joined)
    if len(signs) <= 1:
        yield Decimal(joined.replace(",", "."))
    elif grouped is None and set(signs) == {","}:  # a list without spaces
        yield from map(Decimal, joined.split(","))


def _part(text: str | None) -> Decimal:
    """What a sign such as ½ behind a number adds to it."""
    above, _, below = (text or "").removeprefix("^").partition("/")
    return Decimal(above) / Decimal(below) if above and int(below) else Decimal(0)


def _raised(number: Decimal, power: str) -> Decimal:
    """A number times a power of ten; 10⁶ has its power right behind it."""
    text = re.sub(r".*10(?=\^)|[\^e]", "", power, flags=re.IGNORECASE)
    digits = text.lstrip("+-")
    exponent = min(int(digits), _MOST_POWER) if digits else 0
    exponent = -exponent if text.startswith("-") else exponent
    return number.scaleb(exponent - 1 if power.startswith("^") else exponent)


def _spelled(match: re.Match[str]) -> Iterator[Decimal]:
    word, scale = match["word"].lower(), (match["scale"] or "").lower()
    number = Decimal(_WORDS.get(word, 1))
    # alone, `a` is no number and `one` often none
    if word not in ("a", "an", "one") and scale not in _OF_A_NUMBER:
        yield number
    if scale:
        yield number * _FACTOR[scale]


def exactly(value: float) -> Decimal:
    """A JSON number as it was written."""
    return Decimal(repr(value) if isinstance(value, float) else value)
