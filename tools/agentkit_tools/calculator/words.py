"""A value as text: exact where it can be, and else said to be rounded."""

from __future__ import annotations

from datetime import date
from decimal import Context, Decimal
from fractions import Fraction

from agentkit_tools.calculator.dates import date_text
from agentkit_tools.calculator.exact import Number, decimal_of
from agentkit_tools.calculator.units import Unit
from agentkit_tools.calculator.values import Quantity, Temperature, Value

SHOWN_DIGITS = 20
"""Significant digits of what is rounded."""
MOST_PLACES = 60
"""Behind the point, of a decimal that is shown whole."""
MOST_FRACTION = 40
"""Characters of a fraction that is shown beside its decimal."""

_PARTS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_AS_WORDS = {
    "d": "day",
    **{word: word for word in ("week", "fortnight", "month", "year", "decade", "acre", "cup")},
}
"""Units that are shown as words, which have a plural."""


def text_of(value: Value) -> str:
    """What the model reads."""
    match value:
        case Quantity(unit=unit):
            return _number(value.shown, _unit_text(value.shown, str(unit))) + _in_parts(value)
        case Temperature(scale=scale):
            return _number(value.shown, scale)
        case bool():
            return "true" if value else "false"
        case date():
            return date_text(value)
        case _:
            return value


def _number(number: Number, unit: str) -> str:
    whole = _whole_decimal(number.value) if number.is_exact else None
    if whole is not None:
        return f"{whole} {unit}".rstrip()
    rounded = decimal_of(number.value, Context(prec=SHOWN_DIGITS))
    shown = f"{_digits(rounded)} {unit}".rstrip()
    if number.is_exact and Fraction(rounded) == number.value:
        return shown
    note = f"rounded to {SHOWN_DIGITS} significant digits"
    fraction = str(number.value)
    if number.is_exact and len(fraction) <= MOST_FRACTION:
        note += f"; exactly {fraction}"
    return f"≈ {shown} ({note})"


def _unit_text(number: Number, symbol: str) -> str:
    word = _AS_WORDS.get(symbol)
    if word is None:
        return symbol
    return word if abs(number.value) == 1 else f"{word}s"


def _whole_decimal(value: Fraction) -> str | None:
    """All digits; None where they do not end, or not soon."""
    places, rest = 0, value.denominator
    for prime in (2, 5):
        count = 0
        while rest % prime == 0:
            rest //= prime
            count += 1
        places = max(places, count)
    if rest != 1 or places > MOST_PLACES:
        return None
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    sign = "-" if value < 0 else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else sign + digits


def _digits(number: Decimal) -> str:
    if not number:
        return "0"
    if -7 <= number.adjusted() <= 30:
        text = f"{number:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    digits = "".join(map(str, number.as_tuple().digits)).rstrip("0")
    mantissa = f"{digits[0]}.{digits[1:]}".rstrip(".")
    return f"{'-' if number < 0 else ''}{mantissa}e{number.adjusted():+d}"


def _in_parts(value: Quantity) -> str:
    """A time also in days, hours, minutes and seconds, where it has more than one of them."""
    number = value.number
    if not _is_time(value.unit) or not number.is_exact or number.value.denominator != 1:
        return ""
    left, parts = abs(number.value.numerator), []
    if left > 10**12:
        return ""
    for size, symbol in _PARTS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {_unit_text(Number(Fraction(count)), symbol)}")
    return f" = {'-' if number.value < 0 else ''}{' '.join(parts)}" if len(parts) > 1 else ""


def _is_time(unit: Unit) -> bool:
    return str(unit) in ("d", "h", "min", "s", "week")
