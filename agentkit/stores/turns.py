"""Turns: who may have a session in this process, first come, first served.

Works across threads and event loops.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager

from agentkit.stores.errors import held_by

Sleep = Callable[[float], Awaitable[object]]
"""Lets so many seconds pass."""


class Turns:
    """Sessions of which each is somebody's at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[Future[None]]] = {}
        """Those who wait for each session that is taken."""

    @asynccontextmanager
    async def turn(self, session: str, *, wait: bool) -> AsyncIterator[None]:
        """Have the session until the block is left. Raises Conflict where it is taken, or waits."""
        ticket = self._draw(session, wait)
        try:
            if ticket is not None:
                await asyncio.wrap_future(ticket)
            yield
        finally:
            self._leave(session, ticket)

    def _draw(self, session: str, wait: bool) -> Future[None] | None:
        with self._lock:
            waiting = self._waiting.get(session)
            if waiting is None:
                self._waiting[session] = deque()
                return None
            if not wait:
                raise held_by("another in this process", session)
            ticket: Future[None] = Future()
            waiting.append(ticket)
            return ticket

    def _leave(self, session: str, ticket: Future[None] | None) -> None:
        with self._lock:
            waiting = self._waiting.get(session, deque())
            if ticket is not None and ticket in waiting:
                waiting.remove(ticket)
            elif ticket is None or not ticket.cancelled():
                self._call_next(session, waiting)

    def _call_next(self, session: str, waiting: deque[Future[None]]) -> None:
        while waiting:
            ticket = waiting.popleft()
            if ticket.set_running_or_notify_cancel():
                ticket.set_result(None)
                return
        del self._waiting[session]
