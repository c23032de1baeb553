"""Logs in one SQLite file: no server, one file to copy, safe for many processes on one machine.

One thread writes and one reads, each with a connection of its own, begun at the first use.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from weakref import finalize

from agentkit.encoding import Wire
from agentkit.errors import ConfigurationError
from agentkit.records import Record
from agentkit.stores import sqlite_answers as answers
from agentkit.stores import sqlite_reading as reading
from agentkit.stores import sqlite_writing as writing
from agentkit.stores.file_locks import FileLocks
from agentkit.stores.moments import ago, now_utc
from agentkit.stores.protocol import CachedAnswers, Found, Kept, SessionInfo, Spent, Summary
from agentkit.stores.rows import answer_row, fact_body, rows_of
from agentkit.stores.sqlite_file import Connect, DatabaseFile, connect
from agentkit.stores.sqlite_thread import Committed, Connected, Job, Worker
from agentkit.stores.text import batches, checked_fact, checked_key, checked_session
from agentkit.stores.turns import Sleep


class SQLiteStore:
    """Keeps logs in a file. Nothing is opened, and no thread begun, before the first use."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        timeout: float = 5.0,
        now: Callable[[], datetime] = now_utc,
        sleep: Sleep = asyncio.sleep,
        connect: Connect = connect,
    ) -> None:
        """Keep logs at a path, whose folder must be there; `~` is the user's home.

        Another program's lock on the file is waited for `timeout` seconds; `sleep` passes the time
        until a session that another process runs is free. `connect` gives the connections, for
        those who want to trace or to limit them.
        Raises ConfigurationError for what is no path.
        """
        self._file = DatabaseFile(_absolute(path), timeout, connect)
        self._now = now
        self._is_ours = False
        """Whether the file was looked at before a session was held in it."""
        self._locks = FileLocks(Path(f"{self._file.path}-held"), sleep)
        self._writer = Worker("agentkit-sqlite", partial(Committed, self._file))
        self._reader = Worker("agentkit-sqlite-read", partial(Connected, self._file))
        self._workers = (self._reader, self._writer)
        # the connections are closed with the store, and when the interpreter ends
        finalize(self, _stop, self._workers)

    def __repr__(self) -> str:
        return f"SQLiteStore({self._file.path!r})"

    @property
    def path(self) -> str:
        """The absolute path of its file."""
        return self._file.path

    async def load(self, session: str) -> Kept:
        """All records of a session, in order.

        Raises StoreError for a record that cannot be read; its `.records` are those before it.
        """
        work = partial(reading.load, session=checked_session(session), file=self._file)
        return await self._reader.do(Job(work))

    async def append(
        self,
        session: str,
        expected_seq: int,
        records: Sequence[Record],
        summary: Summary | None = None,
    ) -> None:
        """Keep the records behind the `expected_seq` that the session has: all of them, or none.

        What begins a call that must not run twice is on the disk when this returns; other records
        outlive the process at once, and a loss of power once SQLite has written them.
        """
        rows = rows_of(checked_session(session), records)
        commit = writing.Commit(session, expected_seq, rows, summary)
        work = partial(writing.append, commit=commit, now=self._now)
        await self._writer.do(_once(work, commit, records))

    async def list(
        self,
        *,
        status: Collection[str] = (),
        limit: int | None = 100,
        before: datetime | None = None,
    ) -> Sequence[SessionInfo]:
        """Sessions, the last updated first; of these statuses alone, where some are named."""
        work = partial(reading.listed, status=status, limit=limit, before=before)
        return await self._reader.do(Job(work))

    async def survey(self, sessions: Sequence[str]) -> Mapping[str, SessionInfo]:
        """Those of the sessions that are there, by name."""
        found: dict[str, SessionInfo] = {}
        for names in batches(sessions):
            infos = await self._reader.do(Job(partial(reading.survey, sessions=names)))
            found.update((info.session, info) for info in infos)
        return found

    async def search(self, text: str, *, limit: int = 20) -> Sequence[Found]:
        """Inputs, answers and outputs with all the words of the text, the newest first.

        The last word may be the beginning of one. Case and accents do not matter.
        """
        return await self._reader.do(Job(partial(reading.search, text=text, limit=limit)))

    async def spent(self, since: datetime | None = None) -> Sequence[Spent]:
        """Every stored answer and compaction, in the order they were stored.

        Of a fork, its own alone: what it shares was paid for once.
        """
        return await self._reader.do(Job(partial(reading.spent, since=since, file=self._file)))

    async def delete(self, session: str) -> bool:
        """Take a session away, its text included; whether it was there.

        Its forks keep what they shared with it. What they do not share is overwritten in the file.
        """
        session = checked_session(session)
        is_gone = partial(writing.is_gone, session=session)
        return bool(await self._writer.do(Job(partial(writing.delete, session=session), is_gone)))

    async def fork(self, session: str, at: int, fork: str, records: Sequence[Record] = ()) -> None:
        """A new session that begins with the first `at` records of another, and these behind.

        Raises Conflict where `fork` is there already, ConfigurationError where `session` is not or
        has fewer records.
        """
        rows = rows_of(checked_session(fork), records)
        commit = writing.Commit(fork, at, rows)
        parent = checked_session(session)
        work = partial(writing.fork, parent=parent, commit=commit, now=self._now)
        await self._writer.do(_once(work, commit, records))

    async def remember(self, name: str, value: Wire) -> None:
        """Keep a JSON object under a name, in place of what was there, with the time."""
        body = fact_body(checked_fact(name), value)
        await self._writer.do(Job(partial(writing.remember, name=name, body=body, at=self._now())))

    async def recall(self, name: str, *, within: timedelta | None = None) -> Wire | None:
        """What was last kept under the name, None where that was longer ago than `within`."""
        since = None if within is None else ago(within, self._now())
        work = partial(reading.recall, name=checked_fact(name), since=since, file=self._file)
        return await self._reader.do(Job(work))

    async def cached(self, key: str, *, within: timedelta | None = None) -> Wire | None:
        """The answer last kept under the key, None where that was longer ago than `within`."""
        since = None if within is None else ago(within, self._now())
        work = partial(answers.cached, key=checked_key(key), since=since, file=self._file)
        return await self._reader.do(Job(work))

    async def cache(self, key: str, value: Wire, *, model: str) -> None:
        """Keep a model's answer under a key, in place of what was there, with the time."""
        row = answer_row(key, value, model)
        await self._writer.do(Job(partial(answers.cache, row=row, at=self._now())))

    async def cached_answers(self) -> Sequence[CachedAnswers]:
        """What is kept of each model, by name."""
        return await self._reader.do(Job(answers.cached_answers))

    async def prune_cache(self, older_than: timedelta | None = None) -> int:
        """Take away what was kept longer ago than this, all for None; how many there were."""
        before = None if older_than is None else ago(older_than, self._now())
        return await self._writer.do(Job(partial(answers.prune, before=before)))

    @asynccontextmanager
    async def hold(self, session: str, *, wait: bool = False) -> AsyncIterator[None]:
        """Be the only one that runs this session, until the block is left or the process ends.

        Where another runs it, in this process or any other on this machine: raises Conflict, or
        waits its turn.
        """
        session = checked_session(session)
        # beside a file that is another program's, nothing is made
        if not self._is_ours:
            await self._reader.do(Job(_nothing))
            self._is_ours = True
        async with self._locks.held(session, wait=wait):
            yield

    async def close(self) -> None:
        """Let go of the file, once what was begun is done; the next use opens it again."""
        await asyncio.to_thread(_stop, self._workers)


def _nothing(_connection: sqlite3.Connection) -> None:
    """What is done with a file that has only to be one of ours."""


def _once(
    work: Callable[..., None], commit: writing.Commit, records: Sequence[Record]
) -> Job[None]:
    """A job that makes a commit, and knows it again if the answer to it was lost."""
    is_kept = partial(writing.is_kept, commit=commit)
    return Job(work, is_kept, must_survive_power_loss=writing.starts_once(records))


def _absolute(path: str | os.PathLike[str]) -> str:
    given = os.fspath(path)
    if not isinstance(given, str) or not given or "\0" in given:
        raise ConfigurationError(f"store: expected a path, got {given!r}.")
    if given == ":memory:":
        raise ConfigurationError(
            "store: ':memory:' is no file. Leave store= away: without one nothing is written."
        )
    return os.path.abspath(os.path.expanduser(given))


def _stop(workers: Iterable[Worker]) -> None:
    # one after the other: of two that close at once, none takes the write-ahead log in
    for worker in workers:
        thread = worker.stop()
        if thread is not None and thread is not threading.current_thread():
            thread.join()
