"""Logs in a PostgreSQL database, for runs on many machines. Needs the extra `postgres`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar
from weakref import finalize

from agentkit.encoding import Wire
from agentkit.errors import ConfigurationError
from agentkit.records import Record
from agentkit.stores import postgres_answers as answers
from agentkit.stores import postgres_reading as reading
from agentkit.stores import postgres_writing as writing
from agentkit.stores.moments import ago, now_utc
from agentkit.stores.postgres_holds import Holds
from agentkit.stores.postgres_place import Place
from agentkit.stores.postgres_pool import Pool
from agentkit.stores.protocol import CachedAnswers, Found, Kept, SessionInfo, Spent, Summary
from agentkit.stores.rows import answer_row, fact_body, rows_of
from agentkit.stores.text import batches, checked_fact, checked_key, checked_session
from agentkit.stores.turns import Sleep

if TYPE_CHECKING:
    from agentkit.stores.postgres_pool import Connection

T = TypeVar("T")


class PostgresStore:
    """Logs in tables whose names begin with `agentkit_`, made at the first use.

    They are in the schema that the URL's user works in; `?options=-csearch_path%3Dname` in the URL
    says another. A session is held through a connection of its own, so a pooler in front of the
    server has to pool sessions, not transactions.
    """

    def __init__(
        self,
        url: str,
        *,
        connections: int = 4,
        timeout: float = 30.0,
        connect_timeout: float = 10.0,
        now: Callable[[], datetime] = now_utc,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """Keep logs at a URL: `postgresql://user:password@host:port/database`, or what libpq reads.

        Nothing is connected yet. There are at most `connections` at once, and one more that holds
        sessions. A statement may take `timeout` seconds, connecting `connect_timeout`, at least 2;
        `sleep` passes the time until a session that is run elsewhere is free.
        Raises ConfigurationError for a URL that cannot be read.
        """
        if connections < 1 or timeout <= 0 or connect_timeout <= 0:
            raise ConfigurationError(
                "PostgresStore: connections, timeout and connect_timeout have to be positive."
            )
        self._place = Place(url, connect_timeout, timeout)
        self._options = (self._place, connections, 2 * timeout + connect_timeout, sleep)
        self._now = now
        self._processes: dict[int, _Process] = {}

    def __repr__(self) -> str:
        return f"PostgresStore({str(self._place)!r})"

    async def load(self, session: str) -> Kept:
        """All records of a session, in order.

        Raises StoreError for a record that cannot be read; its `.records` are those before it.
        """
        return await self._do(partial(reading.load, session=checked_session(session)))

    async def append(
        self,
        session: str,
        expected_seq: int,
        records: Sequence[Record],
        summary: Summary | None = None,
    ) -> None:
        """Keep the records behind the `expected_seq` that the session has: all of them, or none.

        They survive the server when this returns. Raises Conflict where the session has another
        number of records, and where it is held here no more.
        """
        commit = writing.Commit(
            checked_session(session),
            expected_seq,
            rows_of(session, records),
            self._now(),
            summary,
            self._process().holds.holder(session),
        )
        await self._do(partial(writing.append, commit=commit))

    async def list(
        self,
        *,
        status: Collection[str] = (),
        limit: int | None = 100,
        before: datetime | None = None,
    ) -> Sequence[SessionInfo]:
        """Sessions, the last updated first; of these statuses alone, where some are named."""
        work = partial(reading.listed, status=status, limit=limit, before=before)
        return await self._do(work)

    async def survey(self, sessions: Sequence[str]) -> Mapping[str, SessionInfo]:
        """Those of the sessions that are there, by name."""
        found: dict[str, SessionInfo] = {}
        for names in batches(sessions):
            infos = await self._do(partial(reading.survey, sessions=names))
            found.update((info.session, info) for info in infos)
        return found

    async def search(self, text: str, *, limit: int = 20) -> Sequence[Found]:
        """Inputs, answers and outputs with all the words of the text, the newest first."""
        return await self._do(partial(reading.search, text=text, limit=limit))

    async def spent(self, since: datetime | None = None) -> Sequence[Spent]:
        """Every stored answer and compaction, in the order they were stored.

        Of a fork, its own alone: what it shares was paid for once.
        """
        return await self._do(partial(reading.spent, since=since))

    async def delete(self, session: str) -> bool:
        """Take a session away, its text included; whether it was there.

        Its forks keep what they shared with it.
        """
        return await self._do(writing.deletion(checked_session(session)))

    async def fork(self, session: str, at: int, fork: str, records: Sequence[Record] = ()) -> None:
        """A new session that begins with the first `at` records of another, and these behind.

        Raises Conflict where `fork` is there already, ConfigurationError where `session` is not or
        has fewer records.
        """
        commit = writing.Commit(
            checked_session(fork),
            at,
            rows_of(fork, records),
            self._now(),
            holder=self._process().holds.holder(fork),
            parent=checked_session(session),
        )
        await self._do(partial(writing.fork, commit=commit))

    async def remember(self, name: str, value: Wire) -> None:
        """Keep a JSON object under a name, in place of what was there, with the time."""
        body = fact_body(checked_fact(name), value)
        await self._do(partial(writing.remember, name=name, body=body, at=self._now()))

    async def recall(self, name: str, *, within: timedelta | None = None) -> Wire | None:
        """What was last kept under the name, None where that was longer ago than `within`."""
        since = None if within is None else ago(within, self._now())
        return await self._do(partial(reading.recall, name=checked_fact(name), since=since))

    async def cached(self, key: str, *, within: timedelta | None = None) -> Wire | None:
        """The answer last kept under the key, None where that was longer ago than `within`."""
        since = None if within is None else ago(within, self._now())
        work = partial(answers.cached, key=checked_key(key), since=since)
        return await self._do(work)

    async def cache(self, key: str, value: Wire, *, model: str) -> None:
        """Keep a model's answer under a key, in place of what was there, with the time."""
        row = answer_row(key, value, model)
        await self._do(partial(answers.cache, row=row, at=self._now()))

    async def cached_answers(self) -> Sequence[CachedAnswers]:
        """What is kept of each model, by name."""
        return await self._do(answers.cached_answers)

    async def prune_cache(self, older_than: timedelta | None = None) -> int:
        """Take away what was kept longer ago than this, all for None; how many there were."""
        before = None if older_than is None else ago(older_than, self._now())
        return await self._do(partial(answers.prune, before=before))

    def hold(self, session: str, *, wait: bool = False) -> AbstractAsyncContextManager[None]:
        """Be the only one that runs this session, until the block is left or the process ends.

        Where another runs it, in this process or any other: raises Conflict, or waits its turn.
        """
        return self._process().holds.hold(checked_session(session), wait=wait)

    async def close(self) -> None:
        """Let go of the connections; the next use makes new ones."""
        await asyncio.gather(*map(asyncio.wrap_future, self._process().close()))

    async def _do(self, work: Callable[[Connection], T]) -> T:
        return await self._process().pool.do(work)

    def _process(self) -> _Process:
        """What this process has: neither connections nor threads survive a fork."""
        pid = os.getpid()
        if pid not in self._processes:
            own = self._processes.setdefault(pid, _Process(*self._options))
            finalize(self, own.close).atexit = False
        return self._processes[pid]


class _Process:
    """The connections of one process, and what it holds."""

    def __init__(self, place: Place, connections: int, patience: float, sleep: Sleep) -> None:
        self._pid = os.getpid()
        self.pool = Pool(place, connections, patience)
        self.keeper = Pool(place, 1, patience)
        self.holds = Holds(self.keeper, sleep)

    def close(self) -> Sequence[Future[None]]:
        """Let the connections go; what is done when they have gone."""
        if os.getpid() != self._pid:
            return []
        return [*self.pool.close(), *self.keeper.close()]
