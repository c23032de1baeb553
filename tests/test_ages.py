"""Ages, as a person writes them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agentkit import ConfigurationError
from agentkit.ages import ANY_AGE, checked_age

READ = {
    "90s": timedelta(seconds=90),
    "30m": timedelta(minutes=30),
    "12h": timedelta(hours=12),
    "7d": timedelta(days=7),
    "1w": timedelta(weeks=1),
    "1h30m": timedelta(minutes=90),
    "1.5h": timedelta(minutes=90),
    " 2 D ": timedelta(days=2),
    "99999999d": timedelta(days=99_999_999),
}


@pytest.mark.parametrize(("text", "age"), READ.items())
def test_an_age_is_numbers_with_units(text, age):
    assert checked_age(text, "cache") == age


def test_a_number_is_seconds_and_a_timedelta_itself():
    assert checked_age(1.5, "cache") == timedelta(seconds=1.5)
    assert checked_age(ANY_AGE, "cache") == ANY_AGE


@pytest.mark.parametrize(
    "given", ["", "7", "d", "7 days", "7d!", "-7d", "7x", "٧d", True, None, [7]]
)
def test_what_is_no_age_is_refused_with_what_would_be(given):
    words = r'^--older: expected an age such as "90s", "30m", "12h", "7d" or "1w", got '
    with pytest.raises(ConfigurationError, match=words):
        checked_age(given, "--older")


@pytest.mark.parametrize("given", [0, -1, "0s", timedelta(0), -timedelta(days=1)])
def test_an_age_is_more_than_nothing(given):
    with pytest.raises(ConfigurationError, match="^cache: .* is not more than nothing"):
        checked_age(given, "cache")


@pytest.mark.parametrize("given", [float("nan"), float("inf"), 1e300, "9" * 400 + "d", 10**400])
def test_an_age_has_an_end(given):
    with pytest.raises(ConfigurationError, match="^cache: .* is no age that can be"):
        checked_age(given, "cache")
