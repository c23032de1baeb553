"""HTTP/1.1 on one connection: requests in, replies out, by h11.

Keeps the connection alive, reads bodies up to a bound, sends whole and chunked replies, and
cancels a reply that nobody waits for any more. A reply may change or cut its own bytes. Knows
nothing of what is asked.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from http.client import responses
from typing import Any

import h11

READ_SIZE = 65536

Pieces = AsyncGenerator[bytes, None]


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
    query: str = ""
    """What stands behind the question mark."""


@dataclass(frozen=True)
class Reply:
    """What goes back: a body at once, or one that comes in chunks."""

    status: int
    body: bytes | Pieces
    """Where the headers have a `content-length`, the pieces are not sent as chunks."""
    headers: dict[str, str] = field(default_factory=dict)
    tap: Callable[[Pieces], Pieces] | None = None
    """What is sent in the place of the reply's bytes: of the head, each piece, and the end."""


Respond = Callable[[HttpRequest], Awaitable[Reply]]


class ClientGoneError(Exception):
    """The client closed the connection before it had its reply."""


class CutError(Exception):
    """Raised by a reply on its way: the connection ends here, in order or by a reset."""

    def __init__(self, *, is_reset: bool) -> None:
        super().__init__("reset" if is_reset else "closed")
        self.is_reset = is_reset


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
        path, _, query = head.target.decode("ascii", "replace").partition("?")
        return HttpRequest(
            method=head.method.decode(),
            path=path,
            query=query,
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
        try:
            async with (
                aclosing(self._pieces(reply, request.method)) as pieces,
                aclosing(reply.tap(pieces) if reply.tap else pieces) as sent,
            ):
                async for content in sent:
                    await self._write(content)
        except CutError as cut:
            self._cut(cut)

    async def _pieces(self, reply: Reply, method: str) -> Pieces:
        """The bytes of the head, of each piece of the body, and of its end."""
        if isinstance(reply.body, bytes):
            yield self._sent(_head(reply, {"content-length": str(len(reply.body))}))
            if method != "HEAD":
                yield self._sent(h11.Data(data=reply.body))
        else:
            async with aclosing(reply.body) as chunks:
                yield self._sent(_head(reply, {}))
                async for chunk in chunks:
                    yield self._sent(h11.Data(data=chunk))
        yield self._sent(h11.EndOfMessage())

    def _cut(self, cut: CutError) -> None:
        if not cut.is_reset:
            self._writer.close()
            return
        # to close without lingering is to reset
        linger = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
        connected = self._writer.get_extra_info("socket")
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._writer.transport.abort()

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
        await self._write(self._sent(event))

    def _sent(self, event: h11.Event) -> bytes:
        return self._http.send(event) or b""

    async def _write(self, content: bytes) -> None:
        if content:
            self._writer.write(content)
            await self._writer.drain()


def _head(reply: Reply, extra: dict[str, str]) -> h11.Response:
    return h11.Response(
        status_code=reply.status,
        reason=responses.get(reply.status, "").encode(),
        headers=list({**reply.headers, **extra}.items()),
    )
