"""Days and times of day: read, moved, and counted between."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, timedelta
from fractions import Fraction

from agentkit import Retry

# not strftime's, which speak the language of the machine
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_DAY = 86400
_MOST_SECONDS = 10_000 * 366 * _DAY
_BEYOND = "Only dates of the years 1 to 9999 are known."


def read_date(text: str) -> date:
    """A day, or a day with a time, of an ISO text. Raises Retry for one that does not exist."""
    try:
        return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
    except ValueError as error:
        raise Retry(f"{text} is no date that exists: {error}. Dates are year-month-day.") from error


def moved_by_months(day: date, months: int) -> date:
    """So many months later, on the same day of the month or else on its last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise Retry(_BEYOND)
    last = monthrange(year, month + 1)[1]
    return day.replace(year=year, month=month + 1, day=min(day.day, last))


def moved_by_seconds(day: date, seconds: Fraction) -> date:
    """So many seconds later; a day stays a day where they are whole days."""
    if abs(seconds) > _MOST_SECONDS:
        raise Retry(_BEYOND)
    if not isinstance(day, datetime) and seconds % _DAY:
        day = datetime(day.year, day.month, day.day)
    microseconds = round(seconds * 1_000_000)
    try:
        return day + timedelta(microseconds=microseconds)
    except OverflowError:
        raise Retry(_BEYOND) from None


def seconds_between(left: date, right: date) -> Fraction:
    """From the right one to the left one."""
    one, other = _with_time(left), _with_time(right)
    if (one.tzinfo is None) != (other.tzinfo is None):
        raise Retry("Only one of the two has an offset from UTC. Give both with one, or none.")
    try:
        difference = one - other
    except OverflowError:  # an offset leads beyond the first or the last day
        raise Retry(_BEYOND) from None
    whole = difference.days * _DAY + difference.seconds
    return Fraction(whole) + Fraction(difference.microseconds, 1_000_000)


def date_text(day: date) -> str:
    """The date, with its weekday."""
    return f"{day.isoformat()} ({WEEKDAYS[day.weekday()]})"


def _with_time(day: date) -> datetime:
    return day if isinstance(day, datetime) else datetime(day.year, day.month, day.day)
