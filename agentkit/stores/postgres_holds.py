"""Sessions that this process holds, by advisory locks of PostgreSQL.

The server lets go of a lock when the connection breaks that took it, so a process that dies holds
nothing. One that lives on and has lost a hold this way is found out by its appends: each hold
writes who holds the session into its row, and an append asks whether that has changed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from agentkit.errors import StoreError
from agentkit.stores.errors import held_by
from agentkit.stores.postgres_pool import Pool
from agentkit.stores.turns import Sleep, Turns

if TYPE_CHECKING:
    from agentkit.stores.postgres_pool import Connection

SHORTEST_PAUSE, LONGEST_PAUSE = 0.01, 0.5
"""Seconds between two looks at a session that another process holds."""

# advisory locks are of the whole database, in which each schema may have tables of ours
_KEY = "hashtextextended(%s, 'agentkit_sessions'::regclass::oid::bigint)"


class Holds:
    """The sessions that are held by one process."""

    def __init__(self, keeper: Pool, sleep: Sleep) -> None:
        self._keeper = keeper
        self._sleep = sleep
        self._turns = Turns()
        self._holders: dict[str, str] = {}

    def holder(self, session: str) -> str | None:
        """Who this process holds the session as, None where it does not hold it."""
        return self._holders.get(session)

    @asynccontextmanager
    async def hold(self, session: str, *, wait: bool) -> AsyncIterator[None]:
        """Hold the session until the block is left. Raises Conflict, or waits its turn."""
        async with self._turns.turn(session, wait=wait):
            try:
                await self._take(session, wait=wait)
                yield
            finally:
                await self._let_go(session)

    async def _take(self, session: str, *, wait: bool) -> None:
        pause = SHORTEST_PAUSE
        while not await self._keeper.do(partial(self._is_taken, session)):
            if not wait:
                raise held_by("another process", session)
            await self._sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _is_taken(self, session: str, connection: Connection) -> bool:
        taken = connection.execute(f"SELECT pg_try_advisory_lock({_KEY})", [session]).fetchone()
        if taken is None or not taken[0]:
            return False
        # noted before anything can fail, so that the lock is let go whatever happens
        holder = self._holders[session] = uuid4().hex
        note = "UPDATE agentkit_sessions SET holder = %s WHERE session = %s"
        connection.execute(note, [holder, session])
        return True

    async def _let_go(self, session: str) -> None:
        if self._holders.pop(session, None) is None:
            return
        # where the connection is broken, the server has let go already
        with suppress(StoreError):
            await self._keeper.surely_do(partial(_unlock, session))


def _unlock(session: str, connection: Connection) -> None:
    connection.execute(f"SELECT pg_advisory_unlock({_KEY})", [session])
