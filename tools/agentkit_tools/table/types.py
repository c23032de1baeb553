"""What the values of a column are, so that none of them loses a digit or a zero.

A value is text until every value of its column says more: `007`, `1e5`, `+1` and a number of more
digits than 64 bits hold stay what they are.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

Kind = Literal["integer", "decimal", "real", "date", "text"]

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+")
_SCIENTIFIC = re.compile(r"-?[0-9]\.[0-9]+[eE][-+]?[0-9]{1,3}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Word(str):
    """A value that its file says is text, also where it looks like a number."""

    __slots__ = ()


MOST_DIGITS = 18
"""Of a decimal number that is kept as one."""


@dataclass
class Seen:
    """What has been seen of a column so far."""

    could_be: set[Kind] = field(default_factory=lambda: {"integer", "decimal", "real", "date"})
    scales: set[int] = field(default_factory=set)
    """Digits behind the point."""
    has_idle_zeros: bool = False
    """Whether one ends in zeros that say nothing, which a version number would need."""
    is_empty: bool = True

    def see(self, text: str) -> None:
        """Take one more value into account."""
        self.is_empty = False
        if isinstance(text, Word):
            self.could_be &= {"date"}
        if self.could_be:
            self.could_be = {kind for kind in self.could_be if _FITS[kind](text)}
        if "." in text and self.could_be:
            fraction = text.partition(".")[2]
            self.scales.add(len(fraction))
            self.has_idle_zeros |= len(fraction) > 1 and fraction.endswith("0")

    @property
    def type(self) -> Type:
        """What the column holds."""
        if self.is_empty:
            return Type("text")
        # 1.1 and 1.10 in one column are two versions rather than one number
        is_versions = self.has_idle_zeros and len(self.scales) > 1
        kinds: tuple[Kind, ...] = ("integer", "decimal", "real", "date")
        kind: Kind = next((kind for kind in kinds if kind in self.could_be), "text")
        if is_versions and kind in ("decimal", "real"):
            return Type("text")
        if kind == "decimal" and len(self.scales) > 1:
            return Type("real" if "real" in self.could_be else "text")
        return Type(kind, max(self.scales, default=0), "real" in self.could_be)


@dataclass(frozen=True)
class Type:
    """What the values of a column are."""

    kind: Kind
    scale: int = 0
    """Digits behind the point of a decimal number."""
    fits_float: bool = True
    """Whether a float of each value is the same number."""


def _is_integer(text: str) -> bool:
    return bool(_INTEGER.fullmatch(text)) and -(2**63) <= int(text) < 2**63 and text != "-0"


def _is_decimal(text: str) -> bool:
    if not _DECIMAL.fullmatch(text) or _is_negative_zero(text):
        return False
    return sum(map(str.isdigit, text)) <= MOST_DIGITS


def _is_real(text: str) -> bool:
    """Whether a float of it is the same number, as it always is up to 15 digits."""
    if text.startswith("-0.") and _DECIMAL.fullmatch(text) and _is_negative_zero(text):
        return False
    if _DECIMAL.fullmatch(text) or _is_integer(text):
        if len(text) <= sys.float_info.dig:
            return True
    elif not _SCIENTIFIC.fullmatch(text):
        return False
    return len(text) < 40 and Decimal(repr(float(text))) == Decimal(text)


def _is_negative_zero(text: str) -> bool:
    """Whether it is -0.0, of which both databases lose the sign."""
    return text.startswith("-") and not float(text)


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


_FITS: dict[Kind, Callable[[str], bool]] = {
    "integer": _is_integer,
    "decimal": _is_decimal,
    "real": _is_real,
    "date": _is_date,
}
