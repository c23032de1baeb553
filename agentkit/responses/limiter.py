"""When a server has said "wait": who waits, and who goes first afterwards.

Closed, nobody sends. Then one request goes, and each that the server takes lets two more go, until
nobody waits and all is open again. One limiter serves every run of a client, from any thread and
event loop. Knows no requests, and has no clock: `now` and `sleep` are given.
"""

from __future__ import annotations

import asyncio
import math
import random
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from agentkit.errors import QuotaError, RateLimitError, ServerError
from agentkit.responses.waits import REFUSING, Epoch, asked_wait

PATIENCE = 5.0
"""Seconds after which a request that the server has not refused counts as taken: a long answer
must not keep the others waiting, nor one whose end nobody told."""
FIRST_WAIT, LONGEST_UNASKED = 0.5, 8.0
"""Seconds to wait, doubling, where a refusal does not say how long."""
SPREAD, MOST_SPREAD = 0.1, 1.0
"""What jitter adds at most: this part of the wait, and no more than so many seconds."""
_REMAINING = "x-ratelimit-remaining-requests"
_LONGEST = 9
"""Digits of what remains that are read: more than that is no limit."""


@dataclass(frozen=True)
class Heard:
    """What a server has said so far, of all requests; several add up."""

    refusals: int = 0
    """Requests that it did not take because there were too many."""
    server_errors: int = 0
    """Requests that it failed at by its own fault."""
    remaining: int | None = None
    """How many more it takes for now, as it said last; None where it does not say."""

    def __add__(self, other: Heard) -> Heard:
        said = [each.remaining for each in (self, other) if each.remaining is not None]
        return Heard(
            self.refusals + other.refusals,
            self.server_errors + other.server_errors,
            min(said, default=None),
        )


class Turn:
    """Leave to send one request while the limiter is closed; `took` or `failed` ends it."""

    __slots__ = ("began", "closing")

    def __init__(self, began: float, closing: int) -> None:
        self.began = began
        self.closing = closing
        """The number of the closing that it came after."""


