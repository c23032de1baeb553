"""HTTP under a model: connections of our own, or the caller's client; errors as ours, bounds.

Works with httpx and with any client that has its methods and its names for errors. Where none is
given and no proxy is in between, requests go over plain connections, at a third of a client's cost.
Knows nothing of what is asked or answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from base64 import b64encode
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Mapping,
)
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Protocol
from weakref import WeakKeyDictionary, finalize

import h11
import httpx

from agentkit.errors import (
    ConfigurationError,
    ModelError,
    ProtocolError,
)
from agentkit.responses.endpoint import Endpoint
from agentkit.responses.http.clients import (
    checked_client,
    errors_of,
    hidden_in_logs,
    hide_in_logs_of,
    needs_an_open_client,
    of_connection,
)
from agentkit.responses.http.connection import BrokenError, ConnectError, Headers, Origin
from agentkit.responses.http.connections import Connections, Pieces
from agentkit.responses.http.environment import (
    has_proxy,
    trusted_files,
    unusable_certificates,
    unusable_proxy,
    with_proxies_hidden,
)
from agentkit.responses.http.timeouts import TimedOut, Timeouts
from agentkit.responses.http.unpacking import Body, Refused, Unpacked, codings, is_packed
from agentkit.responses.sse import MAX_BODY, too_large
from agentkit.secrets import Secrets

__all__ = ["HTTPAnswer", "HTTPClient", "Pool", "Timeouts"]

DRAIN = 1.0
"""Seconds to wait for the end of a body behind its last event."""
LINGER = 1.0
"""Seconds until the clients of a pool that nobody holds any more are closed."""
MAX_ERROR = 1024 * 1024
"""Bytes that are read of the body of an error."""
MAX_DRAINED = 64 * 1024
"""Bytes that are read behind the last event, so that the connection can be used again."""

MOST_ROUTES = 100
"""Kinds of requests whose heads are kept; addresses of single responses are among them."""

_OWN_HEADERS = {"Accept-Encoding": "gzip, deflate", "User-Agent": "agentkit"}


class HTTPClient(Protocol):
    """What is used of an asynchronous HTTP client: httpx.AsyncClient, or one with its methods."""

    # properties, because clients differ in the options they name

    @property
    def build_request(self) -> Callable[..., Any]: ...

    @property
    def send(self) -> Callable[..., Awaitable[Any]]: ...


class Pool:
    """The caller's own client, or connections of our own, which belong to an event loop each."""

    def __init__(self, given: HTTPClient | None, timeouts: Timeouts | None) -> None:
        self._given = checked_client(given)
        self._timeouts = timeouts
        hide_in_logs_of(given)
        self._open: _Open = WeakKeyDictionary()
        finalize(self, _let_go_later, self._open).atexit = False

    @property
    def bounds(self) -> Timeouts:
        """How long a server is waited for."""
        return self._timeouts or Timeouts()

    async def send(
        self, method: str, url: str, endpoint: Endpoint, body: bytes, headers: Mapping[str, str]
    ) -> HTTPAnswer:
        """The answer to a request, once its headers are there; to be closed. Raises ModelError.

        `endpoint` gives the headers that carry the key, and the name of the server in errors.
        """
        if self._given is None:
            own = await self._own()
            route = own.route(method, url, endpoint, headers)
            if route is not None:
                return await own.send(route, body)
            return await self._send_with(own.client(), method, url, endpoint, body, headers)
        with needs_an_open_client():
            return await self._send_with(self._given, method, url, endpoint, body, headers)

    async def _send_with(
        self,
        client: Any,
        method: str,
        url: str,
        endpoint: Endpoint,
        body: bytes,
        headers: Mapping[str, str],
    ) -> HTTPAnswer:
        whole = {**headers, **endpoint.headers}
        bounds, waits = self._timeouts or Timeouts(), self._waits(client)
        ends = asyncio.get_running_loop().time() + bounds.answer
        hidden = with_proxies_hidden(endpoint.hidden)
        errors = partial(errors_of, client, endpoint, bounds, hidden)
        with errors(), hidden_in_logs(hidden):
            async with _at_most(bounds.first_byte if waits else None, "first_byte"):
                request = client.build_request(method, url, content=body, headers=whole, **waits)
                response = await client.send(request, stream=True)
        chunks = _Streamed(response, errors, ends, bounds.idle if waits else None)
        return HTTPAnswer(response.status_code, response.headers, chunks, hidden)

    async def _own(self) -> _Own:
        loop = asyncio.get_running_loop()
        if loop not in self._open:
            for closed in [each for each in self._open if each.is_closed()]:
                del self._open[closed]  # without its end, and held by what it had open
            own = _Own(self._timeouts or Timeouts())
            keeper = _closed_at_the_end(own, self._open)
            self._open[loop] = own, keeper
            # from here on the loop knows the generator, and closes it before it ends
            await anext(keeper)
        return self._open[loop][0]

    def _waits(self, client: Any) -> dict[str, Any]:
        """The timeouts, for a client that does not have better ones of its own."""
        own = getattr(client, "timeout", None)
        # 5 seconds is what httpx does unless told otherwise: too short for a model
        is_chosen = own is not None and own != type(own)(5.0)
        if self._timeouts is None and is_chosen:
            return {}
        bounds = self._timeouts or Timeouts()
        # such a client knows one wait for the head and for the pieces behind it, which must not
        # end before either of the two bounds that are kept here
        wait = max(bounds.first_byte, bounds.idle)
        return {"timeout": (bounds.connect, wait, wait, wait)}


