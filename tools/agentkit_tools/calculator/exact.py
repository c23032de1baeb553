"""Numbers that are exact for as long as they can be, and never larger than they may be.

A value is a fraction. Roots, logarithms and the like are worked out to 60 significant digits, and
what has passed through one of them is marked as not exact. Nothing here computes before it knows
that the result is of a bearable size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from fractions import Fraction

from agentkit import Retry

MOST_DIGITS = 1000
"""Of a whole number, and of the numerator and the denominator of a fraction."""
MOST_BITS = int(MOST_DIGITS * math.log2(10)) + 1
DIGITS = 60
"""Significant digits that are kept of what is not exact."""
MOST_ROOT = 64
"""Up to which root it is tried whether the result is exact."""

WORKING = Context(
    prec=DIGITS,
    Emax=10**6,
    Emin=-(10**6),
    traps=[InvalidOperation, DivisionByZero, Overflow],
)
"""What is not exact is worked out in this."""

_LARGEST_EXPONENT = Fraction(23026, 10)
"""Of e, beyond which a power has more digits than are allowed."""


@dataclass(frozen=True)
class Number:
    """A real number, and whether it is that number exactly."""

    value: Fraction
    is_exact: bool = True

    def __neg__(self) -> Number:
        return Number(-self.value, self.is_exact)


def too_large() -> Retry:
    """What is said of a result that has too many digits."""
    return Retry(
        f"The result, or a step towards it, has more than {MOST_DIGITS:,} digits, which is not "
        "computed. Use smaller numbers, or logarithms (log10)."
    )


def exactly(value: int | Fraction) -> Number:
    """A number that is exact. Raises Retry for one that is too large."""
    fraction = Fraction(value)
    if max(fraction.numerator.bit_length(), fraction.denominator.bit_length()) > MOST_BITS:
        raise too_large()
    return Number(fraction)


def nearly(value: Decimal | Fraction) -> Number:
    """A number that is not exact, rounded to the digits that are kept of it."""
    number = decimal_of(value) if isinstance(value, Fraction) else WORKING.plus(value)
    if not number.is_finite() or abs(number.adjusted()) > MOST_DIGITS:
        raise too_large()
    return Number(Fraction(number), is_exact=False)


def decimal_of(value: Fraction, context: Context = WORKING) -> Decimal:
    """The value, rounded to the digits of the context."""
    return context.divide(Decimal(value.numerator), Decimal(value.denominator))


def _of(value: Fraction, *parts: Number) -> Number:
    return exactly(value) if all(part.is_exact for part in parts) else nearly(value)


def add(left: Number, right: Number) -> Number:
    """Their sum."""
    return _of(left.value + right.value, left, right)


def multiply(left: Number, right: Number) -> Number:
    """Their product."""
    return _of(left.value * right.value, left, right)


def divide(left: Number, right: Number) -> Number:
    """Their quotient. Raises Retry where it is divided by 0."""
    _check_is_not_zero(right)
    return _of(left.value / right.value, left, right)


def floor_divide(left: Number, right: Number) -> Number:
    """The quotient, rounded down."""
    _check_is_not_zero(right)
    return _of(Fraction(left.value // right.value), left, right)


def remainder(left: Number, right: Number) -> Number:
    """What `floor_divide` leaves; it has the sign of the divisor."""
    _check_is_not_zero(right)
    return _of(left.value % right.value, left, right)


def power(base: Number, exponent: Number) -> Number:
    """The base to the power of the exponent; its size is known before it is computed."""
    if base.value == 0:
        return _power_of_zero(base, exponent)
    if exponent.value.denominator == 1:
        return _whole_power(base, exponent)
    if base.value < 0:
        raise Retry("A negative number to a power that is not whole is not a real number.")
    if base.is_exact and exponent.is_exact and exponent.value.denominator <= MOST_ROOT:
        root = exact_root(base.value, exponent.value.denominator)
        if root is not None:
            return _whole_power(Number(root), Number(Fraction(exponent.value.numerator)))
    return exp(multiply(exponent, ln(base)))


def _power_of_zero(base: Number, exponent: Number) -> Number:
    if exponent.value < 0:
        raise Retry("0 to a negative power divides by zero.")
    return Number(Fraction(0 if exponent.value else 1), base.is_exact and exponent.is_exact)


def _whole_power(base: Number, exponent: Number) -> Number:
    times = abs(exponent.value.numerator)
    magnitude = max(abs(base.value.numerator), base.value.denominator)
    # of 1 every power is cheap, of 2 and more each doubles it
    if magnitude > 1 and times * (magnitude.bit_length() - 1) > MOST_BITS:
        if base.is_exact and exponent.is_exact:
            raise too_large()
        sign = -1 if base.value < 0 and times % 2 else 1
        found = exp(multiply(exponent, ln(Number(abs(base.value), is_exact=False))))
        return Number(sign * found.value, is_exact=False)
    if magnitude == 1:
        raised = Fraction(base.value ** (times % 2))
    else:
        raised = base.value**exponent.value.numerator
    return _of(raised, base, exponent)


def exact_root(value: Fraction, degree: int) -> Fraction | None:
    """The root of a value that is not negative, where it is a fraction; else None."""
    numerator = _whole_root(value.numerator, degree)
    denominator = _whole_root(value.denominator, degree)
    if numerator is None or denominator is None:
        return None
    return Fraction(numerator, denominator)


def _whole_root(value: int, degree: int) -> int | None:
    """By halving, which takes as many steps as the root has bits."""
    low, high = 0, 1 << (value.bit_length() // degree + 1)
    while low < high:
        middle = (low + high + 1) // 2
        if middle**degree <= value:
            low = middle
        else:
            high = middle - 1
    return low if low**degree == value else None


def exp(number: Number) -> Number:
    """E to the power of the number."""
    if number.value == 0:
        return Number(Fraction(1), number.is_exact)
    if abs(number.value) > _LARGEST_EXPONENT:
        raise too_large()
    return nearly(decimal_of(number.value).exp(WORKING))


def ln(number: Number) -> Number:
    """The natural logarithm. Raises Retry for what has none."""
    if number.value <= 0:
        raise Retry("Only a number above 0 has a logarithm.")
    if number.value == 1:
        return Number(Fraction(0), number.is_exact)
    return nearly(decimal_of(number.value).ln(WORKING))


def log(number: Number, base: Number) -> Number:
    """The logarithm to a base, exactly where it is a whole number."""
    if base.value == 1:
        raise Retry("A logarithm cannot have the base 1.")
    found = divide(ln(number), ln(base))
    whole = round(found.value)
    is_whole = number.is_exact and base.is_exact and abs(found.value - whole) < Fraction(1, 10**30)
    if is_whole and base.value**whole == number.value:
        return exactly(whole)
    return found


def whole(number: Number, what: str) -> int:
    """The number as an int. Raises Retry, which names what has to be whole."""
    if number.value.denominator != 1 or not number.is_exact:
        raise Retry(f"{what} has to be a whole number.")
    return number.value.numerator


def _check_is_not_zero(divisor: Number) -> None:
    if divisor.value == 0:
        raise Retry("This divides by zero.")
