"""Threads that own a connection to SQLite, and what is done in them.

Work comes from any thread and event loop. Writes that are queued while another commit is under way
are committed together, so that hundreds of runs at once do not wait for a commit each.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field
from functools import cache
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar
from weakref import WeakSet

from agentkit.errors import AgentkitError, StoreError
from agentkit.stores.sqlite_file import DatabaseFile

T = TypeVar("T")

_TOGETHER = 500
"""How many jobs are committed together at most, so that the first does not wait for too many."""


@dataclass(eq=False)
class Job(Generic[T]):
    """What is to be done with a connection, and what it came to."""

    work: Callable[[sqlite3.Connection], T]
    is_kept: Callable[[sqlite3.Connection], bool] = lambda _connection: False
    """Whether an earlier try at it was kept, though its answer was lost."""
    must_survive_power_loss: bool = False
    future: asyncio.Future[T] = field(init=False)
    result: Any = None
    error: BaseException | None = None

    def do(self, connection: sqlite3.Connection) -> None:
        """Have its result or its error; raise only what is the database's fault."""
        self.error = None
        try:
            self.result = self.work(connection)
        except sqlite3.Error:
            raise
        except BaseException as error:  # noqa: BLE001 - it is raised where the job is awaited
            self.error = error


class Connected:
    """A thread's connection: opened at the first use, and again after it has failed."""

    def __init__(self, file: DatabaseFile) -> None:
        self.file = file
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None

    def get(self) -> sqlite3.Connection:
        """The connection. Raises StoreError where its file is not the one at the path any more."""
        if self._connection is None:
            self._connection = self.file.opened()
            self._identity = self.file.identity
        elif self.file.identity != self._identity:
            self.drop()
            raise StoreError(
                f"{self.file.path} was moved, replaced or deleted while it was in use. "
                "Put it back, or begin again."
            )
        return self._connection

    def drop(self) -> None:
        """Close the connection, what it has not committed is gone."""
        connection, self._connection = self._connection, None
        if connection is not None:
            # a file that failed may fail at closing too
            with suppress(sqlite3.Error):
                connection.close()

    def do(self, jobs: Iterable[Job[Any]]) -> None:
        """Do each job, one after the other."""
        for job in jobs:
            try:
                job.do(self.get())
            except (sqlite3.Error, AgentkitError) as error:
                self.drop()
                job.error = error


class Committed(Connected):
    """A thread's connection that commits jobs together, each as if it were alone."""

    def do(self, jobs: Iterable[Job[Any]]) -> None:
        """Do all jobs in one transaction; those that fail leave nothing in it."""
        jobs = list(jobs)
        if not jobs:
            return
        try:
            connection = self._begin(jobs)
        except (sqlite3.Error, AgentkitError) as error:
            self._fail(jobs, error)
            return
        try:
            self._commit(connection, jobs)
        except sqlite3.Error as error:
            self._fail(jobs, error)
            for job in jobs:
                self._again(job)

    def _begin(self, jobs: list[Job[Any]]) -> sqlite3.Connection:
        connection = self.get()
        # it cannot be changed within a transaction
        level = "FULL" if any(job.must_survive_power_loss for job in jobs) else "NORMAL"
        connection.execute(f"PRAGMA synchronous = {level}")
        connection.execute("BEGIN IMMEDIATE")
        return connection

    def _commit(self, connection: sqlite3.Connection, jobs: list[Job[Any]]) -> None:
        if len(jobs) == 1:
            jobs[0].do(connection)
            connection.execute("COMMIT" if jobs[0].error is None else "ROLLBACK")
            return
        for job in jobs:
            connection.execute("SAVEPOINT job")
            job.do(connection)
            if job.error is not None:
                connection.execute("ROLLBACK TO job")
            connection.execute("RELEASE job")
        connection.execute("COMMIT")

    def _fail(self, jobs: Iterable[Job[Any]], error: Exception) -> None:
        self.drop()
        _fail(jobs, error)

    def _again(self, job: Job[Any]) -> None:
        """Do by itself what failed together with others, unless it was kept after all."""
        if self._is_settled(job):
            return
        try:
            self._commit(self._begin([job]), [job])
        except (sqlite3.Error, AgentkitError) as error:
            self._fail([job], error)
            self._is_settled(job)

    def _is_settled(self, job: Job[Any]) -> bool:
        """Whether the job was kept, or nobody can tell; then its error stands."""
        try:
            is_kept = job.is_kept(self.get())
        except (sqlite3.Error, AgentkitError):
            self.drop()
            return True
        if is_kept:
            job.error = None
        return is_kept


_Queue = SimpleQueue[Job[Any] | None]
"""What waits to be done; None stops the thread."""


