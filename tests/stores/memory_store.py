"""A store in memory: what the checks hold against, and what is broken on purpose to try them."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from agentkit.encoding import Wire, decode, encode
from agentkit.errors import ConfigurationError, StoreError
from agentkit.records import Answer, Compaction, Record, dump_record, load_record
from agentkit.responses.response import Usage
from agentkit.stores.errors import (
    check_count,
    check_fork,
    held_by,
    name_conflict,
    unreadable,
    unreadable_from,
)
from agentkit.stores.protocol import CachedAnswers, Found, Kept, SessionInfo, Spent, Summary
from agentkit.stores.rows import AnswerRow, answer_of, answer_row, fact_body, fact_of
from agentkit.stores.text import (
    checked_fact,
    checked_key,
    checked_session,
    lexemes,
    searchable,
    wanted,
)


@dataclass(frozen=True)
class Row:
    number: int
    at: datetime
    body: bytes

    @property
    def record(self) -> Record:
        try:
            return load_record(decode(self.body))
        except ConfigurationError as error:
            raise StoreError(str(error)) from error


@dataclass
class Session:
    rows: list[Row] = field(default_factory=list)
    created: datetime = datetime.min
    updated: datetime = datetime.min
    summary: Summary = field(default_factory=Summary)
    parent: str | None = None


class MemoryStore:
    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        self.lock = threading.RLock()
        self.number = 0
        self.owners: dict[int, str] = {}
        self.holders: dict[str, list[object]] = defaultdict(list)
        self.facts: dict[str, tuple[str, datetime]] = {}
        self.answers: dict[str, tuple[AnswerRow, datetime]] = {}

    def tick(self) -> datetime:
        self.number += 1
        return datetime(2024, 1, 1, tzinfo=UTC) + timedelta(microseconds=self.number)

    def row(self, session: str, at: datetime, record: Record) -> Row:
        self.number += 1
        self.owners[self.number] = session
        try:
            return Row(self.number, at, encode(dump_record(record)))
        except ValueError as error:
            raise StoreError(f"A record of {session!r} is no JSON.") from error

    async def load(self, session: str) -> Kept:
        with self.lock:
            kept = self.sessions.get(session, Session())
            records: list[Record] = []
            try:
                records.extend(row.record for row in kept.rows)
            except StoreError as error:
                raise unreadable_from(session, records, error) from error
            return Kept(tuple(records), tuple(row.at for row in kept.rows), kept.parent)

    async def append(
        self,
        session: str,
        expected_seq: int,
        records: Sequence[Record],
        summary: Summary | None = None,
    ) -> None:
        checked_session(session)
        with self.lock:
            kept = self.sessions.get(session, Session())
            check_count(session, len(kept.rows), expected_seq)
            at = self.tick()
            rows = [self.row(session, at, record) for record in records]
            if not kept.rows:
                kept.created = at
            kept.rows += rows
            kept.updated, kept.summary = at, summary or kept.summary
            if rows or session in self.sessions:
                self.sessions[session] = kept

    async def list(
        self,
        *,
        status: Collection[str] = (),
        limit: int | None = 100,
        before: datetime | None = None,
    ) -> list[SessionInfo]:
        infos = [
            SessionInfo(name, s.created, s.updated, len(s.rows), s.summary, s.parent)
            for name, s in self.sessions.items()
            if (not status or s.summary.status in status) and (before is None or s.updated < before)
        ]
        return sorted(infos, key=lambda info: info.updated, reverse=True)[:limit]

    async def survey(self, sessions: Sequence[str]) -> dict[str, SessionInfo]:
        asked = {checked_session(name) for name in sessions}
        return {info.session: info for info in await self.list(limit=None) if info.session in asked}

    def rows(self) -> list[tuple[Row, str, int]]:
        """Every stored row once, with the session that has it, in the order they were stored."""
        found = [
            (row, name, seq)
            for name, session in self.sessions.items()
            for seq, row in enumerate(session.rows)
            if self.owners[row.number] == name
        ]
        return sorted(found, key=lambda each: each[0].number)

    def searchable(self, record: Record) -> str:
        return searchable(record)

    def is_found(self, text: str, wanted: list[str]) -> bool:
        there = lexemes(text)
        *whole, last = wanted
        return set(whole) <= set(there) and any(word.startswith(last) for word in there)

    async def search(self, text: str, *, limit: int = 20) -> list[Found]:
        words = wanted(text)
        found = [
            Found(name, seq, row.at, row.record.kind, self.searchable(row.record))
            for row, name, seq in reversed(self.rows())
            if words and self.is_found(self.searchable(row.record), words)
        ]
        return found[:limit]

    async def spent(self, since: datetime | None = None) -> list[Spent]:
        spent = []
        for row, name, seq in self.rows():
            record = self.paid(row, name, seq)
            if not isinstance(record, Answer | Compaction) or (since and row.at < since):
                continue
            is_answer = isinstance(record, Answer)
            model = (record.response.model or "") if is_answer else ""
            usage: Usage = record.response.usage if is_answer else record.usage
            spent.append(Spent(name, row.at, model, usage, record.cost))
        return spent

    def paid(self, row: Row, name: str, seq: int) -> Record:
        try:
            return row.record
        except StoreError as error:
            raise unreadable(name, seq, error) from error

    async def delete(self, session: str) -> bool:
        with self.lock:
            gone = self.sessions.pop(session, None)
            for name, other in self.sessions.items():
                other.parent = None if other.parent == session else other.parent
                # what a fork shares is its own from here on
                self.owners.update(
                    {row.number: name for row in other.rows if self.owners[row.number] == session}
                )
            return gone is not None

    async def fork(self, session: str, at: int, fork: str, records: Sequence[Record] = ()) -> None:
        checked_session(fork)
        with self.lock:
            parent = self.sessions.get(session, Session())
            check_fork(session, len(parent.rows) if session in self.sessions else None, at)
            if fork in self.sessions:
                raise name_conflict(fork)
            now = self.tick()
            rows = parent.rows[:at] + [self.row(fork, now, record) for record in records]
            self.sessions[fork] = Session(rows, now, now, parent=session)

    @asynccontextmanager
    async def hold(self, session: str, *, wait: bool = False) -> AsyncIterator[None]:
        checked_session(session)
        ticket, queue = object(), self.holders[session]
        queue.append(ticket)
        try:
            while queue[0] is not ticket:
                if not wait:
                    raise held_by("another in this process", session)
                await asyncio.sleep(0)
            yield
        finally:
            queue.remove(ticket)

    async def remember(self, name: str, value: Wire) -> None:
        self.facts[checked_fact(name)] = (fact_body(name, value), self.tick())

    async def recall(self, name: str, *, within: timedelta | None = None) -> Wire | None:
        body, at = self.facts.get(checked_fact(name), ("", None))
        is_there = at and (within is None or self.tick() - at <= within)
        return fact_of(name, body) if is_there else None

    async def cached(self, key: str, *, within: timedelta | None = None) -> Wire | None:
        row, at = self.answers.get(checked_key(key), (None, None))
        is_there = row and at and (within is None or self.tick() - at <= within)
        return answer_of(key, row.body) if row and is_there else None

    async def cache(self, key: str, value: Wire, *, model: str) -> None:
        self.answers[key] = (answer_row(key, value, model), self.tick())

    async def cached_answers(self) -> Sequence[CachedAnswers]:
        by_model = defaultdict(list)
        for row, at in self.answers.values():
            by_model[row.model].append((row.size, at))
        return [
            CachedAnswers(model, len(kept), sum(size for size, _ in kept), times[0], times[-1])
            for model, kept in sorted(by_model.items())
            if (times := sorted(at for _, at in kept))
        ]

    async def prune_cache(self, older_than: timedelta | None = None) -> int:
        now, before = self.tick(), len(self.answers)
        self.answers = {
            key: (row, at)
            for key, (row, at) in self.answers.items()
            if older_than is not None and now - at <= older_than
        }
        return before - len(self.answers)

    async def close(self) -> None:
        pass
