"""A server that said "wait" is left alone, and is then asked slowly, in the order of asking."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit import Agent, ResponsesModel
from agentkit.errors import QuotaError, RateLimitError, TransportError
from agentkit.responses.limiter import PATIENCE, Limiter
from agentkit.responses.retry import Retries
from agentkit.responses.waits import asked_wait, read_duration
from agentkit.testing import ResponsesServer, ScriptedModel

NOON = 1_800_000_000.0


class Clock:
    """Time that stands still until `reach` moves it and wakes who has slept long enough."""

    def __init__(self) -> None:
        self.time = 0.0
        self.slept: list[float] = []
        self.has_sleeper = asyncio.Event()
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        sleeper = (self.time + seconds, asyncio.Event())
        self._sleepers.append(sleeper)
        self.has_sleeper.set()
        try:
            await sleeper[1].wait()
        finally:
            self._sleepers.remove(sleeper)

    def reach(self, time: float) -> None:
        self.time = time
        for until, awake in self._sleepers:
            if until <= time:
                awake.set()


def limiter(clock: Clock, **options: Any) -> Limiter:
    given = {"now": clock.now, "sleep": clock.sleep, "epoch": lambda: NOON + clock.time}
    return Limiter(**{**given, "jitter": lambda: 0.0, **options})


def closed(clock: Clock, seconds: float = 7.0, **options: Any) -> Limiter:
    """A limiter that was told to wait."""
    made = limiter(clock, **options)
    made.took(429, {"retry-after": str(seconds)})
    return made


async def settled() -> None:
    """Let everything happen that can happen without time going on."""
    for _ in range(12):
        await asyncio.sleep(0)


async def test_it_is_open_until_a_server_says_wait():
    it = limiter(Clock())
    it.took(200, {"x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": "1s"})
    it.took(500, {"retry-after": "9"})
    it.failed(TransportError("The connection broke."))
    assert not it.is_closed
    assert await it.turn() is None


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (429, {"retry-after": "7"}),
        (503, {"retry-after": "7"}),
        (529, {"retry-after-ms": "7000", "retry-after": "99"}),
        (429, {"retry-after-ms": "0", "retry-after": "7"}),
        (429, {"retry-after": "Fri, 15 Jan 2027 08:00:07 GMT"}),
        (429, {"retry-after": "-3", "x-ratelimit-reset-requests": "7s"}),
        (429, {"x-ratelimit-reset-requests": "20ms", "x-ratelimit-reset-tokens": "0m7s"}),
        (
            429,
            {
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "7s",
                "x-ratelimit-remaining-tokens": "90",
                "x-ratelimit-reset-tokens": "1m0s",
            },
        ),
        (429, {"x-ratelimit-reset": f"{NOON + 7:.0f}"}),
        (429, {"x-ratelimit-reset": f"{(NOON + 7) * 1000:.0f}"}),
        (200, {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "7s"}),
        (
            200,
            {
                "x-ratelimit-remaining-requests": "8",
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "7000ms",
            },
        ),
    ],
)
async def test_whatever_form_the_wait_has_nobody_sends_before_it_is_over(status, headers):
    clock = Clock()
    it = limiter(clock)
    it.took(status, httpx.Headers(headers))
    assert it.is_closed
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(it.turn())
        await settled()
        clock.reach(6.99)
        await settled()
        assert not waiting.done()
        clock.reach(7.0)
    assert clock.slept == [7.0]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1.0),
        ("6m0s", 360.0),
        ("20ms", 0.02),
        ("1h2m3.5s", 3723.5),
        ("1d", 86400.0),
        ("12", 12.0),
        ("0.25", 0.25),
        (f"{NOON + 30:.0f}", 30.0),
        (f"{(NOON + 30) * 1000:.0f}", 30.0),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("6 minutes", None),
    ],
)
def test_the_durations_of_limits_are_read(text, seconds):
    assert read_duration(text, lambda: NOON) == seconds


@given(st.integers(100, 599), st.dictionaries(st.text(), st.text()), st.text())
def test_no_header_breaks_it(status, headers, text):
    names = ("retry-after", "retry-after-ms", "x-ratelimit-remaining-requests")
    resets = (f"x-ratelimit-reset{kind}" for kind in ("", "-requests", "-tokens"))
    wait = asked_wait(status, {**headers, **dict.fromkeys((*names, *resets), text)}, lambda: NOON)
    assert wait is None or wait > 0


async def test_a_wait_that_is_too_long_closes_nothing():
    it = limiter(Clock(), longest_wait=120.0)
    it.took(429, {"retry-after": "121"})
    it.failed(RateLimitError("Later.", status=429, retry_after=121.0))
    it.took(200, {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "24h"})
    assert not it.is_closed


async def test_a_refusal_without_a_word_waits_longer_each_time():
    clock = Clock()
    it = limiter(clock)
    waits = []
    it.took(429, {})
    it.failed(RateLimitError("Busy.", status=429))
    for _ in range(6):
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(it.turn())
            await settled()
            waits.append(clock.slept[-1])
            clock.reach(clock.time + waits[-1])
        it.took(429, {}, waiting.result())
        it.failed(RateLimitError("Busy.", status=429), waiting.result())
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0]


async def test_many_refusals_of_one_moment_are_one():
    clock = Clock()
    it = limiter(clock)
    for _ in range(100):
        it.failed(RateLimitError("Busy.", status=429))
    async with asyncio.TaskGroup() as group:
        group.create_task(it.turn())
        await settled()
        clock.reach(0.5)


async def test_a_limit_met_within_a_stream_closes_it_too():
    it = limiter(Clock())
    it.failed(RateLimitError("Slow down.", code="rate_limit_exceeded", retry_after=3.0))
    assert it.is_closed


async def test_a_spent_quota_lets_everybody_hear_it_at_once():
    clock = Clock()
    it = closed(clock)
    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(it.turn())
        await settled()
        it.failed(QuotaError("No credit left.", status=429))
    assert not it.is_closed


async def test_one_goes_first_and_each_that_is_taken_lets_two_more_go():
    clock = Clock()
    it = closed(clock)
    under_way: list[Any] = []
    rounds = []

    async def send() -> None:
        turn = await it.turn()
        under_way.append(turn)

    async with asyncio.TaskGroup() as group:
        for _ in range(30):
            group.create_task(send())
        await settled()
        clock.reach(7.0)
        for _ in range(5):
            await settled()
            rounds.append(len(under_way))
            taken, under_way = under_way, []
            for turn in taken:
                it.took(200, {}, turn)
    assert rounds == [1, 2, 4, 8, 15]
    assert not it.is_closed


async def test_a_new_refusal_closes_anew_and_again_one_goes_first():
    clock = Clock()
    it = closed(clock)
    turns: list[Any] = []

    async def send() -> None:
        turns.append(await it.turn())

    async with asyncio.TaskGroup() as group:
        for _ in range(6):
            group.create_task(send())
        await settled()
        clock.reach(7.0)
        await settled()
        it.took(200, {}, turns[0])
        await settled()
        assert len(turns) == 3
        it.took(429, {"retry-after": "5"}, turns[1])
        it.took(200, {}, turns[2])  # sent before: says nothing about what is allowed now
        clock.reach(11.9)
        await settled()
        assert len(turns) == 3
        clock.reach(12.0)
        await settled()
        assert len(turns) == 4
        it.took(200, {}, turns[3])
        await settled()
        assert len(turns) == 6


async def test_a_failure_that_says_nothing_of_limits_lets_the_next_one_go():
    clock = Clock()
    it = closed(clock)
    order: list[int] = []

    async def send(number: int) -> None:
        turn = await it.turn()
        order.append(number)
        it.failed(TransportError("The connection broke."), turn)

    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(send(number))
        await settled()
        clock.reach(7.0)
    assert order == [0, 1, 2, 3, 4]


async def test_a_long_answer_does_not_keep_the_others_waiting():
    clock = Clock()
    it = closed(clock)
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(it.turn()) for _ in range(7)]
        counts = []
        for moment in (7.0, 7.0 + PATIENCE, 7.0 + 2 * PATIENCE):
            await settled()
            clock.reach(moment)
            await settled()
            counts.append(sum(task.done() for task in waiting))
    assert counts == [1, 3, 7]


async def test_a_cancelled_waiter_lets_the_next_go():
    clock = Clock()
    it = closed(clock)
    first, second, third = (asyncio.ensure_future(it.turn()) for _ in range(3))
    await settled()
    first.cancel()
    await settled()
    clock.reach(7.0)
    second.cancel()  # in the moment in which it is given its turn
    await asyncio.wait({first, second, third})
    assert (first.cancelled(), second.cancelled(), third.cancelled()) == (True, True, False)


async def test_a_waiter_without_time_is_told_at_once():
    clock = Clock()
    it = closed(clock, 7.0)
    with pytest.raises(RateLimitError, match=r"another 7\.0 s") as told:
        await it.turn(deadline=6.0)
    assert (told.value.retry_after, told.value.should_retry, clock.slept) == (7.0, False, [])
    patient, hurried = (asyncio.ensure_future(it.turn(deadline=end)) for end in (100.0, 8.0))
    await settled()
    it.took(429, {"retry-after": "60"})
    with pytest.raises(RateLimitError):
        await hurried
    clock.reach(60.0)
    await patient


async def test_a_waiter_whose_time_runs_out_in_the_queue_is_told_then():
    clock = Clock()
    it = closed(clock, 7.0)
    first, second = (asyncio.ensure_future(it.turn(deadline=end)) for end in (100.0, 9.0))
    await settled()
    clock.reach(7.0)
    await first
    clock.reach(9.0)
    with pytest.raises(RateLimitError, match="no time"):
        await second


async def test_jitter_makes_a_wait_longer_and_never_shorter():
    clock = Clock()
    it = closed(clock, 7.0, jitter=lambda: 1.0)
    waiting = asyncio.ensure_future(it.turn())
    await settled()
    assert clock.slept == [pytest.approx(7.7)]
    waiting.cancel()


async def test_a_sleep_that_returns_is_believed():
    async def no_sleep(seconds: float) -> None:
        slept.append(seconds)

    slept: list[float] = []
    it = Limiter(now=lambda: 0.0, sleep=no_sleep, jitter=lambda: 0.0)
    it.took(429, {"retry-after": "7"})
    await it.turn()
    assert slept == [7.0]


def test_waiters_in_other_threads_and_loops_get_their_turns():
    awake = threading.Event()

    async def sleep(seconds: float) -> None:
        await asyncio.to_thread(awake.wait)

    it = Limiter(now=lambda: 0.0, sleep=sleep, jitter=lambda: 0.0)
    it.took(429, {"retry-after": "7"})
    sent: list[int] = []
    ready = threading.Barrier(5)

    async def send(number: int) -> None:
        turn = await it.turn()
        sent.append(number)
        await asyncio.sleep(0)
        it.took(200, {}, turn)

    async def sends(first: int) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(first, first + 25):
                group.create_task(send(number))
            await settled()
            ready.wait()

    threads = [threading.Thread(target=asyncio.run, args=(sends(at),)) for at in (0, 25, 50, 75)]
    for thread in threads:
        thread.start()
    ready.wait()
    awake.set()
    for thread in threads:
        thread.join()
    assert sorted(sent) == list(range(100))
    assert not it.is_closed


async def test_a_waiter_whose_loop_is_gone_holds_nobody_up():
    clock = Clock()
    it = closed(clock)

    def left_behind() -> asyncio.Task[Any]:
        loop = asyncio.new_event_loop()
        task = loop.create_task(it.turn())
        loop.run_until_complete(asyncio.sleep(0))
        task._log_destroy_pending = False
        loop.close()
        return task

    first = asyncio.ensure_future(it.turn())
    await settled()
    forgotten = await asyncio.to_thread(left_behind)
    last = asyncio.ensure_future(it.turn())
    await settled()
    clock.reach(7.0)
    it.took(200, {}, await first)
    it.took(200, {}, await last)
    assert not forgotten.done()
    assert not it.is_closed


class Busy:
    """A model behind a server: refuses until a time, then counts who is under way at once."""

    def __init__(self, clock: Clock, opens: float) -> None:
        self.under_way = self.too_early = 0
        self.changed = asyncio.Condition()
        self.round = asyncio.Event()
        self._clock, self._opens = clock, opens

    async def __call__(self, _: object) -> str:
        if self._clock.time < self._opens:
            self.too_early += 1
            raise RateLimitError("Slow down.", retry_after=self._opens - self._clock.time)
        async with self.changed:
            self.under_way += 1
            self.changed.notify_all()
        await self.round.wait()
        self.under_way -= 1
        return "Hi."

    async def has_under_way(self, count: int) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: self.under_way >= count)

    def end_round(self) -> None:
        self.round.set()
        self.round = asyncio.Event()


async def test_a_hundred_runs_do_not_storm_a_server_that_said_wait():
    clock = Clock()
    busy = Busy(clock, 7.0)
    rounds = []
    async with (
        ResponsesServer(ScriptedModel(*[busy] * 400)) as server,
        httpx.AsyncClient(base_url=server.url, timeout=20.0) as client,
        asyncio.TaskGroup() as group,
    ):
        retries = Retries(jitter=lambda: 0.0)
        agent = Agent(ResponsesModel("m", server.url, retries=retries, sleep=clock.sleep))
        for _ in range(100):
            group.create_task(agent.run("?"))
        await clock.has_sleeper.wait()
        while busy.too_early < 100 and len(server.exchanges) < 100:
            await client.get("models")
        refused = busy.too_early
        clock.reach(7.0)
        while busy.under_way == 0:  # each was told to wait from its own moment on
            await client.get("models")
            clock.reach(clock.time + 0.1)
        for expected in (1, 2, 4, 8, 16, 32, 37):
            await busy.has_under_way(expected)
            await client.get("models")  # whoever else was sent would have come by now
            rounds.append(busy.under_way)
            busy.end_round()
    assert rounds == [1, 2, 4, 8, 16, 32, 37]
    assert busy.too_early == refused <= 100


Step = tuple[str, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask", "ask", "take", "take", "refuse", "fail", "cancel", "pass"]),
        st.integers(0, 9),
    ),
    max_size=60,
)


class Play:
    """What is done to a limiter, with a count of its own of what may be under way."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.it = closed(self.clock)
        self.waiting: list[asyncio.Task[Any]] = []
        self.under_way: list[tuple[Any, float]] = []
        self.allowed, self.opens = 1, 7.0

    async def step(self, name: str, number: int) -> None:
        if name == "ask":
            self.waiting.append(asyncio.ensure_future(self.it.turn()))
        elif name == "pass":
            self.clock.reach(self.clock.time + number)
        elif name == "cancel" and self.waiting:
            self.waiting[number % len(self.waiting)].cancel()
        elif name in ("take", "refuse", "fail") and self.under_way:
            self._end(name, self.under_way.pop(number % len(self.under_way))[0], number)
        await settled()
        self._count()

    def _end(self, name: str, turn: Any, number: int) -> None:
        if name == "take":
            self.it.took(200, {}, turn)
            self.allowed += 1
        elif name == "refuse":
            self.it.took(429, {"retry-after": str(number)}, turn)
            self.it.failed(RateLimitError("Busy.", status=429, retry_after=number), turn)
            self.opens = max(self.opens, self.clock.time + number)
            # those under way count on, but let nobody go any more
            self.allowed = 1
        else:
            self.it.failed(TransportError("The connection broke."), turn)

    def _count(self) -> None:
        now = self.clock.time
        gone = [each for each in self.under_way if each[1] + PATIENCE <= now]
        self.under_way = [each for each in self.under_way if each not in gone]
        self.allowed += len(gone)
        began = [task for task in self.waiting if task.done() and not task.cancelled()]
        self.waiting = [task for task in self.waiting if not task.done()]
        turns = [(task.result(), now) for task in began]
        limited = [each for each in turns if each[0] is not None]
        if limited:
            assert now >= self.opens
            assert len(self.under_way) + len(limited) <= self.allowed
        self.under_way += limited


@given(STEPS)
def test_never_more_are_under_way_than_allowed_and_nobody_waits_for_ever(steps: list[Step]):
    async def played() -> None:
        play = Play()
        for name, number in steps:
            await play.step(name, number)
        for _ in range(3 * len(steps) + 3):
            await play.step("pass", 9)
            await play.step("take", 0)
        assert play.waiting == []

    asyncio.run(asyncio.wait_for(played(), 20))
