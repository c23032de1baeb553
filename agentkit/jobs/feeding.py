"""Many rows: as many at once as a level allows, until all have ended or there has to be an end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

from agentkit.jobs.asking import Asking
from agentkit.jobs.results import Progress
from agentkit.jobs.trying import Asked
from agentkit.tables.table import Row


@dataclass(frozen=True)
class Turn:
    """A row whose turn it is."""

    index: int
    row: Row
    tries: int = 1
    """The how manieth time this job tries it."""


class Feeding:
    """Asks rows, never more of them at once than `room` says, each in a task of its own.

    `landed` takes what has come of a row, and may have others wait meanwhile.
    """

    def __init__(
        self,
        asking: Asking,
        room: Callable[[], int],
        landed: Callable[[Turn, Asked | None], Awaitable[None]],
        progress: Progress,
        grace: float,
    ) -> None:
        self._asking, self._room, self._landed = asking, room, landed
        self._progress, self._grace = progress, grace
        self._tasks: set[asyncio.Task[None]] = set()
        self._has_ended = asyncio.Event()
        self._is_stopped = False

    def stop(self) -> None:
        """Begin no more rows."""
        self._is_stopped = True
        self._has_ended.set()

    async def feed(self, turns: AsyncGenerator[Turn]) -> None:
        """Ask rows in their order, until each has ended or it is stopped.

        Cancelled, it begins no more, and cancels those that have not ended within the grace.
        """
        failure: Exception | None = None
        async with aclosing(turns), asyncio.TaskGroup() as group:
            try:
                failure = await self._begun(group, turns)
                while self._tasks:
                    await self._ended()
            except asyncio.CancelledError:
                if self._tasks:
                    await asyncio.wait(self._tasks, timeout=self._grace)
                raise
        if failure is not None:
            raise failure

    async def _begun(
        self, group: asyncio.TaskGroup, turns: AsyncGenerator[Turn]
    ) -> Exception | None:
        """Begin rows as there is room for them; why no more can be read."""
        try:
            async for turn in turns:
                while len(self._tasks) >= self._room() and not self._is_stopped:
                    await self._ended()
                if self._is_stopped:
                    break
                self._begin(group, turn)
        except Exception as error:  # noqa: BLE001 - rows may come from the caller's own code
            return error
        return None

    async def _ended(self) -> None:
        """Wait until a row has ended, or it is stopped."""
        self._has_ended.clear()
        await self._has_ended.wait()

    def _begin(self, group: asyncio.TaskGroup, turn: Turn) -> None:
        task = group.create_task(self._ask(turn))
        self._tasks.add(task)
        self._progress.running = len(self._tasks)
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._progress.running = len(self._tasks)
        self._has_ended.set()

    async def _ask(self, turn: Turn) -> None:
        asked = await self._asking.ask(turn.index, turn.row, turn.tries)
        await self._landed(turn, asked)
        if asked is not None and isinstance(asked.error, asyncio.CancelledError):
            raise asked.error
