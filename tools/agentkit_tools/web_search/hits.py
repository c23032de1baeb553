"""What a search finds, and the protocol of what searches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class SearchHit:
    """A page that was found."""

    title: str
    url: str
    text: str = ""
    """What the page says about what was searched for, as far as the service tells."""


class SearchProvider(Protocol):
    """A service that searches the web; anything with this method is one."""

    async def search(self, query: str, count: int) -> Sequence[SearchHit]:
        """Up to `count` pages, the best first; more are cut off, none is an empty list.

        Raises agentkit's Retry with a text for the model where it can do something about it,
        ConfigurationError where the caller has to.
        """
        ...
