"""How many rows run at once finds its own level: the server says which."""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from agentkit.errors import ConfigurationError, QuotaError, RateLimitError, ServerError
from agentkit.jobs.level import CAP, PAUSE, START, Level
from agentkit.responses.limiter import Heard, Limiter, Turn


class Play:
    """A level in a time of its own, in which rows end at the rate that a server gives it."""

    def __init__(self, rate: Callable[[int], float] = float, fixed: int | None = None) -> None:
        self.time = 0.0
        self.heard = Heard()
        self.level = Level(fixed, clock=lambda: self.time)
        self._rate = rate
        self.levels = [self.level.now]

    def end(self, rows: int, heard: Heard | None = None) -> None:
        """So many rows end; the last of them has heard something new."""
        for number in range(rows):
            self.time += 1 / self._rate(self.level.now)
            if heard is not None and number == rows - 1:
                self.heard = heard
            self.level.took(self.heard)
            if self.level.now != self.levels[-1]:
                self.levels.append(self.level.now)

    def refuse(self) -> None:
        """A row ends that was refused in between."""
        self.end(1, Heard(self.heard.refusals + 1, self.heard.server_errors))


def test_it_doubles_while_that_brings_more_and_stops_at_the_cap():
    play = Play()
    play.end(1000)
    assert play.levels == [START, 8, 16, 32, CAP]


def test_sixty_four_at_once_are_reached_within_two_hundred_rows():
    play = Play()
    play.end(200)
    assert play.level.now == CAP


@pytest.mark.parametrize("slots", [1, 2, 4])
def test_a_server_that_serves_few_at_once_is_never_given_many(slots):
    play = Play(lambda level: float(min(level, slots)))
    play.end(5000)
    assert max(play.levels) == 2 * START
    assert set(play.levels) == {START, 2 * START}


def test_it_goes_back_to_the_level_from_which_doubling_brought_less_than_a_fifth():
    play = Play(lambda level: float(min(level, 18)))
    play.end(300)
    assert play.levels == [4, 8, 16, 32, 16]


def test_in_vain_it_tries_again_more_and_more_rarely():
    play = Play(lambda level: float(min(level, 4)))
    ended = []
    for number in range(6000):
        before = play.level.now
        play.end(1)
        if play.level.now > before:
            ended.append(number)
    gaps = [after - before for before, after in zip(ended, ended[1:], strict=False)]
    assert gaps[0] < gaps[1] < gaps[2]
    assert max(gaps) < 1500


def test_a_server_that_has_got_faster_is_found_out():
    slots = 4
    play = Play(lambda level: float(min(level, slots)))
    play.end(2000)
    assert play.level.now <= 8
    slots = 64
    play.end(3000)
    assert play.level.now == CAP


def test_a_refusal_halves_it_and_from_then_on_it_grows_by_one_a_round():
    play = Play()
    play.end(100)
    assert play.level.now == 32
    play.refuse()
    assert play.level.now == 16
    play.end(32 + 16)
    assert play.level.now == 17
    play.end(18 + 19)
    assert play.level.now == 19


def test_all_refusals_of_the_rows_that_ran_at_once_halve_it_once():
    play = Play()
    play.end(100)
    for _ in range(32):
        play.refuse()
    assert play.level.now == 16
    play.refuse()
    assert play.level.now == 8


def test_it_never_falls_below_one():
    play = Play()
    for _ in range(100):
        play.refuse()
        play.end(play.level.now)
    assert play.level.now == 1
    play.end(10)
    assert play.level.now > 1


def test_a_servers_own_error_pauses_growth_and_takes_nothing_away():
    play = Play(lambda _: 8.0)
    play.end(1, Heard(server_errors=1))
    play.end(int(8 * PAUSE) - 2)
    assert play.levels == [START]
    play.end(20)
    assert play.levels == [START, 2 * START]


def test_no_more_run_than_the_server_says_remain():
    play = Play()
    play.end(200)
    play.end(1, Heard(remaining=5))
    assert play.level.now == 5
    play.end(1, Heard(remaining=0))
    assert play.level.now == 1
    play.end(1, Heard(remaining=400))
    assert play.level.now == CAP


def test_what_remains_of_several_servers_is_the_least_and_refusals_add_up():
    level = Level(heard=Heard(refusals=7))
    level.took(Heard(4, 0, 90), Heard(3, 0, 2), Heard(0))
    assert level.now == 2
    level.took(Heard(4), Heard(4), Heard(0))
    assert level.now == START // 2


def test_what_was_heard_before_the_job_does_not_count():
    level = Level(heard=Heard(refusals=9, server_errors=9))
    level.took(Heard(refusals=9, server_errors=9))
    assert level.now == START


