"""A request sent until it is answered: the attempts and the waits between them.

Knows exchanges and errors; nothing of what a request says or of what the server lacks.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

from agentkit.errors import ModelError, RateLimitError
from agentkit.responses.endpoint import Endpoint
from agentkit.responses.exchange import Exchange
from agentkit.responses.failures import was_sent
from agentkit.responses.limiter import Limiter
from agentkit.responses.polling import Polling
from agentkit.responses.recovery import Keeper, Kept, is_kept
from agentkit.responses.response import Request
from agentkit.responses.retry import Retries
from agentkit.responses.transport import Pool

if TYPE_CHECKING:
    import tenacity

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True)
class Outcome:
    """What became of one attempt."""

    exchange: Exchange | Kept | None
    error: ModelError | None = None
    was_sent: bool = True
    """Whether the request went out; not where the server takes none in time."""


@dataclass(frozen=True)
class Sending:
    """How requests are sent: over which connections, how often, with which waits."""

    pool: Pool
    retries: Retries
    limiter: Limiter
    sleep: Sleep
    now: Callable[[], float] = field(default=monotonic)
    """The limiter's clock."""

    async def answered(self, endpoint: Endpoint, request: Request) -> Exchange | Kept:
        """The exchange whose answer has begun; nothing of it is asked for again.

        Raises ModelError, which says how often the request was sent.
        """
        deadline = None if request.time_left is None else self.now() + request.time_left
        outcome = await self._attempt(endpoint, request, deadline)
        if self._is_to_be_repeated(request, outcome):
            outcome = await self._repeated(endpoint, request, outcome, deadline)
        if outcome.error is not None:
            raise outcome.error
        assert outcome.exchange is not None  # noqa: S101 - one of the two is always there
        return outcome.exchange

    async def _attempt(
        self, endpoint: Endpoint, request: Request, deadline: float | None
    ) -> Outcome:
        limiter = self.limiter
        try:
            turn = await limiter.turn(deadline) if limiter.is_closed else None
        except RateLimitError as error:
            return Outcome(None, error, was_sent=False)
        plain = Exchange(self.pool, endpoint, request, limiter, turn)
        exchange = self._kept(plain, request, endpoint)
        try:
            await exchange.begin()
        except ModelError as error:
            return Outcome(None, error)
        return Outcome(exchange)

    def _kept(self, plain: Exchange, request: Request, endpoint: Endpoint) -> Exchange | Kept:
        """The exchange, which recovers from a broken connection where the server keeps answers."""
        if not is_kept(request, endpoint.dialect):
            return plain
        polling = Polling(patience=self.pool.bounds.answer)
        keeper = Keeper(self.pool, endpoint, self.limiter, self.retries, self.sleep, polling)
        return Kept(plain, request, keeper)

    async def _repeated(
        self, endpoint: Endpoint, request: Request, first: Outcome, deadline: float | None
    ) -> Outcome:
        """The outcome of the last attempt, the first having been made."""
        import tenacity  # most runs never need it

        made = [first]

        async def attempt() -> Outcome:
            if retrying.statistics["attempt_number"] == 1:
                return first
            outcome = await self._attempt(endpoint, request, deadline)
            if outcome.was_sent:
                made.append(outcome)
            return outcome

        def wait(state: tenacity.RetryCallState) -> float:
            # a closed limiter waits as long as the server said, and keeps the order
            closed = self.limiter.is_closed
            return 0.0 if closed else self.retries.wait(state.attempt_number, _outcome(state).error)

        stop: tenacity.stop.stop_base = tenacity.stop_after_attempt(self.retries.attempts)
        if deadline is not None:
            # a wait that the caller cannot afford is not begun
            stop |= tenacity.stop_before_delay(deadline - self.now())

        async def rest(seconds: float) -> None:
            if seconds > 0:
                await self.sleep(seconds)

        retrying = tenacity.AsyncRetrying(
            sleep=rest,
            stop=stop,
            wait=wait,
            retry=lambda state: self._is_to_be_repeated(request, _outcome(state)),
            retry_error_callback=_outcome,
        )
        await retrying(attempt)
        # where no more can be sent in time, what the server said last is what there is to say
        outcome = made[-1]
        if outcome.error is not None:
            outcome.error.attempts = len(made)
        return outcome

    def _is_to_be_repeated(self, request: Request, outcome: Outcome) -> bool:
        if outcome.exchange is not None:
            return outcome.exchange.failed_for_now and not _adds_to_state(request)
        error = outcome.error
        if error is None or not self.retries.allows(error):
            return False
        # a conversation that may have taken the input must not get it twice
        return not (_adds_to_state(request) and _is_in_doubt(error))


def _outcome(state: tenacity.RetryCallState) -> Outcome:
    outcome: Outcome = state.outcome.result()  # type: ignore[union-attr]
    return outcome


def _adds_to_state(request: Request) -> bool:
    """Whether the server appends the input to a conversation that it keeps."""
    return bool(request.value_of("conversation"))


def _is_in_doubt(error: ModelError) -> bool:
    """Whether the server may have acted on a request that it has not refused."""
    return (error.status is None or error.status < 400) and was_sent(error)
