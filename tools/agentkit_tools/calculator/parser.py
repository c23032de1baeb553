"""An expression read and worked out in one go, by a grammar of its own; nothing is evaluated.

expression  converted [("==" | "!=" | "<" | "<=" | ">" | ">=") converted]
converted   sum {("in" | "to" | "as" | "->") units}
sum         term {("+" | "-") term}
term        signed {("*" | "/" | "per" | "//" | "%" | "of") signed}
signed      {"+" | "-"} power
power       postfix ["**" signed]
postfix     primary {"!" | "%"}
primary     number [units] | date | name "(" … ")" | constant | units | "(" expression ")"
"""

from __future__ import annotations

from fractions import Fraction

from agentkit import Retry
from agentkit_tools.calculator import exact
from agentkit_tools.calculator.dates import read_date
from agentkit_tools.calculator.exact import Number
from agentkit_tools.calculator.functions import CONSTANTS, FUNCTIONS, call, factorial
from agentkit_tools.calculator.tokens import Token, tokens_of
from agentkit_tools.calculator.units import (
    PERCENT,
    PLAIN,
    Unit,
    no_such_unit,
    raised,
    times,
    unit_named,
)
from agentkit_tools.calculator.values import (
    OPERATORS,
    Quantity,
    Value,
    converted,
    minus,
    negative,
    on_scale,
    plain,
    plus,
    quantity,
    temperature,
)

MOST_DEPTH = 40
"""Of parentheses, signs and powers within one another."""

_CONVERSIONS = ("in", "to", "as", "->")
_WORDS = {*_CONVERSIONS, "of", "per", "and", "between", "from"}
_SCALES = {
    **dict.fromkeys(("°C", "C", "degC", "celsius", "Celsius", "centigrade"), "°C"),
    **dict.fromkeys(("°F", "F", "degF", "fahrenheit", "Fahrenheit"), "°F"),
}
_HALVES_OF_A_DAY = ("am", "pm", "AM", "PM")
_POWERS = {"square": 2, "sq": 2, "cubic": 3}
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")


