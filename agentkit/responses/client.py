"""ResponsesModel: `POST {base_url}/responses` over HTTP. The only file that opens a socket.

Knows requests, responses and events; has never heard of tools, runs or logs.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import httpx
import tenacity

from agentkit.errors import (
    BadRequestError,
    ConfigurationError,
    ModelError,
    ModelTimeoutError,
    TransportError,
)
from agentkit.responses.dialect import Dialect, refused_setting, spoken
from agentkit.responses.events import Notice, Snapshot, StreamEvent
from agentkit.responses.failures import read_error
from agentkit.responses.reply import is_event_stream, read_reply, stream_events
from agentkit.responses.response import Request
from agentkit.responses.retry import TRANSIENT_CODES, Retries

Sleep = Callable[[float], Awaitable[None]]

DRAIN = 1.0
"""Seconds to wait for the end of a body behind its last event."""


class HTTPClient(Protocol):
    """What is used of an asynchronous HTTP client: httpx.AsyncClient, or one with its methods."""

    def build_request(self, method: str, url: str, **options: Any) -> Any: ...

    async def send(self, request: Any, *, stream: bool = False) -> Any: ...


@dataclass(frozen=True)
class Timeouts:
    """Seconds to wait for a server."""

    connect: float = 5.0
    idle: float = 600.0
    """Between two pieces of an answer, and before the first; reasoning can take minutes."""


@dataclass(frozen=True)
class Endpoint:
    """Where requests go and what goes with them."""

    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    dialect: Dialect = field(default_factory=Dialect)

    @property
    def url(self) -> str:
        """The URL of `POST /responses`; a query in the base URL stays behind the path."""
        path, question, query = self.base_url.partition("?")
        return f"{path.rstrip('/')}/responses{question}{query}"

    @property
    def secrets(self) -> list[str]:
        """What must not reach an error text."""
        return [value.removeprefix("Bearer ") for value in self.headers.values()]


class ResponsesModel:
    """A model behind a Responses server."""

    def __init__(
        self,
        name: str,
        endpoint: Endpoint,
        *,
        http_client: HTTPClient | None = None,
        retries: Retries | None = None,
        timeouts: Timeouts | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.name = name
        self.endpoint = endpoint
        self.dialect = endpoint.dialect
        self._retries = retries or Retries()
        self._pool = _Pool(http_client, timeouts or Timeouts())
        self._sleep = sleep
        self._refused: set[str] = set()

    def __repr__(self) -> str:
        return f"ResponsesModel({self.name!r}, {self.endpoint.base_url!r})"

    async def stream(self, request: Request) -> AsyncIterator[StreamEvent]:
        """The events of the answer; raises ModelError.

        What failed before its first event is sent again as `Retries` says. A field that the
        server does not know is left out from then on, with a `Notice`.
        """
        reply = None
        while reply is None:
            try:
                reply = await self._send_until_answered(request)
            except BadRequestError as error:
                refused = refused_setting(error)
                if refused is None or refused in self._refused:
                    raise
                self._refused.add(refused)
                yield Notice(f"The server does not take `{refused}`; sent without. ({error})")
        async with aclosing(reply.events):
            for event in reply.first:
                yield event
            async for event in reply.events:
                yield event

    async def _send_until_answered(self, request: Request) -> _Reply:
        retrying = tenacity.AsyncRetrying(
            sleep=self._sleep,
            stop=tenacity.stop_after_attempt(self._retries.attempts),
            retry=lambda state: _is_transient(state, self._retries),
            wait=lambda state: self._retries.wait(state.attempt_number, _failure(state)),
            retry_error_callback=lambda state: state.outcome and state.outcome.result(),
        )
        try:
            reply: _Reply = await retrying(self._send, request)
        except ModelError as error:
            error.attempts = retrying.statistics.get("attempt_number", 1)
            raise
        return reply

    async def _send(self, request: Request) -> _Reply:
        """One attempt, up to the first event that a caller may see."""
        events = self._exchange(spoken(request, self.dialect, self._refused))
        try:
            first: list[StreamEvent] = []
            async for event in events:
                first.append(event)
                if not isinstance(event, Snapshot) or event.is_terminal:
                    break
        except BaseException:
            await events.aclose()
            raise
        reply = _Reply(first, events)
        if reply.failed_for_now:
            await events.aclose()
        return reply

    async def _exchange(self, request: Request) -> AsyncGenerator[StreamEvent]:
        async with self._post(request) as response:
            status, headers = response.status_code, response.headers
            if status >= 300:
                raise read_error(status, await response.aread(), headers)
            if not is_event_stream(headers):
                for event in read_reply(status, await response.aread(), headers):
                    yield event
                return
            chunks = response.aiter_bytes()
            async for event in stream_events(chunks, headers):
                yield event
            await _drain(chunks)

    @contextlib.asynccontextmanager
    async def _post(self, request: Request) -> AsyncIterator[Any]:
        client = await self._pool.client()
        accept = "text/event-stream" if request.stream else "application/json"
        headers = {"Content-Type": "application/json", "Accept": accept, **self.endpoint.headers}
        with _errors_of(client, self.endpoint):
            post = client.build_request(
                "POST", self.endpoint.url, content=request.body(), headers=headers
            )
            response = await client.send(post, stream=True)
            try:
                yield response
            except ModelError as error:
                _redact(error, self.endpoint.secrets)
                raise
            finally:
                await response.aclose()


@dataclass(frozen=True)
class _Reply:
    """An answer that has begun: nothing of it is asked for again."""

    first: list[StreamEvent]
    events: AsyncGenerator[StreamEvent]

    @property
    def failed_for_now(self) -> bool:
        """Whether it is nothing but a failure that may not happen again."""
        last = self.first[-1] if self.first else None
        if not isinstance(last, Snapshot) or last.type != "response.failed":
            return False
        error = last.response.get("error")
        return isinstance(error, dict) and error.get("code") in TRANSIENT_CODES


class _Pool:
    """One HTTP client an event loop: connections belong to the loop that opened them."""

    def __init__(self, given: HTTPClient | None, timeouts: Timeouts) -> None:
        self._given = given
        self._timeouts = timeouts
        self._kept: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncGenerator[Any]]
        self._kept = WeakKeyDictionary()
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()

    async def client(self) -> Any:
        """The caller's own client, or this loop's."""
        if self._given is not None:
            return self._given
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            limit = httpx.Limits(max_connections=None, keepalive_expiry=60.0)
            wait = httpx.Timeout(self._timeouts.idle, connect=self._timeouts.connect)
            # a loop closes its asynchronous generators before it ends, and so its client
            self._kept[loop] = _closing_at_the_end(httpx.AsyncClient(timeout=wait, limits=limit))
            self._clients[loop] = await anext(self._kept[loop])
        return self._clients[loop]


async def _closing_at_the_end(client: httpx.AsyncClient) -> AsyncGenerator[Any]:
    try:
        yield client
    finally:
        await client.aclose()


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    """Read the end of the body, so that the connection can serve the next request."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN):
            async for _ in chunks:
                pass


