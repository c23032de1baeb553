"""An event loop in a thread of its own, for callers that have none.

One a process, begun at the first use, so that synchronous runs share their connections. It works
from scripts, threads, notebooks and from inside another running loop.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from functools import cache, partial
from typing import Any, TypeVar

from agentkit.errors import ConfigurationError, carry

T = TypeVar("T")
Work = Callable[[], Coroutine[Any, Any, T]]

STOP = 5.0
"""Seconds that an interrupted run has to end its tools."""


class Background:
    """A thread that runs an event loop until the process ends."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._serve, name="agentkit", daemon=True)
        self._thread.start()
        atexit.register(self._stop)

    def start(self, work: Work[T]) -> Future[T]:
        """Begin the work.

        Raises ConfigurationError in the loop's own thread, which would wait for itself.
        """
        if threading.current_thread() is self._thread:
            raise ConfigurationError(
                "A synchronous run cannot be started from an asynchronous tool or listener. "
                "Use `await agent.run(…)` there."
            )
        return asyncio.run_coroutine_threadsafe(work(), self.loop)

    def open(self, gate: asyncio.Event) -> None:
        """Let work go on that waits at a gate.

        Work that begins behind one cannot be under way before its caller is ready to be
        interrupted.
        """
        self.loop.call_soon_threadsafe(gate.set)

    def run(self, work: Work[T], stop: float = STOP) -> T:
        """What the work comes to. An interrupt cancels it, and waits `stop` seconds for its end.

        The interrupt then carries `.result`, what it came to, None where that is unknown.
        """
        ended, gate = threading.Event(), asyncio.Event()
        outcome: list[Any] = []
        future = self.start(partial(_noted, work, outcome, ended, gate))
        try:
            self.open(gate)
            return future.result()
        except (KeyboardInterrupt, SystemExit, CancelledError) as interrupt:
            future.cancel()
            ended.wait(stop)
            carry(interrupt, outcome[0] if outcome else None)
            raise

    def _serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        while not self._is_stopping:
            # a tool may raise these, which ends the loop's run but must not end the loop
            with suppress(KeyboardInterrupt, SystemExit):
                self.loop.run_forever()
        self.loop.run_until_complete(_ended(asyncio.all_tasks(self.loop)))
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    def _stop(self) -> None:
        self._is_stopping = True
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(STOP)


async def _ended(tasks: Iterable[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _noted(
    work: Work[T], outcome: list[Any], ended: threading.Event, gate: asyncio.Event
) -> T:
    """What the work comes to, noted too for a caller who could not wait for it."""
    try:
        await gate.wait()
        result = await work()
    except BaseException as error:
        outcome.append(getattr(error, "result", None))
        raise
    else:
        outcome.append(result)
        return result
    finally:
        ended.set()


_ONE_AT_A_TIME = threading.Lock()


def background() -> Background:
    """The process's background loop; a forked child gets one of its own."""
    with _ONE_AT_A_TIME:
        return _background(os.getpid())


@cache
def _background(_process: int) -> Background:
    return Background()
