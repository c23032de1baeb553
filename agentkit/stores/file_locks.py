"""Locks that are files: the kernel lets go of them when their process dies, however it dies."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path

from agentkit.errors import StoreError
from agentkit.stores.errors import held_by
from agentkit.stores.turns import Sleep, Turns

SHORTEST, LONGEST = 0.005, 0.25
"""Seconds between two looks at a lock that another process has: each twice the last."""


class FileLocks:
    """One lock for each session, a file in a folder while it is held.

    Those of one process take turns as they came; other processes are looked for.
    """

    def __init__(self, folder: Path, sleep: Sleep = asyncio.sleep) -> None:
        self._folder, self._sleep = folder, sleep
        # a forked child has none of the turns that its parent's runs have
        self._turns: dict[int, Turns] = {}

    @asynccontextmanager
    async def held(self, session: str, *, wait: bool) -> AsyncIterator[None]:
        """Have the session until the block is left.

        Raises Conflict where another has it, or waits; StoreError where there can be no lock.
        """
        turns = self._turns.setdefault(os.getpid(), Turns())
        async with turns.turn(session, wait=wait):
            lock = await self._locked(session, wait)
            try:
                yield
            finally:
                lock.release()

    async def _locked(self, session: str, wait: bool) -> _Lock:
        path = self._folder / hashlib.sha256(session.encode()).hexdigest()
        pause = SHORTEST
        while True:
            lock = _taken(path)
            if lock is not None:
                return lock
            if not wait:
                raise held_by("another process", session)
            await self._sleep(pause)
            pause = min(2 * pause, LONGEST)


class _Lock:
    def __init__(self, path: Path, descriptor: int) -> None:
        self._path, self._descriptor, self._process = path, descriptor, os.getpid()
        _HELD.add(descriptor)

    def release(self) -> None:
        """Let go, and take the file away. In a forked child it is closed already."""
        if os.getpid() != self._process:
            return
        _HELD.discard(self._descriptor)
        with suppress(OSError):
            self._path.unlink()
        # a child that is being forked may have the file open too
        _unlock(self._descriptor)
        os.close(self._descriptor)


_HELD: set[int] = set()
"""The descriptors of all locks of this process."""


def _taken(path: Path) -> _Lock | None:
    """The lock at the path, None where another has it."""
    _release_in_children()
    try:
        return _first_taken(path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StoreError(
            f"No session can be held: {path.parent}: {reason}. Sessions are held by files in that "
            "folder, so it must be one that may be written."
        ) from error


def _first_taken(path: Path) -> _Lock | None:
    while True:
        descriptor = _opened(path)
        is_locked = is_ours = False
        try:
            is_locked = _lock(descriptor)
            is_ours = is_locked and _is_at(path, descriptor)
        finally:
            if not is_ours:
                os.close(descriptor)
        if is_ours:
            return _Lock(path, descriptor)
        if not is_locked:
            return None
        # who had it before took the file away, so nobody else looks at the one just locked


def _opened(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        return os.open(path, flags, 0o600)


def _is_at(path: Path, descriptor: int) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(descriptor), path.stat())
    return False


@cache
def _release_in_children() -> None:
    """Have forked children close the locks, which otherwise outlive their parent in them."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_close_all)


def _close_all() -> None:
    while _HELD:
        os.close(_HELD.pop())


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
