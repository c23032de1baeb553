"""The floor: httpx posts what agentkit posts, and the standard library parses what comes."""

from __future__ import annotations

import asyncio

from work import DELTAS, Plain, bodies_of, one_run

FIRST_TOOL = "import httpx, pydantic"


class Loop:
    """The requests of one run, made beforehand."""

    def __init__(self, url: str) -> None:
        self._plain = Plain(url, asyncio.run(bodies_of(url, one_run)))

    async def run(self) -> None:
        await self._plain.run()

    async def stream(self) -> int:
        await self._plain.stream()
        return DELTAS


schema = None
"""It makes none of a function."""