def test_a_fixed_level_stays():
    play = Play(fixed=100)
    play.end(100)
    play.refuse()
    play.end(1, Heard(remaining=1))
    assert play.levels == [100]
    with pytest.raises(ConfigurationError, match="expected 1 or more, got 0"):
        Level(0)


def test_a_limiter_counts_what_a_server_refuses_and_fails_at():
    limiter = Limiter()
    assert limiter.heard == Heard()
    limiter.took(200, {"x-ratelimit-remaining-requests": "12"})
    limiter.took(429, {"retry-after": "1"})
    limiter.failed(RateLimitError("Slow down.", status=429, retry_after=1.0))
    limiter.failed(ServerError("Oh.", status=500))
    limiter.failed(QuotaError("No credit.", status=402))
    assert limiter.heard == Heard(refusals=1, server_errors=1, remaining=12)


@pytest.mark.parametrize("said", ["", "many", "-1", "٣", "1e3"])
def test_a_limiter_hears_no_number_where_none_is_said(said):
    limiter = Limiter()
    limiter.took(200, {"x-ratelimit-remaining-requests": said})
    assert limiter.heard.remaining is None


def test_a_limiter_reads_no_more_of_a_number_than_a_limit_may_have():
    limiter = Limiter()
    limiter.took(200, {"x-ratelimit-remaining-requests": "9" * 5000})
    assert limiter.heard.remaining == 999_999_999


# A server in a time of its own, behind the limiter that the requests of a job really pass.


class Jumping(selectors.DefaultSelector):
    """Does not wait: where nothing can happen before a time, it is that time."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.time += timeout or 0.0
        return super().select(0)


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps."""

    def __init__(self) -> None:
        self._jumping = Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.time


@dataclass
class Server:
    """Works at `slots` requests at once, takes `rate` a second and `burst` of them together."""

    clock: Callable[[], float]
    slots: int = 1000
    rate: float = 1e9
    burst: float = 1e9
    latency: float = 1.0
    refused: int = 0
    most: int = 0
    _under_way: int = 0
    _at: float = 0.0
    _random: random.Random = field(default_factory=lambda: random.Random(11))

    def __post_init__(self) -> None:
        self._free = asyncio.Semaphore(self.slots)
        self._tokens = self.burst

    def takes(self) -> bool:
        now = self.clock()
        self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
        self._at = now
        is_taken = self._tokens >= 1
        self._tokens -= is_taken
        self.refused += not is_taken
        return is_taken

    async def answer(self) -> None:
        self._under_way += 1
        self.most = max(self.most, self._under_way)
        async with self._free:
            await asyncio.sleep(self.latency * self._random.uniform(0.5, 1.5))
        self._under_way -= 1


async def ask(server: Server, limiter: Limiter) -> None:
    """One row: a request, sent again where it is refused."""
    while True:
        turn: Turn | None = await limiter.turn() if limiter.is_closed else None
        if server.takes():
            limiter.took(200, {}, turn)
            break
        limiter.took(429, {"retry-after": "1"}, turn)
        limiter.failed(RateLimitError("Slow down.", status=429, retry_after=1.0), turn)
    await server.answer()


async def job(rows: int, **options: float) -> tuple[Server, float]:
    """The server behind a job, and how many rows a second it answered."""
    clock = asyncio.get_running_loop().time
    server = Server(clock, **options)  # type: ignore[arg-type]
    limiter = Limiter(now=clock, epoch=clock, jitter=lambda: 0.5)
    level = Level(clock=clock)
    left, running = rows, set[asyncio.Task[None]]()
    while left or running:
        while left and len(running) < level.now:
            left -= 1
            running.add(asyncio.ensure_future(ask(server, limiter)))
        ended, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for _ in ended:
            level.took(limiter.heard)
    return server, rows / clock()


def played(rows: int, **options: float) -> tuple[Server, float]:
    with asyncio.Runner(loop_factory=Loop) as runner:
        return runner.run(job(rows, **options))


def test_where_nothing_limits_it_the_cap_is_soon_used():
    server, rate = played(2000)
    assert server.refused == 0
    assert rate > 0.75 * CAP


@pytest.mark.parametrize(("slots", "most"), [(1, 16), (8, 32), (20, 64)])
def test_a_server_with_so_many_slots_is_kept_busy_and_not_flooded(slots, most):
    server, rate = played(2000, slots=slots)
    assert rate > 0.85 * slots
    assert server.most <= most


@pytest.mark.parametrize(
    ("rate", "burst", "latency"), [(10.0, 10.0, 2.0), (3.0, 20.0, 5.0), (40.0, 40.0, 1.0)]
)
def test_behind_a_rate_limit_it_comes_near_the_best_with_few_refusals(rate, burst, latency):
    server, found = played(3000, rate=rate, burst=burst, latency=latency)
    assert found > 0.65 * rate
    assert server.refused < 0.02 * 3000