@dataclass(eq=False)
class _Room:
    """The thread of one process, and its queue."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    thread: threading.Thread | None = None
    jobs: _Queue = field(default_factory=SimpleQueue)

    def dismiss(self) -> threading.Thread | None:
        """Have the thread end after what is queued; the thread, None where there is none."""
        thread, self.thread = self.thread, None
        if thread is not None:
            self.jobs.put(None)
            self.jobs = SimpleQueue()
        return thread


_ROOMS: WeakSet[_Room] = WeakSet()
_LOCKED: list[_Room] = []
"""Those in which nothing begins while the process forks."""

ENDING = 10.0
"""Seconds that a fork waits for what is under way."""


def _before_fork() -> None:
    """Close all connections: in a child, SQLite takes the locks of its parent's for its own."""
    rooms = list(_ROOMS)
    for room in rooms:
        room.lock.acquire()
        _LOCKED.append(room)
    for thread in [room.dismiss() for room in rooms]:
        if thread not in (None, threading.current_thread()):
            thread.join(ENDING)


def _after_fork() -> None:
    while _LOCKED:
        _LOCKED.pop().lock.release()


@cache
def _close_before_forks() -> None:
    if hasattr(os, "register_at_fork"):
        both = {"after_in_parent": _after_fork, "after_in_child": _after_fork}
        os.register_at_fork(before=_before_fork, **both)


class Worker:
    """A thread that does jobs, begun at the first one, and again after a stop or a fork."""

    def __init__(self, name: str, connected: Callable[[], Connected]) -> None:
        self._name, self._connected = name, connected
        # a forked child has neither the thread nor any use for its connection
        self._rooms: dict[int, _Room] = {}

    async def do(self, job: Job[T]) -> T:
        """What the job comes to. Cancelling the caller does not stop it.

        Raises what the job raised, StoreError for what SQLite did.
        """
        job.future = asyncio.get_running_loop().create_future()
        self._put(job)
        return await job.future

    def stop(self) -> threading.Thread | None:
        """Have the thread end after what is queued; the thread, None where there is none."""
        room = self._rooms.get(os.getpid())
        if room is None:
            return None
        with room.lock:
            return room.dismiss()

    def _put(self, job: Job[Any]) -> None:
        room = self._rooms.get(os.getpid()) or self._new_room()
        with room.lock:
            if room.thread is None:
                room.thread = self._begun(room.jobs)
            room.jobs.put(job)

    def _new_room(self) -> _Room:
        _close_before_forks()
        room = self._rooms.setdefault(os.getpid(), _Room())
        _ROOMS.add(room)
        return room

    def _begun(self, jobs: _Queue) -> threading.Thread:
        args = (jobs, self._connected())
        thread = threading.Thread(target=_work, args=args, name=self._name, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            raise StoreError(
                f"{args[1].file.path} cannot be used: {error}. The program is ending, or has too "
                "many threads."
            ) from error
        return thread


def _work(queue: _Queue, connected: Connected) -> None:
    while _do_queued(queue, connected):
        pass
    connected.drop()


def _do_queued(queue: _Queue, connected: Connected) -> bool:
    """Do what is queued, whether there may be more; while it waits it remembers no job."""
    jobs = _queued(queue)
    wanted = [job for job in jobs if job is not None]
    try:
        connected.do(wanted)
    except BaseException as error:  # noqa: BLE001 - nobody may wait for ever
        connected.drop()
        _fail(wanted, error)
    _deliver(wanted, connected.file)
    return len(wanted) == len(jobs)


def _queued(queue: _Queue) -> list[Job[Any] | None]:
    """All that is queued, at least one, and nothing behind a stop."""
    jobs = [queue.get()]
    with suppress(Empty):
        while jobs[-1] is not None and len(jobs) < _TOGETHER:
            jobs.append(queue.get_nowait())
    return jobs


def _fail(jobs: Iterable[Job[Any]], error: BaseException) -> None:
    """Give each job an error of its own, since each run adds to it what it came to."""
    for job in jobs:
        job.error = copy(error)
        job.error.__cause__ = error


def _deliver(jobs: Iterable[Job[Any]], file: DatabaseFile) -> None:
    """Tell those who wait, each event loop once."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Job[Any]]] = defaultdict(list)
    for job in jobs:
        if isinstance(job.error, sqlite3.Error):
            spoken = file.spoken(job.error)
            spoken.__cause__ = job.error
            job.error = spoken
        by_loop[job.future.get_loop()].append(job)
    for loop, waiting in by_loop.items():
        # a loop that was closed meanwhile has nobody who waits
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_end, waiting)


def _end(jobs: Iterable[Job[Any]]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
