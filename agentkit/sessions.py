"""Where a run goes on: in memory, or in a session of a store that nobody else runs meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal
from uuid import uuid4

from agentkit.calls import CallState
from agentkit.encoding import JSON, decode, encode
from agentkit.errors import AgentkitError, ConfigurationError, Conflict, StoreError
from agentkit.journal import Journal, summary_of
from agentkit.log import Log
from agentkit.records import Record, Started, dump_record
from agentkit.result import RunResult
from agentkit.stores.opened import Where, opened_store
from agentkit.stores.protocol import Kept, Logs, Store

Session = str | RunResult | Log | None
"""A session of the store by its name, or the result or the log of a run to go on from."""

WhenBusy = Literal["conflict", "wait"]
"""What to do where another run is under way in the session."""


@dataclass(frozen=True)
class Place:
    """A log to go on with, and where it is kept."""

    log: Log
    session: str
    journal: Journal | None
    """None where it is in memory alone."""
    kept: Kept = field(default_factory=Kept)
    """What the store had of it."""


@asynccontextmanager
async def opened(
    session: Session, store: Logs | None, when_busy: WhenBusy = "conflict"
) -> AsyncIterator[Place]:
    """The session's log, for as long as the block lasts.

    Raises Conflict where another run is under way in it, or where a result or a log is given that
    the stored session has gone on from.
    """
    if when_busy not in ("conflict", "wait"):
        raise ConfigurationError(f"when_busy: {when_busy!r} is neither 'conflict' nor 'wait'.")
    log, name = _log_of(session)
    if store is None:
        yield Place(log, name, None)
        return
    async with store.hold(name, wait=when_busy == "wait"):
        kept = Kept() if session is None else await store.load(name)
        log = _joined(log, kept, name)
        yield Place(log, name, Journal(store, name, len(kept.records)), kept)


async def fork(store: Where, session: str, at: int | None = None, name: str | None = None) -> str:
    """The name of a new session that begins with the first `at` records of another, or with all.

    `store` is a Store, or the path or the URL of one. Nothing is copied. What the other one may
    have run is not run again unasked: a call that was under way or allowed there waits here.
    Raises ConfigurationError for a session or a number of records that is not there.
    """
    store = opened_store(store)
    if at is not None and at < 1:
        raise ConfigurationError(f"at: a fork begins with 1 record or more, got {at}.")
    records = await _records(store, session, at)
    at = len(records) if at is None else at
    name = name or new_session()
    own = _started_elsewhere(records, at)
    await store.fork(session, at, name, own)
    log = Log([*records[:at], *own])
    await store.append(name, len(log), (), summary_of(log))
    return name


async def _records(store: Store, session: str, at: int | None) -> tuple[Record, ...]:
    """Its records; of a session that is damaged, those before the damage where they are enough."""
    try:
        return (await store.load(session)).records
    except StoreError as error:
        if at is None or at > len(error.records):
            raise
        return tuple(error.records)


def new_session() -> str:
    """A name that no session has yet."""
    return f"run_{uuid4().hex[:12]}"


def _started_elsewhere(records: tuple[Record, ...], at: int) -> list[Record]:
    """What a fork has to know of the calls that are open in it: that they may have run."""
    log = Log(records[:at])
    effects = {
        call_id: effect
        for record in records[at:]
        if isinstance(record, Started)
        for call_id, effect in record.effects.items()
    }
    unsure = {
        call.call_id: "once"
        for call in log.open_calls
        if _may_run_elsewhere(call, effects.get(call.call_id) or call.effect)
    }
    return [Started(unsure)] if unsure else []


def _may_run_elsewhere(call: CallState, effect: str | None) -> bool:
    """Whether the other session has run the call, or may yet; what only reads may run in both."""
    if call.is_the_servers_own or effect == "read":
        return False
    is_allowed = call.decision is not None and not call.is_decided_by_hand
    return effect is not None or is_allowed


def _log_of(session: Session) -> tuple[Log, str]:
    if isinstance(session, RunResult):
        return session.log.copy(), session.session
    if isinstance(session, Log):
        return session.copy(), session.session or new_session()
    if isinstance(session, str) and not session:
        raise ConfigurationError("session: the name is empty. Leave it out for a new session.")
    if session is None or isinstance(session, str):
        return Log(), session or new_session()
    raise ConfigurationError(
        "session: expected a result, a Log or a name, got a "
        f"{type(session).__name__}. Of a dumped log: Log.load(dump)."
    )


def _joined(log: Log, kept: Kept, name: str) -> Log:
    """The log to go on with: the stored one, or the one in hand where nothing has followed it."""
    if not len(log):
        return _folded(kept, name)
    if len(kept.records) > len(log):
        raise Conflict(
            f"The session {name!r} has gone on since this result. Pass its name to go on where "
            "it stands, or fork it to go on from here."
        )
    last = len(kept.records) - 1
    if last >= 0 and _stored(kept.records[last]) != _stored(log.records[last]):
        raise Conflict(f"The store holds another session {name!r}. Pass a log of its own.")
    return log


def _stored(record: Record) -> JSON:
    """The record as it comes back from a store: of a tuple, say, JSON makes a list."""
    return decode(encode(dump_record(record)))


def _folded(kept: Kept, name: str) -> Log:
    try:
        return Log(kept.records)
    except StoreError:
        raise
    except AgentkitError as error:
        raise StoreError(
            f"The log of {name!r} does not add up: {error} Fork it before that to go on.",
            kept.records,
        ) from error
