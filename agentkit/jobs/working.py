"""A job at work: its rows are fed to those who ask, and what comes of them is taken in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress

from agentkit.jobs.feeding import Feeding, Turn
from agentkit.jobs.level import Level
from agentkit.jobs.preparing import Prepared
from agentkit.jobs.tally import Tally
from agentkit.jobs.trying import Asked, is_cut_short, may_try_again
from agentkit.limits import Limits
from agentkit.responses.limiter import Heard, Limiter


class Work:
    """Asks all rows of a job, those that fail again at the end."""

    def __init__(
        self, job: Prepared, limits: Limits, tally: Tally, clock: Callable[[], float]
    ) -> None:
        self._job, self._tally = job, tally
        self._asking = job.asking(limits, clock)
        self._limiters = _limiters(job)
        self._before = self._heard
        fixed = job.plan.concurrency
        self._level = Level(None if fixed == "auto" else fixed, heard=_sum(self._before))
        progress, grace = tally.progress, job.plan.grace
        self._feeding = Feeding(
            self._asking, lambda: self._level.now, self._landed, progress, grace
        )
        self._again: list[Turn] = []
        """Rows that failed and are tried again."""
        self._next = 0
        """The place behind the last row that was read."""
        self._open: set[int] = set()
        """The rows before it of which nothing has come yet."""

    async def done(self) -> None:
        """Ask the rows. Raises what concerns all of them.

        A table that is there already has the others then, too, as they stand.
        """
        try:
            await self._asked()
        except (Exception, asyncio.CancelledError):
            if self._tally.may_add and not self._job.selection.source.is_once:
                with suppress(Exception):  # what ended the work is what is told
                    async with asyncio.timeout(self._job.plan.grace):
                        await self._told_as_they_stand()
            raise

    async def _asked(self) -> None:
        tally = self._tally
        tally.progress.total = self._job.selection.count
        tally.progress.level = self._level.now
        await self._feeding.feed(self._turns())
        if tally.failure is None and tally.progress.total is None:
            tally.progress.total = tally.seen
        while self._again and tally.failure is None:
            again, self._again = self._again, []
            await self._feeding.feed(self._tried_again(again))
        if tally.failure is not None:
            raise tally.failure

    async def _turns(self) -> AsyncGenerator[Turn]:
        async with aclosing(self._job.selection.rows()) as rows:
            async for index, row in rows:
                self._tally.seen += 1
                self._next = index + 1
                self._open.add(index)
                yield Turn(index, row)

    async def _tried_again(self, turns: list[Turn]) -> AsyncGenerator[Turn]:
        for turn in turns:
            self._tally.again()
            yield turn

    async def _told_as_they_stand(self) -> None:
        """What the store has of the rows of which nothing has come: nothing is asked."""
        self._asking.is_closed = True
        async with aclosing(self._job.selection.rows()) as rows:
            async for index, row in rows:
                if index < self._next and index not in self._open:
                    continue
                asked = await self._asking.ask(index, row)
                if asked is not None:
                    await self._tally.land(asked, is_last=True)

    async def _landed(self, turn: Turn, asked: Asked | None) -> None:
        progress = self._tally.progress
        self._open.discard(turn.index)
        if asked is not None:
            if not asked.row.is_kept:
                self._level.took(*self._heard)
            self._asking.is_closed = self._asking.is_closed or is_cut_short(asked.row)
            tries_left = self._job.plan.retry + 1 - turn.tries
            is_again = tries_left > 0 and may_try_again(asked) and not self._asking.is_closed
            if is_again:
                self._again.append(Turn(turn.index, turn.row, turn.tries + 1))
            await self._tally.land(asked, is_last=not is_again)
        progress.level = self._level.now
        progress.refusals = _sum(self._heard).refusals - _sum(self._before).refusals
        if self._tally.failure is not None:
            self._feeding.stop()

    @property
    def _heard(self) -> list[Heard]:
        return [limiter.heard for limiter in self._limiters]


def _limiters(job: Prepared) -> list[Limiter]:
    """The limiters of the models that have one."""
    limiters = (getattr(model, "limiter", None) for model in job.asker.models)
    return [limiter for limiter in limiters if isinstance(limiter, Limiter)]


def _sum(heard: list[Heard]) -> Heard:
    return sum(heard, Heard())
