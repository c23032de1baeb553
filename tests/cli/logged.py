"""Runs in a log, for the commands that look at it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from agentkit import Agent
from agentkit.records import Record
from agentkit.stores.protocol import Store, Summary
from agentkit.stores.sqlite import SQLiteStore
from agentkit.testing import ScriptedModel

DB = "runs.db"
"""The log of a test, in its own folder."""

T = TypeVar("T")


def use(work: Callable[[Store], Coroutine[Any, Any, T]]) -> T:
    """What the work gives with the test's log."""

    async def whole() -> T:
        store = SQLiteStore(DB)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(whole())


def log_run(session: str, *answers: Any, said: str = "Hi", **options: Any) -> None:
    """Have a run logged in which a scripted model gives these answers."""
    agent = Agent(ScriptedModel(*answers), **options)
    with suppress(RuntimeError):  # of a model that failed
        use(lambda store: agent.run(said, session=session, store=store))


def log_records(session: str, records: Sequence[Record], **summary: Any) -> None:
    """Have these records logged."""
    use(lambda store: store.append(session, 0, records, Summary(**summary)))
