"""How long a server's headers ask to wait, in all the forms that servers give.

`retry-after` in seconds, milliseconds or as a date; `x-ratelimit-reset…` as a duration (`6m0s`),
in seconds, or as a time since 1970. Has no clock: `epoch` is the time of day, in Unix seconds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from agentkit.responses.failures import MAX_HEADER, retry_after

Epoch = Callable[[], float]

REFUSING = frozenset({429, 503, 529})
"""Statuses by which a server says that it is asked too much."""

_LIMITS = ("-requests", "-tokens", "")
_REMAINING = tuple(f"x-ratelimit-remaining{limit}" for limit in _LIMITS)
_SECONDS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
}
_PART = re.compile(r"(\d++(?:\.\d*+)?+)(ns|us|µs|ms|s|m|h|d)")
_PARTS = re.compile(f"(?:{_PART.pattern})+")
_EARLIEST_TIME = 1e9
"""From here on a number is a time since 1970, no longer a duration."""
_EARLIEST_IN_MILLISECONDS = 1e11


def asked_wait(status: int, headers: Mapping[str, str], epoch: Epoch) -> float | None:
    """Seconds that nothing should be sent for, None where the answer asks for no wait.

    Of an answer that is no refusal, only limits that it says are used up count.
    """
    if status not in REFUSING:
        # the only looks that an answer without limits costs
        if not any(name in headers for name in _REMAINING):
            return None
        return _longest_reset(headers, _used_up(headers), epoch)
    asked = retry_after(headers, datetime.fromtimestamp(epoch(), UTC))
    if asked is not None and asked > 0:
        return asked
    return _longest_reset(headers, _used_up(headers) or list(_LIMITS), epoch)


def read_duration(text: str, epoch: Epoch) -> float | None:
    """Seconds of `1s`, `6m0s`, `20ms`, `12.5`, or until a time in Unix seconds or milliseconds."""
    text = text.strip()
    if len(text) > MAX_HEADER:
        return None
    if _PARTS.fullmatch(text):
        return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
    try:
        number = float(text)
    except ValueError:
        return None
    if not math.isfinite(number) or number < _EARLIEST_TIME:
        return None if math.isnan(number) else number
    return (number / 1000 if number >= _EARLIEST_IN_MILLISECONDS else number) - epoch()


def _used_up(headers: Mapping[str, str]) -> list[str]:
    """The limits of which nothing remains."""
    remaining = {limit: headers.get(f"x-ratelimit-remaining{limit}") for limit in _LIMITS}
    return [limit for limit, left in remaining.items() if left and left.startswith(("0", "-"))]


def _longest_reset(headers: Mapping[str, str], limits: list[str], epoch: Epoch) -> float | None:
    """Seconds until all these limits are whole again, None where no header says so."""
    resets = (headers.get(f"x-ratelimit-reset{limit}") for limit in limits)
    waits = [read_duration(reset, epoch) for reset in resets if reset is not None]
    return max((wait for wait in waits if wait is not None and wait > 0), default=None)
