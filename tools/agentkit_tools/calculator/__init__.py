"""Arithmetic as a tool: exact numbers, units and dates, read by a grammar of its own."""

from __future__ import annotations

from agentkit import tool
from agentkit_tools.calculator.parser import value_of
from agentkit_tools.calculator.words import text_of

__all__ = ["calculate"]


@tool(effect="read")
def calculate(expression: str) -> str:
    """Calculate exactly, with units and dates. Says so where a result is rounded.

    Numbers: + - * / // % ** (or ^), 5!, comparisons; sqrt cbrt abs round floor ceil trunc min max
    sum mean median ln log10 log2 log(x, base) exp sin cos tan asin acos atan gcd lcm comb perm
    factorial; pi e. 1,000 is a thousand, within a call a comma separates values: max(1000, 2).
    Percent: 15% of 240. Units: 5 km in miles, 3 h 20 min + 45 min, 100 km/h to m/s, 20 °C in °F.
    Dates: 2026-03-01 + 45 days, 2026-01-31 + 1 month, 2026-12-24 - 2026-11-22,
    weeks between 2026-01-01 and 2026-03-01, weekday(2026-03-01).

    Args:
        expression: One expression. There are no variables, texts, lists or statements.
    """
    return text_of(value_of(expression))
