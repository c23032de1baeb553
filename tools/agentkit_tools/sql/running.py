"""Work in threads that ends in time, or when nobody waits for it any more."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from time import monotonic
from typing import TypeVar

T = TypeVar("T")


class Deadline:
    """Until when a call may work; the clock starts anew with `begin`."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = monotonic() + seconds
        self._is_stopped = False
        self._interrupt: Callable[[], None] | None = None
        self._stopping = threading.Lock()

    def begin(self) -> None:
        """Start the clock anew, for work that had to wait."""
        self._end = monotonic() + self.seconds

    @property
    def left(self) -> float:
        """Seconds, 0 where it is over."""
        return 0.0 if self._is_stopped else max(0.0, self._end - monotonic())

    @property
    def is_over(self) -> bool:
        """Whether the time is up or nobody waits any more."""
        return self.left == 0

    @property
    def told(self) -> str:
        """What a model is told whose call was stopped."""
        return (
            f"That took longer than {self.seconds:g} seconds and was stopped. Ask for less: narrow "
            "WHERE, join by keys, or aggregate a part of the rows."
        )

    @contextmanager
    def interrupting(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """Have `interrupt` called from another thread once it is over, while the block runs."""
        self._interrupt = interrupt
        timer = threading.Timer(self.left, self.stop)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            with self._stopping:  # behind the block, nothing is interrupted any more
                self._interrupt = None

    def stop(self) -> None:
        """Let it be over now. What is under way is interrupted."""
        with self._stopping:
            self._is_stopped = True
            if self._interrupt is not None:
                with suppress(Exception):  # the connection may be closed by now
                    self._interrupt()


class Threads:
    """Threads for work of one kind: so many at a time, and none of them holds up the exit."""

    def __init__(self, most: int, name: str) -> None:
        self._free = threading.BoundedSemaphore(most)
        self._name = name

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Have the work done once there is a thread for it; it can be cancelled until then."""
        future: Future[T] = Future()

        def body() -> None:
            with self._free:
                if not future.set_running_or_notify_cancel():
                    return
                try:
                    future.set_result(work())
                except BaseException as error:  # noqa: BLE001 - raised again where it is awaited
                    future.set_exception(error)

        threading.Thread(target=body, name=self._name, daemon=True).start()
        return future


async def in_time(threads: Threads, deadline: Deadline, work: Callable[[], T]) -> T:
    """What the work gives, done in one of the threads; cancelling interrupts it.

    What it came to all the same, such as a write that was committed by then, is given back.
    """

    def timed() -> T:
        deadline.begin()
        return work()

    running = threads.submit(timed)
    future = asyncio.wrap_future(running)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        if running.cancel():
            raise
        deadline.stop()
        await asyncio.wait((future,))
        if future.cancelled() or future.exception() is not None:
            raise
        return future.result()
