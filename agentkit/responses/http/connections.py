"""The connections of one event loop: those under way, and those that wait for another request.

A client's pool looks at every connection for every request, so that many at once cost the square;
here each takes the one that was used last. Knows nothing of HTTP but that a connection serves one
request at a time.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque

from agentkit.responses.endpoint import Endpoint
from agentkit.responses.http.clients import of_connection
from agentkit.responses.http.connection import BrokenError, Connection, Origin, connected
from agentkit.responses.http.timeouts import TimedOut, Timeouts

KEPT = 60.0
"""Seconds after which a connection that nobody used is closed: servers close them, too."""


class Connections:
    """As many as there are requests at once; those of a loop, and to be closed before it ends."""

    def __init__(self, timeouts: Timeouts) -> None:
        self.timeouts = timeouts
        self._idle: defaultdict[Origin, deque[Connection]] = defaultdict(deque)
        """The one that was used last is at the end."""
        self._busy: set[Connection] = set()

    async def take(self, origin: Origin) -> Connection:
        """A connection for one request. Raises ConnectError and TimedOut."""
        idle = self._idle[origin]
        self._close_the_old(idle)
        while idle:
            connection = idle.pop()
            if connection.is_ready:
                break
            connection.close()
        else:
            connection = await connected(origin, self.timeouts)
        self._busy.add(connection)
        return connection

    def give_back(self, origin: Origin, connection: Connection) -> None:
        """Keep it for another request, or close it where its answer has not been read whole."""
        if connection not in self._busy:
            return
        self._busy.discard(connection)
        if connection.rest():
            self._idle[origin].append(connection)
        else:
            connection.close()

    async def aclose(self) -> None:
        """Close them all."""
        idle = [each for some in self._idle.values() for each in some]
        for connection in (*idle, *self._busy):
            connection.close()
        self._idle.clear()
        self._busy.clear()
        await asyncio.sleep(0)  # a connection is lost in the loop's next step

    def _close_the_old(self, idle: deque[Connection]) -> None:
        old = asyncio.get_running_loop().time() - KEPT
        while idle and idle[0].idle_since < old:
            idle.popleft().close()


class Pieces:
    """The pieces of the body that comes over a connection; iterating raises ModelError."""

    def __init__(
        self, connections: Connections, origin: Origin, connection: Connection, endpoint: Endpoint
    ) -> None:
        self._connections = connections
        self._origin = origin
        self._connection = connection
        self._endpoint = endpoint
        self._is_over = False

    def __aiter__(self) -> Pieces:
        return self

    async def __anext__(self) -> bytes:
        if self._is_over:
            raise StopAsyncIteration
        try:
            piece = await self._connection.piece()
        except (BrokenError, TimedOut) as error:
            self._end()
            raise of_connection(error, self._endpoint, self._connections.timeouts) from error
        if not piece:
            self._end()
            raise StopAsyncIteration
        return piece

    def are_read(self) -> bool:
        """Whether nothing is left but an end that is there already."""
        try:
            return self._is_over or self._connection.is_read()
        except (BrokenError, TimedOut):
            return True

    async def aclose(self) -> None:
        """Give the connection back, which is closed where not all of it has been read."""
        self._end()

    def _end(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._connections.give_back(self._origin, self._connection)