@contextlib.contextmanager
def _errors_of(client: Any, endpoint: Endpoint) -> Iterator[None]:
    """Turn the errors of the client's own module into ours: httpx, or one with its names."""
    module = _module_of(client)
    if module is None:
        yield
        return
    try:
        yield
    except (module.InvalidURL, module.UnsupportedProtocol) as error:
        raise ConfigurationError(
            f"base_url {_shown(endpoint)!r} is not a URL that can be reached: {error}"
        ) from error
    except module.TimeoutException as error:
        raise ModelTimeoutError(
            f"{_shown(endpoint)} did not answer in time ({type(error).__name__})."
        ) from error
    except module.HTTPError as error:
        why = str(error) or type(error).__name__
        raise TransportError(
            f"Cannot reach {_shown(endpoint)}: {why}. Check the address and the network."
        ) from error


def _module_of(client: Any) -> Any:
    names = [kind.__module__.partition(".")[0] for kind in type(client).__mro__]
    modules = [sys.modules[name] for name in names if name in sys.modules]
    return next((module for module in modules if hasattr(module, "TimeoutException")), None)


def _shown(endpoint: Endpoint) -> str:
    """The base URL without user, password and query, which may be secret."""
    scheme, _, rest = endpoint.base_url.partition("://")
    return f"{scheme}://{rest.partition('?')[0].rpartition('@')[2]}"


def _redact(error: ModelError, secrets: list[str]) -> None:
    for secret in secrets:
        error.message = error.message.replace(secret, "[key]") if secret else error.message


def _failure(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _is_transient(state: tenacity.RetryCallState, retries: Retries) -> bool:
    if (error := _failure(state)) is not None:
        return retries.allows(error)
    return bool(state.outcome and state.outcome.result().failed_for_now)
