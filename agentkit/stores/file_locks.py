"""Locks on places in a file: the kernel lets go of them when their process dies, however it dies.

A lock is one call to the kernel, and so is its release: thousands of sessions a minute are held
without a file for each.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

from agentkit.errors import StoreError
from agentkit.stores.errors import held_by
from agentkit.stores.turns import Sleep, Turns

SHORTEST, LONGEST = 0.005, 0.25
"""Seconds between two looks at a lock that another process has: each twice the last."""


class FileLocks:
    """One lock for each session, a place in a file.

    Those of one process take turns as they came; other processes are looked for.
    """

    def __init__(self, path: Path, sleep: Sleep = asyncio.sleep) -> None:
        self._path, self._sleep = path, sleep

    @asynccontextmanager
    async def held(self, session: str, *, wait: bool) -> AsyncIterator[None]:
        """Have the session until the block is left.

        Raises Conflict where another has it, or waits; StoreError where there can be no lock.
        """
        _forget_in_children()
        file = _FILES.setdefault(str(self._path), _LockFile(self._path))
        async with file.turns.turn(session, wait=wait):
            place = _place_of(session)
            await self._locked(file, place, session, wait)
            try:
                yield
            finally:
                file.release(place)

    async def _locked(self, file: _LockFile, place: int, session: str, wait: bool) -> None:
        pause = SHORTEST
        while not file.take(place):
            if not wait:
                raise held_by("another process", session)
            await self._sleep(pause)
            pause = min(2 * pause, LONGEST)


class _LockFile:
    """The file as this process has it: open once, and as long as a session is held.

    The kernel gives a process all locks that it asks for, and takes all of them away when it
    closes the file anywhere: so there is one for all stores of a process.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._process = path, os.getpid()
        self._lock, self._descriptor = threading.Lock(), -1
        self._held: set[int] = set()
        self.turns = Turns()

    def take(self, place: int) -> bool:
        """Lock a place, if it is free; whether it was. Raises StoreError where no lock can be."""
        with self._lock:
            try:
                if not self._held:
                    self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
                if not _lock(self._descriptor, place):
                    return False
                self._held.add(place)
                return True
            except OSError as error:
                reason = error.strerror or type(error).__name__
                raise StoreError(
                    f"No session can be held: {self._path}: {reason}. Sessions are held by locks "
                    "on that file, so it must be one that may be written."
                ) from error
            finally:
                self._close_unless_held()

    def release(self, place: int) -> None:
        """Let go of a place. A forked child has none."""
        if os.getpid() != self._process:
            return
        with self._lock:
            self._held.discard(place)
            _unlock(self._descriptor, place)
            self._close_unless_held()

    def forget(self) -> None:
        """Let go of the file in a forked child."""
        self._held.clear()
        self._close_unless_held()

    def _close_unless_held(self) -> None:
        if not self._held and self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


_FILES: dict[str, _LockFile] = {}
"""The lock files of this process, by path."""


def _place_of(session: str) -> int:
    """Where in the file its lock is. No two sessions have the same, as far as anybody will see."""
    digest = hashlib.sha256(session.encode()).digest()
    return int.from_bytes(digest[:8], "big") % _PLACES


@cache
def _forget_in_children() -> None:
    """Have forked children begin with no lock file: they have none of their parent's locks."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forget)


def _forget() -> None:
    while _FILES:
        _path, file = _FILES.popitem()
        file.forget()


if sys.platform == "win32":
    import msvcrt

    _PLACES = 2**31 - 1

    def _lock(descriptor: int, place: int) -> bool:
        os.lseek(descriptor, place, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(descriptor: int, place: int) -> None:
        os.lseek(descriptor, place, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    _PLACES = 2**62

    def _lock(descriptor: int, place: int) -> bool:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def _unlock(descriptor: int, place: int) -> None:
        fcntl.lockf(descriptor, fcntl.LOCK_UN, 1, place)
