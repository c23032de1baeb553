"""How long to wait between two requests to one host: places in a queue, computed from the clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from agentkit import Retry

LONGEST_WAIT = 30.0
"""Seconds a request waits for its turn; one that would wait longer is refused instead."""


class Pace:
    """The turns of the hosts that were asked lately."""

    def __init__(
        self, pause: float, clock: Callable[[], float], sleep: Callable[[float], Awaitable[object]]
    ) -> None:
        self._pause, self._clock, self._sleep = pause, clock, sleep
        self._next_turn: dict[str, float] = {}

    async def turn(self, host: str) -> None:
        """Wait until the host may be asked. Raises Retry where too many are waiting."""
        if not self._pause:
            return
        now = self._clock()
        at = max(now, self._next_turn.get(host, now))
        if at - now > LONGEST_WAIT:
            raise Retry(f"Too many requests to {host} are waiting. Ask for it again in a minute.")
        self._next_turn = {name: turn for name, turn in self._next_turn.items() if turn > now}
        self._next_turn[host] = at + self._pause
        if at > now:
            await self._sleep(at - now)
