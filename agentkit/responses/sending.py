"""A request sent until it is answered: the attempts and the waits between them.

Knows exchanges and errors; nothing of what a request says or of what the server lacks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentkit.errors import ModelError
from agentkit.responses.endpoint import Endpoint
from agentkit.responses.exchange import Exchange
from agentkit.responses.failures import was_sent
from agentkit.responses.response import Request
from agentkit.responses.retry import Retries
from agentkit.responses.transport import Pool

if TYPE_CHECKING:
    import tenacity

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True)
class Outcome:
    """What became of one attempt."""

    exchange: Exchange
    error: ModelError | None = None


@dataclass(frozen=True)
class Sending:
    """How requests are sent: over which connections, how often, with which waits."""

    pool: Pool
    retries: Retries
    sleep: Sleep

    async def answered(self, endpoint: Endpoint, request: Request) -> Exchange:
        """The exchange whose answer has begun; nothing of it is asked for again.

        Raises ModelError, which says how often the request was sent.
        """
        began = asyncio.get_running_loop().time()
        outcome = await self._attempt(endpoint, request)
        if self._is_to_be_repeated(request, outcome):
            left = request.time_left
            if left is not None:
                left -= asyncio.get_running_loop().time() - began
            outcome = await self._repeated(endpoint, request, outcome, left)
        if outcome.error is not None:
            raise outcome.error
        return outcome.exchange

    async def _attempt(self, endpoint: Endpoint, request: Request) -> Outcome:
        exchange = Exchange(self.pool, endpoint, request)
        try:
            await exchange.begin()
        except ModelError as error:
            return Outcome(exchange, error)
        return Outcome(exchange)

    async def _repeated(
        self, endpoint: Endpoint, request: Request, first: Outcome, time_left: float | None
    ) -> Outcome:
        """The outcome of the last attempt, the first having been made."""
        import tenacity  # most runs never need it

        made = [first]

        async def attempt() -> Outcome:
            return made.pop() if made else await self._attempt(endpoint, request)

        def wait(state: tenacity.RetryCallState) -> float:
            return self.retries.wait(state.attempt_number, _outcome(state).error)

        stop: tenacity.stop.stop_base = tenacity.stop_after_attempt(self.retries.attempts)
        if time_left is not None:
            # a wait that the caller cannot afford is not begun
            stop |= tenacity.stop_before_delay(time_left)
        retrying = tenacity.AsyncRetrying(
            sleep=self.sleep,
            stop=stop,
            wait=wait,
            retry=lambda state: self._is_to_be_repeated(request, _outcome(state)),
            retry_error_callback=_outcome,
        )
        outcome: Outcome = await retrying(attempt)
        if outcome.error is not None:
            outcome.error.attempts = retrying.statistics.get("attempt_number", 1)
        return outcome

    def _is_to_be_repeated(self, request: Request, outcome: Outcome) -> bool:
        error = outcome.error
        if error is None:
            return outcome.exchange.failed_for_now and not _adds_to_state(request)
        # a conversation that may have taken the input must not get it twice
        return self.retries.allows(error) and not (_adds_to_state(request) and _is_in_doubt(error))


def _outcome(state: tenacity.RetryCallState) -> Outcome:
    outcome: Outcome = state.outcome.result()  # type: ignore[union-attr]
    return outcome


def _adds_to_state(request: Request) -> bool:
    """Whether the server appends the input to a conversation that it keeps."""
    return bool(request.value_of("conversation"))


def _is_in_doubt(error: ModelError) -> bool:
    """Whether the server may have acted on a request that it has not refused."""
    return (error.status is None or error.status < 400) and was_sent(error)
