"""An event loop in a thread of its own, for callers that have none.

One a process, begun at the first use, so that synchronous runs share their connections. It works
from scripts, threads, notebooks and from inside another running loop.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

from agentkit.errors import ConfigurationError

T = TypeVar("T")

STOP = 5.0
"""Seconds that an interrupted run has to end its tools."""


class Background:
    """A thread that runs an event loop until the process ends."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="agentkit", daemon=True)
        self._thread.start()
        atexit.register(self._stop)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """What the coroutine returns. An interrupt cancels it, and waits until it has ended."""
        if threading.current_thread() is self._thread:
            coroutine.close()
            raise ConfigurationError(
                "A synchronous run cannot be started from an asynchronous tool or listener. "
                "Use `await agent.run(…)` there."
            )
        ended, cancelled = threading.Event(), list[BaseException]()

        async def body() -> T:
            try:
                return await coroutine
            except asyncio.CancelledError as error:
                cancelled.append(error)
                raise
            finally:
                ended.set()

        future = asyncio.run_coroutine_threadsafe(body(), self.loop)
        try:
            return future.result()
        except (KeyboardInterrupt, SystemExit) as interrupt:
            future.cancel()
            ended.wait(STOP)
            for error in cancelled:
                interrupt.result = getattr(error, "result", None)  # type: ignore[union-attr]
            raise

    def _serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    def _stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(STOP)


def background() -> Background:
    """The process's background loop; a forked child gets one of its own."""
    return _background(os.getpid())


@cache
def _background(_process: int) -> Background:
    return Background()
