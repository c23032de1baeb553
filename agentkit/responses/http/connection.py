"""One HTTP/1.1 connection: a request at a time, its answer in pieces, an end to every wait.

asyncio carries the bytes, h11 says what they mean, and what is here is how long to wait for them:
a client bounds single reads, so that one that always has a little more goes on for ever. Knows
nothing of proxies, of keys or of what is asked.
"""

from __future__ import annotations

import asyncio
import ipaddress
import select
import ssl
from dataclasses import dataclass
from typing import Any

import h11

from agentkit.responses.http.timeouts import TimedOut, Timeouts

MAX_HEAD = 100 * 1024
"""Bytes the head of an answer may have."""
MAX_AHEAD = 256 * 1024
"""Bytes that may have come before anybody reads them."""
PIECE = 16 * 1024
"""Bytes from which on a piece is given: what is made of more at a time is long in memory."""
SECOND_ADDRESS = 0.25
"""Seconds until a second address of a host is tried beside the first."""

Head = h11.Response
Headers = list[tuple[bytes, bytes]]


class ConnectError(Exception):
    """There is no connection, so nothing was sent."""


class ConnectTimeout(TimedOut):
    """The same, since it took too long."""


class BrokenError(Exception):
    """The connection ended too early, or what came over it is not HTTP."""


@dataclass(frozen=True)
class Origin:
    """Where connections lead to."""

    host: str
    port: int
    context: ssl.SSLContext | None
    """For https, what it trusts."""


async def connected(origin: Origin, timeouts: Timeouts) -> Connection:
    """A new connection. Raises ConnectError and TimedOut."""
    loop = asyncio.get_running_loop()
    scope = asyncio.timeout(timeouts.connect)
    try:
        async with scope:
            _, connection = await loop.create_connection(
                lambda: Connection(timeouts),
                origin.host,
                origin.port,
                ssl=origin.context,
                happy_eyeballs_delay=None if _is_address(origin.host) else SECOND_ADDRESS,
            )
    except (OSError, UnicodeError) as error:  # the latter of a host that no name can be
        if scope.expired():
            raise ConnectTimeout("connect") from error
        raise ConnectError(_reason(error)) from error
    return connection


