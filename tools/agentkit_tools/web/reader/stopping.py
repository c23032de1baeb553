"""A stretch of work that is stopped when it takes too long, where the system can."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class TooLongError(BaseException):
    """Raised in the midst of the work; no `except Exception` on the way keeps it."""


@contextmanager
def stopped_after(seconds: float) -> Iterator[None]:
    """Raise TooLongError within, once the time is up. Only for the main thread of a process."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(*_: object) -> None:
        raise TooLongError

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
