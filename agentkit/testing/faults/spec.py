"""Faults as text.

    reset-mid-stream                    a name
    reset-after-events=3                with the value of its first option
    status-429,retry-after=2            with options by name
    status-503,times=2                  two requests in a row
    status-503,times=always             every request from there on
    rotating-ids+empty-output           both, the first one first; what changes the bytes goes last

The same text, behind `fault:`, is a model's name that any client can ask for.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import reduce

from agentkit.errors import ConfigurationError
from agentkit.testing.faults.catalogue import FAULTS
from agentkit.testing.faults.definition import Asked, Fault
from agentkit.testing.faults.refusals import SHAPES
from agentkit.testing.faults.streams import EVENT_SHAPES
from agentkit.testing.http import Reply

_NUMBERS = frozenset({"every", "events"})
"""Options whose values are numbers."""
_CHOICES = {"body": SHAPES, "shape": tuple(EVENT_SHAPES)}
"""Options that have one of these values."""


def fault(text: str) -> Fault:
    """The fault that a text names. Raises ConfigurationError, which says what there is."""
    return reduce(_then, map(_one, re.split(r"\+(?=[a-z])", text.strip())))


def _one(text: str) -> Fault:
    name, *said = text.split(",")
    name, _, value = name.partition("=")
    known = FAULTS.get(name)
    if known is None:
        raise ConfigurationError(f"There is no fault named {name!r}. Faults: {', '.join(FAULTS)}.")
    options = dict(_option(each, known) for each in said)
    times = options.pop("times", "1")
    if value:
        options[_first_option(known)] = value
    for key, said_of_it in options.items():
        _check(known, key, said_of_it)
    return replace(known, options={**known.options, **options}, times=_times(times))


def _then(first: Fault, second: Fault) -> Fault:
    """Both, as one fault: the second changes what the first gives."""

    async def effect(asked: Asked) -> Reply:
        async def changed() -> Reply:
            return await first.effect(replace(asked, options=first.options))

        return await second.effect(replace(asked, options=second.options, proceed=changed))

    return Fault(
        f"{first}+{second}",
        f"{first.does}, and {second.does}",
        effect,
        times=second.times if first.times == 1 else first.times,
        loses=first.loses or second.loses,
    )


def _option(text: str, known: Fault) -> tuple[str, str]:
    key, _, value = text.strip().partition("=")
    if key not in (*known.options, "times"):
        options = ", ".join((*known.options, "times"))
        raise ConfigurationError(f"{known.name} has no option {key!r}. Options: {options}.")
    return key, value


def _first_option(known: Fault) -> str:
    if not known.options:
        raise ConfigurationError(f"{known.name} takes no value.")
    return next(iter(known.options))


def _times(text: str) -> int | None:
    if text == "always":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise ConfigurationError(f"times={text}: expected a number from 1 on, or 'always'.")
    return int(text)


def _check(known: Fault, key: str, value: str) -> None:
    if not (value.isascii() and value.isprintable()):
        raise ConfigurationError(f"{known.name}: {key}={value!r} has what no header may have.")
    choices = _CHOICES.get(key)
    if choices is not None and value not in choices:
        raise ConfigurationError(f"{known.name}: {key} is one of {', '.join(choices)}.")
    if (known.name, key) == ("status", "status") and not re.fullmatch(r"[2-9]\d\d", value):
        raise ConfigurationError(f"status: {value!r} is no status from 200 on.")
    if key in _NUMBERS and not re.fullmatch(r"\d{1,9}(\.\d+)?", value):
        raise ConfigurationError(f"{known.name}: {key} is a number, from 0 on.")
