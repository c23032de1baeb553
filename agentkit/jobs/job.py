"""Job: a prompt asked of an agent for each row of a table."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from datetime import UTC, datetime
from typing import Any

from agentkit.errors import ConfigurationError, carry
from agentkit.jobs.asking import Asker
from agentkit.jobs.options import plan_of
from agentkit.jobs.preparing import Prepared, prepared
from agentkit.jobs.results import Launch, MapResult, MapRow, Progress
from agentkit.jobs.tally import Hear, Tally
from agentkit.jobs.working import Work
from agentkit.tables.table import AsyncSource, Rows, Source, TableWriter
from agentkit.tables.template import prompt_of


class Job:
    """What `agent.map` gives: `await` it for the result, or `async for` its rows as they end.

    Nothing is read, written or asked before. It runs once.
    """

    def __init__(
        self,
        asker: Callable[[], Asker],
        rows: Rows | Source | AsyncSource,
        prompt: str | Callable[[Mapping[str, Any]], Any],
        options: Mapping[str, Any],
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.progress = Progress()
        """Where it stands."""
        self._asker, self._rows, self._prompt = asker, rows, prompt_of(prompt)
        self._plan = plan_of(options)
        self._clock, self._now = clock, now
        self._prepared: Prepared | None = None
        self._has_begun = False
        self._result: MapResult | None = None

    @property
    def grace(self) -> float:
        """Seconds that it takes to end, at most, where it is cancelled.

        Running rows have half of them, and the table to be put in order has as many.
        """
        return 2 * self._plan.grace

    def __repr__(self) -> str:
        now = self.progress
        return f"Job({now.done} done, {now.failed} failed of {now.total})"

    async def launch(self) -> Launch:
        """What the store has of the table; all rows are read for it, and nothing is asked.

        Raises ConfigurationError for what cannot work, and for rows that can be read only once.
        """
        return await (await self._made()).launched(self._clock)

    def __await__(self) -> Generator[Any, None, MapResult]:
        """Run to the end; what it came to.

        Raises ConfigurationError before anything is spent for what cannot work. An error that
        concerns all rows (the key, the quota, the store) ends it with `.result`, and so does a
        cancel.
        """
        return self.run().__await__()

    async def run(self) -> MapResult:
        """The same as a coroutine."""
        return await self._run(None)

    async def __aiter__(self) -> AsyncIterator[MapRow]:
        """The rows in the order in which they end; `result` is there behind the last.

        A job waits for who reads it. Whoever leaves the loop cancels it.
        """
        landed: asyncio.Queue[MapRow | None] = asyncio.Queue(maxsize=1)
        task = asyncio.create_task(self._heard(landed))
        try:
            while (row := await landed.get()) is not None:
                yield row
        except BaseException:
            task.cancel()
            while not task.done() and await landed.get() is not None:
                pass
            await asyncio.wait([task])
            raise
        await task

    @property
    def result(self) -> MapResult:
        """What it came to. Raises ConfigurationError before its end."""
        if self._result is None:
            raise ConfigurationError("The job has not ended yet: await it, or read all its rows.")
        return self._result

    async def _heard(self, landed: asyncio.Queue[MapRow | None]) -> None:
        """Run, with each row put where it is read, and None behind the last."""
        try:
            await self._run(landed.put)
        finally:
            await landed.put(None)

    async def _run(self, hear: Hear | None) -> MapResult:
        if self._has_begun:
            raise ConfigurationError("A job runs once. Call map() again to run it again.")
        self._has_begun = True
        made = await self._made()
        limits = await made.limits(self._clock)
        made.asking(limits, self._clock).check()
        writer = made.writer()
        self.progress.where = "" if writer is None else writer.name
        is_collecting = writer is None and hear is None
        tally = Tally(
            self.progress,
            made.columns,
            writer,
            hear,
            self._plan.on_row,
            is_collecting,
            made.asker.secrets,
        )
        began = self.progress.began = self._clock()
        try:
            await _written(Work(made, limits, tally, self._clock), writer)
        except (Exception, asyncio.CancelledError, KeyboardInterrupt, SystemExit) as error:
            self._result = tally.result(self._clock() - began)
            carry(error, self._result)
            raise
        self._result = tally.result(self._clock() - began)
        return self._result

    async def _made(self) -> Prepared:
        if self._prepared is None:
            now = self._now()
            made = await prepared(self._asker(), self._rows, self._prompt, self._plan, now)
            self._prepared = made
        return self._prepared


async def _written(work: Work, writer: TableWriter | None) -> None:
    """Have the work done, and its table in order however it ends."""
    if writer is None:
        await work.done()
        return
    with writer:
        await work.done()
        writer.finish()
