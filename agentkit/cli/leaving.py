"""Running coroutines in one loop, and leaving though a thread runs on.

Python waits at its exit for the threads of a loop's own pool, where names are looked up and where
a tool may send work by `asyncio.to_thread`. What blocks there cannot be stopped, so an interrupted
command would hang.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from agentkit.cli.errors import BROKEN_PIPE, FAILED, INTERRUPTED

GRACE = 0.2
"""Seconds that a process which is done has to end by itself."""

P = ParamSpec("P")
T = TypeVar("T")


def drive(coroutine: Coroutine[Any, Any, int]) -> int:
    """Run the coroutine in a loop of its own; its exit code."""
    return drive_with(lambda runner: runner.run(coroutine))


def drive_with(work: Callable[[asyncio.Runner], int]) -> int:
    """Do work that runs coroutines, all of them in one loop; its exit code.

    Between two of them nothing runs, so a terminal can be read there, and an interrupt is a
    KeyboardInterrupt. A thread that is still busy at the end does not keep the process from
    ending with that code.
    """
    threads, code = _Threads(), FAILED
    try:
        with asyncio.Runner() as runner:
            runner.get_loop().set_default_executor(threads)
            code = work(runner)
    except BrokenPipeError:
        code = BROKEN_PIPE
        raise
    except KeyboardInterrupt:
        code = INTERRUPTED
        raise
    finally:
        if threads.are_busy or _is_in_a_tool():
            _leave_soon(code)
    return code


def die_of_the_next_interrupt() -> None:
    """A second Ctrl-C ends the process at once, also where a tool does not let itself cancel."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def live_on() -> None:
    """Have an interrupt be a KeyboardInterrupt again, where the last one ended no process."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class _Threads(ThreadPoolExecutor):
    """Threads that nobody waits for at the end."""

    def __init__(self) -> None:
        super().__init__(thread_name_prefix="agentkit-pool")
        self._unfinished: set[Future[Any]] = set()

    @property
    def are_busy(self) -> bool:
        return bool(self._unfinished)

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future = super().submit(function, *args, **kwargs)
        self._unfinished.add(future)
        future.add_done_callback(self._unfinished.discard)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002
        super().shutdown(wait=False, cancel_futures=True)


def _is_in_a_tool() -> bool:
    """Whether a call that was cut off still blocks: its thread waits for others perhaps."""
    return any(thread.name == "agentkit-tool" for thread in threading.enumerate())


def _leave_soon(code: int) -> None:
    timer = threading.Timer(GRACE, os._exit, (code,))
    timer.daemon = True
    timer.start()
