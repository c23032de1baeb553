"""What a store of logs does. Any object that does it can be an agent's `store`.

`agentkit.testing.stores` holds the tests that every store must pass.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from agentkit.records import Record
from agentkit.responses.response import Usage


@dataclass(frozen=True)
class Kept:
    """The log of a session as it is stored; all empty for a session that is not there."""

    records: tuple[Record, ...] = ()
    """In order, those that a fork shares with its parent included."""
    at: tuple[datetime, ...] = ()
    """When each was stored, in UTC."""
    parent: str | None = None
    """The session that it was forked from."""


@dataclass(frozen=True)
class Summary:
    """What a list shows of a session; whoever appends says it anew."""

    title: str = ""
    """The first words of the caller."""
    status: str = "open"
    """How the last run ended, `waiting` where it waits, `open` where it has not ended."""
    turns: int = 0
    """Answers of all its runs."""
    tokens: int = 0
    cost: float | None = None
    """US dollars of all its runs, None where that is not known."""


@dataclass(frozen=True)
class SessionInfo:
    """A session in a list."""

    session: str
    created: datetime
    updated: datetime
    records: int
    """How many, those that a fork shares with its parent included."""
    summary: Summary = field(default_factory=Summary)
    parent: str | None = None


@dataclass(frozen=True)
class Found:
    """A record in which a search found all its words."""

    session: str
    seq: int
    at: datetime
    kind: str
    text: str
    """The record's text, whole as far as it is searched."""


@dataclass(frozen=True)
class Spent:
    """One answer, as the ledger has it."""

    session: str
    at: datetime
    model: str
    """The model's name as the server gave it, empty where it gave none."""
    usage: Usage
    cost: float | None
    """US dollars, None where that is not known."""


class Store(Protocol):
    """Keeps logs. Safe to use from many runs, threads and event loops at once.

    Raises StoreError for what cannot be kept or read, with what to do about it.
    """

    async def load(self, session: str) -> Kept:
        """All records of a session, in order.

        Raises StoreError for a record that cannot be read; its `.records` are those before it.
        """
        ...

    async def append(
        self,
        session: str,
        expected_seq: int,
        records: Sequence[Record],
        summary: Summary | None = None,
    ) -> None:
        """Keep the records behind the `expected_seq` that the session has: all of them, or none.

        When it returns they are kept. Raises Conflict where the session has another number of
        records. A commit whose answer was lost is looked up, and not made twice. Without records
        it says the summary anew; without a summary the last one stands.
        """
        ...

    async def list(
        self,
        *,
        status: Collection[str] = (),
        limit: int | None = 100,
        before: datetime | None = None,
    ) -> Sequence[SessionInfo]:
        """Sessions, the last updated first; of these statuses alone, where some are named."""
        ...

    async def search(self, text: str, *, limit: int = 20) -> Sequence[Found]:
        """Inputs, answers and outputs with all the words of the text, the newest first.

        The last word may be the beginning of one. No text is an error; one without words finds
        nothing. What a fork shares is found once.
        """
        ...

    async def spent(self, since: datetime | None = None) -> Sequence[Spent]:
        """Every stored answer and compaction, in the order they were stored.

        Of a fork, its own alone: what it shares was paid for once.
        """
        ...

    async def delete(self, session: str) -> bool:
        """Take a session away, its text included; whether it was there.

        Its forks keep what they shared with it, each record still once: another session is their
        parent then, or none.
        """
        ...

    async def fork(self, session: str, at: int, fork: str, records: Sequence[Record] = ()) -> None:
        """A new session that begins with the first `at` records of another, and these behind.

        The shared records are pointed at and not copied. Raises Conflict where `fork` is there
        already, ConfigurationError where `session` is not or has fewer records.
        """
        ...

    def hold(self, session: str, *, wait: bool = False) -> AbstractAsyncContextManager[None]:
        """Be the only one that runs this session, until the block is left or the process ends.

        Where another runs it, in this process or any other: raises Conflict, or waits its turn.
        """
        ...

    async def close(self) -> None:
        """Let go of files and connections; the next use opens them again."""
        ...
