"""The date and time in a time zone, as a tool."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime, tzinfo
from difflib import get_close_matches
from zoneinfo import ZoneInfo, available_timezones

from agentkit import Retry, tool

# not strftime's, which speak the language of the machine
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

MOST_CHARACTERS = 60
"""Of a name that is unknown, which are looked at and told."""
_OFFSET = re.compile(
    r"(?:UTC|GMT)? ?(?P<sign>[+-])(?P<hours>\d{1,2})(?::?00)?", re.ASCII | re.IGNORECASE
)


@tool(effect="read")
def now(time_zone: str = "UTC") -> str:
    """The current date and time, with the weekday and the offset from UTC.

    Args:
        time_zone: IANA name of a time zone, such as "Europe/Oslo" or "America/New_York".
    """
    return time_in(time_zone, datetime.now(UTC))


def time_in(time_zone: str, instant: datetime) -> str:
    """The instant as `2026-03-29T03:00:00+02:00 (Sunday, Europe/Oslo)`.

    `instant` has an offset. Raises Retry, with near misses, for a zone that does not exist.
    """
    local = instant.astimezone(_zone(time_zone))
    weekday = WEEKDAYS[local.weekday()]
    return f"{local.isoformat(timespec='seconds')} ({weekday}, {time_zone})"


def unknown_zone(time_zone: str, zones: Collection[str]) -> str:
    """What to tell a model that asks for a zone that is not among `zones`."""
    if not zones:
        return (
            "This machine has no time zone database, so only 'UTC' is known. "
            "`pip install tzdata` installs one."
        )
    unknown = f"There is no time zone named {time_zone[:MOST_CHARACTERS]!r}. "
    if offset := _OFFSET.fullmatch(time_zone.strip()):
        other = "-" if offset["sign"] == "+" else "+"
        return (
            f"{unknown}An offset is named with its sign turned round: "
            f"'Etc/GMT{other}{int(offset['hours'])}'."
        )
    advice = " or ".join(repr(zone) for zone in _near(time_zone, zones))
    return unknown + (
        f"Did you mean {advice}?"
        if advice
        else "Give an IANA name of the form 'Area/City', such as 'Europe/Oslo'."
    )


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    # a KeyError for a missing zone, a ValueError for a path, an OSError for a folder ("Europe")
    except (KeyError, ValueError, OSError):
        raise Retry(unknown_zone(name, available_timezones())) from None


def _near(time_zone: str, zones: Collection[str]) -> list[str]:
    """Up to three zones that are nearly of that name, whole or its last part, the city."""
    wanted = time_zone[:MOST_CHARACTERS].strip().casefold().replace(" ", "_")
    names = {zone.casefold().rpartition("/")[2]: zone for zone in sorted(zones)}
    names |= {zone.casefold(): zone for zone in zones}
    if wanted in names:
        return [names[wanted]]
    return list(
        dict.fromkeys(names[name] for name in get_close_matches(wanted, names, cutoff=0.75))
    )
