"""The units there are, each as an exact multiple of the base units."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from agentkit_tools.calculator.circle import PI

BASE = ("m", "kg", "s", "A", "K", "mol", "cd", "bit", "deg", "month")
"""What a unit is made of. A month is no number of days, so it is of its own kind."""

Dimension = tuple[int, ...]
"""The exponents of the base units."""


@dataclass(frozen=True)
class Defined:
    """One unit as the table has it."""

    symbol: str
    factor: Fraction
    dimension: Dimension
    is_exact: bool = True


_EXPONENTS = (24, 21, 18, 15, 12, 9, 6, 3, 2, 1, -1, -2, -3, -6, -9, -12, -15, -18, -21, -24)
_PREFIXES = dict(zip([*"YZEPTGMkh", "da", *"dcmµnpfazy"], _EXPONENTS, strict=True))
_PREFIXES |= {"μ": -6, "u": -6}  # the Greek letter, and what stands for it
_WORD_PREFIXES = {
    "tera": 12,
    "giga": 9,
    "mega": 6,
    "kilo": 3,
    "hecto": 2,
    "deca": 1,
    "deci": -1,
    "centi": -2,
    "milli": -3,
    "micro": -6,
    "nano": -9,
    "pico": -12,
}

# symbol: other symbols and names in the singular, factor, base units; those of the first table
# take prefixes. Sources: the SI Brochure (9th edition) and NIST SP 811, where all are exact.
_WITH_PREFIXES = {
    "m": ("metre meter", "1", "m"),
    "g": ("gram gramme", "0.001", "kg"),
    "s": ("sec second", "1", "s"),
    "A": ("amp ampere", "1", "A"),
    "K": ("kelvin", "1", "K"),
    "mol": ("mole", "1", "mol"),
    "cd": ("candela", "1", "cd"),
    "bit": ("", "1", "bit"),
    "B": ("byte", "8", "bit"),
    "L": ("l litre liter", "0.001", "m3"),
    "t": ("tonne", "1000", "kg"),
    "Hz": ("hertz", "1", "s-1"),
    "N": ("newton", "1", "kg m s-2"),
    "J": ("joule", "1", "kg m2 s-2"),
    "W": ("watt", "1", "kg m2 s-3"),
    "Wh": ("", "3600", "kg m2 s-2"),
    "Pa": ("pascal", "1", "kg m-1 s-2"),
    "bar": ("", "100000", "kg m-1 s-2"),
    "V": ("volt", "1", "kg m2 s-3 A-1"),
    "ohm": ("Ω", "1", "kg m2 s-3 A-2"),
    "cal": ("calorie", "4.184", "kg m2 s-2"),
    "eV": ("electronvolt", "1.602176634e-19", "kg m2 s-2"),
}
_WITHOUT = {
    "min": ("minute", "60", "s"),
    "h": ("hr hour", "3600", "s"),
    "d": ("day", "86400", "s"),
    "week": ("wk", "604800", "s"),
    "fortnight": ("", "1209600", "s"),
    "month": ("", "1", "month"),
    "year": ("yr", "12", "month"),
    "decade": ("", "120", "month"),
    "century": ("", "1200", "month"),
    "in": ("inch", "0.0254", "m"),
    "ft": ("foot", "0.3048", "m"),
    "yd": ("yard", "0.9144", "m"),
    "mi": ("mile", "1609.344", "m"),
    "nmi": ("nautical_mile", "1852", "m"),
    "au": ("", "149597870700", "m"),
    "ly": ("light_year lightyear", "9460730472580800", "m"),
    "mph": ("", "0.44704", "m s-1"),
    "kph": ("kmh", "5/18", "m s-1"),
    "kn": ("knot", "463/900", "m s-1"),
    "ha": ("hectare", "10000", "m2"),
    "acre": ("", "4046.8564224", "m2"),
    "sqft": ("", "0.09290304", "m2"),
    "cc": ("", "0.000001", "m3"),
    "gal": ("gallon", "0.003785411784", "m3"),
    "qt": ("quart", "0.000946352946", "m3"),
    "pt": ("pint", "0.000473176473", "m3"),
    "cup": ("", "0.0002365882365", "m3"),
    "floz": ("fluid_ounce", "0.0000295735295625", "m3"),
    "tbsp": ("tablespoon", "0.00001478676478125", "m3"),
    "tsp": ("teaspoon", "0.00000492892159375", "m3"),
    "ukgal": ("imperial_gallon", "0.00454609", "m3"),
    "ukpt": ("imperial_pint", "0.00056826125", "m3"),
    "lb": ("lbs pound", "0.45359237", "kg"),
    "oz": ("ounce", "0.028349523125", "kg"),
    "st": ("stone", "6.35029318", "kg"),
    "ct": ("carat", "0.0002", "kg"),
    "ton": ("short_ton", "907.18474", "kg"),
    "long_ton": ("", "1016.0469088", "kg"),
    "atm": ("atmosphere", "101325", "kg m-1 s-2"),
    "torr": ("", "20265/152", "kg m-1 s-2"),
    "mmHg": ("", "133.322387415", "kg m-1 s-2"),
    "psi": ("", "44482216152605/6451600000", "kg m-1 s-2"),
    "hp": ("horsepower", "745.69987158227022", "kg m2 s-3"),
    "BTU": ("btu", "1055.05585262", "kg m2 s-2"),
    "rpm": ("", "1/60", "s-1"),
    "deg": ("° degree", "1", "deg"),
    "arcmin": ("arcminute", "1/60", "deg"),
    "arcsec": ("arcsecond", "1/3600", "deg"),
    "turn": ("revolution", "360", "deg"),
    "KiB": ("kibibyte", "8192", "bit"),
    "MiB": ("mebibyte", "8388608", "bit"),
    "GiB": ("gibibyte", "8589934592", "bit"),
    "TiB": ("tebibyte", "8796093022208", "bit"),
}
_OFTEN_MEANT = ("km", "cm", "mm", "kg", "mg", "mL", "kWh", "kB", "MB", "GB", "°C", "°F")
_PLURALS = {
    "foot": "feet",
    "inch": "inches",
    "century": "centuries",
    "hertz": "hertz",
    "horsepower": "horsepower",
    "stone": "stone",
    "lbs": "lbs",
}


@cache
def defined(name: str) -> Defined | None:
    """The unit of that name or symbol, also with a prefix; None where there is none."""
    symbols, words, prefixed, prefixed_words = _names()
    if name in symbols:
        return symbols[name]
    if len(name) > 2 and name.lower() in words:
        return words[name.lower()]
    return _with_prefix(name, _PREFIXES, prefixed) or _with_prefix(
        name.lower(), _WORD_PREFIXES, prefixed_words
    )


def names() -> list[str]:
    """Every name without a prefix, to find what was meant."""
    symbols, words, *_ = _names()
    return [*words, *symbols, *_OFTEN_MEANT]


def _with_prefix(name: str, prefixes: dict[str, int], units: dict[str, Defined]) -> Defined | None:
    for prefix, exponent in prefixes.items():
        unit = units.get(name[len(prefix) :]) if name.startswith(prefix) else None
        if unit is not None:
            short = next(each for each, power in _PREFIXES.items() if power == exponent)
            factor = unit.factor * Fraction(10) ** exponent
            return Defined(short + unit.symbol, factor, unit.dimension)
    return None


_Units = dict[str, Defined]


@cache
def _names() -> tuple[_Units, _Units, _Units, _Units]:
    """Symbols and words of all units, then those of the units that take prefixes."""
    radian = Defined("rad", Fraction(180) / Fraction(PI), _dimension("deg"), is_exact=False)
    symbols: _Units = {"rad": radian}
    words: _Units = {"radian": radian, "radians": radian}
    prefixed: _Units = {}
    prefixed_words: _Units = {}
    for table, short, long in (
        (_WITH_PREFIXES, prefixed, prefixed_words),
        (_WITHOUT, symbols, words),
    ):
        for symbol, (others, factor, dimension) in table.items():
            unit = Defined(symbol, Fraction(factor), _dimension(dimension))
            for name in (symbol, *others.split()):
                is_word = name.isascii() and len(name) > 2
                short.update({name: unit})
                long.update(dict.fromkeys(_forms(name), unit) if is_word else {})
    return {**prefixed, **symbols}, {**prefixed_words, **words}, prefixed, prefixed_words


def _forms(name: str) -> Iterator[str]:
    yield name.lower()
    yield _PLURALS.get(name, f"{name}s").lower()


def _dimension(text: str) -> Dimension:
    exponents = dict.fromkeys(BASE, 0)
    for part in text.split():
        base = part.rstrip("-0123456789")
        exponents[base] += int(part[len(base) :] or 1)
    return tuple(exponents.values())
