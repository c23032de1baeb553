"""Exact arithmetic with units and dates; what is not bounded is not begun."""

from __future__ import annotations

import math
import operator
import time
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agentkit import Agent, Retry
from agentkit.testing import ScriptedModel, call
from agentkit_tools import calculate
from agentkit_tools.calculator.functions import FUNCTIONS
from agentkit_tools.calculator.parser import value_of

THIRD = "≈ 0.33333333333333333333 (rounded to 20 significant digits; exactly 1/3)"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0.1 + 0.2", "0.3"),
        ("1/3", THIRD),
        ("1/3 * 3", "1"),
        ("2 + 3 * 4", "14"),
        ("(2 + 3) * 4", "20"),
        ("-2**2", "-4"),
        ("2^-2", "0.25"),
        ("2**3**2", "512"),
        ("-7 // 2", "-4"),
        ("-7 % 3", "2"),
        ("7 % -3", "-2"),
        ("5!", "120"),
        ("0x1F + 0b11", "34"),
        ("1_000_000 / 8", "125000"),
        ("1.5e3", "1500"),
        ("6 × 7 − 2", "40"),
        ("2³", "8"),
        ("0**0", "1"),
        ("2**100", "1267650600228229401496703205376"),
        ("1e-900", "1e-900"),
        ("123456789 * 987654321", "121932631112635269"),
        ("15% of 240", "36"),
        ("15 % 4", "3"),
        ("15 percent of 240", "36"),
        ("0.75 as percent", "75 %"),
        ("2026 - 1 - 5", "2020"),
        ("max(100,200,300)", "300"),
        ("240 * (1 + 15%)", "276"),
        ("30/40 in %", "75 %"),
        ("100 + 5% of 100", "105"),
        ("1/3 == 2/6", "true"),
        ("0.1 + 0.2 != 0.3", "false"),
        ("2 <= 3", "true"),
        ("2 > 3", "false"),
    ],
)
def test_arithmetic_is_exact(expression, expected):
    assert calculate(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1,000 + 2", "1002"),
        ("1,234,567.5", "1234567.5"),
        ("max(1000, 2)", "1000"),
        ("max(1,234)", "234"),
        ("(1,000) * 2", "2000"),
    ],
)
def test_a_comma_is_in_a_number_or_between_the_values_of_a_call(expression, expected):
    assert calculate(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("sqrt(16)", "4"),
        ("sqrt(2)", "≈ 1.4142135623730950488 (rounded to 20 significant digits)"),
        ("sqrt(2)**2 == 2", "true"),
        ("sqrt(4/9) == 2/3", "true"),
        ("cbrt(-27)", "-3"),
        ("8**(1/3)", "2"),
        ("4**0.5", "2"),
        ("round(2.5)", "3"),
        ("round(-2.675, 2)", "-2.68"),
        ("round(1234, -2)", "1200"),
        ("round(sqrt(2), 3)", "1.414"),
        ("floor(-1.5) + ceil(1.2) + trunc(-1.9)", "-1"),
        ("min(3, 1, 2) + max(3, 1, 2)", "4"),
        ("sum(0.1, 0.2, 0.3)", "0.6"),
        ("mean(1, 2)", "1.5"),
        ("median(5, 1, 3, 2)", "2.5"),
        ("abs(-3)", "3"),
        ("ln(1)", "0"),
        ("log10(1000)", "3"),
        ("log2(1/8)", "-3"),
        ("log(8, 2)", "3"),
        ("log10(2)", "≈ 0.30102999566398119521 (rounded to 20 significant digits)"),
        ("sin(pi)", "≈ 0 (rounded to 20 significant digits)"),
        ("sin(30 deg)", "≈ 0.5 (rounded to 20 significant digits)"),
        ("gcd(12, 18) + lcm(4, 6)", "18"),
        ("comb(5, 2) + perm(5, 2)", "30"),
    ],
)
def test_functions_are_exact_where_their_value_is(expression, expected):
    assert calculate(expression) == expected


