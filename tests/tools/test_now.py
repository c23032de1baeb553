"""The tool that tells the time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import available_timezones

import pytest

from agentkit import Retry
from agentkit_tools import now
from agentkit_tools.now import time_in, unknown_zone

INSTANT = datetime(2026, 3, 29, 1, 0, 5, tzinfo=UTC)

needs_zones = pytest.mark.skipif(not available_timezones(), reason="no time zone database here")


def test_utc_is_known_without_a_time_zone_database():
    assert time_in("UTC", INSTANT) == "2026-03-29T01:00:05+00:00 (Sunday, UTC)"


@needs_zones
@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Europe/Oslo", "2026-03-29T03:00:05+02:00 (Sunday, Europe/Oslo)"),
        ("America/New_York", "2026-03-28T21:00:05-04:00 (Saturday, America/New_York)"),
        ("Asia/Kathmandu", "2026-03-29T06:45:05+05:45 (Sunday, Asia/Kathmandu)"),
        ("Pacific/Kiritimati", "2026-03-29T15:00:05+14:00 (Sunday, Pacific/Kiritimati)"),
    ],
)
def test_a_zone_has_its_own_offset_and_day(zone, expected):
    assert time_in(zone, INSTANT) == expected


@needs_zones
def test_summer_time_begins_at_its_instant():
    before = datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC)
    assert time_in("Europe/Oslo", before) == "2026-03-29T01:59:59+01:00 (Sunday, Europe/Oslo)"


@needs_zones
@pytest.mark.parametrize(
    ("asked", "advice"),
    [
        ("europe/oslo", "Did you mean 'Europe/Oslo'?"),
        ("Oslo", "Did you mean 'Europe/Oslo'?"),
        ("New York", "Did you mean 'America/New_York'?"),
        ("America/NewYork", "Did you mean 'America/New_York'?"),
        ("utc", "Did you mean 'UTC'?"),
        ("UTC+2", "An offset is named with its sign turned round: 'Etc/GMT-2'."),
        ("-05:00", "An offset is named with its sign turned round: 'Etc/GMT+5'."),
        ("Mars/Base", "Give an IANA name of the form 'Area/City', such as 'Europe/Oslo'."),
        ("../etc/passwd", "Give an IANA name of the form 'Area/City', such as 'Europe/Oslo'."),
        ("Europe", "Give an IANA name of the form 'Area/City', such as 'Europe/Oslo'."),
        ("", "Give an IANA name of the form 'Area/City', such as 'Europe/Oslo'."),
    ],
)
def test_an_unknown_zone_is_answered_with_what_comes_close(asked, advice):
    with pytest.raises(Retry) as raised:
        time_in(asked, INSTANT)
    assert str(raised.value) == f"There is no time zone named {asked!r}. {advice}"


def test_a_machine_without_a_time_zone_database_says_so():
    assert unknown_zone("Europe/Oslo", ()) == (
        "This machine has no time zone database, so only 'UTC' is known. "
        "`pip install tzdata` installs one."
    )


async def test_the_tool_tells_the_time_in_utc_unless_told_otherwise():
    told, _, place = str(await now.invoke("{}")).partition(" ")
    assert datetime.fromisoformat(told).utcoffset() == timedelta(0)
    assert place.endswith("day, UTC)")
    assert now.effect == "read"