class Connection(asyncio.Protocol):
    """A connection that is used for one request after the other."""

    def __init__(self, timeouts: Timeouts) -> None:
        self.idle_since = 0.0
        """The loop's time when it was last given back."""
        self._loop = asyncio.get_running_loop()
        self._timeouts = timeouts
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
        self._transport: Any = None
        self._come: list[bytes] = []
        self._ahead = 0
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._began = self._last = 0.0
        self._has_head = self._is_whole = self._has_ended = False
        self._error: Exception | None = None

    # what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._come.append(data)
        self._ahead += len(data)
        self._last = self._loop.time()
        if self._ahead > MAX_AHEAD:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc)

    # what its user calls

    @property
    def is_ready(self) -> bool:
        """Whether a request can be sent over it: a server may have closed it meanwhile."""
        if self._has_ended or self._come or self._transport.is_closing():
            return False
        # where the loop did not run meanwhile, it has not seen what came
        return not _has_something_to_read(self._transport.get_extra_info("socket").fileno())

    async def ask(self, method: str, target: bytes, headers: Headers, body: bytes) -> Head:
        """Send a request; the head of its answer. Raises BrokenError and TimedOut."""
        self._began = self._last = self._loop.time()
        self._has_head = self._is_whole = False
        request = h11.Request(method=method, target=target, headers=headers)
        sent = [self._http.send(request), self._http.send(h11.Data(data=body)) if body else b""]
        sent.append(self._http.send(h11.EndOfMessage()))
        self._transport.write(b"".join([each for each in sent if each]))
        while True:
            event = self._next_event()
            if type(event) is Head:
                self._has_head = True
                self._stop_the_clock()  # which was set for the head
                return event
            if event is h11.NEED_DATA:
                await self._more()
            elif type(event) is not h11.InformationalResponse:
                raise BrokenError("the answer has no head")

    async def piece(self) -> bytes:
        """The next bytes of the body, none at its end. Raises BrokenError and TimedOut."""
        while not self._is_whole:
            if data := self._read():
                self._check_the_time()
                return data
            if not self._is_whole:
                await self._more()
        return b""

    def is_read(self) -> bool:
        """Whether the whole body has been read, or nothing but its end is left and is there."""
        return self._is_whole or (not self._read() and self._is_whole)

    def rest(self) -> bool:
        """Whether it can take another request, now that nobody reads this answer any more."""
        self._stop_the_clock()
        http = self._http
        is_over = http.our_state is h11.DONE and http.their_state is h11.DONE
        if self._has_ended or not is_over or self._come or http.trailing_data[0]:
            return False
        if self._transport.get_write_buffer_size():  # answered before all of it was sent
            return False
        http.start_next_cycle()
        self.idle_since = self._loop.time()
        return True

    def close(self) -> None:
        """Close it at once."""
        self._stop_the_clock()
        self._transport.abort()

    def _next_event(self) -> Any:
        if self._come:
            self._take_what_came()
        try:
            event = self._http.next_event()
        except h11.RemoteProtocolError as error:
            raise BrokenError(_reason(error)) from error
        if event is h11.NEED_DATA and self._has_ended:
            return self._event_at_the_end()
        return event

    def _event_at_the_end(self) -> Any:
        """What the end of the bytes means: of a body, its end, or that it was cut off."""
        if self._error is not None:
            raise self._error
        if not self._has_head:
            raise BrokenError("the server closed the connection without an answer")
        try:
            self._http.receive_data(b"")
            return self._http.next_event()
        except h11.RemoteProtocolError as error:
            raise BrokenError(_reason(error)) from error

    def _take_what_came(self) -> None:
        come = self._come
        self._http.receive_data(come[0] if len(come) == 1 else b"".join(come))
        come.clear()
        if self._ahead > MAX_AHEAD:
            self._transport.resume_reading()
            self._last = self._loop.time()  # until now it was the reader who took long
        self._ahead = 0

    def _read(self) -> bytes:
        """What of the body is there, but not much more than PIECE bytes of it."""
        pieces, size = [], 0
        while size < PIECE:
            event = self._next_event()
            if type(event) is not h11.Data:
                self._is_whole = event is not h11.NEED_DATA
                break
            pieces.append(event.data)
            size += len(event.data)
        return bytes(pieces[0]) if len(pieces) == 1 else b"".join(pieces)

    async def _more(self) -> None:
        """Wait until something has happened."""
        if self._come or self._has_ended:
            return
        self._waiter = self._loop.create_future()
        if self._timer is None:
            self._watch()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _end(self, error: Exception | None) -> None:
        self._has_ended = True
        if error is not None and self._error is None:
            self._error = BrokenError(_reason(error))
        self._wake()

    # one timer for a request and not one for each wait: making them is what costs

    def _watch(self) -> None:
        """Look at the time, and again when the present wait is to be over."""
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return  # whoever waits next looks
        at, name = self._deadline()
        if self._loop.time() < at:
            self._timer = self._loop.call_at(at, self._watch)
            return
        self._error = TimedOut(name)
        self._transport.abort()
        self._end(None)

    def _deadline(self) -> tuple[float, str]:
        """When the present wait is to be over, and by which bound."""
        bounds = self._timeouts
        if self._has_head:
            wait = self._last + bounds.idle, "idle"
        else:
            wait = self._began + bounds.first_byte, "first_byte"
        return min(wait, (self._began + bounds.answer, "answer"))

    def _check_the_time(self) -> None:
        """Have an answer end that always has more."""
        if self._loop.time() > self._began + self._timeouts.answer:
            raise TimedOut("answer")

    def _stop_the_clock(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _has_something_to_read(socket: int) -> bool:
    if not hasattr(select, "poll"):
        return bool(select.select([socket], [], [], 0)[0])
    ready = select.poll()
    ready.register(socket, select.POLLIN)
    return bool(ready.poll(0))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__
