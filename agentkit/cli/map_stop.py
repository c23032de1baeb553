"""Ctrl-C while a table is worked on: the first lets rows end, the second stops at once."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def interrupted_by(*steps: Callable[[], object]) -> Iterator[None]:
    """Have each Ctrl-C take the next of these steps in the running loop, for the block.

    Behind the last of them it ends the process, also where something does not let itself cancel.
    """
    if threading.current_thread() is not threading.main_thread():  # signals go to that one
        yield
        return
    loop, left = asyncio.get_running_loop(), list(steps)

    def heard(*_: object) -> None:
        step = left.pop(0)
        if not left:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        loop.call_soon_threadsafe(step)

    before = signal.signal(signal.SIGINT, heard)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.default_int_handler)
