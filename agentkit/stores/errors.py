"""The errors of stores that are the same wherever logs are kept."""

from __future__ import annotations

from collections.abc import Sequence

from agentkit.errors import ConfigurationError, Conflict, StoreError
from agentkit.records import Record


def check_count(session: str, count: int, expected: int) -> None:
    """Raise Conflict unless a session has as many records as is expected."""
    if count != expected:
        raise Conflict(
            f"Session {session!r} has {count} records, not {expected}: another has gone on with it "
            "meanwhile. Load it again."
        )


def held_by(other: str, session: str) -> Conflict:
    """The error of who would hold a session that another one holds, and is named in words."""
    return Conflict(
        f"Session {session!r} is being run by {other}. Try again later, or wait until it is free: "
        'when_busy="wait" in Python, --wait on the command line.'
    )


def check_fork(parent: str, count: int | None, at: int) -> None:
    """Raise ConfigurationError unless a session has `at` records or more; None is no session."""
    if count is None:
        raise ConfigurationError(f"There is no session {parent!r} to fork.")
    if not 0 <= at <= count:
        raise ConfigurationError(
            f"Session {parent!r} has {count} records, so it cannot be forked at {at}."
        )


def name_conflict(session: str) -> Conflict:
    """The error of a fork whose name another session has."""
    return Conflict(f"There is a session {session!r} already. Give another name.")


def unreadable_from(
    session: str, records: Sequence[Record], reason: StoreError, place: str = ""
) -> StoreError:
    """The error of a session that cannot be read to its end, with the records before that."""
    return StoreError(
        f"Session {session!r}{place} cannot be read from record {len(records)} on. {reason}",
        records,
    )


def unreadable(session: str, seq: int, reason: StoreError, place: str = "") -> StoreError:
    """The error of a single record that cannot be read."""
    return StoreError(f"Record {seq} of session {session!r}{place} cannot be read. {reason}")
