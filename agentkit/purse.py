"""What one run pays its requests from: its own budgets, and those of the runs around it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from agentkit.budget import Budget, Claim
from agentkit.errors import (
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ModelError,
    QuotaError,
    RateLimitError,
)
from agentkit.prices import Pricing, has_list
from agentkit.quote import Offer, Quote, Turn
from agentkit.responses.failures import was_sent
from agentkit.responses.response import Response


@dataclass
class Inside:
    """What the runs inside one call have come to, for the record of that call."""

    costs: list[float] = field(default_factory=list)
    """US dollars of each request."""
    untrusted: bool = False
    """Whether the model of any has read something from outside."""


# Sub-runs inherit them: tasks, and the threads of tools, begin in a copy of their caller's context.
_AROUND: ContextVar[tuple[Budget, ...]] = ContextVar("agentkit_budgets", default=())
INSIDE: ContextVar[tuple[Inside, ...]] = ContextVar("agentkit_inside", default=())
"""Of each of the calls around this place, what runs in it have come to."""
_IS_PAYING: ContextVar[bool] = ContextVar("agentkit_is_paying", default=False)


def budgets_around() -> tuple[Budget, ...]:
    """The budgets of the runs around this place."""
    return _AROUND.get()


class Purse:
    """The budgets of one run, for the time of a `with` block: runs inside count against them too.

    Behind the block nothing of them is set aside for the run any more.
    """

    def __init__(self, budgets: Sequence[Budget]) -> None:
        # one order for all, so that no two runs wait for each other
        self._budgets = tuple(sorted(budgets, key=id))
        self.last: Turn | None = None
        """The last request that was paid from it and answered."""

    def __enter__(self) -> Self:
        self._token = _AROUND.set(self._budgets)
        return self

    def __exit__(self, *_: object) -> None:
        for budget in self._budgets:
            budget.release(self)
        with suppress(ValueError):  # a run that was never awaited to its end is closed elsewhere
            _AROUND.reset(self._token)

    async def reserve(self, quote: Quote, *, aside: bool = False) -> Reservation:
        """Dollars for a request, set aside in every budget; `.offer` is None where one has none.

        One `aside` of the run's way to its answer leaves what is kept for that.
        Raises ConfigurationError where a budget has to know a price that nobody does.
        """
        if not quote.is_known:
            check_known(self._budgets, quote.pricing)
        reservation = Reservation(quote)
        try:
            for budget in self._budgets:
                # a model that asks through another run must not wait for who waits for it
                claim = Claim(quote, None if aside else self, may_wait=not _IS_PAYING.get())
                if not reservation.takes(budget, claim, await budget.take(claim)):
                    break
        except BaseException:
            reservation.settle(0.0)
            raise
        return reservation


class Reservation:
    """Dollars set aside for one request in several budgets, until it is settled.

    Where a `with` block is left without a word, they are given back if the server has said no,
    and else count as the most that the request can have cost: the server may have billed it.
    """

    def __init__(self, quote: Quote) -> None:
        self.quote = quote
        self.offer: Offer | None = None
        """What of the request there is room for, None for nothing."""
        self.limit: str | None = None
        """The limit because of which that is not all of it."""
        self._claims: dict[Budget, Claim] = {}

    def __enter__(self) -> Self:
        self._token = _IS_PAYING.set(True)
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.settle(0.0 if error is not None and _is_unbilled(error) else None)
        with suppress(ValueError):
            _IS_PAYING.reset(self._token)

    def takes(self, budget: Budget, claim: Claim, offer: Offer | None) -> bool:
        """Whether a budget has room, which becomes part of the reservation."""
        if offer is None:
            self.settle(0.0)
            self.offer, self.limit = None, budget.limit
            return False
        so_far = self.offer or Offer(self.quote.most, is_last=False)
        tokens = min(offer.output_tokens, so_far.output_tokens)
        both = Offer(tokens, offer.is_last or so_far.is_last)
        if both != so_far:
            self.limit = budget.limit
        self.offer = both
        self._claims[budget] = claim
        for each, claimed in self._claims.items():
            each.narrow(claimed, both)
        return True

    def settle(self, cost: float | None) -> None:
        """Count what the request cost, None where it is not known. The first word holds."""
        counted = [budget.settle(claim, cost) for budget, claim in self._claims.items()]
        for inside in INSIDE.get():
            inside.costs.append(max(counted, default=0.0))

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


def _is_unbilled(error: BaseException) -> bool:
    """Whether the server has said no, or was never reached."""
    if isinstance(error, AuthenticationError | BadRequestError | QuotaError | RateLimitError):
        return True
    if not isinstance(error, ModelError):
        return isinstance(error, ConfigurationError)
    return (error.status or 0) >= 400 or not was_sent(error)