@dataclass(frozen=True)
class _Route:
    """How the requests of one kind to a URL go out, worked out once."""

    endpoint: Endpoint
    origin: Origin
    method: str
    target: bytes
    headers: Headers
    """All but the length of the body."""


class _Own:
    """What one event loop has open where the caller gave no client."""

    def __init__(self, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._connections = Connections(timeouts)
        self._client: httpx.AsyncClient | None = None
        self._routes: dict[tuple[object, ...], _Route] = {}

    def route(
        self, method: str, url: str, endpoint: Endpoint, headers: Mapping[str, str]
    ) -> _Route | None:
        """The way to a URL; None where a proxy is in between. Raises ConfigurationError."""
        kind = (method, url, *headers.items())
        known = self._routes.get(kind)
        if known is not None and known.endpoint is endpoint:
            return known
        with errors_of(None, endpoint, self._timeouts):
            parsed = httpx.URL(url)
        if has_proxy(parsed.scheme, parsed.netloc.decode()):
            return None
        if len(self._routes) > MOST_ROUTES:
            self._routes.clear()
        made = self._routes[kind] = _route(method, parsed, endpoint, headers)
        return made

    def client(self) -> httpx.AsyncClient:
        """The client for what goes through a proxy."""
        if self._client is None:
            limit = httpx.Limits(max_connections=None, keepalive_expiry=60.0)
            try:
                self._client = httpx.AsyncClient(limits=limit, verify=_trust())
            except httpx.InvalidURL:
                raise unusable_proxy(None) from None
            except (ValueError, ImportError) as error:
                raise unusable_proxy(error) from error
        return self._client

    async def send(self, route: _Route, body: bytes) -> HTTPAnswer:
        """The answer to a request, once its headers are there. Raises ModelError."""
        endpoint, connections = route.endpoint, self._connections
        try:
            connection = await connections.take(route.origin)
            pieces = Pieces(connections, route.origin, connection, endpoint)
            try:
                named = [*route.headers, (b"Content-Length", b"%d" % len(body))]
                head = await connection.ask(route.method, route.target, named, body)
            except BaseException:
                await pieces.aclose()
                raise
        except (ConnectError, BrokenError, TimedOut) as error:
            raise of_connection(error, endpoint, self._timeouts) from error
        except h11.LocalProtocolError as error:
            raise ConfigurationError(f"The request cannot be sent: {error}.") from error
        answered = _read_headers(head.headers)
        chunks: Body = pieces
        if "content-encoding" in answered and is_packed(answered):
            broken = partial(of_connection, endpoint=endpoint, bounds=self._timeouts)
            chunks = Unpacked(pieces, answered, broken)
        return HTTPAnswer(head.status_code, answered, chunks, endpoint.hidden)

    async def aclose(self) -> None:
        await self._connections.aclose()
        if self._client is not None:
            await self._client.aclose()


_Open = WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[_Own, AsyncGenerator[None]]]
"""What each event loop has open, and the generator whose end closes it."""


