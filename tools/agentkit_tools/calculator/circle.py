"""Sine, cosine, tangent and their inverses, to 40 places behind the point."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal
from fractions import Fraction

from agentkit import Retry
from agentkit_tools.calculator.exact import Number, decimal_of, nearly

PI = Decimal(
    "3.1415926535897932384626433832795028841971693993751058209749445923078164062862089986280348253"
    "42117067982148086513282306647093844609550582231725359"
)
E = Decimal("2.71828182845904523536028747135266249775724709369995957496696762772407663035354759457")

_FINE = Context(prec=100)
_PLACES = Decimal(1).scaleb(-40)
_SMALL = Decimal(1).scaleb(-95)
_LARGEST = Fraction(10) ** 15
"""Radians; of larger ones too little is known of where in the circle they are."""


def sin(radians: Number) -> Number:
    """The sine."""
    return _placed(_sine(_reduced(radians)))


def cos(radians: Number) -> Number:
    """The cosine."""
    return _placed(_sine(_FINE.add(_reduced(radians), _FINE.divide(PI, Decimal(2)))))


def tan(radians: Number) -> Number:
    """The tangent. Raises Retry where there is none."""
    over = cos(radians).value
    if over == 0:
        raise Retry("There is no tangent at a right angle.")
    return nearly(sin(radians).value / over)


def atan(number: Number) -> Number:
    """The angle in radians that has this tangent."""
    return _placed(_arctangent(decimal_of(number.value, _FINE)))


def asin(number: Number) -> Number:
    """The angle in radians that has this sine. Raises Retry beyond -1 and 1."""
    return _placed(_arcsine(number, "sine"))


def acos(number: Number) -> Number:
    """The angle in radians that has this cosine. Raises Retry beyond -1 and 1."""
    right = _FINE.divide(PI, Decimal(2))
    return _placed(_FINE.subtract(right, _arcsine(number, "cosine")))


CIRCLE: dict[str, Callable[[Number], Number]] = {"sin": sin, "cos": cos, "tan": tan}
INVERSES: dict[str, Callable[[Number], Number]] = {"asin": asin, "acos": acos, "atan": atan}


def _placed(value: Decimal) -> Number:
    return nearly(value.quantize(_PLACES, context=_FINE))


def _reduced(radians: Number) -> Decimal:
    """The same place in the circle, between -pi and pi."""
    if abs(radians.value) > _LARGEST:
        raise Retry("That angle is too large to say where in the circle it is.")
    turn = Fraction(PI) * 2
    return decimal_of(radians.value - turn * round(radians.value / turn), _FINE)


def _sine(radians: Decimal) -> Decimal:
    """By its series."""
    term = total = radians
    square, n = _FINE.multiply(radians, radians), 1
    while term.copy_abs() > _SMALL:
        n += 2
        term = _FINE.divide(_FINE.multiply(term, square).copy_negate(), Decimal(n * (n - 1)))
        total = _FINE.add(total, term)
    return total


def _arctangent(value: Decimal) -> Decimal:
    """By its series, once the angle has been halved five times."""
    for _ in range(5):
        root = _FINE.sqrt(_FINE.add(Decimal(1), _FINE.multiply(value, value)))
        value = _FINE.divide(value, _FINE.add(Decimal(1), root))
    term = total = value
    square, n = _FINE.multiply(value, value), 1
    while term.copy_abs() > _SMALL:
        n += 2
        term = _FINE.multiply(term, square).copy_negate()
        total = _FINE.add(total, _FINE.divide(term, Decimal(n)))
    return _FINE.multiply(total, Decimal(32))


def _arcsine(number: Number, what: str) -> Decimal:
    if abs(number.value) > 1:
        raise Retry(f"A {what} is between -1 and 1.")
    value = decimal_of(number.value, _FINE)
    over = _FINE.sqrt(decimal_of(1 - number.value**2, _FINE))
    if over == 0:
        return _FINE.multiply(_FINE.divide(PI, Decimal(2)), value)
    return _arctangent(_FINE.divide(value, over))