@pytest.mark.parametrize("name", ["sin", "cos", "tan", "exp", "atan", "ln", "sqrt", "asin", "acos"])
@pytest.mark.parametrize("value", ["0.3", "0.99", "1e-9", "0.5"])
def test_what_is_rounded_agrees_with_the_machine(name, value):
    shown = float(calculate(f"{name}({value})").removeprefix("≈ ").split()[0])
    machine = getattr(math, {"ln": "log"}.get(name, name))(float(value))
    assert math.isclose(shown, machine, rel_tol=1e-13)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 mi in m", "1609.344 m"),
        ("100 km/h to km/min", "≈ 1.6666666666666666667 km/min (rounded to 20 significant digits; "
         "exactly 5/3)"),
        ("36 km/h to m/s", "10 m/s"),
        ("60 miles per hour in km/h", "96.56064 km/h"),
        ("3 h 20 min + 40 min in min", "240 min"),
        ("90 min in h", "1.5 h = 1 h 30 min"),
        ("5 ft 11 in in cm", "180.34 cm"),
        ("5 in to cm", "12.7 cm"),
        ("100 km / 2 h", "50 km/h"),
        ("60 km / 5 km", "12"),
        ("5 m^2 in cm2", "50000 cm^2"),
        ("3 square metres in cm^2", "30000 cm^2"),
        ("sqrt(16 m^2)", "4 m"),
        ("1 kWh in J", "3600000 J"),
        ("1 N * 1 m in J", "1 J"),
        ("1 GiB in MB", "1073.741824 MB"),
        ("5 lb 3 oz in kg", "2.353010419375 kg"),
        ("20 °C in °F", "68 °F"),
        ("-40 F in C", "-40 °C"),
        ("0 K in °C", "-273.15 °C"),
        ("20 °C + 5 K", "25 °C"),
        ("20 °C - 15 °C", "5 K"),
        ("25 °C > 70 °F", "true"),
        ("9.81 m/s^2 * 10 s", "98.1 m/s"),
        ("max(5 km, 3 miles)", "5 km"),
        ("1 km == 1000 m", "true"),
        ("7 h % 2 h", "1 h"),
        ("7 h // 2 h", "3"),
        ("min(90 s, 2 min) in s", "90 s = 1 min 30 s"),
        ("60 km/h * 90 min", "90 km"),
        ("1 TB / (100 MB/s)", "10000 s = 2 h 46 min 40 s"),
        ("4 / (2 s)", "2 1/s"),
        ("6 m / 2 s * pi > 9 m/s", "true"),
        ("(1/2) * cup in tsp", "24 tsp"),
        ("2.54 cm in in", "1 in"),
    ],
)  # fmt: skip
def test_units_are_converted_exactly(expression, expected):
    assert calculate(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("2026-03-01 + 45 days", "2026-04-15 (Wednesday)"),
        ("2026-03-01 - 1 day", "2026-02-28 (Saturday)"),
        ("2024-02-29 + 1 year", "2025-02-28 (Friday)"),
        ("2026-01-31 + 1 month", "2026-02-28 (Saturday)"),
        ("2026-01-31 - 2 months", "2025-11-30 (Sunday)"),
        ("2026-01-01 + 1 year 2 months", "2027-03-01 (Monday)"),
        ("2026-12-24 - 2026-11-22", "32 days"),
        ("days between 2026-01-01 and 2026-03-01", "59 days"),
        ("weeks from 2026-01-01 to 2026-01-15", "2 weeks"),
        ("weekday(2026-03-01)", "Sunday"),
        ("2026-03-01 + 36 h", "2026-03-02T12:00:00 (Monday)"),
        ("2026-03-01T10:30 + 90 min", "2026-03-01T12:00:00 (Sunday)"),
        ("2026-03-01T10:00 - 2026-03-01T08:30", "1.5 h = 1 h 30 min"),
        ("2026-03-01T12:00+02:00 - 2026-03-01T09:00Z in min", "60 min"),
        ("2026-03-01 < 2026-03-02", "true"),
        ("max(2026-03-01, 2025-12-31)", "2026-03-01 (Sunday)"),
        ("(2026-03-10 - 2026-03-01) / 3 days", "3"),
    ],
)
def test_dates_are_counted_by_the_calendar(expression, expected):
    assert calculate(expression) == expected


