"""Threads that each keep a connection, so that one store serves every event loop and thread.

A connection is made at the first use and made anew where it broke. Knows nothing of logs.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[tuple[Any, ...]]

T = TypeVar("T")

TRIES = 3
"""How often work is begun whose connection breaks in the middle."""


class Server(Protocol):
    """What connections are made to."""

    def connect(self) -> Connection:
        """A new connection."""
        ...

    def explained(self, error: BaseException) -> BaseException:
        """The error that a caller is told instead of this one, or this one."""
        ...


@dataclass(eq=False)
class _Job:
    """Work for one connection, and what it comes to."""

    work: Callable[[Connection], Any]
    outcome: Future[Any] = field(default_factory=Future)
    began: float | None = None
    connection: Connection | None = None
    is_overdue: bool = False

    def end_if_overdue(self, patience: float) -> None:
        """Break its connection if it has been at work for longer: its server is silent."""
        connection = self.connection
        if self.began is None or connection is None or monotonic() - self.began < patience:
            return
        self.is_overdue = True
        with suppress(Exception):  # it may break by itself meanwhile
            _shut(connection.fileno())


def _shut(descriptor: int) -> None:
    """Wake the thread that waits for something to come over the connection."""
    with socket.socket(fileno=os.dup(descriptor)) as wire:
        wire.shutdown(socket.SHUT_RDWR)


class Pool:
    """Connections to a server, at most `size` at once."""

    def __init__(self, server: Server, size: int, patience: float) -> None:
        self._server = server
        self._size = size
        self._patience = patience
        """Seconds after which work is given up whose server says nothing."""
        self._lock = threading.Lock()
        self._crew = _Crew(server, size)

    async def do(self, work: Callable[[Connection], T]) -> T:
        """What the work on a connection gives; it is begun again where the connection breaks.

        A caller who is cancelled waits until work that was begun has ended: whatever it does next
        comes after that.
        """
        job = _Job(work)
        result: T = await self._outcome(job, job.outcome.cancel)
        return result

    async def surely_do(self, work: Callable[[Connection], T]) -> T:
        """What the work gives, which is done also when the caller is cancelled before it began."""
        result: T = await self._outcome(_Job(work), lambda: False)
        return result

    def close(self) -> Sequence[Future[None]]:
        """Let the connections go once their work is done; what is done when they have gone."""
        with self._lock:
            crew, self._crew = self._crew, _Crew(self._server, self._size)
        return crew.dismiss()

    async def _outcome(self, job: _Job, give_up: Callable[[], bool]) -> Any:
        with self._lock:
            self._crew.put(job)
        outcome = asyncio.wrap_future(job.outcome)
        cancelled: asyncio.CancelledError | None = None
        while not outcome.done():
            try:
                await asyncio.wait([outcome], timeout=self._patience)
            except asyncio.CancelledError as error:
                give_up()
                cancelled = error
            job.end_if_overdue(self._patience)
        if cancelled is None:
            return outcome.result()
        if not outcome.cancelled():
            outcome.exception()  # nobody is left to hear of it
        raise cancelled


class _Crew:
    """Threads that do jobs, begun one by one as there is more to do than they can."""

    def __init__(self, server: Server, size: int) -> None:
        self._server = server
        self._size = size
        self._changed = threading.Condition()
        self._jobs: deque[_Job] = deque()
        self._idle = 0
        self._endings: list[Future[None]] = []
        self._is_dismissed = False

    def put(self, job: _Job) -> None:
        with self._changed:
            self._jobs.append(job)
            if self._idle < len(self._jobs) and len(self._endings) < self._size:
                self._endings.append(self._begun())
            self._changed.notify()

    def dismiss(self) -> Sequence[Future[None]]:
        """Let the threads end when they have nothing to do; what is done when they have ended."""
        with self._changed:
            self._is_dismissed = True
            self._changed.notify_all()
        return self._endings

    def _begun(self) -> Future[None]:
        ending: Future[None] = Future()
        # a daemon, so that a silent server does not keep the process from ending
        threading.Thread(
            target=self._serve, args=(ending,), name="agentkit-postgres", daemon=True
        ).start()
        return ending

    def _serve(self, ending: Future[None]) -> None:
        worker = _Worker(self._server)
        try:
            while self._did_next(worker):
                pass
            worker.hang_up()
        finally:
            ending.set_result(None)

    def _did_next(self, worker: _Worker) -> bool:
        job = self._next()
        if job is None:
            return False
        if job.outcome.set_running_or_notify_cancel():
            worker.do(job)
        return True

    def _next(self) -> _Job | None:
        with self._changed:
            self._idle += 1
            while not self._jobs and not self._is_dismissed:
                self._changed.wait()
            self._idle -= 1
            return self._jobs.popleft() if self._jobs else None


class _Worker:
    """A thread's own connection."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._connection: Connection | None = None

    def do(self, job: _Job) -> None:
        """Do the job, and tell whoever waits for it what came of it."""
        try:
            result = self._tried(job)
        except BaseException as error:  # noqa: BLE001 - it is the caller's, not the thread's
            job.outcome.set_exception(self._server.explained(error))
        else:
            job.outcome.set_result(result)

    def hang_up(self) -> None:
        """Close the connection, if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _tried(self, job: _Job) -> Any:
        job.began = monotonic()
        for tries_left in reversed(range(TRIES)):
            job.connection = self._connection = self._connection or self._server.connect()
            try:
                return job.work(job.connection)
            except Exception:
                if not job.connection.closed or job.is_overdue or not tries_left:
                    raise
            finally:
                self._hang_up_unless_idle(job.connection)
        raise AssertionError("the last try returns or raises")

    def _hang_up_unless_idle(self, connection: Connection) -> None:
        from psycopg.pq import TransactionStatus

        if connection.info.transaction_status != TransactionStatus.IDLE:
            self.hang_up()