class _Waiter:
    """One who waits, in an event loop that may not be the others'."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.turn: Turn | None = None
        self.has_news = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def wake(self) -> bool:
        """Have it look again; False where its event loop is no more."""
        try:
            self._loop.call_soon_threadsafe(self.has_news.set)
        except RuntimeError:
            return False
        return True


class Limiter:
    """Keeps the requests of all runs back while the server wants none, then lets them in slowly.

        turn = await limiter.turn(deadline) if limiter.is_closed else None
        try:
            …                                          # send, wait for the head of the answer
            limiter.took(answer.status, answer.headers, turn)
            …                                          # read the answer
        except BaseException as error:
            limiter.failed(error, turn)
            raise

    `now` counts seconds from anywhere, `epoch` from 1970; `jitter` gives a number from 0 to 1,
    which makes a wait longer, never shorter. A wait of more than `longest_wait` seconds closes
    nothing: whoever is told it decides.
    """

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        epoch: Epoch = time.time,
        jitter: Callable[[], float] = random.random,
        longest_wait: float = 120.0,
    ) -> None:
        self.is_closed = False
        """Whether a request needs a turn."""
        self._now, self._sleep, self._epoch, self._jitter = now, sleep, epoch, jitter
        self._longest_wait = longest_wait
        # collecting a waiter that was left behind takes the lock, in whatever line that happens
        self._lock = threading.RLock()
        self._waiting: deque[_Waiter] = deque()
        self._under_way: dict[Turn, None] = {}
        self._allowed = 1.0
        self._reached = self._opens = -math.inf
        self._closings = self._unasked = 0
        self._spread = 0.0
        self._first: _Waiter | None = None
        self._refusals = self._server_errors = 0
        self._remaining: str | None = None

    @property
    def heard(self) -> Heard:
        """What the server has said to all who ask it here."""
        said = (self._remaining or "")[:_LONGEST]
        remaining = int(said) if said.isascii() and said.isdigit() else None
        return Heard(self._refusals, self._server_errors, remaining)

    async def turn(self, deadline: float | None = None) -> Turn | None:
        """Leave to send, in the order of asking; None where all is open again.

        `deadline` is a time of `now`. Raises RateLimitError, with the seconds in `retry_after`,
        as soon as it is clear that the server takes nothing before it.
        """
        waiter = _Waiter(math.inf if deadline is None else deadline)
        with self._lock:
            if not self.is_closed:
                return None
            # one that comes into an empty queue looks at the time without being woken
            self._first = self._first if self._waiting else waiter
            self._waiting.append(waiter)
            self._advance()
        try:
            while waiter.turn is None:
                await self._news(waiter)
        except BaseException:
            self._leave(waiter)
            raise
        return waiter.turn

    def took(self, status: int, headers: Mapping[str, str], turn: Turn | None = None) -> None:
        """The head of an answer has come."""
        self._remaining = headers.get(_REMAINING, self._remaining)
        wait = asked_wait(status, headers, self._epoch)
        if wait is not None and wait <= self._longest_wait:
            with self._lock:
                self._close(wait)
                self._end(turn, was_taken=False)
        elif turn is not None and status not in REFUSING:
            with self._lock:
                self._end(turn, was_taken=status < 500)

    def failed(self, error: BaseException, turn: Turn | None = None) -> None:
        """There was no answer, or its body said no. May follow `took` for the same request."""
        self._count(error)
        if isinstance(error, QuotaError):
            self._let_all_go()
            return
        if turn is None and not isinstance(error, RateLimitError):
            return
        with self._lock:
            if isinstance(error, RateLimitError) and self._is_news(error, turn):
                self._close(_said(error) or self._unasked_wait())
            self._end(turn, was_taken=False)

    def _count(self, error: BaseException) -> None:
        with self._lock:
            self._refusals += isinstance(error, RateLimitError)
            self._server_errors += isinstance(error, ServerError)

    def _is_news(self, error: RateLimitError, turn: Turn | None) -> bool:
        """Whether a refusal says more than its head did, or than the others of its time."""
        if said := _said(error):
            return error.status not in REFUSING and said <= self._longest_wait
        is_current = turn is not None and turn.closing == self._closings
        return not self.is_closed or (is_current and self._time() >= self._opens)

    def _let_all_go(self) -> None:
        """Waiting does not help: each is to hear it for itself."""
        with self._lock:
            if self.is_closed:
                self._opens, self._allowed = -math.inf, math.inf
                self._advance()
                self._open()

    async def _news(self, waiter: _Waiter) -> None:
        """Wait until there may be something new for the waiter."""
        waiter.has_news.clear()
        with self._lock:
            self._advance()
            if waiter.turn is not None:
                return
            look_again = self._alarm_of(waiter)
        if look_again == math.inf:
            await waiter.has_news.wait()
            return
        async with asyncio.TaskGroup() as group:
            alarm = group.create_task(self._ring(waiter, look_again))
            await waiter.has_news.wait()
            alarm.cancel()

    async def _ring(self, waiter: _Waiter, at: float) -> None:
        await self._sleep(max(0.0, at - self._time()))
        with self._lock:
            # who has slept until then need not ask the clock, which may be a little behind
            self._reached = max(self._reached, at)
            self._advance()
        waiter.has_news.set()

    def _leave(self, waiter: _Waiter) -> None:
        """It no longer wants to send: the next one may."""
        with self._lock:
            if waiter.turn is None and waiter in self._waiting:
                self._waiting.remove(waiter)
            self._end(waiter.turn, was_taken=False)

    # What follows is done with the lock held.

    def _time(self) -> float:
        return max(self._now(), self._reached)

    def _alarm_of(self, waiter: _Waiter) -> float:
        """When the waiter has to look again by itself. Raises RateLimitError."""
        now = self._time()
        if waiter.deadline <= max(now, self._opens):
            raise _too_late(self._opens - now)
        if waiter is not self._waiting[0]:
            return waiter.deadline
        oldest = next(iter(self._under_way), None)
        patient = oldest.began + PATIENCE if oldest else math.inf
        return min(waiter.deadline, self._opens if now < self._opens else patient)

    def _close(self, wait: float) -> None:
        now = self._time()
        if now >= self._opens:
            self._closings += 1
            self._allowed = 1
            self._spread = self._jitter()
        spread = min(SPREAD * wait, MOST_SPREAD) * self._spread
        self._opens = max(self._opens, now + wait + spread)
        self.is_closed = True
        for waiter in tuple(self._waiting):
            if waiter.deadline <= self._opens:
                waiter.wake()

    def _unasked_wait(self) -> float:
        self._unasked += 1
        return min(FIRST_WAIT * 2.0 ** (self._unasked - 1), LONGEST_UNASKED)

    def _end(self, turn: Turn | None, *, was_taken: bool) -> None:
        if turn in self._under_way:
            del self._under_way[turn]
            if was_taken:
                self._let_more_go(turn)
        self._advance()

    def _let_more_go(self, turn: Turn) -> None:
        if turn.closing != self._closings:
            return
        self._unasked = 0
        self._allowed += 1
        if not self._waiting:
            self._open()

    def _open(self) -> None:
        self.is_closed = False
        self._opens = -math.inf
        self._unasked = 0
        self._under_way.clear()

    def _advance(self) -> None:
        """Let those go whose turn it is, and have the first of the rest watch the time."""
        now = self._time()
        self._lose_patience(now)
        while self._waiting and now >= self._opens and len(self._under_way) < self._allowed:
            waiter = self._waiting.popleft()
            turn = Turn(now, self._closings)
            if waiter.wake():
                waiter.turn = turn
                self._under_way[turn] = None
        while self._waiting and self._waiting[0] is not self._first:
            self._first = self._waiting[0]
            if not self._first.wake():
                self._waiting.popleft()

    def _lose_patience(self, now: float) -> None:
        for turn in [each for each in self._under_way if each.began + PATIENCE <= now]:
            del self._under_way[turn]
            self._let_more_go(turn)


def _said(error: RateLimitError) -> float | None:
    """Seconds to wait, None where the server gave none that can be waited."""
    asked = error.retry_after
    return asked if asked is not None and asked > 0 else None


def _too_late(wait: float) -> RateLimitError:
    asked = f" for another {wait:.1f} s" if wait > 0 else ""
    error = RateLimitError(
        f"The server asked not to be sent anything{asked}, and there is no time for that.",
        retry_after=max(wait, 0.0),
    )
    error.should_retry = False
    return error
