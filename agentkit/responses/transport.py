"""HTTP under a model: one client an event loop, its errors as ours, bodies within bounds.

Works with httpx and with any client that has its methods and its names for errors. Knows nothing
of what is asked or answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Iterator,
    Mapping,
)
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol
from weakref import WeakKeyDictionary, finalize

import httpx

from agentkit.errors import (
    AgentkitError,
    ConfigurationError,
    ModelError,
    ModelTimeoutError,
    ProtocolError,
    TransportError,
)
from agentkit.responses.endpoint import Endpoint
from agentkit.secrets import Secrets

DRAIN = 1.0
"""Seconds to wait for the end of a body behind its last event."""
LINGER = 1.0
"""Seconds until the clients of a pool that nobody holds any more are closed."""
MAX_BODY = 64 * 1024 * 1024
"""Bytes a whole answer may have, decompressed; generated images come in it."""


_Open = WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[httpx.AsyncClient, AsyncGenerator[None]]]
"""The client of each event loop, and the generator whose end closes it."""


class HTTPClient(Protocol):
    """What is used of an asynchronous HTTP client: httpx.AsyncClient, or one with its methods."""

    # properties, because clients differ in the options they name

    @property
    def build_request(self) -> Callable[..., Any]: ...

    @property
    def send(self) -> Callable[..., Awaitable[Any]]: ...


@dataclass(frozen=True)
class Timeouts:
    """Seconds to wait for a server."""

    connect: float = 5.0
    idle: float = 600.0
    """Between two pieces of an answer, and before the first; reasoning can take minutes."""


class Pool:
    """The caller's own client, or one an event loop: connections belong to the loop."""

    def __init__(self, given: HTTPClient | None, timeouts: Timeouts | None) -> None:
        self._given = given
        self._timeouts = timeouts
        _hide_in_logs_of(given)
        self._open: _Open = WeakKeyDictionary()
        finalize(self, _let_go_later, self._open).atexit = False

    async def send(
        self, method: str, url: str, endpoint: Endpoint, body: bytes, headers: Mapping[str, str]
    ) -> HTTPAnswer:
        """The answer to a request, once its headers are there; to be closed. Raises ModelError.

        `endpoint` gives the headers that carry the key, and the name of the server in errors.
        """
        client = await self._client()
        with errors_of(client, endpoint), _hidden_in_logs(endpoint.hidden):
            response = await client.send(
                client.build_request(
                    method,
                    url,
                    content=body,
                    headers={**headers, **endpoint.headers},
                    **self._waits(client),
                ),
                stream=True,
            )
        return HTTPAnswer(response, client, endpoint)

    async def _client(self) -> Any:
        if self._given is not None:
            return self._given
        loop = asyncio.get_running_loop()
        if loop not in self._open:
            client = self._new_client()
            keeper = _closed_at_the_end(client, self._open)
            self._open[loop] = client, keeper
            # from here on the loop knows the generator, and closes it before it ends
            await anext(keeper)
        return self._open[loop][0]

    def _new_client(self) -> httpx.AsyncClient:
        timeouts = self._timeouts or Timeouts()
        limit = httpx.Limits(max_connections=None, keepalive_expiry=60.0)
        wait = httpx.Timeout(timeouts.idle, connect=timeouts.connect)
        return httpx.AsyncClient(timeout=wait, limits=limit)

    def _waits(self, client: Any) -> dict[str, Any]:
        """The timeouts, for a client that does not have them or better ones of its own."""
        own = getattr(client, "timeout", None)
        # 5 seconds is what httpx does unless told otherwise: too short for a model
        is_chosen = own is not None and own != type(own)(5.0)
        if self._given is None or (self._timeouts is None and is_chosen):
            return {}
        timeouts = self._timeouts or Timeouts()
        return {"timeout": (timeouts.connect, timeouts.idle, timeouts.idle, timeouts.idle)}


