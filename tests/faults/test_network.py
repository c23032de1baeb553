"""What goes wrong below HTTP, and before a server has read the request."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from agentkit import Agent, ModelError, ResponsesModel
from agentkit.responses.client import Timeouts
from agentkit.responses.retry import Retries

BIG = "x" * 20_000_000
"""More than the buffers between two sockets hold."""
TOO_LARGE = b'{"error":{"message":"Too large for this proxy.","code":"too_large"}}'

Connected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(connected: Connected) -> AsyncIterator[int]:
    """The port of a server that does this with each connection."""
    done = asyncio.Event()

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await connected(reader, writer)
        await done.wait()
        writer.transport.abort()

    server = await asyncio.start_server(served, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        done.set()
        await server.wait_closed()


async def error_of(url: str, said: str = "?", **timeouts: float) -> ModelError:
    """What a run ends with that sends its request once."""
    bounds = Timeouts(**timeouts)
    model = ResponsesModel("m", url, timeouts=bounds, retries=Retries(attempts=1))
    with pytest.raises(ModelError) as caught:
        await Agent(model).run(said)
    assert caught.value.result.status == "failed"
    return caught.value


async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.pause_reading()


async def test_a_server_that_does_not_read_the_request_is_not_waited_for():
    async with listening(nothing) as port:
        error = await error_of(f"http://127.0.0.1:{port}/v1", BIG, first_byte=0.1)
    assert type(error).__name__ == "ModelTimeoutError"
    assert "Timeouts.first_byte" in str(error)


async def too_large(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    head = b"HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
    writer.write(head % len(TOO_LARGE) + TOO_LARGE)
    await writer.drain()
    writer.close()


async def test_a_refusal_that_comes_while_the_request_is_sent_is_read():
    async with listening(too_large) as port:
        error = await error_of(f"http://127.0.0.1:{port}/v1", BIG)
    assert (type(error).__name__, error.status, error.code) == (
        "BadRequestError",
        413,
        "too_large",
    )


async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")


async def test_a_server_that_speaks_no_tls_cannot_be_reached_by_it():
    async with listening(plain) as port:
        error = await error_of(f"https://127.0.0.1:{port}/v1")
    assert type(error).__name__ == "TransportError"
    assert "SSL" in str(error)


async def test_a_server_that_takes_no_connection_is_not_waited_for():
    async with listening(nothing) as port:
        error = await error_of(f"https://127.0.0.1:{port}/v1", connect=0.1)
    assert type(error).__name__ == "ModelTimeoutError"
    assert "Timeouts.connect" in str(error)


async def test_a_proxy_that_is_not_there_is_a_server_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch,
):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{unused.getsockname()[1]}")
        error = await error_of("http://example.invalid/v1")
    assert type(error).__name__ == "TransportError"
    assert "Cannot reach http://example.invalid/v1" in str(error)