BOMBS = {
    "9**9**9": "more than 1,000 digits",
    "9**9**9**9": "more than 1,000 digits",
    "10**10**10": "more than 1,000 digits",
    "2**999999999": "more than 1,000 digits",
    "0.5**99999999999": "more than 1,000 digits",
    "(1/3)**-99999999": "more than 1,000 digits",
    "1.0000001**99999999999": "more than 1,000 digits",
    "2**(2**(2**(2**(2**2))))": "more than 1,000 digits",
    "2**1e9": "more than 1,000 digits",
    "pi**99999999": "more than 1,000 digits",
    "e**1e300": "more than 1,000 digits",
    "1000000!": "more than 1,000 digits",
    "factorial(10**9)": "more than 1,000 digits",
    "(((3!)!)!)!": "more than 1,000 digits",
    "exp(exp(exp(5)))": "more than 1,000 digits",
    "comb(10**9, 10**8)": "more than 1,000 digits",
    "perm(10**6, 10**6)": "more than 1,000 digits",
    "lcm(2**3000, 3**2000, 5**1000)": "more than 1,000 digits",
    "round(1, 10**9)": "more than 1,000 digits",
    "1e600 * 1e600": "more than 1,000 digits",
    "*".join(["10**300"] * 200): "more than 1,000 digits",
    "1e999999": "too large or too small a number",
    "1e-999999": "too large or too small a number",
    "1e9999999999999999999": "too large or too small a number",
    "9" * 1500: "is too long, too large",
    "0." + "0" * 1500 + "1": "is too long, too large",
    "1" + "+1" * 5000: "2,000 are read",
    "1" + "+1" * 900: "more than 800 parts",
    "(" * 300 + "1" + ")" * 300: "nested more than 40 deep",
    "-" * 700 + "1": "nested more than 40 deep",
    "2" + "**-1" * 150: "nested more than 40 deep",
    "sqrt(" * 200 + "2" + ")" * 200: "nested more than 40 deep",
    "__import__('os').system('id')": "Texts are not calculated with",
    "__import__": "There is no unit or name '__import__'",
    "__import__(os)": "There is no function __import__. Functions: abs, acos",
    "eval(1)": "There is no function eval",
    "(1).__class__": "There are no attributes",
    "pi.real": "There are no attributes",
    "().__class__.__bases__[0]": "There are no attributes",
    "'a' * 10**9": "Texts are not calculated with",
    '"a" * 5': "Texts are not calculated with",
    "[0] * 10**9": "Write round parentheses",
    "[x for x in 1]": "Write round parentheses",
    "{1: 2}": "Write round parentheses",
    "lambda: 0": "':' cannot be part of an expression",
    "x := 5": "':' cannot be part of an expression",
    "x = 5": "'=' cannot be part of an expression",
    "1; 2": "';' cannot be part of an expression",
    "1 << 10**9": "A number was expected, not '<'",
    "1 & 2": "'&' cannot be part of an expression",
    "~1": "'~' cannot be part of an expression",
    "nan": "There is no unit or name 'nan'",
    "inf - inf": "There is no unit or name 'inf'",
    "1/0": "divides by zero",
    "0**-1": "divides by zero",
    "5 % 0": "divides by zero",
    "5 // 0": "divides by zero",
    "tan(90 deg)": "no tangent",
    "sin(1e300)": "too large",
    "sqrt(-1)": "not a real number",
    "ln(0)": "above 0",
    "asin(2)": "between -1 and 1",
    "(-8)**(1/3)": "not a real number",
    "log(5, 1)": "base 1",
    "m**999999999": "raised to 12 at most",
    "m**0.123": "cannot be raised to that power",
    "(5 m)**(10**20)": "1,000 digits",
    "Ym**12*Zm**12*Em**12*Pm**12*Tm**12": "the power of 12 at most",
    "Ym**12*Ys**12*Yg**12*YA**12*YK**12": "1,000 digits",
    "m*kg*s*A*K*mol*cd*bit*deg": "too many units",
    "9999-12-31 + 1 day": "years 1 to 9999",
    "0001-01-01 - 1 day": "years 1 to 9999",
    "2026-01-01 + 1e300 days": "years 1 to 9999",
    "2026-01-01 + 1e300 years": "years 1 to 9999",
    "0001-01-01T00:00+14:00 - 9999-12-31T23:59-14:00": None,
    "2026-13-45": "no date that exists",
    "2026-02-30": "no date that exists",
    "2026-01-01 + 0.5 months": "whole number",
    "2026-01-01 + 2026-01-02": "A date and a date cannot be added",
    "-300 °C": "below the absolute zero",
    "٣ + ٤": "Write digits 0 to 9",
    "１＋１": "Write digits 0 to 9",
    "²": "A number was expected",
    "\x00": "cannot be part of an expression",
    "\ud800": "cannot be part of an expression",
    "a" * 1999: "There is no unit or name",
    "1" + "!" * 1999: "more than 800 parts",
}  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda text: ascii(text)[:40])
def test_a_bomb_is_refused_before_it_is_begun(bomb):
    began = time.process_time()
    try:
        said = calculate(bomb)
    except Retry as refusal:
        said = str(refusal)
        assert BOMBS[bomb] is not None
        assert BOMBS[bomb] in said
    else:
        assert BOMBS[bomb] is None, said
    assert time.process_time() - began < 1
    assert len(said) < 1100


