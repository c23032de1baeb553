"""Times as stores take them, and as SQLite keeps them: whole microseconds since 1970 in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now_utc() -> datetime:
    """The time by this machine's clock."""
    return datetime.now(UTC)


def microseconds(time: datetime) -> int:
    """The time as a number; one without a zone is this machine's."""
    aware = time if time.tzinfo else time.astimezone()
    return (aware - _EPOCH) // timedelta(microseconds=1)


def moment(number: int) -> datetime:
    """The time that is the number, in UTC."""
    return _EPOCH + timedelta(microseconds=number)


def ago(age: timedelta, now: datetime) -> datetime:
    """The moment that long before now, or the first of all where there is none so early."""
    try:
        return now - age
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)
