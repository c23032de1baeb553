"""What is there of a table before a job begins, and what it has cost."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from agentkit.errors import StoreError
from agentkit.jobs.asking import Policy, tried_before
from agentkit.jobs.results import Launch
from agentkit.jobs.standing import standing_of
from agentkit.log import Log
from agentkit.output import OutputFormat
from agentkit.stores.protocol import Logs, SessionInfo, survey_of
from agentkit.tables.table import Row

AT_ONCE = 500
"""How many rows are looked up together."""

Kind = Literal["new", "done", "stale", "waiting", "failed"]

_ASKED: Mapping[str | None, tuple[Kind, ...]] = {
    None: ("new", "stale", "failed"),
    "new": ("new",),
    "failed": ("failed",),
}
"""What is asked, by what `only` says."""

_UNCLEAR = ("limited", "open")
"""Statuses of a summary that do not say whether there is an answer, or who has to go on."""


@dataclass(frozen=True)
class Stood:
    """How a session stood when it was last written."""

    kind: Kind
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
    rows: Counter[Kind] = field(default_factory=Counter)
    to_ask: int = 0
    cost: float = 0.0
    seen: _Seen = field(default_factory=_Seen)


@dataclass(frozen=True)
class Survey:
    """Looks ahead: what a store has of rows, and which of them a job would ask."""

    logs: Logs
    session_of: Callable[[Row], str]
    output: OutputFormat | None
    policy: Policy

    async def launched(self, rows: AsyncIterator[tuple[int, Row]]) -> Launch:
        """What the store has of the rows, and what it has cost; each session costs once."""
        count = _Count()
        with closing(count.seen):
            async for names in _batches(rows, self.session_of):
                await self._count(names, count)
        of = count.rows
        failed = of["failed"] + of["waiting"]
        return Launch(
            of.total(), of["done"], failed, of["stale"], count.cost, of["waiting"], count.to_ask
        )

    async def _count(self, names: list[str], count: _Count) -> None:
        there = await self._stood({name for name in names if name})
        kinds = {name: self._kind(there.get(name)) for name in names}
        count.rows.update(kinds[name] for name in names)
        new = [name for name in names if name and count.seen.add(name)]
        count.to_ask += sum(kinds[name] in _ASKED[self.policy.only] for name in new)
        found = [there[name] for name in new if name in there]
        count.cost += sum(each.cost for each in found)
        earlier = await self._stood(set(_earlier(found)))
        count.cost += sum(each.cost for each in earlier.values())

    def _kind(self, stood: Stood | None) -> Kind:
        if stood is None:
            return "new"
        stale = self.policy.stale
        is_stale = stale and stood.updated and stood.updated < stale
        return "stale" if stood.kind == "done" and is_stale else stood.kind

    async def _stood(self, names: set[str]) -> dict[str, Stood]:
        """How those of the sessions stand that are there."""
        surveys = survey_of(self.logs)
        infos = {} if surveys is None else await surveys.survey(sorted(names))
        clear = {name: info for name, info in infos.items() if _is_clear(info)}
        stood = {name: _of_info(info) for name, info in clear.items()}
        for name in sorted((names if surveys is None else infos.keys()) - clear.keys()):
            found = await self._loaded(name)
            if found is not None:
                stood[name] = found
        return stood

    async def _loaded(self, name: str) -> Stood | None:
        try:
            kept = await self.logs.load(name)
        except StoreError as error:
            return Stood("failed", Log(error.records).cost, None, None)
        if not kept.records and kept.parent is None:
            return None
        log = Log(kept.records)
        standing = standing_of(log, name, self.output)
        waits = standing.result is not None and standing.result.status == "waiting"
        kind: Kind = "done" if standing.is_done else "waiting" if waits else "failed"
        return Stood(kind, log.cost, kept.at[-1] if kept.at else None, kept.parent)


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


def _earlier(there: Iterable[Stood]) -> Iterable[str]:
    """The sessions that were set aside to begin anew."""
    for each in there:
        stem = (each.parent or "").rpartition(".")[0]
        for number in range(1, tried_before(each.parent) + 1):
            yield f"{stem}.{number}"


def _is_clear(info: SessionInfo) -> bool:
    """Whether its summary is enough to know how it stands."""
    return not info.records or info.summary.status not in _UNCLEAR


def _of_info(info: SessionInfo) -> Stood:
    kinds: Mapping[str, Kind] = {"completed": "done", "waiting": "waiting"}
    kind = kinds.get(info.summary.status, "failed") if info.records else "failed"
    return Stood(kind, info.summary.cost or 0.0, info.updated, info.parent)
