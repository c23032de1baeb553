"""A Responses server on this computer: any model behind real HTTP/1.1 and server-sent events.

async with ResponsesServer(ScriptedModel("Hello.")) as server:
    ...  # point any client at server.url

with ResponsesServer(OfflineModel()) as server:  # in a thread of its own
    ...
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from typing import Self, cast

from agentkit.encoding import Wire
from agentkit.errors import ConfigurationError
from agentkit.responses.response import Model
from agentkit.testing.faults import Fault
from agentkit.testing.faults.plan import Plan
from agentkit.testing.http import Connection
from agentkit.testing.service import LOOPBACK, Exchange, ResponsesService

MAX_BODY = 64 * 1024 * 1024
"""Bytes a request body may have."""


class ResponsesServer:
    """Serves a model at `.url` while it is entered, in the running loop or in its own thread.

    Chained state (`previous_response_id`, `conversation`) is kept by the server, so the model
    always sees the whole input. Without `port` a free one is taken. Bound to a loopback address,
    it answers only requests that name one as their host.

    `faults` are met by the requests in order, such as `["status-429,retry-after=2",
    "reset-mid-stream,times=2"]`; those behind the last are answered as they should be. A request
    for the model `fault:reset-mid-stream` meets that one. `agentkit.testing.FAULTS` are all there
    are.
    """

    def __init__(
        self,
        model: Model,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        api_key: str | None = None,
        max_body: int = MAX_BODY,
        now: Callable[[], float] = time.time,
        faults: Iterable[Fault | str] = (),
    ) -> None:
        if isinstance(model, type) or not hasattr(model, "stream"):
            raise ConfigurationError(
                f"model: expected an object with stream(request), got {model!r:.80}. "
                "For a name, pass Agent(name).model."
            )
        self._host = host
        self._port = port
        self._max_body = max_body
        is_local = host in LOOPBACK
        self._faults = Plan(faults)
        self._service = ResponsesService(
            model, api_key=api_key, only_loopback=is_local, now=now, faults=self._faults
        )
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._thread: _ServerThread | None = None

    @property
    def url(self) -> str:
        """The base URL for clients, such as `http://127.0.0.1:49152/v1`."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}/v1"

    @property
    def requests(self) -> list[Wire]:
        """The bodies sent to `/responses`, in order; the last 1,000."""
        return self._service.requests

    @property
    def exchanges(self) -> list[Exchange]:
        """Every request of any kind, with its headers and status, in order; the last 1,000."""
        return self._service.exchanges

    async def serve_forever(self) -> None:
        """Serve until cancelled."""
        if self._server is not None:
            await asyncio.Event().wait()
        async with self:
            await asyncio.Event().wait()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._connected, self._host, self._port, start_serving=not self._faults.refuses
        )
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._service.close()
        await server.wait_closed()

    def __enter__(self) -> Self:
        self._thread = _ServerThread(self)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.stop()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer, self._service.respond, max_body=self._max_body)
        serving = cast("asyncio.Task[None]", asyncio.current_task())
        self._connections.add(serving)
        try:
            # only a closing server cancels it, and Python 3.11 logs a cancelled one as a mistake
            with suppress(asyncio.CancelledError):
                await connection.serve()
        finally:
            self._connections.discard(serving)


class _ServerThread:
    """A thread with an event loop in which the server is entered."""

    def __init__(self, server: ResponsesServer) -> None:
        self._server = server
        self._started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = threading.Thread(target=self._run, name="ResponsesServer", daemon=True)

    def start(self) -> None:
        """Returns when the server listens; raises what kept it from listening."""
        self._thread.start()
        self._started.result()

    def stop(self) -> None:
        """Returns when the server is closed and the thread has ended."""
        loop, stopped = self._started.result()
        loop.call_soon_threadsafe(stopped.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except OSError as error:
            self._started.set_exception(error)

    async def _serve(self) -> None:
        stopped = asyncio.Event()
        async with self._server:
            self._started.set_result((asyncio.get_running_loop(), stopped))
            await stopped.wait()
