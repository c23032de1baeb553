"""The functions that an expression may call, and the constants."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import date
from fractions import Fraction
from functools import cmp_to_key, partial, reduce

from agentkit import Retry
from agentkit_tools.calculator import exact
from agentkit_tools.calculator.circle import CIRCLE, INVERSES, PI, E
from agentkit_tools.calculator.dates import WEEKDAYS
from agentkit_tools.calculator.exact import MOST_DIGITS, Number
from agentkit_tools.calculator.units import PLAIN, Unit, unit_named
from agentkit_tools.calculator.values import (
    Quantity,
    Temperature,
    Value,
    compared,
    named,
    negative,
    plain,
    plus,
    product,
    quantity,
    quotient,
    root,
)

CONSTANTS: dict[str, Number] = {
    "pi": exact.nearly(PI),
    "π": exact.nearly(PI),
    "tau": exact.nearly(Fraction(PI) * 2),
    "e": exact.nearly(E),
}

_MOST_FACTORIAL = 450
"""Its factorial has 1,001 digits."""
_MOST = 10**6
_ANY = 1000

Values = Sequence[Value]


def factorial(value: Value) -> Value:
    """Of a whole number. Raises Retry for one that is too large or negative."""
    n = _whole(value, "A factorial")
    if n < 0:
        raise Retry("A factorial needs a number that is not negative.")
    if n >= _MOST_FACTORIAL:
        raise exact.too_large()
    return Quantity(exact.exactly(math.factorial(n)))


def call(name: str, values: Values) -> Value:
    """What the function gives. Raises Retry where there are too few values, or too many."""
    function, least, most = FUNCTIONS[name]
    if not least <= len(values) <= most:
        wanted = str(least) if least == most else f"{least} or more"
        if most not in (_ANY, least):
            wanted = f"{least} to {most}"
        raise Retry(f"{name} takes {wanted} values, not {len(values)}. Commas separate them.")
    return function(values)


def _whole(value: Value, what: str) -> int:
    return exact.whole(plain(value, what), f"The value of {what[0].lower()}{what[1:]}")


def _of_number(name: str, function: Callable[[Number], Number]) -> Callable[[Values], Value]:
    return lambda values: Quantity(function(plain(values[0], name)))


def _rounding(name: str, rounded: Callable[[Fraction], int]) -> Callable[[Values], Value]:
    """Rounds the number in the unit that it is shown in."""

    def function(values: Values) -> Value:
        value = values[0]
        places = _whole(values[1], f"The places of {name}") if len(values) > 1 else 0
        if abs(places) > MOST_DIGITS:
            raise exact.too_large()
        if isinstance(value, Temperature) or not isinstance(value, Quantity):
            raise Retry(f"{name} needs a number, not {named(value)}.")
        scale = Fraction(10) ** places
        number = value.shown.value * scale
        if not value.shown.is_exact:  # it may be a hair beside the one it stands for
            number = round(number, 40)
        return quantity(exact.exactly(Fraction(rounded(number)) / scale), value.unit)

    return function


def _half_up(value: Fraction) -> int:
    up = math.floor(abs(value) + Fraction(1, 2))
    return up if value >= 0 else -up


def _absolute(values: Values) -> Value:
    value = values[0]
    if not isinstance(value, Quantity):
        raise Retry(f"abs needs a number, not {named(value)}.")
    return negative(value) if value.number.value < 0 else value


def _extreme(choose: Callable[..., Value], values: Values) -> Value:
    return choose(values, key=cmp_to_key(compared))


def _sum(values: Values) -> Value:
    return reduce(plus, values)


def _mean(values: Values) -> Value:
    return quotient(_sum(values), Quantity(exact.exactly(len(values))))


def _median(values: Values) -> Value:
    ordered = sorted(values, key=cmp_to_key(compared))
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return product(plus(ordered[middle - 1], ordered[middle]), Quantity(Number(Fraction(1, 2))))


def _log(values: Values) -> Value:
    if len(values) == 1:
        raise Retry("log(x) has two meanings. Write ln(x), log10(x), log2(x) or log(x, base).")
    return Quantity(exact.log(plain(values[0], "log"), plain(values[1], "log")))


def _log_to(base: int, name: str) -> Callable[[Values], Value]:
    return _of_number(name, lambda number: exact.log(number, Number(Fraction(base))))


def _in_circle(name: str, function: Callable[[Number], Number]) -> Callable[[Values], Value]:
    """A plain number is in radians, an angle is what it is."""

    def found(values: Values) -> Value:
        value = values[0]
        degrees = _known("deg")
        if isinstance(value, Quantity) and value.unit.dimension == degrees.dimension:
            # whole turns are left out while the angle is still exact
            turned = exact.remainder(value.number, Number(Fraction(360)))
            return Quantity(function(exact.divide(turned, _known("rad").factor)))
        return Quantity(function(plain(value, name)))

    return found


def _known(name: str) -> Unit:
    return unit_named(name) or PLAIN


def _integers(name: str, function: Callable[..., int]) -> Callable[[Values], Value]:
    def common(values: Values) -> Value:
        found = exact.exactly(_whole(values[0], name))
        for value in values[1:]:
            found = exact.exactly(function(found.value.numerator, _whole(value, name)))
        return Quantity(found)

    return common


def _choices(name: str, function: Callable[[int, int], int]) -> Callable[[Values], Value]:
    def found(values: Values) -> Value:
        n, k = (_whole(value, name) for value in values)
        if n < 0 or k < 0:
            raise Retry(f"{name} needs numbers that are not negative.")
        taken = min(k, n - k) if name == "comb" else k
        if n > _MOST or (k <= n and taken > 4 * MOST_DIGITS):
            raise exact.too_large()
        return Quantity(exact.exactly(function(n, k)))

    return found


def _weekday(values: Values) -> Value:
    if not isinstance(values[0], date):
        raise Retry(f"weekday needs a date such as 2026-03-01, not {named(values[0])}.")
    return WEEKDAYS[values[0].weekday()]


FUNCTIONS: dict[str, tuple[Callable[[Values], Value], int, int]] = {
    "sqrt": (lambda values: root(values[0], 2), 1, 1),
    "cbrt": (lambda values: root(values[0], 3), 1, 1),
    "abs": (_absolute, 1, 1),
    "round": (_rounding("round", _half_up), 1, 2),
    "floor": (_rounding("floor", math.floor), 1, 1),
    "ceil": (_rounding("ceil", math.ceil), 1, 1),
    "trunc": (_rounding("trunc", math.trunc), 1, 1),
    "min": (partial(_extreme, min), 1, _ANY),
    "max": (partial(_extreme, max), 1, _ANY),
    "sum": (_sum, 1, _ANY),
    "mean": (_mean, 1, _ANY),
    "average": (_mean, 1, _ANY),
    "median": (_median, 1, _ANY),
    "exp": (_of_number("exp", exact.exp), 1, 1),
    "ln": (_of_number("ln", exact.ln), 1, 1),
    "log": (_log, 1, 2),
    "log10": (_log_to(10, "log10"), 1, 1),
    "log2": (_log_to(2, "log2"), 1, 1),
    "factorial": (lambda values: factorial(values[0]), 1, 1),
    "gcd": (_integers("gcd", math.gcd), 2, _ANY),
    "lcm": (_integers("lcm", math.lcm), 2, _ANY),
    "comb": (_choices("comb", math.comb), 2, 2),
    "perm": (_choices("perm", math.perm), 2, 2),
    "weekday": (_weekday, 1, 1),
    **{name: (_in_circle(name, function), 1, 1) for name, function in CIRCLE.items()},
    **{name: (_of_number(name, function), 1, 1) for name, function in INVERSES.items()},
}
"""Each with the number of values it takes, at least and at most."""
