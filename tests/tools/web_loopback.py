"""Servers on this machine for the tests of web tools, and ends of lines that lead nowhere."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpcore

PUBLIC = "93.184.216.34"
"""An address that may be reached; no test connects to it."""


@dataclass
class Nowhere:
    """A connector that opens nothing and knows what it was asked for."""

    asked: list[tuple[str, int]] = field(default_factory=list)

    async def __call__(self, address: str, port: int) -> httpcore.AsyncNetworkStream:
        self.asked.append((address, port))
        raise ConnectionRefusedError


@dataclass
class Loopback:
    """A connector that leads every connection to a port of this machine."""

    port: int
    asked: list[tuple[str, int]] = field(default_factory=list)

    async def __call__(self, address: str, port: int) -> httpcore.AsyncNetworkStream:
        self.asked.append((address, port))
        return await httpcore.AnyIOBackend().connect_tcp("127.0.0.1", self.port)


@dataclass
class Names:
    """A resolver that knows these names, and one public address for all others."""

    answers: Mapping[str, list[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        return self.answers.get(host, [PUBLIC])


Write = Callable[[bytes], Awaitable[None]]
Answer = Callable[[str, Write], Awaitable[None]]


@dataclass
class Server:
    """A server that answers each request with what a function writes, then hangs up."""

    port: int
    requests: list[str] = field(default_factory=list)
    """Heads, in the order in which they came."""

    @property
    def paths(self) -> list[str]:
        return [request.split()[1] for request in self.requests]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def serving(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """A server on the loopback; `answer` gets the path and a function that writes."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def write(piece: bytes) -> None:
            writer.write(piece)
            await writer.drain()

        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            server.requests.append(head)
            await answer(head.split()[1], write)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the other side has had enough
        finally:
            writer.close()

    listening = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    server = Server(listening.sockets[0].getsockname()[1])
    try:
        yield server
    finally:
        listening.close()


def answered(
    body: bytes | str = b"", kind: str = "text/plain", status: int = 200, **headers: str
) -> bytes:
    """A whole answer as bytes."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} x", f"Content-Type: {kind}", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


def always(whole: bytes) -> Answer:
    """Answers every request with the same bytes."""

    async def answer(path: str, write: Write) -> None:
        await write(whole)

    return answer


def by_path(answers: Mapping[str, bytes]) -> Answer:
    """Answers each path with its own bytes."""

    async def answer(path: str, write: Write) -> None:
        await write(answers.get(path, answered("no such page", status=404)))

    return answer