@pytest.mark.parametrize(
    ("expression", "advice"),
    [
        ("240 + 15%", "Write A + B% of A, or A + B/100."),
        ("5 km + 3 kg", "A length and a mass cannot be added."),
        ("5 km in kg", "A length cannot be given in kg, a mass."),
        ("1 year in days", "Months and years have no fixed length: write days"),
        ("20 °C + 5 °C", "A difference is given in K: 20 °C + 5 K."),
        ("20 °C * 2", "Temperatures are in °C, °F and K"),
        ("log(100)", "Write ln(x), log10(x), log2(x) or log(x, base)."),
        ("max(1,000, 2)", "1,000 within a call could be one number or several"),
        ("1,5 + 2", "The decimal sign is a point."),
        ("5 kmh2x", "There is no unit or name 'kmh2x'."),
        ("5 kwh", "Did you mean 'kWh'"),
        ("100 USD", "There is no unit or name 'USD'."),
        ("sqrt()", "sqrt takes 1 values, not 0."),
        ("sqrt(1, 2)", "sqrt takes 1 values, not 2."),
        ("foo(1)", "There is no function foo. Functions: abs, acos, "),
        ("(1 + 2", "A parenthesis is not closed."),
        ("1 + 2)", "')' was not expected behind '2'."),
        ("1 2", "'2' was not expected behind '1'."),
        ("1 +", "It breaks off"),
        ("", "The expression is empty"),
        ("1 < 2 < 3", "Compare two values at a time."),
        ("2026-03-01 10:30", "A time of day is written behind its date: 2026-03-01T10:30."),
        ("2026-03-01T10:00Z - 2026-03-01T10:00", "Only one of the two has an offset"),
        ("sqrt(2026-03-01)", "A root needs a number, not a date."),
        ("5 m + 2", "A length and a plain number cannot be added."),
        ("2 ** (3 m)", "An exponent needs a plain number, not a length."),
        ("5 km in", "Behind 'in' or 'to' comes a unit"),
        ("1/2 cup in ml", "Write A / (2 cup), or (A / 2) * cup."),
        ("100 / 4 m/s", "Write A / (4 m/s), or (A / 4) * m/s."),
        ("100 km / 50 km/h", "Write A / (50 km/h), or (A / 50 km)/h."),
        ("100 km / 50 km per hour", "can be read in two ways"),
        ("3pm + 2 h", "A time of day is written behind its date"),
        ("12/25/2026", "12/25/2026 looks like a date, which is written with ten characters"),
        ("2026/12/25", "looks like a date"),
        ("2026-1-5", "To calculate, put spaces around the signs."),
        ("25.12.2026 + 3 days", "looks like a date"),
        ("2026-12-25-2026-11-22", "2026-12-25 looks like a date"),
        ("max(1,200, 900)", "Write 1200, or a space behind each comma."),
        ("sum(900, 1,200)", "Write 1200, or a space behind each comma."),
        ("5!!", "Double factorials are not known."),
        ("2026-12-25 - today", "today is not known here. Write its date"),
    ],
)
def test_a_refusal_says_what_to_write_instead(expression, advice):
    with pytest.raises(Retry) as raised:
        calculate(expression)
    assert advice in str(raised.value)


async def test_the_model_reads_the_result_and_refusals_alike():
    model = ScriptedModel(
        [call("calculate", expression="0.1 + 0.2"), call("calculate", expression="9**9**9")], "ok"
    )
    await Agent(model, tools=[calculate]).run("?")
    first, second = model.requests[1].outputs
    assert first == "0.3"
    assert second.startswith("The result, or a step towards it, has more than 1,000 digits")
    assert (calculate.effect, calculate.approval) == ("read", False)


