"""The dates that a quote gives. One that can be read in two ways gives none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

# English, German, French, Spanish, Italian, Portuguese and Dutch, without accents.
_NAMES = (
    "january jan januar janner janvier janv enero ene gennaio gen janeiro januari",
    "february feb februar fevrier fevr febrero febbraio fevereiro fev februari",
    "march mar marz mars marzo marco maart mrt",
    "april apr avril avr abril abr aprile",
    "may mai mayo maggio mag maio mei",
    "june jun juni juin junio giugno giu junho",
    "july jul juli juillet juil julio luglio lug julho",
    "august aug aout agosto ago augustus",
    "september sept sep septembre septiembre settembre set setembro",
    "october oct oktober okt octobre octubre ottobre ott outubro out",
    "november nov novembre noviembre novembro",
    "december dec dezember dez decembre diciembre dic dicembre dezembro",
)
_MONTHS = {name: number for number, names in enumerate(_NAMES, 1) for name in names.split()}
_MONTH = rf"(?P<month>{'|'.join(sorted(_MONTHS, key=len, reverse=True))})\b\.?"
_DAY = r"(?<!\d)(?P<day>\d{1,2})(?:st|nd|rd|th|er|o|\.)?"
_YEAR = r"(?P<year>\d{4})(?!\d)"
_OF = r"(?:\s(?:of|de|del)\s|,?\s|-)"

_WHOLE = [
    re.compile(rf"(?<!\d){_YEAR}-(?P<month>\d\d?)-(?P<day>\d\d?)(?!\d)"),
    re.compile(rf"(?<!\d){_YEAR}/(?P<month>\d\d?)/(?P<day>\d\d?)(?!\d)"),
    re.compile(rf"(?<!\d){_YEAR}\.(?P<month>\d\d?)\.(?P<day>\d\d?)(?!\d)"),
    re.compile(r"(?<![\w.,])(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)(?![\w.,]\d)(?!\d)"),
    re.compile(rf"(?<!\d){_YEAR}\s?年\s?(?P<month>\d\d?)\s?月\s?(?P<day>\d\d?)\s?日"),
    re.compile(rf"{_DAY}{_OF}(?:the\s)?{_MONTH}{_OF}{_YEAR}"),
    re.compile(rf"(?<![a-z]){_MONTH}\s(?:the\s)?{_DAY},?\s{_YEAR}"),
    re.compile(rf"(?<!\d){_YEAR},?\s{_MONTH}\s{_DAY}(?!\d)"),
    re.compile(rf"(?<!\d)(?P<day>\d\d?)\.\s?(?P<month>\d\d?)\.\s?{_YEAR}"),
]
_EITHER = re.compile(rf"(?<!\d)(?P<first>\d\d?)(?P<sign>[-/])(?P<second>\d\d?)(?P=sign){_YEAR}")
_OF_YEAR = [
    re.compile(rf"(?<!\d){_YEAR}-(?P<month>\d\d?)(?!\d)"),
    re.compile(rf"(?<!\d){_YEAR}\s?年\s?(?P<month>\d\d?)\s?月"),
    re.compile(rf"(?<![a-z]){_MONTH}{_OF}{_YEAR}"),
]
_ISO = re.compile(
    r"(\d{4}-\d\d)(-\d\d)?(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[-+]\d\d:?\d\d)?))?"
)
_TIME = re.compile(
    r"(?<!\d)(?P<hour>\d\d?)[:.h](?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d+)?)?(?!\d)"
    r"(?P<zone>z|[-+](?:0\d|1[0-4]):?\d\d(?!\d))?(?:\s?(?P<half>[ap])\.?m\b)?"
)


def is_date(text: str) -> bool:
    """Whether a value is a date, a month of a year, or a moment, as ISO 8601 writes them."""
    return _ISO.fullmatch(text) is not None


def gives_date(quote: str, value: str) -> bool:
    """Whether a text gives the date of such a value, and the time of day where it has one.

    The text is one that was made alike, in lower case and without accents. Midnight need not stand
    there, where no other time does: a date that is sent as a moment has it, too.
    """
    match = _ISO.fullmatch(value)
    if match is None:
        return False
    month, day, time = match.groups()
    if time and not _gives_time(quote, time.lower()):
        return False
    if day is None:
        return month in {each.isoformat()[:7] for each in (*_dates(quote), *_months(quote))}
    return f"{month}{day}" in {each.isoformat() for each in _dates(quote)}


def _gives_time(quote: str, time: str) -> bool:
    wanted, zone = next(_times(time))
    given = list(_times(quote))
    if wanted == (0, 0, 0) and not any(":" in match[0] for match in _TIME.finditer(quote)):
        return True
    return any(each == wanted and other in ("", zone or other) for each, other in given)


def _times(text: str) -> Iterator[tuple[tuple[int, int, int], str]]:
    """The times of day in a text: hour, minute and second, and how far from UTC, if it says."""
    for match in _TIME.finditer(text):
        hour = int(match["hour"])
        if match["half"]:
            hour = hour % 12 + (12 if match["half"] == "p" else 0)
        zone = (
            (match["zone"] or "").replace(":", "").replace("z", "+0000").replace("-0000", "+0000")
        )
        yield (hour, int(match["minute"]), int(match["second"] or 0)), zone


def _dates(quote: str) -> Iterator[date]:
    for pattern in _WHOLE:
        for match in pattern.finditer(quote):
            yield from _date(match["year"], match["month"], match["day"])
    for match in _EITHER.finditer(quote):
        year, first, second = match["year"], int(match["first"]), int(match["second"])
        if first > 12 or first == second:
            yield from _date(year, str(second), str(first))
        elif second > 12:
            yield from _date(year, str(first), str(second))


def _months(quote: str) -> Iterator[date]:
    for pattern in _OF_YEAR:
        for match in pattern.finditer(quote):
            yield from _date(match["year"], match["month"], "1")


def _date(year: str, month: str, day: str) -> Iterator[date]:
    try:
        yield date(int(year), _MONTHS.get(month) or int(month), int(day))
    except ValueError:  # no such day
        return
