"""An expression as words, numbers and signs; everything else is refused by name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from agentkit import Retry
from agentkit_tools.calculator.exact import MOST_DIGITS, Number, exactly

MOST_CHARACTERS = 2000
MOST_TOKENS = 800

Kind = Literal["number", "date", "name", "sign", "end"]

_SAME = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "\u00a0": " ", "≤": "<=",
                       "≥": ">=", "≠": "!=", "→": "->", "²": "^2", "³": "^3"})  # fmt: skip
_SIGNS = {"^": "**", "percent": "%"}

_TOKEN = re.compile(
    r"""
    (?P<date>\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2})?)?(?![\w-]))
    |(?P<based>0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+)(?![\w.])
    |(?P<number>(?:\d+(?:_\d+)*)?\.?\d+(?:_\d+)*(?:[eE][+-]?\d+)?|\d+\.(?!\d))
    |(?P<name>[A-Za-z_µμΩπ°][A-Za-z0-9_µμΩ°]*)
    |(?P<sign>\*\*|//|->|==|!=|<=|>=|[-+*/%^()<>!,])
    """,
    re.VERBOSE | re.ASCII,
)
_GROUPED = re.compile(
    r"(?P<grouped>\d{1,3}(?:,\d{3})+(?![\d,])(?:\.\d+)?(?:[eE][+-]?\d+)?)", re.ASCII
)
"""A number with commas between its thousands."""
_TWO_WAYS = re.compile(
    r"\d{1,3}(?:,\d{3})*,(?:0\d{2}(?!\d)|\d{3}(?=,\s))|(?<=,\s)\d{1,3}(?:,\d{3})+(?!,?\d)", re.ASCII
)
"""What stands where commas part values, and yet looks like one: with a 000, which none is written,
or with commas that are joined where others have a space behind them."""
_LIKE_A_DATE = re.compile(
    r"(?:(?:19|20)\d\d([-/.])\d{1,2}\1\d{1,2}|\d{1,2}([-/.])\d{1,2}\2(?:19|20)\d\d)(?!\d)", re.ASCII
)
"""Years of today's with a month and a day, in one word; one of the forms is a date."""


@dataclass(frozen=True)
class Token:
    """One word, number or sign."""

    kind: Kind
    text: str
    number: Number | None = None
    is_joined: bool = False
    """Whether nothing stands between it and what is before it."""


def tokens_of(expression: str) -> list[Token]:
    """The tokens, and an end. Raises Retry for what is too long, or no part of an expression."""
    if len(expression) > MOST_CHARACTERS:
        raise Retry(
            f"The expression has {len(expression):,} characters; {MOST_CHARACTERS:,} are read. "
            "Calculate it in parts."
        )
    text = expression.translate(_SAME)
    tokens: list[Token] = []
    place = depth = 0
    while (start := _behind_space(text, place)) < len(text):
        match = _match(text, start, is_inside=depth > 0)
        tokens.append(_token(match, is_joined=start == place))
        depth = _depth(depth, tokens)
        place = match.end()
        if len(tokens) > MOST_TOKENS:
            raise Retry(f"The expression has more than {MOST_TOKENS} parts. Calculate it in parts.")
    return [*tokens, Token("end", "the end")]


def _behind_space(text: str, place: int) -> int:
    while place < len(text) and text[place].isspace():
        place += 1
    return place


def _depth(depth: int, tokens: list[Token]) -> int:
    """How many parentheses deep commas separate values: those of a call, and all within them."""
    if tokens[-1].text == "(":
        is_call = len(tokens) > 1 and tokens[-2].kind == "name"
        return depth + 1 if depth or is_call else 0
    return max(0, depth - 1) if tokens[-1].text == ")" else depth


def _match(text: str, start: int, *, is_inside: bool) -> re.Match[str]:
    """What stands there; `is_inside` the parentheses of a call commas are no part of a number."""
    if is_inside and (unclear := _TWO_WAYS.match(text, start)):
        raise Retry(
            f"{unclear[0]} within a call could be one number or several: commas separate values "
            f"there. Write {unclear[0].replace(',', '')}, or a space behind each comma."
        )
    grouped = None if is_inside else _GROUPED.match(text, start)
    match = grouped or _TOKEN.match(text, start)
    if match is None:
        raise _unknown(text[start])
    if match.lastgroup != "date" and (like := _LIKE_A_DATE.match(text, start)):
        raise Retry(
            f"{like[0]} looks like a date, which is written with ten characters, 2026-03-01, and a "
            "space behind it. To calculate, put spaces around the signs."
        )
    return match


def _token(match: re.Match[str], *, is_joined: bool) -> Token:
    text = match[0]
    match match.lastgroup:
        case "grouped":
            return Token("number", text, _number(text.replace(",", "")), is_joined)
        case "based":
            return Token("number", text, exactly(int(text, 0)), is_joined)
        case "number":
            return Token("number", text, _number(text), is_joined)
        case "date":
            return Token("date", text, None, is_joined)
        case "name" if text != "percent":
            return Token("name", text, None, is_joined)
        case _:
            return Token("sign", _SIGNS.get(text, text), None, is_joined)


def _number(text: str) -> Number:
    mantissa, _, exponent = text.replace("_", "").lower().partition("e")
    if len(mantissa) > MOST_DIGITS or len(exponent) > 6 or abs(int(exponent or 0)) > MOST_DIGITS:
        raise Retry(
            f"{text:.20}{'…' * (len(text) > 20)} is too long, too large or too small a number: up "
            f"to {MOST_DIGITS:,} digits are computed with."
        )
    return exactly(Fraction(mantissa) * Fraction(10) ** int(exponent or 0))


def _unknown(character: str) -> Retry:
    hint = ""
    if character in "\"'`":
        hint = " Texts are not calculated with."
    elif character in "[]{}":
        hint = " Write round parentheses."
    elif character == ".":
        hint = " There are no attributes and no methods."
    elif character == ":":
        hint = " A time of day is written behind its date: 2026-03-01T10:30."
    elif character == "√":
        hint = " Write sqrt(2)."
    elif character.isdigit():
        hint = " Write digits 0 to 9."
    elif character in "$€£¥":
        hint = " Leave currencies out."
    elif character in "&|~=;":
        hint = " There are +, -, *, /, //, %, ** and comparisons such as ==."
    return Retry(f"{character!r} cannot be part of an expression.{hint}")
