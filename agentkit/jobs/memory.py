"""Logs in memory, for a job without a store: its rows find one another, and nothing is left."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime

from agentkit.records import Record
from agentkit.stores.errors import check_count, check_fork, name_conflict
from agentkit.stores.protocol import Kept, Summary
from agentkit.stores.turns import Turns


class MemoryLogs:
    """As much of a store as runs need. It grows with every row that is asked."""

    def __init__(self) -> None:
        self._sessions: dict[str, Kept] = {}
        self._turns = Turns()

    async def load(self, session: str) -> Kept:
        """All records of a session, in order."""
        return self._sessions.get(session, Kept())

    async def append(
        self,
        session: str,
        expected_seq: int,
        records: Sequence[Record],
        summary: Summary | None = None,  # noqa: ARG002 - nobody lists them
    ) -> None:
        """Keep the records. Raises Conflict where the session has another number of them."""
        kept = await self.load(session)
        check_count(session, len(kept.records), expected_seq)
        at = (datetime.now(UTC),) * len(records)
        self._sessions[session] = replace(
            kept, records=(*kept.records, *records), at=(*kept.at, *at)
        )

    async def delete(self, session: str) -> bool:
        """Take a session away; whether it was there."""
        return self._sessions.pop(session, None) is not None

    async def fork(self, session: str, at: int, fork: str, records: Sequence[Record] = ()) -> None:
        """A new session with the first `at` records of another, and these behind."""
        kept = self._sessions.get(session)
        check_fork(session, None if kept is None else len(kept.records), at)
        if fork in self._sessions:
            raise name_conflict(fork)
        there = kept or Kept()
        self._sessions[fork] = Kept(there.records[:at], there.at[:at], session)
        await self.append(fork, at, records)

    def hold(self, session: str, *, wait: bool = False) -> AbstractAsyncContextManager[None]:
        """Be the only one that runs this session, until the block is left."""
        return self._turns.turn(session, wait=wait)
