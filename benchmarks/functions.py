"""Functions with six parameters, whose schemas are made."""

from __future__ import annotations

import datetime
from typing import Literal


def six(
    city: str,
    year: int = 2024,
    unit: Literal["km", "mi"] = "km",
    tags: list[str] | None = None,
    exact: bool = False,
    radius: float = 1.5,
) -> str:
    """Look a city up.

    Args:
        city: Its name.
        year: Of the count.
        unit: Of the radius.
        tags: What it has to have.
        exact: Whether the name has to be written like that.
        radius: Around its centre.
    """
    return f"{city} {year} {unit} {tags} {exact} {radius}"


def six_with_a_date(
    city: str,
    day: datetime.date,
    unit: Literal["km", "mi"] = "km",
    tags: list[str] | None = None,
    exact: bool = False,
    radius: float = 1.5,
) -> str:
    """Look a city up."""
    return f"{city} {day} {unit} {tags} {exact} {radius}"
