"""What an expression can be worth, and what the operators make of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from fractions import Fraction

from agentkit import Retry
from agentkit_tools.calculator import exact
from agentkit_tools.calculator.dates import moved_by_months, moved_by_seconds, seconds_between
from agentkit_tools.calculator.exact import Number
from agentkit_tools.calculator.unit_table import BASE
from agentkit_tools.calculator.units import (
    MOST_EXPONENT,
    PLAIN,
    Unit,
    kind_of,
    raised,
    root_of,
    times,
    unit_named,
)

_MONTHS = BASE.index("month")

_DEGREES = {
    "°C": (Fraction(1), Fraction("273.15")),
    "°F": (Fraction(5, 9), Fraction("459.67") * 5 / 9),
}
"""What one degree is in kelvin, and where 0 is."""


@dataclass(frozen=True)
class Quantity:
    """A number of something, counted in base units."""

    number: Number
    unit: Unit = PLAIN
    """What it is shown in."""
    is_percent: bool = False
    """Whether it was written with a percent sign, and nothing has been done with it yet."""

    @property
    def shown(self) -> Number:
        """How many of its unit it is."""
        return exact.divide(self.number, self.unit.factor)


@dataclass(frozen=True)
class Temperature:
    """A point on a scale, in kelvin; a difference of two is a quantity."""

    kelvin: Number
    scale: str
    """°C or °F."""

    @property
    def shown(self) -> Number:
        """The degrees on its scale."""
        size, zero = _DEGREES[self.scale]
        return exact.divide(exact.add(self.kelvin, Number(-zero)), Number(size))


_ON_A_SCALE = " Temperatures are in °C, °F and K; a difference is in K."

Value = Quantity | Temperature | date | datetime | bool | str
"""A quantity, a point in time or on a scale of temperature, the result of a comparison, a word."""


def quantity(number: Number, unit: Unit = PLAIN) -> Quantity:
    """So many of a unit."""
    return Quantity(exact.multiply(number, unit.factor), unit)


def temperature(degrees: Number, scale: str) -> Temperature:
    """So many degrees on a scale. Raises Retry below the absolute zero."""
    size, zero = _DEGREES[scale]
    return _above_zero(exact.add(exact.multiply(degrees, Number(size)), Number(zero)), scale)


def plain(value: Value, what: str) -> Number:
    """The number that it is. Raises Retry, which names what needs one, for all else."""
    if isinstance(value, Quantity) and value.unit.is_plain:
        return value.number
    raise Retry(f"{what} needs a plain number, not {named(value)}.")


def named(value: Value) -> str:
    """What kind of value it is, in words."""
    match value:
        case Quantity():
            return kind_of(value.unit.dimension)
        case Temperature():
            return "a temperature"
        case datetime() | date():
            return "a date"
        case bool():
            return "a comparison"
        case _:
            return "a word"


def negative(value: Value) -> Value:
    """The value with the other sign."""
    match value:
        case Quantity():
            return replace(value, number=-value.number)
        case Temperature(scale=scale):
            return temperature(-value.shown, scale)
        case _:
            raise Retry(f"{named(value).capitalize()} cannot be negative.")


def plus(left: Value, right: Value) -> Value:
    """Their sum."""
    match left, right:
        case Quantity(), Quantity():
            _check_percent(left, right, "+")
            _check_same(left, right, "added")
            return _combined(left, right, exact.add(left.number, right.number))
        case (date(), Quantity()):
            return _moved(left, right)
        case (Quantity(), date()):
            return _moved(right, left)
        case (Temperature(), Quantity()):
            return _warmer(left, right)
        case (Quantity(), Temperature()):
            return _warmer(right, left)
        case (Temperature(), Temperature()):
            raise Retry(
                "Two temperatures cannot be added. A difference is given in K: 20 °C + 5 K."
            )
        case _:
            raise _cannot(left, right, "added")


def minus(left: Value, right: Value) -> Value:
    """Their difference; of two dates in days, or in hours where they have times."""
    match left, right:
        case (date(), date()):
            return _between(left, right)
        case (Temperature(), Temperature()):
            return Quantity(exact.add(left.kelvin, -right.kelvin), _known("K"))
        case (Quantity(), Quantity()):
            _check_percent(left, right, "-")
            _check_same(left, right, "subtracted")
            return _combined(left, right, exact.add(left.number, -right.number))
        case (_, Quantity()):
            return plus(left, negative(right))
        case _:
            raise _cannot(left, right, "subtracted")


def product(left: Value, right: Value) -> Value:
    """Their product."""
    one, other = _quantities(left, right, "multiplied")
    return Quantity(exact.multiply(one.number, other.number), times(one.unit, other.unit))


def quotient(left: Value, right: Value) -> Value:
    """Their quotient."""
    one, other = _quantities(left, right, "divided")
    unit = times(one.unit, raised(other.unit, -1))
    return Quantity(exact.divide(one.number, other.number), unit)


def floored(left: Value, right: Value) -> Value:
    """How often the right one is in the left one, as a whole number."""
    one, other = _alike(left, right, "divided by //")
    return Quantity(exact.floor_divide(one.number, other.number))


def modulo(left: Value, right: Value) -> Value:
    """What is left over of it."""
    one, other = _alike(left, right, "divided by %")
    return replace(one, number=exact.remainder(one.number, other.number), is_percent=False)


def to_the_power(left: Value, right: Value) -> Value:
    """The left one to the power of the right one."""
    exponent = plain(right, "An exponent")
    if not isinstance(left, Quantity):
        raise Retry(f"{named(left).capitalize()} cannot be raised to a power.")
    return Quantity(exact.power(left.number, exponent), _power_of(left.unit, exponent))


def root(value: Value, degree: int) -> Value:
    """The square root or the cube root, also of an area or a volume."""
    if not isinstance(value, Quantity):
        raise Retry(f"A root needs a number, not {named(value)}.")
    if value.number.value < 0 and degree % 2:
        return negative(root(negative(value), degree))
    number = exact.power(value.number, Number(Fraction(1, degree)))
    return Quantity(number, root_of(value.unit, degree))


def compared(left: Value, right: Value) -> int:
    """-1, 0 or 1: whether the left one is less, the same or more."""
    match left, right:
        case (Quantity(), Quantity()):
            _check_same(left, right, "compared")
            return _sign(left.number, right.number)
        case (Temperature(), Temperature()):
            return _sign(left.kelvin, right.kelvin)
        case (date(), date()):
            seconds = seconds_between(left, right)
            return (seconds > 0) - (seconds < 0)
        case _:
            raise _cannot(left, right, "compared")


def converted(value: Value, unit: Unit) -> Value:
    """The same in another unit."""
    if isinstance(value, Temperature) and unit == _known("K"):
        return Quantity(value.kelvin, unit)
    if not isinstance(value, Quantity) or value.unit.dimension != unit.dimension:
        wanted = f"{unit}, {kind_of(unit.dimension)}" if unit.parts else "a plain number"
        raise Retry(f"{named(value).capitalize()} cannot be given in {wanted}.{_hint(value, unit)}")
    return Quantity(value.number, unit)


def on_scale(value: Value, scale: str) -> Value:
    """The same temperature on another scale."""
    if isinstance(value, Temperature):
        return Temperature(value.kelvin, scale)
    if isinstance(value, Quantity) and value.unit.dimension == _known("K").dimension:
        return _above_zero(value.number, scale)
    raise Retry(f"{named(value).capitalize()} cannot be given in {scale}.")


def _combined(left: Quantity, right: Quantity, number: Number) -> Quantity:
    return Quantity(number, left.unit, left.is_percent and right.is_percent)


def _known(name: str) -> Unit:
    unit = unit_named(name)
    assert unit is not None  # noqa: S101
    return unit


def _sign(left: Number, right: Number) -> int:
    difference = left.value - right.value
    if not (left.is_exact and right.is_exact):
        largest = max(abs(left.value), abs(right.value))
        # two ways to the same number differ in the last of the digits that are kept
        difference = Fraction(0) if abs(difference) <= largest / 10**30 else difference
    return (difference > 0) - (difference < 0)


def _above_zero(kelvin: Number, scale: str) -> Temperature:
    if kelvin.value < 0:
        raise Retry("That is below the absolute zero, -273.15 °C.")
    return Temperature(kelvin, scale)


def _warmer(point: Temperature, difference: Quantity) -> Temperature:
    if difference.unit.dimension != _known("K").dimension:
        raise _cannot(point, difference, "added")
    return _above_zero(exact.add(point.kelvin, difference.number), point.scale)


def _moved(day: date, by: Quantity) -> date:
    if by.unit.dimension == _known("month").dimension:
        return moved_by_months(day, exact.whole(by.number, "A number of months"))
    if by.unit.dimension == _known("s").dimension:
        return moved_by_seconds(day, by.number.value)
    raise Retry(f"To a date a time is added, such as 45 days, not {named(by)}.")


def _between(left: date, right: date) -> Quantity:
    seconds = exact.exactly(seconds_between(left, right))
    has_times = isinstance(left, datetime) or isinstance(right, datetime)
    return Quantity(seconds, _known("h" if has_times else "d"))


def _quantities(left: Value, right: Value, done: str) -> tuple[Quantity, Quantity]:
    if not isinstance(left, Quantity) or not isinstance(right, Quantity):
        raise _cannot(left, right, done)
    return left, right


def _alike(left: Value, right: Value, done: str) -> tuple[Quantity, Quantity]:
    one, other = _quantities(left, right, done)
    _check_same(one, other, done)
    return one, other


def _power_of(unit: Unit, exponent: Number) -> Unit:
    if not unit.parts:
        return unit
    if exponent.value.denominator == 1:
        often = exponent.value.numerator
        return raised(unit, often if abs(often) <= MOST_EXPONENT else MOST_EXPONENT + 1)
    if exponent.value.denominator in (2, 3) and abs(exponent.value.numerator) <= MOST_EXPONENT:
        return root_of(raised(unit, exponent.value.numerator), exponent.value.denominator)
    raise Retry(f"{unit} cannot be raised to that power.")


def _check_same(left: Quantity, right: Quantity, done: str) -> None:
    if left.unit.dimension != right.unit.dimension:
        raise _cannot(left, right, done)


def _check_percent(left: Quantity, right: Quantity, sign: str) -> None:
    # of 1 both readings are the same
    if right.is_percent and not left.is_percent and left.number.value != 1:
        raise Retry(
            f"A {sign} B% can be read in two ways. Write A {sign} B% of A, or A {sign} B/100."
        )


def _cannot(left: Value, right: Value, done: str) -> Retry:
    hint = ""
    if isinstance(left, Temperature) or isinstance(right, Temperature):
        hint = _ON_A_SCALE
    if isinstance(left, Quantity) and isinstance(right, Quantity):
        hint = _hint(left, right.unit)
    return Retry(f"{named(left).capitalize()} and {named(right)} cannot be {done}.{hint}")


def _hint(value: Value, unit: Unit) -> str:
    if isinstance(value, Temperature):
        return _ON_A_SCALE
    dimension = value.unit.dimension if isinstance(value, Quantity) else PLAIN.dimension
    if bool(dimension[_MONTHS]) != bool(unit.dimension[_MONTHS]):
        return " Months and years have no fixed length: write days, or add them to a date."
    return ""


OPERATORS: dict[str, Callable[[Value, Value], Value]] = {
    "+": plus,
    "-": minus,
    "*": product,
    "of": product,
    "/": quotient,
    "//": floored,
    "%": modulo,
    "**": to_the_power,
    "==": lambda left, right: compared(left, right) == 0,
    "!=": lambda left, right: compared(left, right) != 0,
    "<": lambda left, right: compared(left, right) < 0,
    "<=": lambda left, right: compared(left, right) <= 0,
    ">": lambda left, right: compared(left, right) > 0,
    ">=": lambda left, right: compared(left, right) >= 0,
}
