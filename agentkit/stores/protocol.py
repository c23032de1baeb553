"""What a store of logs does. Any object that does it can be an agent's `store`.

Of `agentkit.testing.stores`, `CHECKS` are the tests that every store must pass, `SHARED_CHECKS`
those for two that are opened at one place. What SQLite and PostgreSQL have in common may be used
by others too:

    text.py     checked_session, checked_fact: names
                searchable, lexemes, wanted: what a search finds
    rows.py     rows_of, record_of: records to JSON text and back    spent_of: the ledger
                fact_body, fact_of: facts to JSON text and back
    errors.py   check_count, check_fork, held_by and others: errors in the same words
    turns.py    Turns: who may have a session in this process
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, cast

from agentkit.encoding import Wire
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
    """The session that stored it, not the forks that share it."""
    seq: int
    """Its place in the session; the first record is 0."""
    at: datetime
    kind: str
    """`input`, `answer` or `output`."""
    text: str
    """All that is searched of the record: `agentkit.stores.text.searchable(record)`."""


@dataclass(frozen=True)
class Spent:
    """One answer or compaction, as the ledger has it."""

    session: str
    at: datetime
    model: str
    """`response.model`, the name that the server gave; empty where it gave none, and for a
    compaction."""
    usage: Usage
    """`response.usage`, or the compaction's."""
    cost: float | None
    """US dollars, None where that is not known."""


class Logs(Protocol):
    """The part of a store that runs need; what `Store` says of all of it holds for this one."""

    async def load(self, session: str) -> Kept:
        """All records of a session, in order.

        Raises StoreError for a record that cannot be read, one of a newer version among them; its
        `.records` are those before it.
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

        `expected_seq` is how many there are, so the first of these gets that `seq`. When it returns
        they are kept. Raises Conflict where the session has another number of records. A commit
        whose answer was lost is looked up, and not made twice. Without records it says the summary
        anew; without a summary the last one stands.
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


class Store(Logs, Protocol):
    """Keeps logs. Safe to use from many runs, threads and event loops at once.

    A session's name is 1 to 200 characters without control characters and lone surrogates, each
    name another session, whatever it looks like; `append`, `fork` and `hold` raise
    ConfigurationError for any other (`checked_session`). Raises StoreError for what cannot be kept
    or read, with what to do about it.
    """

    async def list(
        self,
        *,
        status: Collection[str] = (),
        limit: int | None = 100,
        before: datetime | None = None,
    ) -> Sequence[SessionInfo]:
        """Sessions, the last updated first; of these statuses alone, where some are named.

        At most `limit` of them, all for None, and only those last updated before `before`.
        """
        ...

    async def search(self, text: str, *, limit: int = 20) -> Sequence[Found]:
        """Inputs, answers and outputs with all the words of the text, the newest first.

        Any text may be given: none raises an error, and one without words finds nothing. The last
        word may be the beginning of one. Case does not matter, nor do accents; of a script without
        spaces between words, any part of a sentence is found. What a fork shares is found once.

        A record is found if its `lexemes(searchable(record))` hold all of `wanted(text)`: its
        messages, the calls of an answer with their arguments, and what calls gave, up to its first
        20,000 characters. Images and files are left out.
        """
        ...

    async def spent(self, since: datetime | None = None) -> Sequence[Spent]:
        """Every stored answer and compaction, in the order they were stored.

        From the time `since` on, itself included. Of a fork, its own alone: what it shares was
        paid for once. Raises StoreError for one that cannot be read, as `load` does.
        """
        ...

    async def close(self) -> None:
        """Let go of files and connections; the next use opens them again."""
        ...


class Remembers(Protocol):
    """Keeps facts about the world outside of the sessions, such as what a server refuses.

    A store may do without: then its runs remember nothing of the kind, and go on all the same.
    Facts belong to no session, so they stay where one is deleted.
    """

    async def remember(self, name: str, value: Wire) -> None:
        """Keep a JSON object under a name, in place of what was there, with the time.

        Of many that do so at once, the last one stands. Raises ConfigurationError for a name that
        no fact can have (`checked_fact`), StoreError for a value that is no JSON object or has
        more than `LARGEST_FACT` bytes.
        """
        ...

    async def recall(self, name: str, *, within: timedelta | None = None) -> Wire | None:
        """What was last kept under the name, None where there is nothing.

        None, too, where that was longer ago than `within`, by the clock of the store. Raises
        StoreError for a value that cannot be read.
        """
        ...


@dataclass(frozen=True)
class CachedAnswers:
    """What a store's cache has of one model."""

    model: str
    count: int
    size: int
    """Bytes of all of them together."""
    oldest: datetime
    newest: datetime
    """When each was kept, in UTC."""


class Caches(Protocol):
    """Keeps answers of models by the digest of what was asked.

    A store may do without. Answers belong to no session, so they stay where one is deleted.
    """

    async def cached(self, key: str, *, within: timedelta | None = None) -> Wire | None:
        """What was last kept under the key, None where there is nothing.

        None, too, where that was longer ago than `within`, by the clock of the store. Raises
        StoreError for a value that cannot be read.
        """
        ...

    async def cache(self, key: str, value: Wire, *, model: str) -> None:
        """Keep a JSON object under a key, in place of what was there, with the time.

        Raises ConfigurationError for a key that nothing can have (`checked_key`), StoreError for a
        value that is no JSON object or has more than `LARGEST_ANSWER` bytes.
        """
        ...

    async def cached_answers(self) -> Sequence[CachedAnswers]:
        """What is kept of each model, by name."""
        ...

    async def prune_cache(self, older_than: timedelta | None = None) -> int:
        """Take away what was kept longer ago than this, all for None; how many there were.

        The space is free for what is kept next.
        """
        ...


class Surveys(Protocol):
    """Tells of many sessions at once what a list shows of them.

    A store may do without: then each of them is loaded.
    """

    async def survey(self, sessions: Sequence[str]) -> Mapping[str, SessionInfo]:
        """Those of the sessions that are there, by name.

        Any number of names may be given, each any that a session can have.
        """
        ...


def survey_of(store: object) -> Surveys | None:
    """The store as one that surveys, None for one that has not the method."""
    return cast("Surveys", store) if hasattr(store, "survey") else None


def cache_of(store: object) -> Caches | None:
    """The store as one that caches, None for one that has not all of the methods."""
    methods = ("cached", "cache", "cached_answers", "prune_cache")
    has_all = all(hasattr(store, method) for method in methods)
    return cast("Caches", store) if has_all else None


def memory_of(store: object) -> Remembers | None:
    """The store as one that remembers, None for one that has not both methods."""
    has_both = hasattr(store, "remember") and hasattr(store, "recall")
    return cast("Remembers", store) if has_both else None
