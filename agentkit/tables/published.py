"""Writing a table while others read it: rows gather, and are published now and then."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Protocol, Self

from agentkit.errors import AgentkitError
from agentkit.tables.pace import SHORTEST, Pace


class Gathering(Protocol):
    """Where rows gather, and how they are published."""

    name: str

    def begin(self) -> None:
        """Have the place for oneself. Raises ConfigurationError where that cannot be."""

    @property
    def was_there(self) -> bool:
        """Whether there is a former table."""

    @property
    def is_shorter(self) -> bool:
        """Whether it has fewer rows so far than the former table, which is worth more then."""

    def add(self, index: int, cells: Sequence[Any]) -> bool:
        """Keep a row; True where so many have gathered that they should be published."""

    def snapshot(self) -> Callable[[], None]:
        """What publishes the rows so far; it may be called in another thread, and once."""

    def close(self) -> None:
        """Leave nothing behind but the table."""


class PublishedTable:
    """A table that is published whole, in a thread of its own: as rows come, and at the end."""

    def __init__(self, gathering: Gathering, now: Callable[[], float]) -> None:
        self.name = gathering.name
        self._gathering, self._now = gathering, now
        self._thread = ThreadPoolExecutor(1, "table")
        self._publishing: Future[None] | None = None
        self._pace = Pace(0.0)
        self._has_rows = self._is_finished = False
        self.was_there = False
        """Whether there is a former table, which this one takes the place of."""
        self.is_published = False
        """Whether it has done so."""

    def __enter__(self) -> Self:
        self._gathering.begin()
        self.was_there = self._gathering.was_there
        self._pace = Pace(self._now() + SHORTEST * self.was_there)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self.finish()
            elif self._has_rows and not self._gathering.is_shorter:
                with suppress(AgentkitError):  # the first error is the one to tell
                    self.finish()
        finally:
            self._thread.shutdown()
            self._gathering.close()

    def write(self, index: int, cells: Sequence[Any]) -> None:
        """Take a row. Raises AgentkitError where it, or an earlier one, cannot be written."""
        with self._spoken():
            is_full = self._gathering.add(index, cells)
            self._has_rows, self._is_finished = True, False
            is_due = self._pace.is_due(self._now()) and not self._gathering.is_shorter
            if is_full or is_due:
                self._publish_some(wait=is_full)

    def finish(self) -> None:
        """Publish all rows. Raises AgentkitError where that cannot be."""
        if self._is_finished:
            return
        with suppress(OSError, sqlite3.Error):  # what has failed in between is tried again
            self._wait()
        with self._spoken():
            self._gathering.snapshot()()
        self._is_finished = self.is_published = True

    def _publish_some(self, *, wait: bool) -> None:
        """Begin to publish what there is, unless that is being done."""
        if self._publishing is not None and not (wait or self._publishing.done()):
            return
        self._wait()
        self._publishing = self._thread.submit(self._publish, self._gathering.snapshot())

    def _publish(self, publish: Callable[[], None]) -> None:
        began = self._now()
        publish()
        self.is_published = True
        self._pace.took(began, self._now())

    def _wait(self) -> None:
        publishing, self._publishing = self._publishing, None
        if publishing is not None:
            publishing.result()

    @contextmanager
    def _spoken(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            raise unwritten(self.name, error) from error


def unwritten(name: str, error: OSError | sqlite3.Error) -> AgentkitError:
    """The error for a table that cannot be written any more."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    is_full = code == sqlite3.SQLITE_FULL or getattr(error, "errno", 0) == errno.ENOSPC
    reason = "its disk is full" if is_full else getattr(error, "strerror", None) or str(error)
    return AgentkitError(
        f"{name} cannot be written: {reason}. The answers that have come are kept in the store: "
        "mend that and run the same again, which asks for none of them twice."
    )
