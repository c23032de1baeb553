"""Budgets: what many runs may spend together, held to by setting dollars aside beforehand.

A request goes out once the most that it can cost is set aside in every budget around it; when its
answer has come, what it did cost takes that place. So concurrent runs cannot overshoot together.
Knows what a request can cost, not how it is made.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar, Literal

from agentkit.errors import ConfigurationError
from agentkit.prices import is_dollars
from agentkit.quote import Offer, Quote


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
        self._held: dict[Claim, float] = {}
        self._kept: dict[object, float] = {}
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
        """Dollars set aside: for requests on their way, and for the last answer of each run."""
        with self._lock:
            return sum(self._held.values()) + sum(self._kept.values())

    @property
    def left(self) -> float:
        """Dollars that are neither spent nor set aside."""
        with self._lock:
            return max(0.0, self.dollars - self._spent - self.reserved)

    @property
    def unpriced(self) -> int:
        """Requests whose cost was not told; each counts with the most that it can have cost."""
        return self._unpriced

    async def take(self, claim: Claim) -> Offer | None:
        """Set dollars aside for what of a request there is room for; None if for nothing.

        Waits, first come first served, while others have dollars set aside that may come free.
        """
        waiter: _Waiter | None = None
        try:
            while True:
                with self._lock:
                    offer = self._offer(claim, waiter)
                    if not isinstance(offer, _Later):
                        self._set_aside(claim, offer)
                        return offer
                    if waiter is None:
                        waiter = _Waiter()
                        self._waiting.append(waiter)
                await waiter.woken()
        finally:
            if waiter is not None:
                self._leave(waiter)

    def narrow(self, claim: Claim, offer: Offer) -> None:
        """Give back what of a claim another budget has no room for."""
        with self._lock:
            self._set_aside(claim, offer)
            self._wake_first()

    def settle(self, claim: Claim, cost: float | None) -> float:
        """Count what a request cost; where that is not known, the most that it can have.

        Gives the dollars that it counted: 0 for a claim that was settled before.
        """
        with self._lock:
            most = self._held.pop(claim, None)
            if most is None:
                return 0.0
            counted = most if cost is None else cost
            self._spent += counted
            self._unpriced += cost is None
            self._wake_first()
            return counted

    def release(self, run: object) -> None:
        """Give back what was kept for the last answer of a run."""
        with self._lock:
            if self._kept.pop(run, 0.0):
                self._wake_first()

    def _offer(self, claim: Claim, waiter: _Waiter | None) -> Offer | _Later | None:
        quote, is_in_turn = claim.quote, not self._waiting or self._waiting[0] is waiter
        kept = sum(dollars for run, dollars in self._kept.items() if run is not claim.run)
        best = self.dollars - self._spent - kept
        room = best - sum(self._held.values())
        if is_in_turn and room > 0 and room >= quote.whole:
            return Offer(quote.most, is_last=False)
        hoped = quote.offer(best)
        if hoped is None:
            return None
        if claim.may_wait and not is_in_turn:
            return _Later()
        is_alone = not kept and not self._held and len(self._waiting) <= (waiter is not None)
        return hoped if is_alone else self._shared(claim, room, hoped)

    def _shared(self, claim: Claim, room: float, hoped: Offer) -> Offer | _Later | None:
        """A fair part of what is there, where others want some too."""
        now = claim.quote.offer(room)
        fair = claim.quote.fair(now or hoped)
        if now and now.is_last is hoped.is_last and now.output_tokens >= fair.output_tokens:
            return fair
        return _Later() if claim.may_wait and self._held else now

    def _set_aside(self, claim: Claim, offer: Offer | None) -> None:
        if offer is None:
            return
        self._held[claim] = claim.quote.dollars(offer.output_tokens)
        self._kept.pop(claim.run, None)
        if claim.quote.may_go_on and not offer.is_last:
            self._kept[claim.run] = claim.quote.landing

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


@dataclass(frozen=True, eq=False)
class Claim:
    """A request that wants dollars set aside."""

    quote: Quote
    run: object | None
    """Whose way to an answer it is on, None where it is aside of it."""
    may_wait: bool = True


class _Later:
    """There may be more once others have settled."""


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
