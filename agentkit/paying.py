"""Sending a request once it can be paid, and noting what it cost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from agentkit.events import Event
from agentkit.limits import LANDING
from agentkit.prices import field_of, pricing_of
from agentkit.purse import Purse
from agentkit.quote import Turn, quote_for
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

    @property
    def cost(self) -> float | None:
        """US dollars of all; None too where middleware sent none, since then nobody can know."""
        known = [cost for cost in self.costs if cost is not None]
        return sum(known) if known and len(known) == len(self.costs) else None


async def paid(run: Run, sent: Sent, send: Send, request: Request) -> Response:
    """The answer to a request, which goes out once every budget of the run has room for it.

    Where one has none, nothing is sent, and the answer is an incomplete one that says so.
    """
    if run.purse is not None:
        return await _paid_from(run.purse, run, sent, send, request)
    response = await send(request)
    cost = response.cost
    if cost is None and run.has_prices:
        cost = pricing_of(request, run.setup.server, run.prices).of(response)
    sent.costs.append(cost)
    return response


def as_last(request: Request) -> Request:
    """The request as a run's last: it says so, and tools are switched off."""
    told = f"{field_of(request, 'instructions') or ''}\n\n{LANDING}".strip()
    choice = {"tool_choice": "none"} if field_of(request, "tools") else {}
    return replace(request, extra={**request.extra, "instructions": told, **choice})


async def _paid_from(purse: Purse, run: Run, sent: Sent, send: Send, request: Request) -> Response:
    pricing = pricing_of(request, run.setup.server, run.prices)
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
        sent.limit = reservation.limit
        return _nothing(sent, sent.limit or "")
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


def _nothing(sent: Sent, reason: str) -> Response:
    """What stands for the answer to a request that did not go out."""
    sent.costs.append(0.0)
    return Fold().so_far(reason)