class HTTPAnswer:
    """The answer to a request: its head, and a body that is read once."""

    def __init__(self, response: Any, client: Any, endpoint: Endpoint) -> None:
        self.status: int = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self.chunks = _chunks(response.aiter_bytes(), client, endpoint)
        """The decompressed pieces of the body; iterating raises ModelError."""
        self._response = response
        self._hidden = endpoint.hidden

    async def content(self) -> bytes:
        """The whole body, of an error without the key. Raises ModelError."""
        pieces, size = [], 0
        async for chunk in self.chunks:
            pieces.append(chunk)
            size += len(chunk)
            if size > MAX_BODY:
                why = f"The answer has more than {MAX_BODY:,} bytes."
                raise ProtocolError(why, status=self.status)
        body = b"".join(pieces)
        # an error shows the beginning of it, which could end within the key
        return body if self.status < 300 else self._hidden.hide_bytes(body)

    async def drain(self) -> None:
        """Read the end of the body, so that the connection can serve the next request."""
        # what has to be said has been said, so how the body ends no longer matters
        with contextlib.suppress(TimeoutError, ModelError):
            async with asyncio.timeout(DRAIN):
                async for _ in self.chunks:
                    pass

    async def close(self) -> None:
        """Give the connection back, or close it where the body has not been read."""
        await self.chunks.aclose()
        await self._response.aclose()


@contextlib.contextmanager
def errors_of(client: Any, endpoint: Endpoint) -> Iterator[None]:
    """Turn the errors of the client's own module into ours: httpx, or one with its names."""
    module = _module_of(client)
    try:
        yield
    except (module.HTTPError, module.StreamError, module.InvalidURL, OSError) as error:
        raise _as_ours(_without_request(error), module, endpoint) from error


def _without_request(error: Any) -> Any:
    """The error, which does not lead to the key: it is in the request's URL or its headers."""
    if hasattr(type(error), "request"):
        error.request = None
    return error


def _as_ours(error: Exception, module: Any, endpoint: Endpoint) -> AgentkitError:
    if isinstance(error, module.InvalidURL | module.UnsupportedProtocol):
        return ConfigurationError(
            f"base_url {endpoint.shown!r} is not a URL that can be reached: {error}"
        )
    if isinstance(error, module.TimeoutException):
        return ModelTimeoutError(
            f"{endpoint.shown} did not answer in time ({type(error).__name__})."
        )
    if isinstance(error, module.ConnectError):
        return TransportError(
            f"Cannot reach {endpoint.shown}: {_reason(error)}. Check the address and the network."
        )
    return TransportError(f"The connection to {endpoint.shown} broke: {_reason(error)}.")


_SENT: ContextVar[Secrets | None] = ContextVar("secrets of the request under way", default=None)


class _HidingFilter(logging.Filter):
    """Hides the secrets of a request in what its client logs: its URL, an answer's headers."""

    def filter(self, record: logging.LogRecord) -> bool:
        if secrets := _SENT.get():
            record.msg, record.args = secrets.hide(record.getMessage()), ()
        return True


_FILTER = _HidingFilter()


def _hide_in_logs_of(client: Any) -> None:
    """Filter what the client's library logs; a logger hands no filter down, so each gets it."""
    module = _module_of(client).__name__
    core = module.replace("httpx", "httpcore")
    below = (f"{core}.{part}" for part in ("connection", "http11", "http2", "proxy", "socks"))
    for name in (module, *below):
        logging.getLogger(name).addFilter(_FILTER)


@contextlib.contextmanager
def _hidden_in_logs(secrets: Secrets) -> Iterator[None]:
    before = _SENT.set(secrets)
    try:
        yield
    finally:
        _SENT.reset(before)


async def _chunks(
    body: AsyncGenerator[bytes], client: Any, endpoint: Endpoint
) -> AsyncGenerator[bytes]:
    with errors_of(client, endpoint):
        async with contextlib.aclosing(body):
            async for chunk in body:
                yield chunk


async def _closed_at_the_end(client: httpx.AsyncClient, clients: _Open) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        clients.pop(asyncio.get_running_loop(), None)
        await client.aclose()


def _let_go_later(clients: _Open) -> None:
    """Have the clients of a pool that is gone closed by their loops.

    Not at once: closing takes several steps, and a pool is often let go of in a loop's last one,
    which then would cut them short. A loop that ends first closes them by itself.
    """
    while clients:
        loop, (_, keeper) = clients.popitem()
        with contextlib.suppress(RuntimeError):  # the loop has closed meanwhile
            # a call that does nothing: a loop closes the generators that nobody holds, and until
            # then the waiting call holds this one
            loop.call_soon_threadsafe(loop.call_later, LINGER, id, keeper)


def _module_of(client: Any) -> Any:
    """The module whose errors the client raises: that of the class, or of one it inherits from."""
    names = [kind.__module__.partition(".")[0] for kind in type(client).__mro__]
    modules = [sys.modules[name] for name in names if name in sys.modules]
    return next((module for module in modules if hasattr(module, "UnsupportedProtocol")), httpx)


def _reason(error: BaseException) -> str:
    return (str(error) or type(error).__name__).rstrip(".")
