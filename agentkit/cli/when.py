"""Moments: as a person writes them in an option, and as lists show them."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

_AGO = re.compile(r"(\d+)([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str, now: datetime | None = None) -> datetime:
    """An option's value that is a moment: `30d` ago (m, h, d, w), or a day such as 2026-01-31.

    A day begins at its local midnight.
    """
    ago = _AGO.fullmatch(text.strip())
    try:
        if ago:
            return (now or datetime.now(UTC)) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        return datetime.combine(date.fromisoformat(text.strip()), time()).astimezone()
    except (ValueError, OverflowError, OSError) as error:
        raise argparse.ArgumentTypeError(
            f"{text} is neither a time ago such as 7d or 12h, nor a day such as 2026-01-31"
        ) from error


def short(at: datetime) -> str:
    """The local time to the minute, as a person reads it."""
    return f"{at.astimezone():%Y-%m-%d %H:%M}"


def exact(at: datetime) -> str:
    """The local time to the second with its offset, as programs read it."""
    return at.astimezone().isoformat(timespec="seconds")


def utc(at: datetime) -> str:
    """The moment as JSON has it: `2026-01-31T12:00:00Z`."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


class LocalTime(tzinfo):
    """The time zone of this computer, with the offset that each moment had in it."""

    def fromutc(self, at: datetime) -> datetime:
        """The same moment in local time."""
        return at.replace(tzinfo=UTC).astimezone().replace(tzinfo=self)

    def utcoffset(self, at: datetime | None) -> timedelta:
        """The offset of a local time."""
        return (at or datetime.now()).replace(tzinfo=None).astimezone().utcoffset() or timedelta()

    def dst(self, at: datetime | None) -> None:
        """Not known apart from the offset."""

    def tzname(self, at: datetime | None) -> str:  # noqa: ARG002
        """What the zone is called."""
        return "local time"
