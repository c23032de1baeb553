"""How often what has gathered is published. Has no clock."""

from __future__ import annotations

SHORTEST = 1.0
"""Seconds from one time to the next."""

SHARE = 0.04
"""The part of the time that publishing may take."""


class Pace:
    """When to publish: at once, then so rarely that it takes a small part of the time.

    Publishing takes longer the more there is, so the times grow apart. `begins` is the first time
    at which it may be.
    """

    def __init__(self, begins: float) -> None:
        self._due = begins

    def is_due(self, now: float) -> bool:
        """Whether it is time."""
        return now >= self._due

    def took(self, began: float, ended: float) -> None:
        """It was published, in this time."""
        self._due = ended + max(SHORTEST, (ended - began) / SHARE)