def ends_soon(expression: str) -> None:
    """With an answer or advice, and nothing else."""
    began = time.process_time()
    try:
        said = calculate(expression)
    except Retry as refusal:
        said = str(refusal)
    assert said
    assert len(said) < 1200
    assert time.process_time() - began < 1


@settings(max_examples=400)
@given(st.text(max_size=300) | st.text("0123456789.+-*/%^()!,eE einkmhsdCF°pi[]'=<>", max_size=300))
@example("0" * 300)
@example("1,000" * 60)
@example("9!" * 100)
@example("1e1" * 100)
@example("in in in in")
@example("5 in in in")
@example("1\u2003+\u20032")
def test_any_text_ends_soon_with_an_answer_or_advice(expression):
    ends_soon(expression)


NUMBERS = ["0", "1", "2.5", "15%", "1e300", "1e-400", "8e363", "pi", "e", "5 km", "3 h 20 min",
           "2 m^2", "20 °C", "3 months", "45 deg", "2026-03-01", "0001-01-01", "9999-12-31T23:00"]  # fmt: skip
SIGNS = [" + ", " - ", "*", "/", " // ", " % ", "**", " of ", " == "]


def nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Expressions that are made of others."""
    return (
        st.builds("({}{}{})".format, inner, st.sampled_from(SIGNS), inner)
        | st.builds("{}({})".format, st.sampled_from(sorted(FUNCTIONS)), inner)
        | st.builds("{}({}, {})".format, st.sampled_from(sorted(FUNCTIONS)), inner, inner)
        | st.builds("({} in {})".format, inner, st.sampled_from(["km", "min", "°F", "%", "deg"]))
        | st.builds("-{}".format, inner)
    )


@settings(max_examples=1000)
@given(st.recursive(st.sampled_from(NUMBERS), nested, max_leaves=8))
@example("round(8e363)")
def test_any_expression_ends_soon_with_an_answer_or_advice(expression):
    ends_soon(expression)


OPERATORS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}


@st.composite
def sums(draw, depth=4):
    """An expression, and what Python's fractions make of it; None where it divides by zero."""
    if depth == 0 or draw(st.booleans()):
        number = draw(st.decimals(-(10**9), 10**9, allow_nan=False, places=draw(st.integers(0, 6))))
        text = f"{number:f}"
        return f"({text})" if number.is_signed() else text, Fraction(text)
    sign = draw(st.sampled_from(list(OPERATORS)))
    (left, one), (right, other) = draw(sums(depth=depth - 1)), draw(sums(depth=depth - 1))
    text = f"({left} {sign} {right})"
    if one is None or other is None or (sign in ("/", "//", "%") and other == 0):
        return text, None
    return text, Fraction(OPERATORS[sign](one, other))


@settings(max_examples=400)
@given(sums())
def test_it_agrees_with_the_fractions_of_python(drawn):
    expression, expected = drawn
    if expected is None:
        with pytest.raises(Retry):
            value_of(expression)
    else:
        found = value_of(expression).number
        assert (found.value, found.is_exact) == (expected, True)
        assert calculate(f"{expression} == {expected.numerator}/{expected.denominator}") == "true"


@given(st.integers(-(10**40), 10**40), st.integers(0, 20))
def test_whole_powers_agree_with_python_and_are_shown_whole(base, exponent):
    assert calculate(f"({base})**{exponent}") == str(base**exponent)


@given(st.dates(), st.integers(-(10**6), 10**6))
def test_days_agree_with_the_calendar_of_python(day, days):
    try:
        expected = day + timedelta(days=days)
    except OverflowError:
        with pytest.raises(Retry):
            calculate(f"{day} + ({days}) days")
        return
    assert calculate(f"{day.isoformat()} + {days} days").split()[0] == expected.isoformat()
    assert calculate(f"{expected} - {day}").split()[0] == str(days)


@given(st.decimals(-(10**6), 10**6, allow_nan=False, places=3))
def test_there_and_back_again_is_where_it_began(number):
    there = calculate(f"({number:f} km) in miles == {number:f} km")
    assert there == "true"
    text = f"{number:f}"
    if number > -270:
        assert calculate(f"({text} °C in °F) == {text} °C") == "true"


def test_a_day_is_a_day():
    assert calculate(f"{date(2026, 3, 1)} + 0 days") == "2026-03-01 (Sunday)"
