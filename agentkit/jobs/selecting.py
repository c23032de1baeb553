"""Which rows of a table are asked: all, the first ones, or a sample."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from itertools import count
from typing import cast

from agentkit.errors import ConfigurationError
from agentkit.tables.sources import rows_of
from agentkit.tables.table import AsyncSource, Row, Source

_SEED = 1905


@dataclass(frozen=True)
class Selection:
    """Rows of a table, with their places in it."""

    source: Source | AsyncSource
    limit: int | None = None
    sample: int | None = None

    def __post_init__(self) -> None:
        if self.sample is not None and self.source.count is None:
            raise ConfigurationError(
                f"sample: {self.source.name} can be read only once, so how many rows there are is "
                "known at its end. Give a list or a file, or use limit."
            )

    @property
    def count(self) -> int | None:
        """How many rows it has, None where that is not known before the end."""
        known = [each for each in (self._among, self.sample) if each is not None]
        return min(known) if self._among is not None else None

    @property
    def _among(self) -> int | None:
        """How many rows it is drawn from."""
        total = self.source.count
        return total if total is None or self.limit is None else min(total, self.limit)

    async def rows(self) -> AsyncGenerator[tuple[int, Row]]:
        """Its rows in order, each with its place in the table."""
        wanted, index = self._places(), -1
        place = next(wanted, None)
        if place is None:
            return
        async with aclosing(cast("AsyncGenerator[Row]", rows_of(self.source))) as rows:
            async for row in rows:
                index += 1
                if index != place:
                    continue
                yield index, row
                place = next(wanted, None)
                if place is None:
                    return

    def _places(self) -> Iterator[int]:
        among = self._among
        if among is None:
            return iter(range(self.limit)) if self.limit is not None else count()
        if self.sample is None or self.sample >= among:
            return iter(range(among))
        return drawn(self.sample, among)


def drawn(sample: int, among: int) -> Iterator[int]:
    """So many places, in order, one from each of as many equal parts; the same each time."""
    chance = random.Random(_SEED)  # noqa: S311 - no secret
    for part in range(sample):
        yield chance.randrange(part * among // sample, (part + 1) * among // sample)
