"""An answer that the server keeps: what a broken connection loses is got from there.

A response in the background is followed to its end, by its stream or by asking for it, and is
cancelled at the server where nobody wants it any more. One that was streamed and is stored is
fetched once before it would be paid for again. Knows nothing of attempts to send a request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from urllib.parse import quote, urlencode

from agentkit.errors import (
    ModelError,
    ModelTimeoutError,
    ProtocolError,
    StreamTruncatedError,
    TransportError,
)
from agentkit.responses.dialect import Dialect
from agentkit.responses.endpoint import Endpoint
from agentkit.responses.events import Snapshot, StreamEvent
from agentkit.responses.exchange import Exchange
from agentkit.responses.limiter import Limiter
from agentkit.responses.polling import PENDING, Polling
from agentkit.responses.response import Request
from agentkit.responses.retry import Retries
from agentkit.responses.transport import Pool

CANCEL = 3.0
"""Seconds in which a server has to take the news that a response is no longer wanted."""

_BROKEN = (StreamTruncatedError, TransportError, ModelTimeoutError, ProtocolError)

Sleep = Callable[[float], Awaitable[None]]


def is_kept(request: Request, dialect: Dialect) -> bool:
    """Whether the server can be asked again for the answer to a request."""
    if request.value_of("background"):
        return True
    return dialect.keeps_responses and request.value_of("store") is not False


@dataclass(frozen=True, repr=False)
class KeptEndpoint(Endpoint):
    """Where a server keeps one response."""

    path: str = ""
    """What stands behind `/responses`."""
    query: tuple[tuple[str, str], ...] = ()

    @cached_property
    def url(self) -> str:
        """The URL of the response, or of what can be done with it."""
        whole = Endpoint(self.base_url, self.headers, self.dialect).url
        address, _, query = whole.partition("?")
        asked = "&".join(each for each in (query, urlencode(self.query, safe="[]")) if each)
        return f"{address}{self.path}{'?' if asked else ''}{asked}"


@dataclass(frozen=True)
class Keeper:
    """A server that keeps responses, and how it is asked for them."""

    pool: Pool
    endpoint: Endpoint
    limiter: Limiter
    retries: Retries
    sleep: Sleep
    polling: Polling = field(default_factory=Polling)

    async def fetch(self, response_id: str, request: Request) -> Snapshot:
        """The response as it stands. Raises ModelError."""
        where = self._place(response_id, query=_included(request))
        exchange = await self._asked(where, replace(request, stream=False))
        found = next((each for each in exchange.first if isinstance(each, Snapshot)), None)
        if found is None:
            raise ProtocolError("The server gave no response.")
        return _as_it_stands(found)

    async def resume(self, response_id: str, after: int, request: Request) -> Exchange:
        """The stream of the response behind an event, by its number. Raises ModelError."""
        query = (*_included(request), ("stream", "true"), ("starting_after", str(after)))
        return await self._asked(self._place(response_id, query=query), request)

    async def cancel(self, response_id: str) -> None:
        """Say that the response is no longer wanted; whether that is heard does not matter."""
        where = self._place(response_id, "/cancel")
        with suppress(ModelError, TimeoutError):
            async with asyncio.timeout(CANCEL):
                headers = {"Accept": "application/json"}
                answer = await self.pool.send("POST", where.url, where, b"", headers)
                try:
                    await answer.content()
                finally:
                    await answer.close()

    def _place(
        self, response_id: str, action: str = "", query: tuple[tuple[str, str], ...] = ()
    ) -> KeptEndpoint:
        where = self.endpoint
        path = f"/{quote(response_id, safe='')}{action}"
        return KeptEndpoint(where.base_url, where.headers, where.dialect, path, query)

    async def _asked(self, where: KeptEndpoint, request: Request) -> Exchange:
        turn = await self.limiter.turn() if self.limiter.is_closed else None
        exchange = Exchange(self.pool, where, request, self.limiter, turn, method="GET")
        await exchange.begin()
        return exchange


class Kept:
    """An exchange whose answer the server keeps; to be used in the place of that exchange.

    What it raises once the server has begun a response in the background says that the request
    must not be sent again.
    """

    def __init__(self, exchange: Exchange, request: Request, keeper: Keeper) -> None:
        self.first: list[StreamEvent] = []
        """The events up to the first that a caller may see, and what came in one piece with it."""
        self._exchange: Exchange | None = exchange
        self._request = request
        self._keeper = keeper
        self._is_background = bool(request.value_of("background"))
        self._id: str | None = None
        self._number: int | None = None
        self._given = self._again = 0
        """How many events have come, and how many of a stream that began anew are known."""
        self._breaks = 0
        self._status = ""
        self._waits: Iterator[float] | None = None
        self._is_over = False

    @property
    def failed_for_now(self) -> bool:
        """Whether the answer is nothing but a failure that may not happen again."""
        return self._exchange is not None and self._exchange.failed_for_now

    async def begin(self) -> None:
        """Send the request and read up to the first event of the answer. Raises ModelError."""
        assert self._exchange is not None
        try:
            try:
                await self._exchange.begin()
            finally:
                self.first = [_as_it_stands(event) for event in self._exchange.first]
                self._note(self.first)
        except ModelError as error:
            self.first += await self._after(error)
        except BaseException:
            await self.close()
            raise

    async def more(self) -> list[StreamEvent]:
        """The next events, none at the end. Raises ModelError."""
        ...
