"""What is there of a table before a job begins, and what it has cost."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime

from agentkit.errors import StoreError
from agentkit.jobs.asking import tried_before
from agentkit.jobs.results import Launch
from agentkit.journal import summary_of
from agentkit.log import Log
from agentkit.stores.protocol import Logs, SessionInfo, survey_of
from agentkit.tables.table import Row

AT_ONCE = 500
"""How many rows are looked up together."""


@dataclass(frozen=True)
class Stood:
    """How a session stood when it was last written."""

    status: str
    cost: float
    """US dollars, as far as they are known."""
    updated: datetime | None
    parent: str | None
    """What it was before it was begun anew."""


class _Seen:
    """Names that have come before. They are in a temporary file, where they are many."""

    def __init__(self) -> None:
        self._names = sqlite3.connect("")
        self._names.execute("CREATE TABLE names (name TEXT PRIMARY KEY) WITHOUT ROWID")

    def add(self, name: str) -> bool:
        """Take the name in; whether it is new."""
        added = self._names.execute("INSERT OR IGNORE INTO names VALUES (?)", (name,))
        return added.rowcount > 0

    def close(self) -> None:
        """Let go of them."""
        self._names.close()


@dataclass
class _Count:
    done: int = 0
    failed: int = 0
    stale: int = 0
    total: int = 0
    cost: float = 0.0
    seen: _Seen = field(default_factory=_Seen)


async def launched(
    logs: Logs,
    rows: AsyncIterator[tuple[int, Row]],
    session_of: Callable[[Row], str],
    stale: datetime | None = None,
) -> Launch:
    """What the store has of the rows, and what it has cost; each session costs once.

    Answers from before the moment `stale` do not count as done.
    """
    count = _Count()
    with closing(count.seen):
        async for names in _batches(rows, session_of):
            await _count(logs, names, count, stale)
    return Launch(count.total, count.done, count.failed, count.stale, count.cost)


async def _batches(
    rows: AsyncIterator[tuple[int, Row]], session_of: Callable[[Row], str]
) -> AsyncIterator[list[str]]:
    names: list[str] = []
    async for _, row in rows:
        try:
            names.append(session_of(row))
        except Exception:  # noqa: BLE001 - a row that cannot be asked is told when it is its turn
            names.append("")
        if len(names) == AT_ONCE:
            yield names
            names = []
    if names:
        yield names


async def _count(logs: Logs, names: list[str], count: _Count, stale: datetime | None) -> None:
    there = await stood(logs, {name for name in names if name})
    count.total += len(names)
    for name in names:
        found = there.get(name)
        if found is None:
            continue
        is_done = found.status == "completed"
        is_stale = is_done and stale and found.updated and found.updated < stale
        count.stale += bool(is_stale)
        count.done += is_done and not is_stale
        count.failed += not is_done
    new = {name: each for name, each in there.items() if count.seen.add(name)}
    count.cost += sum(each.cost for each in new.values())
    earlier = await stood(logs, set(_earlier(new.values())))
    count.cost += sum(each.cost for each in earlier.values())


def _earlier(there: Iterable[Stood]) -> Iterable[str]:
    """The sessions that were set aside to begin anew."""
    for each in there:
        stem = (each.parent or "").rpartition(".")[0]
        for number in range(1, tried_before(each.parent) + 1):
            yield f"{stem}.{number}"


async def stood(logs: Logs, names: set[str]) -> dict[str, Stood]:
    """How those of the sessions stand that are there."""
    surveys = survey_of(logs)
    if surveys is not None:
        infos = await surveys.survey(sorted(names))
        return {name: _of_info(info) for name, info in infos.items()}
    found = {name: await _loaded(logs, name) for name in sorted(names)}
    return {name: each for name, each in found.items() if each is not None}


def _of_info(info: SessionInfo) -> Stood:
    status = info.summary.status if info.records else "open"
    return Stood(status, info.summary.cost or 0.0, info.updated, info.parent)


async def _loaded(logs: Logs, name: str) -> Stood | None:
    try:
        kept = await logs.load(name)
    except StoreError as error:
        return Stood("failed", Log(error.records).cost, None, None)
    if not kept.records and kept.parent is None:
        return None
    log = Log(kept.records)
    return Stood(summary_of(log).status, log.cost, kept.at[-1] if kept.at else None, kept.parent)
