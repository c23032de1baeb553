"""Products of units, such as km/h, and what they are worth in base units."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from math import prod

from agentkit import Retry
from agentkit_tools.calculator.exact import Number, exactly, nearly
from agentkit_tools.calculator.unit_table import BASE, Defined, Dimension, defined, names

MOST_EXPONENT = 12
"""Of one unit."""
MOST_UNITS = 8
"""In one product."""

_KINDS = {
    "m": "a length",
    "kg": "a mass",
    "s": "a time",
    "K": "a temperature difference",
    "m2": "an area",
    "m3": "a volume",
    "m s-1": "a speed",
    "bit": "an amount of data",
    "month": "calendar months",
    "deg": "an angle",
    "m2 kg s-2": "an energy",
    "m2 kg s-3": "a power",
    "m-1 kg s-2": "a pressure",
    "m kg s-2": "a force",
    "": "a plain number",
    "s-1": "a frequency",
}


@dataclass(frozen=True)
class Unit:
    """A product of powers of units; without any, that of a plain number."""

    parts: tuple[tuple[Defined, int], ...] = ()

    @property
    def dimension(self) -> Dimension:
        """The exponents of the base units."""
        return tuple(
            sum(unit.dimension[place] * exponent for unit, exponent in self.parts)
            for place in range(len(BASE))
        )

    @property
    def factor(self) -> Number:
        """One of it in base units."""
        value = prod((unit.factor**exponent for unit, exponent in self.parts), start=Fraction(1))
        is_exact = all(unit.is_exact for unit, _ in self.parts)
        return exactly(value) if is_exact else nearly(value)

    @property
    def is_plain(self) -> bool:
        """Whether it is that of a plain number."""
        return not any(self.dimension)

    def __str__(self) -> str:
        above = "*".join(_powers(self.parts, 1))
        below = list(_powers(self.parts, -1))
        if not below:
            return above
        under = below[0] if len(below) == 1 else f"({'*'.join(below)})"
        return f"{above or 1}/{under}"


PLAIN = Unit()
PERCENT = Unit(((Defined("%", Fraction(1, 100), PLAIN.dimension), 1),))


def unit_named(name: str) -> Unit | None:
    """The unit of that name, also `km2` and `m3`; None where there is none."""
    found = defined(name)
    if found is not None:
        return Unit(((found, 1),))
    if name[-1:] in ("2", "3") and (found := defined(name[:-1])) is not None:
        return Unit(((found, int(name[-1])),))
    return None


def no_such_unit(name: str) -> Retry:
    """What is said of a name that is no unit."""
    known = {each.lower(): each for each in names()}
    if name.lower() in ("today", "tomorrow", "yesterday", "now"):
        return Retry(f"{name} is not known here. Write its date, such as 2026-03-01.")
    near = [repr(known[each]) for each in get_close_matches(name.lower(), known, cutoff=0.7)]
    advice = f" Did you mean {' or '.join(near)}?" if near else ""
    return Retry(
        f"There is no unit or name {name!r}.{advice} Units are written like km, miles, kg, lb, "
        "h, min, days, °C, m/s; functions like sqrt(2)."
    )


def times(left: Unit, right: Unit) -> Unit:
    """Their product, in the left one's units where both have units of the same kind."""
    exponents: dict[Defined, int] = dict(left.parts)
    alike = {unit.dimension: unit for unit in exponents}
    for each, exponent in right.parts:
        unit = alike.setdefault(each.dimension, each)
        exponents[unit] = exponents.get(unit, 0) + exponent
    return _checked(exponents)


def raised(unit: Unit, exponent: int) -> Unit:
    """The unit to a power."""
    if abs(exponent) > MOST_EXPONENT:
        raise Retry(f"A unit can be raised to {MOST_EXPONENT} at most.")
    return _checked({each: power * exponent for each, power in unit.parts})


def root_of(unit: Unit, degree: int) -> Unit:
    """The unit whose power it is. Raises Retry where there is none."""
    if any(exponent % degree for _, exponent in unit.parts):
        raise Retry(f"{unit} has no such root. Convert it first, or leave the unit out.")
    return Unit(tuple((each, exponent // degree) for each, exponent in unit.parts))


def kind_of(dimension: Dimension) -> str:
    """What is measured so, in words."""
    key = " ".join(
        f"{base}{exponent if exponent != 1 else ''}"
        for base, exponent in zip(BASE, dimension, strict=True)
        if exponent
    )
    return _KINDS.get(key, f"[{key}]")


def _checked(exponents: dict[Defined, int]) -> Unit:
    parts = tuple((unit, exponent) for unit, exponent in exponents.items() if exponent)
    if len(parts) > MOST_UNITS or any(abs(exponent) > MOST_EXPONENT for _, exponent in parts):
        raise Retry(
            f"That is a product of too many units: {MOST_UNITS} different ones at most, each to "
            f"the power of {MOST_EXPONENT} at most."
        )
    made = Unit(parts)
    return made if any(made.dimension) else PLAIN


def _powers(parts: tuple[tuple[Defined, int], ...], sign: int) -> Iterator[str]:
    for unit, exponent in parts:
        if exponent * sign > 0:
            yield unit.symbol if abs(exponent) == 1 else f"{unit.symbol}^{abs(exponent)}"