def value_of(expression: str) -> Value:
    """What the expression is worth. Raises Retry, which says what to write instead."""
    parser = _Parser(tokens_of(expression))
    value = parser.expression()
    parser.check_end()
    return value


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def check_end(self) -> None:
        """Raise Retry where something is left over."""
        token = self._here
        if token.kind == "end":
            return
        before = self._tokens[self._at - 1] if self._at else token
        if token.text == ",":
            raise Retry(
                "A comma separates thousands (1,000) and the values of a call. "
                "The decimal sign is a point."
            )
        raise Retry(f"{token.text!r} was not expected behind {before.text!r}.")

    def expression(self) -> Value:
        """The value of what comes next. Raises Retry where it is none."""
        value = self._converted()
        if self._here.text in _COMPARISONS:
            sign = self._take().text
            value = OPERATORS[sign](value, self._converted())
            if self._here.text in _COMPARISONS:
                raise Retry("Compare two values at a time.")
        return value

    def _converted(self) -> Value:
        value = self._sum()
        while self._here.text in _CONVERSIONS:
            self._take()
            value = self._in_other_units(value)
        return value

    def _sum(self) -> Value:
        value = self._term()
        while self._here.text in ("+", "-"):
            sign = self._take().text
            value = OPERATORS[sign](value, self._term())
        return value

    def _term(self) -> Value:
        value = self._signed()
        while self._here.text in ("*", "/", "//", "%", "of", "per"):
            sign, first = self._take().text, self._here
            right = self._signed()
            if sign == "/" and first.number is not None:
                self._check_is_one_divisor(value, first, right)
            value = OPERATORS["/" if sign == "per" else sign](value, right)
        return value

    def _check_is_one_divisor(self, left: Value, first: Token, right: Value) -> None:
        """Raise Retry for `1/2 m`, which may be half a metre, and `100 km / 50 km/h`."""
        if not isinstance(right, Quantity) or right.unit.is_plain:
            return
        follows = self._here.text in ("*", "/", "per") and self._begins_unit(self._at + 1)
        goes_on = follows and self._after.text not in CONSTANTS
        is_of_a_number = isinstance(left, Quantity) and left.unit.is_plain
        if not (goes_on or is_of_a_number):
            return
        unit, more = right.unit, f"{self._here.text}{self._after.text}" if goes_on else ""
        number = f"{first.text} {unit}"
        other = f"(A / {first.text}) * {unit}" if is_of_a_number else f"(A / {number})"
        raise Retry(
            f"A / {number}{more} can be read in two ways. Write A / ({number}{more}), or "
            f"{other}{more}."
        )

    def _signed(self) -> Value:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise Retry(f"That is nested more than {MOST_DEPTH} deep. Calculate it in parts.")
        sign = self._take().text if self._here.text in ("+", "-") else ""
        value = self._signed() if sign else self._power()
        self._depth -= 1
        return negative(value) if sign == "-" else value

    def _power(self) -> Value:
        value = self._postfix()
        if self._here.text != "**":
            return value
        self._take()
        return OPERATORS["**"](value, self._signed())

    def _postfix(self) -> Value:
        value = self._primary()
        while True:
            if self._here.text == "!":
                self._take()
                if self._here.text == "!":
                    raise Retry("Double factorials are not known. Write (3!)! for two of them.")
                value = factorial(value)
            elif self._here.text == "%" and not self._is_modulo():
                self._take()
                hundredth = exact.divide(plain(value, "A percentage"), Number(Fraction(100)))
                value = Quantity(hundredth, is_percent=True)
            else:
                return value

    def _primary(self) -> Value:
        token = self._take()
        if token.number is not None:
            return self._with_units(token.number)
        if token.kind == "date":
            return read_date(token.text)
        if token.text == "(":
            value = self.expression()
            self._expect(")", "A parenthesis is not closed.")
            return value
        if token.kind == "name":
            return self._named(token)
        raise self._no_value(token)

    def _named(self, token: Token) -> Value:
        name = token.text
        if self._here.text == "(" and name in FUNCTIONS:
            return call(name, self._values())
        if name in CONSTANTS:
            return Quantity(CONSTANTS[name])
        if self._here.text in ("between", "from"):
            return self._between(name)
        if name in _SCALES:
            raise Retry(f"{name} is a scale: write a number before it, such as 20 {name}.")
        if self._here.text == "(":
            known = ", ".join(sorted(FUNCTIONS))
            raise Retry(f"There is no function {name:.40}. Functions: {known}.")
        if name in _WORDS:
            raise self._no_value(token)
        return quantity(Number(Fraction(1)), self._unit(name))

    def _values(self) -> list[Value]:
        self._take()
        values: list[Value] = []
        if self._here.text != ")":
            values.append(self.expression())
        while self._here.text == ",":
            self._take()
            values.append(self.expression())
        self._expect(")", "The parenthesis of a call is not closed.")
        return values

    def _between(self, name: str) -> Value:
        """`days between A and B`, `hours from A to B`."""
        unit = unit_named(name)
        if unit is None:
            raise no_such_unit(name)
        joint = "and" if self._take().text == "between" else "to"
        first = self._sum()
        self._expect(joint, f"Write: {name} between A and B.")
        return converted(minus(self._sum(), first), unit)

    def _with_units(self, number: Number) -> Value:
        """A number with the units behind it, also in several steps: 3 h 20 min."""
        if not self._begins_unit(self._at):
            return Quantity(number)
        name = self._take().text
        if name in _SCALES:
            return temperature(number, _SCALES[name])
        if name in CONSTANTS:
            return Quantity(exact.multiply(number, CONSTANTS[name]))
        if name in _HALVES_OF_A_DAY and number.value in range(1, 13):
            raise Retry(
                f"{number.value} {name} could be a time of day or a length. A time of day is "
                "written behind its date, 2026-03-01T15:00, a length in picometres or attometres."
            )
        value = quantity(number, self._power_of(self._unit(name)))
        if not isinstance(value, Quantity) or len(value.unit.parts) != 1:
            return value
        return self._with_smaller_units(value)

    def _with_smaller_units(self, whole: Quantity) -> Value:
        value: Value = whole
        smallest = whole.unit.factor.value
        while self._here.number is not None and self._begins_unit(self._at + 1):
            number, name = self._here.number, self._after.text
            unit = unit_named(name)
            if unit is None or unit.dimension != whole.unit.dimension:
                return value
            if unit.factor.value >= smallest:
                return value
            self._take(), self._take()
            smallest = unit.factor.value
            value = plus(value, quantity(number, unit))
        return value

    def _in_other_units(self, value: Value) -> Value:
        token = self._take()
        if token.text in _SCALES:
            return on_scale(value, _SCALES[token.text])
        if token.text == "%":
            return converted(value, PERCENT)
        unit = self._target(token)
        while self._here.text in ("*", "/", "per"):
            sign = self._take().text
            other = self._target(self._take())
            unit = times(unit, other if sign == "*" else raised(other, -1))
        return converted(value, unit)

    def _target(self, token: Token) -> Unit:
        if token.kind != "name" or token.text in _WORDS - {"in"}:
            raise Retry(f"Behind 'in' or 'to' comes a unit, not {token.text!r}.")
        return self._power_of(self._unit(token.text))

    def _unit(self, name: str) -> Unit:
        """The unit of that name, or of two names: `square metre`."""
        if name in _POWERS and self._here.kind == "name":
            return raised(self._unit(self._take().text), _POWERS[name])
        unit = unit_named(name)
        if unit is None:
            raise no_such_unit(name[:40])
        return unit

    def _power_of(self, unit: Unit) -> Unit:
        """The unit to the power that stands behind it."""
        if self._here.text != "**":
            return unit
        self._take()
        sign = -1 if self._here.text == "-" else 1
        if sign < 0:
            self._take()
        token = self._take()
        if token.number is None or unit == PLAIN:
            raise Retry("The power of a unit is a whole number, such as m^2.")
        return raised(unit, sign * _small(token.number))

    def _begins_unit(self, at: int) -> bool:
        """Whether a unit stands there, behind a number: `in` is inches but for `in km`."""
        if self._tokens[at].kind != "name":
            return False
        name, behind = self._tokens[at].text, self._tokens[at + 1]
        if name == "in":
            is_target = behind.kind == "name" and behind.text not in _WORDS
            return not is_target and behind.text != "%"
        return name not in _WORDS and not (name in FUNCTIONS and behind.text == "(")

    def _is_modulo(self) -> bool:
        """Whether a percent sign divides: `7 % 3` and `7 % -3`, but not `7% of 3` and `7% - 3`."""
        is_signed = self._after.text in ("+", "-") and not self._here.is_joined
        return is_signed or self._begins_value(self._after)

    def _begins_value(self, token: Token) -> bool:
        if token.kind == "name":
            return token.text not in _WORDS
        return token.kind in ("number", "date") or token.text == "("

    def _expect(self, text: str, otherwise: str) -> None:
        if self._here.text != text:
            if self._here.kind != "end":
                self.check_end()
            raise Retry(otherwise)
        self._take()

    def _no_value(self, token: Token) -> Retry:
        if token.kind == "end":
            what = "It breaks off" if len(self._tokens) > 1 else "The expression is empty"
            return Retry(f"{what}: a number, a date or a parenthesis was expected.")
        return Retry(f"A number was expected, not {token.text!r}.")

    @property
    def _here(self) -> Token:
        return self._tokens[self._at]

    @property
    def _after(self) -> Token:
        return self._tokens[min(self._at + 1, len(self._tokens) - 1)]

    def _take(self) -> Token:
        token = self._here
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token


def _small(exponent: Number) -> int:
    if exponent.value > 10**6:
        return 10**6
    return exact.whole(exponent, "The power of a unit")
