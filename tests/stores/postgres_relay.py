"""A connection to a PostgreSQL server that breaks at chosen commits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Literal

Fault = Literal["cut before", "cut after", "silent after"]
"""Cut before the commit arrives, or after it was made; or leave the client without an answer."""


class Connection:
    """One connection of a client, passed on to the server."""

    def __init__(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        self.client, self.answers = client, answers
        self.is_mute = False
        self.answered = asyncio.Event()

    async def serve(self, place: str, faults: list[Fault]) -> None:
        from_server, server = await asyncio.open_unix_connection(place)
        passing = asyncio.create_task(self.pass_answers(from_server))
        with suppress(ConnectionError):
            while sent := await self.client.read(65536):
                fault = faults.pop(0) if faults and b"COMMIT\0" in sent else None
                self.is_mute = fault is not None
                if fault != "cut before":
                    server.write(sent)
                if fault == "cut after":
                    await self.answered.wait()
                if fault in ("cut before", "cut after"):
                    break
        passing.cancel()
        server.close()
        self.answers.close()

    async def pass_answers(self, from_server: asyncio.StreamReader) -> None:
        with suppress(ConnectionError):
            while sent := await from_server.read(65536):
                if self.is_mute:
                    self.answered.set()
                else:
                    self.answers.write(sent)
        self.answers.close()


@asynccontextmanager
async def relayed(place: str, *faults: Fault) -> AsyncIterator[str]:
    """The address of a relay to the server at a place; its next commits get these faults."""
    left = list(faults)
    serving: set[asyncio.Task[None]] = set()

    async def serve(client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        await Connection(client, answers).serve(place, left)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    await asyncio.wait(serving)
    assert not left, f"there was no commit for {left}"
