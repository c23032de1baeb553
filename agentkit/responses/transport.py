"""HTTP under a model: one client an event loop, its errors as ours, bodies within bounds.

Works with httpx and with any client that has its methods and its names for errors. Knows nothing
of what is asked or answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import httpx

from agentkit.errors import (
    ConfigurationError,
    ModelError,
    ModelTimeoutError,
    ProtocolError,
    TransportError,
)
from agentkit.responses.endpoint import Endpoint

DRAIN = 1.0
"""Seconds to wait for the end of a body behind its last event."""
MAX_BODY = 64 * 1024 * 1024
"""Bytes a whole answer may have, decompressed; generated images come in it."""


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


class Pool:
    """The caller's own client, or one an event loop: connections belong to the loop."""

    def __init__(self, given: HTTPClient | None, timeouts: Timeouts | None) -> None:
        self._given = given
        self._timeouts = timeouts
        self._kept: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncGenerator[Any]]
        self._kept = WeakKeyDictionary()
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()

    @contextlib.asynccontextmanager
    async def post(
        self, endpoint: Endpoint, body: bytes, headers: Mapping[str, str]
    ) -> AsyncIterator[Answer]:
        """The answer to a POST, once its headers are there. Raises ModelError."""
        client = await self._client()
        sent = {**headers, **endpoint.headers}
        try:
            with errors_of(client, endpoint):
                request = client.build_request(
                    "POST", endpoint.url, content=body, headers=sent, **self._waits(client)
                )
                response = await client.send(request, stream=True)
            answer = Answer(response, client, endpoint)
            try:
                yield answer
            finally:
                await answer.close()
        except ModelError as error:
            redact(error, endpoint.secrets)
            raise

    async def _client(self) -> Any:
        if self._given is not None:
            return self._given
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            # a loop closes its asynchronous generators before it ends, and so its client
            self._kept[loop] = _closing_at_the_end(self._new_client())
            self._clients[loop] = await anext(self._kept[loop])
        return self._clients[loop]

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


class Answer:
    """The answer to a request: its head, and a body that is read once."""

    def __init__(self, response: Any, client: Any, endpoint: Endpoint) -> None:
        self.status: int = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self._response = response
        self._errors = errors_of, client, endpoint
        self.chunks = self._chunks()

    async def _chunks(self) -> AsyncGenerator[bytes]:
        """The decompressed pieces of the body. Raises ModelError."""
        errors_of, client, endpoint = self._errors
        with errors_of(client, endpoint):
            async for chunk in self._response.aiter_bytes():
                yield chunk
