"""Sending a request once it can be paid, and noting what it cost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from agentkit.budget import Budget, RunBudget
from agentkit.events import Event
from agentkit.limits import LANDING, Limits
from agentkit.prices import pricing_of
from agentkit.purse import INSIDE, Purse, budgets_around, check_known
from agentkit.quote import Turn, hosted_tools, quote_for
from agentkit.records import NOT_SENT, Input, Record
from agentkit.responses.fold import Fold
from agentkit.responses.response import Request, Response
from agentkit.run import Run

OUT_OF_TIME = "seconds"
"""The reason of an answer that was cut off by the run's own bound on time."""

Send = Callable[[Request], Awaitable[Response]]


@dataclass
class Sent:
    """What is known of the requests behind one answer."""

    limit: str | None = None
    """The limit that makes it the run's last."""
    is_aside: bool = False
    """Whether it is not on the run's way to its answer."""
    heard: set[type[Event]] = field(default_factory=set)
    """What the listener has heard of it."""
    costs: list[float | None] = field(default_factory=list)
    """US dollars of each, None where that is not known."""
    is_cached: bool = False
    """Whether all of it was kept of earlier runs."""
    fresh: tuple[str, Response] | None = None
    """The answer that came last from the model, and the key that it may be kept under."""

    @property
    def cost(self) -> float | None:
        """US dollars of all; None too where middleware sent none, since then nobody can know."""
        known = [cost for cost in self.costs if cost is not None]
        return sum(known) if known and len(known) == len(self.costs) else None


def check_prices(run: Run) -> None:
    """Raise ConfigurationError where a budget cannot hold, since a price is not known."""
    if budgets := budgets_under(run.limits):
        bare = Request(run.setup.fields, ())
        check_known(budgets, pricing_of(bare, run.setup.server, run.prices), hosted_tools(bare))


def purse_behind(run: Run, first: Sequence[Record]) -> Purse | None:
    """What a run is paid from that begins, or goes on, with these records."""
    begins = any(isinstance(each, Input) and not each.is_repair for each in first)
    trip = run.log.trip
    budgets = budgets_under(run.limits, 0.0 if begins else trip.cost + trip.cost_inside)
    return Purse(budgets) if budgets else None


def budgets_under(limits: Limits, spent: float = 0.0) -> tuple[Budget, ...]:
    """The budgets that a run with these limits is under, those of the runs around it too.

    `spent` is what the run has cost before, in US dollars.
    """
    if limits.cost is None and limits.budget is None:
        return budgets_around()
    own = [] if limits.cost is None else [RunBudget(limits.cost, spent=spent)]
    shared = [] if limits.budget is None else [limits.budget]
    return tuple(dict.fromkeys([*own, *shared, *budgets_around()]))


async def paid(run: Run, sent: Sent, send: Send, request: Request) -> Response:
    """The answer to a request, which goes out once every budget of the run has room for it.

    Where one has none, nothing is sent, and the answer is an incomplete one that says so.
    """
    if run.purse is not None:
        return await _paid_from(run.purse, run, sent, send, request)
    response = await send(request)
    cost = response.cost
    if cost is None and (run.prices is not None or run.setup.server):
        cost = pricing_of(request, run.setup.server, run.prices, run.secrets).of(response)
    sent.costs.append(cost)
    for inside in INSIDE.get():
        inside.costs.append(cost or 0.0)
    return response


def as_last(request: Request) -> Request:
    """The request as a run's last: it says so, and tools are switched off."""
    told = f"{request.value_of('instructions') or ''}\n\n{LANDING}".strip()
    choice = {"tool_choice": "none"} if request.value_of("tools") else {}
    return replace(request, extra={**request.extra, "instructions": told, **choice})


async def _paid_from(purse: Purse, run: Run, sent: Sent, send: Send, request: Request) -> Response:
    pricing = pricing_of(request, run.setup.server, run.prices, run.secrets)
    may_go_on = run.may_go_on and not sent.limit and not sent.is_aside
    quote = quote_for(request, run.log, pricing, last=purse.last, may_go_on=may_go_on)
    try:
        async with asyncio.timeout(run.time_left) as scope:
            reservation = await purse.reserve(quote, aside=sent.is_aside)
    except TimeoutError:
        if not scope.expired():
            raise
        return _nothing(sent, OUT_OF_TIME)
    if reservation.offer is None:
        return _nothing(sent, reservation.limit)
    with reservation:
        bounded = quote.bounded(request, reservation.offer)
        last = as_last(bounded) if reservation.offer.is_last else bounded
        response = await send(last)
        cost = reservation.settle_for(response)
    sent.costs.append(cost)
    if not sent.is_aside:
        purse.last = Turn(request, response.usage, cost)
    if reservation.is_felt_in(response):
        sent.limit = reservation.limit
    return response


def _nothing(sent: Sent, limit: str | None) -> Response:
    """What stands for the answer to a request that did not go out because of a limit."""
    sent.limit = limit
    sent.costs.append(0.0)
    return Fold().so_far(NOT_SENT)