class HTTPAnswer:
    """The answer to a request: its head, and a body that is read once."""

    def __init__(
        self, status: int, headers: Mapping[str, str], chunks: Body, hidden: Secrets
    ) -> None:
        self.status = status
        self.headers = headers
        """By their names in small letters."""
        self.chunks = chunks
        if "content-encoding" in headers and len(codings(headers)) > 1:
            self.chunks = Refused(chunks, headers)
        """The decompressed pieces of the body; iterating raises ModelError."""
        self.hidden = hidden
        """What errors that come of it must not show."""

    async def content(self) -> bytes:
        """The whole body; of an error its beginning, without the key. Raises ModelError."""
        pieces, size = [], 0
        async for chunk in self.chunks:
            pieces.append(chunk)
            size += len(chunk)
            if self.status >= 300 and size > MAX_ERROR:
                break
            if size > MAX_BODY:
                raise ProtocolError(too_large(MAX_BODY), status=self.status)
        body = b"".join(pieces)
        # an error shows the beginning of it, which could end within the key
        return body if self.status < 300 else self.hidden.hide_bytes(body)[:MAX_ERROR]

    async def drain(self) -> None:
        """Read the end of the body, so that the connection can serve the next request."""
        rest: Body = self.chunks.packed if isinstance(self.chunks, Unpacked) else self.chunks
        if isinstance(rest, Pieces) and rest.are_read():
            return
        if "content-encoding" in self.headers and not isinstance(rest, Pieces):
            return  # a client would decompress it, and nobody knows what it comes to
        left = MAX_DRAINED
        # what has to be said has been said, so how the body ends no longer matters
        with contextlib.suppress(TimeoutError, ModelError):
            async with asyncio.timeout(DRAIN):
                while left > 0 and (piece := await anext(rest, None)) is not None:
                    left -= len(piece)

    async def close(self) -> None:
        """Give the connection back, or close it where the body has not been read."""
        await self.chunks.aclose()


class _Streamed:
    """The pieces of a body that comes through a client."""

    def __init__(
        self, response: Any, errors: Callable[[], Any], ends: float, idle: float | None
    ) -> None:
        self._response = response
        self._body = response.aiter_bytes()
        self._errors = errors
        self._ends = ends
        self._idle = idle
        """Seconds to wait for a piece; None where the client has its own bound."""

    def __aiter__(self) -> _Streamed:
        return self

    async def __anext__(self) -> bytes:
        with self._errors():
            async with _at_most(self._idle, "idle"):
                piece: bytes = await anext(self._body)
            if asyncio.get_running_loop().time() > self._ends:
                raise TimedOut("answer")
        return piece

    async def aclose(self) -> None:
        await self._body.aclose()
        await self._response.aclose()


@contextlib.asynccontextmanager
async def _at_most(seconds: float | None, name: str) -> AsyncGenerator[None]:
    """End what is done within after so many seconds. Raises TimedOut of that name."""
    scope = asyncio.timeout(seconds)
    try:
        async with scope:
            yield
    except TimeoutError as error:
        if scope.expired():
            raise TimedOut(name) from error
        raise


def _route(method: str, url: httpx.URL, endpoint: Endpoint, headers: Mapping[str, str]) -> _Route:
    named = {"Host": url.netloc.decode(), **_OWN_HEADERS, **headers, **endpoint.headers}
    if url.userinfo:
        user = b64encode(f"{url.username}:{url.password}".encode()).decode()
        named = {name: value for name, value in named.items() if name.lower() != "authorization"}
        named["Authorization"] = f"Basic {user}"
    last = {name.lower(): (name.encode(), value.encode()) for name, value in named.items()}
    is_secure = url.scheme == "https"
    port = url.port or (443 if is_secure else 80)
    origin = Origin(url.raw_host.decode(), port, _trust() if is_secure else None)
    return _Route(endpoint, origin, method, url.raw_path, list(last.values()))


def _trust() -> ssl.SSLContext:
    return _trusted(*trusted_files())


@lru_cache(maxsize=4)
def _trusted(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    """What is trusted, with what the environment says of it: made once, since it takes 20 ms."""
    try:
        context = httpx.create_ssl_context()
    except OSError as error:
        raise unusable_certificates(error) from error
    context.set_alpn_protocols(["http/1.1"])
    return context


def _read_headers(headers: Any) -> dict[str, str]:
    read: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        read[name] = f"{read[name]}, {value}" if name in read else value
    return read


async def _closed_at_the_end(own: _Own, all_open: _Open) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        all_open.pop(asyncio.get_running_loop(), None)
        await own.aclose()


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
