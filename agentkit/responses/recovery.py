"""An answer that the server keeps: what a broken connection loses is got from there.

A response in the background is followed to its end, by its stream or by asking for it, and is
cancelled at the server where nobody wants it any more. One that was streamed and is stored is
fetched once before it would be paid for again. Knows nothing of attempts to send a request.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from time import monotonic
from urllib.parse import quote, urlencode

from agentkit.encoding import Wire
from agentkit.errors import (
    ModelError,
    ModelTimeoutError,
    ProtocolError,
    StreamTruncatedError,
    TransportError,
)
from agentkit.responses.compaction import CompactRequest
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

RESUMED = 0.1
"""Seconds at least between two connections for one stream, whatever came over the first."""

# what no path can carry, or what would lead to another one where a server decodes it first
_NO_NAME = re.compile(r"[\ud800-\udfff]|(?:^|[/\\])\.{1,2}(?:[/\\]|$)")

_CANCELLING: set[asyncio.Task[None]] = set()
"""What a loop would hold weakly, for CANCEL seconds at most."""

_BROKEN = (StreamTruncatedError, TransportError, ModelTimeoutError, ProtocolError)

Sleep = Callable[[float], Awaitable[None]]


def is_kept(request: Request, dialect: Dialect) -> bool:
    """Whether the server can be asked again for the answer to a request."""
    if dialect.wire != "responses" or isinstance(request, CompactRequest):
        return False
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
    now: Callable[[], float] = monotonic
    """Seconds from anywhere."""

    async def fetch(self, response_id: str, request: Request) -> Snapshot:
        """The response as it stands. Raises ModelError."""
        where = self._place(response_id, query=_included(request))
        exchange = await self._asked(where, replace(request, stream=False))
        await exchange.close()  # one that is streamed all the same goes on
        found = [_as_it_stands(event) for event in exchange.first]
        if not found or not isinstance(found[0], Snapshot):
            raise ProtocolError("The server does not say how the response stands.")
        if str(found[0].response.get("id") or response_id) != response_id:
            raise ProtocolError("The server gives another response than the one it was asked for.")
        return found[0]

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
        self._begun = exchange
        self._source: Exchange | None = exchange
        """Where the next events come from; None where the server is asked for them."""
        self._request = request
        self._keeper = keeper
        self._is_background = bool(request.value_of("background"))
        self._id: str | None = None
        self._status = ""
        self._number: int | None = None
        """That of the last event that was given."""
        self._given = self._known = 0
        """How many events were given, and how many of those the source will give once more."""
        self._breaks = 0
        self._was_resumed = False
        self._waits: Iterator[float] = iter(())
        self._until = keeper.now() + keeper.polling.patience
        self._is_over = False

    @property
    def failed_for_now(self) -> bool:
        """Whether the answer is nothing but a failure that may not happen again."""
        return self._begun.failed_for_now

    async def begin(self) -> None:
        """Send the request and read up to the first event of the answer. Raises ModelError."""
        try:
            await self._begin()
        except BaseException:
            await self.close()
            raise

    async def more(self) -> list[StreamEvent]:
        """The next events, none at the end. Raises ModelError."""
        while not self._is_over:
            try:
                events = self._new(await self._next())
            except ModelError as error:
                events = await self._after(error)
            if events:
                self._note(events)
                return events
        return []

    async def close(self) -> None:
        """Let go of the connection, and of a response in the background that is not ready."""
        if self._source is not None:
            await self._source.close()
        if self._is_background and self._id is not None and not self._is_over:
            self._is_over = True
            # the server is told, also where the caller is too impatient to wait for that
            telling = asyncio.ensure_future(self._keeper.cancel(self._id))
            _CANCELLING.add(telling)
            telling.add_done_callback(_CANCELLING.discard)
            await asyncio.shield(telling)

    def _note(self, events: list[StreamEvent]) -> None:
        self._given += len(events)
        number = self._source.number if self._source is not None else None
        if number is not None and number != self._number:
            self._number, self._breaks = number, 0
        for event in events:
            if isinstance(event, Snapshot):
                self._id = _name_of(event.response) or self._id
                self._status = str(event.response.get("status"))
                self._is_over = event.is_terminal

    async def _next(self) -> list[StreamEvent]:
        if self._source is None:
            return [await self._changed()]
        if self._was_resumed:
            async with self._in_time():
                events = await self._source.more()
        else:  # has a bound of its own
            events = await self._source.more()
        if not events:
            self._is_over = not (self._is_background and self._status in PENDING)
            self._poll()
        return events

    async def _begin(self) -> None:
        lost = None
        try:
            await self._begun.begin()
        except ModelError as error:
            lost = error
        finally:
            self.first = [_as_it_stands(event) for event in self._begun.first]
            self._note(self.first)
        if lost is not None:
            if self._number is not None:
                # it may be that of an event that was lost with the error
                self._number = min(self._number, self._given - 1)
            events = await self._after(lost)
            self._note(events)
            self.first += events

    async def _after(self, error: ModelError) -> list[StreamEvent]:
        """What is still to be had after an error, none where it is to be asked for. Raises it."""
        if self._id is None or self._source is None or not _is_broken(error):
            raise self._last(error)
        if not self._is_background:
            return [await self._fetched(error)]
        if isinstance(error, ProtocolError):
            # what cannot be read now cannot be read the next time
            return self._poll(at_once=True)
        return await self._resumed(error)

    async def _fetched(self, error: ModelError) -> Snapshot:
        """The answer, where it is whole at the server. Raises the error where it is not."""
        self._source = None
        try:
            async with self._in_time():
                found = await self._keeper.fetch(self._id or "", self._request)
        except ModelError:
            raise error from None
        if found.type not in ("response.completed", "response.incomplete"):
            raise error
        return found

    async def _resumed(self, error: ModelError) -> list[StreamEvent]:
        """The next events of the stream; none where only asking for the response is left."""
        retries = self._keeper.retries
        if self._keeper.now() > self._until:
            raise self._last(self._late())
        while self._number is not None and self._breaks < retries.attempts:
            wait = max(retries.wait(self._breaks or 1, error), RESUMED)
            wait = wait if self._was_resumed else 0.0
            self._breaks, self._was_resumed = self._breaks + 1, True
            try:
                async with self._in_time():
                    source = await self._again(self._number, wait)
            except ModelError as refused:
                error = refused
                if not retries.allows(refused):
                    break
            else:
                self._source = source
                begins_anew = any(_is_the_beginning(event) for event in source.first[:1])
                self._known = self._given if begins_anew else 0
                return self._new([_as_it_stands(event) for event in source.first])
        return self._poll(at_once=True)

    async def _again(self, number: int, wait: float) -> Exchange:
        """The stream behind an event, asked for after so many seconds."""
        if wait:
            await self._keeper.sleep(wait)
        return await self._keeper.resume(self._id or "", number, self._request)

    def _new(self, events: list[StreamEvent]) -> list[StreamEvent]:
        """Those events that were not given before."""
        known = min(self._known, len(events))
        self._known -= known
        return events[known:]

    def _poll(self, *, at_once: bool = False) -> list[StreamEvent]:
        """From here on, ask for the response. Raises ProtocolError where it has no name."""
        if self._id is None and not self._is_over:
            raise ProtocolError("The response is not ready and has no id to ask for it by.")
        self._source = None
        self._waits = chain((0.0,) if at_once else (), self._keeper.polling.waits())
        return []

    async def _changed(self) -> Snapshot:
        """The response, once it stands otherwise than before. Raises ModelError."""
        keeper, failures, pause = self._keeper, 0, 0.0
        for wait in self._waits:
            try:
                async with self._in_time():
                    if longest := max(wait, pause):
                        await keeper.sleep(longest)
                    found = await keeper.fetch(self._id or "", self._request)
            except ModelError as error:
                failures += 1
                if failures > keeper.polling.failures or not keeper.retries.allows(error):
                    raise
                pause = keeper.retries.wait(failures, error)
                continue
            failures, pause = 0, 0.0
            if found.response.get("status") != self._status:
                return found
        raise self._late()

    @asynccontextmanager
    async def _in_time(self) -> AsyncGenerator[None]:
        """End what is done within once patience is lost. Raises ModelTimeoutError."""
        left = self._until - self._keeper.now()
        if left <= 0:
            raise self._late()
        scope = asyncio.timeout(left)
        try:
            async with scope:
                yield
        except TimeoutError as error:
            if not scope.expired():
                raise
            self._until = self._keeper.now()  # so that nothing else is tried
            raise self._late() from error

    def _late(self) -> ModelTimeoutError:
        patience = self._keeper.polling.patience
        return ModelTimeoutError(
            f"The response {self._id} was not ready after {patience:g} s of waiting."
        )

    def _last(self, error: ModelError) -> ModelError:
        """The error, which says that the request must not be sent again where it was begun."""
        if self._is_background and self._status:
            error.should_retry = False
            # what the server does not know it need not be asked to cancel
            self._is_over = self._is_over or error.status == 404
        return error


def _is_broken(error: ModelError) -> bool:
    """Whether the connection is to blame, and not what the server said."""
    return isinstance(error, _BROKEN) and (error.status is None or error.status < 400)


def _is_the_beginning(event: StreamEvent) -> bool:
    return isinstance(event, Snapshot) and event.type == "response.created"


def _as_it_stands(event: StreamEvent) -> StreamEvent:
    """A whole answer reads as the end of a response; one that is being made is none yet."""
    if not isinstance(event, Snapshot) or not event.is_terminal:
        return event
    status = event.response.get("status")
    return Snapshot(f"response.{status}", event.response) if status in PENDING else event


def _name_of(response: Wire) -> str | None:
    """The id of a response, None where it is none that a request can name."""
    name = str(response.get("id") or "")
    return None if _NO_NAME.search(name) else name or None


def _included(request: Request) -> tuple[tuple[str, str], ...]:
    """What the request asked to be included, which has to be asked for once more."""
    return tuple(("include[]", str(each)) for each in request.value_of("include") or ())
