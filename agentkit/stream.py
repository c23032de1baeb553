"""A run heard while it goes on, from a coroutine or from a plain `for`.

A façade over the run's listener: the run itself is the same one. It goes on to its end, through
all its turns and tool calls, or is cancelled where the `with` block is left before.
"""

from __future__ import annotations

import asyncio
import queue
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Self

from agentkit.background import STOP, background
from agentkit.errors import ConfigurationError, carry
from agentkit.events import Event, Listener
from agentkit.result import RunResult

Start = Callable[[Listener], Awaitable[RunResult]]
"""Begins a run with that listener and goes to its end."""


def heard_by_both(start: Callable[..., Awaitable[RunResult]], listener: Listener | None) -> Start:
    """The start of a run that the stream and a listener hear."""

    def begin(stream: Listener) -> Awaitable[RunResult]:
        if listener is None:
            return start(on_event=stream)

        def hear(event: Event) -> None:
            stream(event)
            listener(event)

        return start(on_event=hear)

    return begin


@dataclass(frozen=True)
class _End:
    """Behind the last event: what the run came to."""

    result: RunResult | None
    error: BaseException | None = None


async def _drive(
    start: Start, put: Callable[[Event | _End], object], gate: asyncio.Event | None = None
) -> None:
    try:
        if gate is not None:
            await _passed(gate)
        put(_End(await start(put)))
    except asyncio.CancelledError as error:
        put(_End(getattr(error, "result", None)))
        raise
    except BaseException as error:  # noqa: BLE001 - raised again where the events are read
        put(_End(getattr(error, "result", None), error))


async def _passed(gate: asyncio.Event) -> None:
    """Wait at the gate. Cancelled when it is open already, the run begins, and ends cancelled."""
    try:
        await gate.wait()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or not gate.is_set():
            raise
        task.cancel()


class _Ending:
    """The end that both kinds of stream come to."""

    _end: _End | None = None

    @property
    def result(self) -> RunResult:
        """The end of the run. Raises ConfigurationError before the last event was read."""
        if self._end is None:
            raise ConfigurationError("The run has not ended yet: read the stream to its end first.")
        if self._end.result is None:
            raise self._end.error or ConfigurationError("The run ended before it began.")
        return self._end.result

    def _ended(self, end: _End) -> None:
        self._end = end
        if end.error is not None:
            raise end.error


class Stream(_Ending):
    """`async with agent.stream(…) as stream: async for event in stream: …`, then `.result`."""

    def __init__(self, start: Start) -> None:
        self._start = start
        # a queue takes three times as long for each event as these two
        self._events: deque[Event | _End] = deque()
        self._has_news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(_drive(self._start, self._put))
        await asyncio.sleep(0)  # a task that never began could not say what it came to
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        while self._end is None and self._events:
            last = self._events.popleft()
            self._end = last if isinstance(last, _End) else None

    def __aiter__(self) -> AsyncIterator[Event]:
        if self._task is None:
            raise ConfigurationError("Write `async with agent.stream(…) as stream:` first.")
        return self._read()

    def _put(self, event: Event | _End) -> None:
        self._events.append(event)
        self._has_news.set()

    async def _read(self) -> AsyncIterator[Event]:
        while self._end is None:
            if not self._events:
                self._has_news.clear()
                await self._has_news.wait()
                continue
            event = self._events.popleft()
            if isinstance(event, _End):
                self._ended(event)
            else:
                yield event


class SyncStream(_Ending):
    """`for event in agent.stream_sync(…): …`, also inside a `with`, then `.result`."""

    def __init__(self, start: Start) -> None:
        self._start = start
        self._events: queue.SimpleQueue[Event | _End] = queue.SimpleQueue()
        self._gate = asyncio.Event()
        self._task: Future[None] | None = None

    def __enter__(self) -> Self:
        work = partial(_drive, self._start, self._events.put, self._gate)
        self._task = background().start(work)
        try:
            background().open(self._gate)
        except KeyboardInterrupt as interrupt:
            self.__exit__(KeyboardInterrupt, interrupt, None)
            raise
        return self

    def __exit__(self, _kind: object, error: object, _traceback: object) -> None:
        if self._task is None:
            return
        self._task.cancel()
        with suppress(queue.Empty):  # a tool does not let itself be stopped
            while self._end is None:
                last = self._events.get(timeout=STOP)
                self._end = last if isinstance(last, _End) else None
        if isinstance(error, KeyboardInterrupt):
            carry(error, self._end and self._end.result)

    def __iter__(self) -> Iterator[Event]:
        if self._task is not None:
            yield from self._read()
            return
        with self:
            yield from self._read()

    def _read(self) -> Iterator[Event]:
        while self._end is None:
            event = self._events.get()
            if isinstance(event, _End):
                self._ended(event)
            else:
                yield event
