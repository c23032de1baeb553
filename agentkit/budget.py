"""Budgets: what many runs may spend together, held to by setting dollars aside beforehand.

A request goes out once the most that it can cost is set aside in every budget around it; when its
answer has come, what it did cost takes that place. So concurrent runs cannot overshoot together.
Knows what a request can cost, not how it is made.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar, Token
from types import TracebackType
from typing import ClassVar, Literal, Self

from agentkit.errors import (
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ModelError,
    QuotaError,
    RateLimitError,
)
from agentkit.prices import Pricing, has_list, is_dollars
from agentkit.quote import Offer, Quote
from agentkit.responses.failures import was_sent
from agentkit.responses.response import Response

# Sub-runs inherit it: tasks, and the threads of tools, begin in a copy of their caller's context.
_AROUND: ContextVar[tuple[Budget, ...]] = ContextVar("agentkit_budgets", default=())
_HELD: ContextVar[tuple[Budget, ...]] = ContextVar("agentkit_budgets_held", default=())


class Budget:
    """US dollars that runs may spend together, from any thread and event loop.

    `spent` is what was spent of it before. With `unknown="refuse"` a run whose price is not known
    does not start; with `"allow"` it does, and what its answers cost counts as far as it is known.
    """

    limit: ClassVar[str] = "budget"
    """The name of the limit that a run meets with it."""

    def __init__(
        self,
        dollars: float,
        *,
        unknown: Literal["refuse", "allow"] = "refuse",
        spent: float = 0.0,
    ) -> None:
        if not is_dollars(dollars) or dollars == 0:
            raise ConfigurationError(f"Budget({dollars!r}): give US dollars above 0.")
        if not is_dollars(spent):
            raise ConfigurationError(f"Budget(spent={spent!r}): give US dollars.")
        if unknown not in ("refuse", "allow"):
            raise ConfigurationError(
                f"Budget(unknown={unknown!r}): it is neither 'refuse' nor 'allow'."
            )
        self.dollars = float(dollars)
        self.unknown = unknown
        self._spent = float(spent)
        self._unpriced = 0
        self._held: dict[Reservation, float] = {}
        self._waiting: deque[_Waiter] = deque()
        self._lock = threading.RLock()  # prices are the caller's own code, and may ask it

    def __repr__(self) -> str:
        more = "" if self.unknown == "refuse" else f", unknown={self.unknown!r}"
        return f"Budget({self.dollars:g}, spent={self.spent:g}, reserved={self.reserved:g}{more})"

    @property
    def spent(self) -> float:
        """Dollars spent, as far as they are known."""
        return self._spent

    @property
    def reserved(self) -> float:
        """Dollars set aside for requests that are on their way."""
        with self._lock:
            return sum(self._held.values())

    @property
    def left(self) -> float:
        """Dollars that are neither spent nor set aside."""
        with self._lock:
            return max(0.0, self.dollars - self._spent - sum(self._held.values()))

    @property
    def unpriced(self) -> int:
        """Answers whose cost was not told; each counts with the most that it can have cost."""
        return self._unpriced

    async def _hold(self, reservation: Reservation) -> Offer | None:
        """Set dollars aside for what of the request there is room for; None if for nothing.

        Waits, first come first served, while others hold dollars that may come free.
        """
        waiter: _Waiter | None = None
        try:
            while True:
                with self._lock:
                    if not self._has_to_wait(reservation.quote, waiter):
                        return self._taken(reservation)
                    if waiter is None:
                        waiter = _Waiter()
                        self._waiting.append(waiter)
                await waiter.woken()
        finally:
            if waiter is not None:
                self._leave(waiter)

    def _has_to_wait(self, quote: Quote, waiter: _Waiter | None) -> bool:
        unspent = self.dollars - self._spent
        if quote.offer(unspent) is None or self in _HELD.get():
            return False
        if self._waiting and self._waiting[0] is not waiter:
            return True
        return bool(self._held) and unspent - sum(self._held.values()) < quote.whole

    def _taken(self, reservation: Reservation) -> Offer | None:
        offer = reservation.quote.offer(self.dollars - self._spent - sum(self._held.values()))
        if offer is not None:
            self._held[reservation] = reservation.quote.dollars(offer.output_tokens)
        return offer

    def _lower(self, reservation: Reservation, dollars: float) -> None:
        with self._lock:
            self._held[reservation] = min(dollars, self._held[reservation])

    def _settle(self, reservation: Reservation, cost: float | None) -> None:
        """Count what the request cost; where that is not known, the most that it can have."""
        with self._lock:
            most = self._held.pop(reservation, None)
            if most is None:
                return
            self._spent += most if cost is None else cost
            self._unpriced += cost is None
            self._wake_first()

    def _leave(self, waiter: _Waiter) -> None:
        with self._lock:
            with suppress(ValueError):  # let go of, since its loop was closed
                self._waiting.remove(waiter)
            self._wake_first()

    def _wake_first(self) -> None:
        while self._waiting and not self._waiting[0].wake():
            self._waiting.popleft()


class RunBudget(Budget):
    """The budget of one run and of the runs inside it: `Limits(cost=…)`."""

    limit: ClassVar[str] = "cost"


class Reservation:
    """Dollars set aside for one request in every budget around it, until it is settled.

    Left in a `with` block without a word, it is given back where the server has said no, and else
    counts as the most that the request can have cost: the server may have billed it.
    """

    def __init__(self, quote: Quote) -> None:
        self.quote = quote
        self.offer: Offer | None = None
        """What of the request there is room for, None for nothing."""
        self.limit: str | None = None
        """The limit because of which that is not all of it."""
        self._budgets: list[Budget] = []
        self._token: Token[tuple[Budget, ...]] | None = None

    def __enter__(self) -> Self:
        self._token = _HELD.set((*_HELD.get(), *self._budgets))
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self._token is not None:
            _HELD.reset(self._token)
        self.settle(0.0 if error is not None and _is_unbilled(error) else None)

    def settle(self, cost: float | None) -> None:
        """Count what the request cost, None where it is not known. The first word holds."""
        for budget in self._budgets:
            budget._settle(self, cost)

    def settle_for(self, response: Response) -> float | None:
        """Count what the answer cost, and say it; None where it is not known.

        A failed answer without usage was not billed.
        """
        cost = self.quote.pricing.of(response)
        is_unbilled = response.is_failed and not response.wire.get("usage")
        self.settle(0.0 if is_unbilled else cost)
        return cost

    def is_felt_in(self, response: Response) -> bool:
        """Whether the answer is the last, or cut off, for want of dollars."""
        if self.limit is None or self.offer is None:
            return False
        return self.offer.is_last or response.incomplete_reason == "max_output_tokens"

    async def fill(self, budgets: Sequence[Budget]) -> None:
        """Set dollars aside in every one, or in none."""
        # one order for all, so that no two wait for each other
        for budget in sorted(budgets, key=id):
            offer = await budget._hold(self)
            if offer is None:
                self.settle(0.0)
                self.offer, self.limit = None, budget.limit
                return
            self._budgets.append(budget)
            self._narrow(offer, budget.limit)
        if self.offer is not None:
            for budget in self._budgets:
                budget._lower(self, self.quote.dollars(self.offer.output_tokens))

    def _narrow(self, offer: Offer, limit: str) -> None:
        so_far = self.offer or Offer(self.quote.most, is_last=False)
        is_last, tokens = so_far.is_last or offer.is_last, so_far.output_tokens
        if offer.output_tokens < tokens or is_last is not so_far.is_last:
            self.limit = limit
        self.offer = Offer(min(tokens, offer.output_tokens), is_last)


async def reserved(budgets: Sequence[Budget], quote: Quote) -> Reservation:
    """Dollars for a request, set aside in every budget; its `.offer` is None where one has none.

    Raises ConfigurationError where a budget has to know a price that nobody does.
    """
    if not quote.is_known:
        check_known(budgets, quote.pricing)
    reservation = Reservation(quote)
    try:
        await reservation.fill(budgets)
    except BaseException:
        reservation.settle(0.0)
        raise
    return reservation


def check_known(
    budgets: Sequence[Budget], pricing: Pricing, hosted_tools: Sequence[str] = ()
) -> None:
    """Raise ConfigurationError where a budget has to know what nobody does."""
    if not any(budget.unknown == "refuse" for budget in budgets):
        return
    go_on = "To go on all the same: Limits(budget=Budget(…, unknown='allow'))."
    if hosted_tools:
        raise ConfigurationError(
            f"A budget cannot hold with {hosted_tools[0]!r}: the server runs it as often as it "
            f"likes, and what that costs shows only afterwards. {go_on}"
        )
    if pricing.at_most(1, 1) is None:
        name = f"the model {pricing.model!r}" if pricing.model else "this model"
        at = f" at {pricing.server}" if pricing.server else ""
        extra = "" if has_list() else " Many are listed in: pip install 'agentkit[prices]'."
        raise ConfigurationError(
            f"A budget cannot hold: the price of {name}{at} is not known. Say it with "
            f"Agent(prices=…).{extra} {go_on}"
        )


@contextmanager
def in_force(budgets: tuple[Budget, ...]) -> Iterator[None]:
    """Have the runs that begin inside count against these budgets too."""
    token = _AROUND.set(budgets)
    try:
        yield
    finally:
        _AROUND.reset(token)


def around() -> tuple[Budget, ...]:
    """The budgets of the runs around this place."""
    return _AROUND.get()


class _Waiter:
    """A run that waits for its turn, in its own event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def wake(self) -> bool:
        """Have it look again; whether there is still somebody to look."""
        with suppress(RuntimeError):  # its loop is closed
            self._loop.call_soon_threadsafe(self._event.set)
            return True
        return False

    async def woken(self) -> None:
        await self._event.wait()
        self._event.clear()


def _is_unbilled(error: BaseException) -> bool:
    """Whether the server has said no, or was never reached."""
    if isinstance(error, AuthenticationError | BadRequestError | QuotaError | RateLimitError):
        return True
    if not isinstance(error, ModelError):
        return isinstance(error, ConfigurationError)
    return (error.status or 0) >= 400 or not was_sent(error)
