"""HTTP/1.1 on one connection: requests in, replies out, by h11.

Keeps the connection alive, reads bodies up to a bound, sends whole and chunked replies, and
cancels a reply that nobody waits for any more. Knows nothing of what is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from http.client import responses
from typing import Any

import h11

READ_SIZE = 65536


@dataclass(frozen=True)
class HttpRequest:
    """One request, its body read."""

    method: str
    path: str
    """Without the query."""
    headers: dict[str, str] = field(repr=False)
    """Names in lower case; of repeated ones the last."""
    body: bytes = field(repr=False)
    is_too_large: bool = False
    """Whether the body was longer than allowed, and so was thrown away."""


@dataclass(frozen=True)
class Reply:
    """What goes back: a body at once, or one that comes in chunks."""

    status: int
    body: bytes | AsyncGenerator[bytes, None]
    headers: dict[str, str] = field(default_factory=dict)


Respond = Callable[[HttpRequest], Awaitable[Reply]]


class ClientGoneError(Exception):
    """The client closed the connection before it had its reply."""


class Connection:
    """One client's connection; `serve` answers its requests until either side closes."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        respond: Respond,
        *,
        max_body: int,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._respond = respond
        self._max_body = max_body
        self._http = h11.Connection(h11.SERVER)

    async def serve(self) -> None:
        """Answer request after request; returns when the connection is closed."""
        try:
            with suppress(ConnectionError, ClientGoneError):
                await self._serve()
        finally:
            self._writer.close()
            with suppress(ConnectionError):
                await self._writer.wait_closed()

    async def _serve(self) -> None:
        while True:
            try:
                request = await self._read()
            except h11.RemoteProtocolError as error:
                await self._reject(error)
                return
            if request is None:
                return
            await self._while_connected(self._answer(request))
            if self._http.states != {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
                return
            self._http.start_next_cycle()

    async def _read(self) -> HttpRequest | None:
        """The next request; None where the client closed instead."""
        head = await self._next_event()
        if not isinstance(head, h11.Request):
            return None
        body, size = bytearray(), 0
        while isinstance(event := await self._next_event(), h11.Data):
            size += len(event.data)
            if size <= self._max_body:
                body += event.data
        if not isinstance(event, h11.EndOfMessage):
            return None
        return HttpRequest(
            method=head.method.decode(),
            path=head.target.decode("ascii", "replace").partition("?")[0],
            headers={name.decode(): value.decode("latin-1") for name, value in head.headers},
            body=bytes(body),
            is_too_large=size > self._max_body,
        )

    async def _next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                await self._send(h11.InformationalResponse(status_code=100, headers=[]))
            self._http.receive_data(await self._reader.read(READ_SIZE))
        return event

    async def _answer(self, request: HttpRequest) -> None:
        reply = await self._respond(request)
        if isinstance(reply.body, bytes):
            await self._send(_head(reply, {"content-length": str(len(reply.body))}))
            if request.method != "HEAD":
                await self._send(h11.Data(data=reply.body))
        else:
            async with aclosing(reply.body) as chunks:
                await self._send(_head(reply, {}))
                async for chunk in chunks:
                    await self._send(h11.Data(data=chunk))
        await self._send(h11.EndOfMessage())

    async def _while_connected(self, answering: Coroutine[Any, Any, None]) -> None:
        """Answer, unless the client leaves: then the answer is cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                watch = group.create_task(self._watch())
                await answering
                watch.cancel()
        except* (ClientGoneError, ConnectionError) as gone:
            raise ClientGoneError from gone

    async def _watch(self) -> None:
        while content := await self._reader.read(READ_SIZE):
            self._http.receive_data(content)
        raise ClientGoneError

    async def _reject(self, error: h11.RemoteProtocolError) -> None:
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = str(error).encode()
            headers = {"content-length": str(len(body)), "connection": "close"}
            await self._send(_head(Reply(error.error_status_hint, body), headers))
            await self._send(h11.Data(data=body))
            await self._send(h11.EndOfMessage())

    async def _send(self, event: h11.Event) -> None:
        content = self._http.send(event)
        if content:
            self._writer.write(content)
            await self._writer.drain()


def _head(reply: Reply, extra: dict[str, str]) -> h11.Response:
    return h11.Response(
        status_code=reply.status,
        reason=responses.get(reply.status, "").encode(),
        headers=list({**reply.headers, **extra}.items()),
    )
