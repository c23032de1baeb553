"""The logged runs that a person began, among the rows of tables that `agentkit map` ran."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime

from agentkit.stores.protocol import SessionInfo, Store

ROWS = "map_"
"""What the name of a row's session begins with."""

PAGE, MOST_OF_A_PAGE = 200, 5000
"""Sessions that are read at once, at first and where many are read."""


@dataclass(frozen=True)
class Listed:
    """Some runs, the last updated first, and what was passed over on the way to them."""

    runs: list[SessionInfo] = field(default_factory=list)
    left_out: int = 0
    """Rows of tables that are newer than the last of the runs."""


async def listed(store: Store, *, status: Collection[str] = (), most: int) -> Listed:
    """The last runs of these statuses, at most so many, without the rows of tables."""
    runs: list[SessionInfo] = []
    left_out = 0
    async with aclosing(_newest_first(store, status)) as sessions:
        async for each in sessions:
            if each.session.startswith(ROWS):
                left_out += 1
                continue
            runs.append(each)
            if len(runs) >= most:
                break
    return Listed(runs, left_out)


async def _newest_first(store: Store, status: Collection[str]) -> AsyncGenerator[SessionInfo, None]:
    """All sessions, read a page at a time."""
    before: datetime | None = None
    most = PAGE
    while True:
        page = await store.list(status=status, limit=most, before=before)
        whole = page if len(page) < most else _surely_whole(page)
        for each in whole:
            yield each
        if len(page) < most:
            return
        before = whole[-1].updated if whole else before
        most = min(most * 2, MOST_OF_A_PAGE) if whole else most * 2


def _surely_whole(page: Sequence[SessionInfo]) -> Sequence[SessionInfo]:
    """The page without those of its last moment, of which more may be on the next one."""
    return [each for each in page if each.updated > page[-1].updated]
