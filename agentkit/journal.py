"""Writing a run's log into its store: in order, each record once, before anything else happens."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from agentkit.log import Log
from agentkit.moves import Finish, Wait, next_move
from agentkit.records import Input, Setup
from agentkit.responses.items import Message
from agentkit.stores.protocol import Logs, Summary

MOST_TITLE = 100
"""Characters of a session's title."""


class Journal:
    """The place of one session in a store, and how much of its log is kept there."""

    def __init__(self, store: Logs, session: str, kept: int) -> None:
        self.store = store
        self._session, self._kept = session, kept
        self._turn = asyncio.Lock()
        self._is_open = False
        """Whether a list shows it as under way."""

    async def write(self, log: Log) -> None:
        """Keep what is new in the log, in one commit. Raises StoreError, or Conflict.

        A cancelled run is cancelled once the commit has ended, so that the two never differ.
        """
        async with self._turn:
            if self._kept < len(log):
                self._is_open = True
                await _finished(self._append(log, summary_of(log, "open")))

    async def end(self, log: Log, status: str | None = None) -> None:
        """Keep what is new, and how the run ended: as the log has it, or as it is said here."""
        async with self._turn:
            # a run that was killed amid a call waits, which nobody could say of it then
            waits = isinstance(next_move(log), Wait)
            if self._is_open or self._kept < len(log) or status or waits:
                await _finished(self._append(log, summary_of(log, status)))

    async def _append(self, log: Log, summary: Summary) -> None:
        new = log.records[self._kept :]
        await self.store.append(self._session, self._kept, new, summary)
        self._kept += len(new)


class LateJournal(Journal):
    """One that keeps a beginning together with what comes of it.

    For who says the same again in any case: a question that nothing has come of need not be known.
    """

    async def write(self, log: Log) -> None:
        """Keep what is new in the log, in one commit, unless all there is was only said."""
        if any(not isinstance(record, Setup | Input) for record in log):
            await super().write(log)


def summary_of(log: Log, status: str | None = None) -> Summary:
    """What a list shows of the session, as far as the log can say it."""
    move = next_move(log)
    stands = move.status if isinstance(move, Finish | Wait) else "open"
    cost = None if log.unpriced or not log.turns else log.cost
    return Summary(_title(log), status or stands, log.turns, log.usage.total_tokens, cost)


def _title(log: Log) -> str:
    said = next((record for record in log.records if isinstance(record, Input)), None)
    items = said.items if said else ()
    text = " ".join(item.text for item in items if isinstance(item, Message))
    return " ".join(text[: 10 * MOST_TITLE].split())[:MOST_TITLE]


async def _finished(work: Coroutine[Any, Any, None]) -> None:
    """Let the work come to its end; one who is cancelled meanwhile is cancelled behind it."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
        except Exception:  # noqa: BLE001 - raised below, where the task's own result is taken
            break
    if cancelled is not None and not task.cancelled():
        failure = task.exception()
        raise cancelled from failure
    await task
