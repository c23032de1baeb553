"""How old something may be: text such as "7d" or "90s", seconds, or a timedelta.

Knows nothing of what grows old.
"""

from __future__ import annotations

import re
from datetime import timedelta

from agentkit.errors import ConfigurationError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])\s*", re.ASCII)
_AGE = re.compile(rf"(?:{_PART.pattern})+", re.ASCII)

Age = str | float | timedelta
"""A text of numbers with units (s, m, h, d, w), such as "12h" or "1h30m"; a number is seconds."""


ANY_AGE = timedelta.max
"""Older than anything."""


def checked_age(given: Age, argument: str) -> timedelta:
    """How old at most, more than nothing. Raises ConfigurationError that names the argument."""
    try:
        age = _age(given)
    except (OverflowError, ValueError) as error:
        raise ConfigurationError(f"{argument}: {given!r:.80} is no age that can be.") from error
    if age is None:
        raise ConfigurationError(
            f'{argument}: expected an age such as "90s", "30m", "12h", "7d" or "1w", '
            f"got {given!r:.80}."
        )
    if age <= timedelta(0):
        raise ConfigurationError(f"{argument}: {given!r:.80} is not more than nothing.")
    return age


def _age(given: object) -> timedelta | None:
    """What is meant, None for what is no age. Raises OverflowError or ValueError for too much."""
    match given:
        case timedelta():
            return given
        case bool():
            return None
        case int() | float():
            return timedelta(seconds=given)
        case str() if _AGE.fullmatch(given.strip().lower()):
            parts = _PART.findall(given.lower())
            return sum((timedelta(**{_UNITS[unit]: float(n)}) for n, unit in parts), timedelta())
    return None
