"""When to ask again for a response that a server makes in the background.

A value without a clock: sleeping is the client's part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

PENDING = frozenset({"queued", "in_progress"})
"""What a response is while it is being made."""


@dataclass(frozen=True)
class Polling:
    """How often a response is asked for: soon at first, then less and less."""

    first_wait: float = 0.5
    """Seconds."""
    growth: float = 1.5
    """What each wait is multiplied with for the next one."""
    longest_wait: float = 10.0
    """Seconds."""
    failures: int = 5
    """How many times in a row asking may fail for now."""
    patience: float = 3600.0
    """Seconds waited in all, after which it is given up."""

    def waits(self) -> Iterator[float]:
        """The seconds to wait before each time of asking, until patience is lost."""
        wait, waited = self.first_wait, 0.0
        while waited + wait <= self.patience:
            yield wait
            waited += wait
            wait = min(wait * self.growth, self.longest_wait)
