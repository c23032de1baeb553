"""From a name to addresses, each of them checked, and a connection to one of these.

The name is looked up once. What connects gets the address, so that a second answer of the name's
server, which might lead elsewhere, is never asked for.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence

import httpcore

from agentkit import Retry
from agentkit_tools.web.addresses import Address, address_of, may_be_reached
from agentkit_tools.web.urls import Url

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host, as texts; an OSError where there are none."""

Connector = Callable[[str, int], Awaitable[httpcore.AsyncNetworkStream]]
"""A TCP connection to an address and a port; an OSError or httpcore's ConnectError without one."""

CONNECT_TIMEOUT = 5.0
"""Seconds for one address."""
MOST_TRIED = 4
"""Addresses of one name that are tried one after the other."""


async def look_up(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system knows them. Raises OSError where there are none."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(where[0]) for *_, where in found))


async def connect(address: str, port: int) -> httpcore.AsyncNetworkStream:
    """A TCP connection to an address. Raises httpcore's ConnectError and ConnectTimeout."""
    return await httpcore.AnyIOBackend().connect_tcp(address, port, timeout=CONNECT_TIMEOUT)


async def addresses_of(
    url: Url,
    resolver: Resolver,
    *,
    allow_private: bool,
) -> list[Address]:
    """The addresses behind a URL, all of which may be reached.

    Raises Retry where there are none, and where one of them may not be reached: a name that
    leads to both is answered by whoever wants the other one.
    """
    literal = address_of(url.host)
    found = [literal] if literal else await _looked_up(url, resolver)
    if not all(each and may_be_reached(each, allow_private=allow_private) for each in found):
        raise Retry(
            f"{url.authority} is not on the public internet, so it cannot be read. "
            "Give a URL of a public page."
        )
    return [each for each in found if each]


async def _looked_up(url: Url, resolver: Resolver) -> list[Address | None]:
    if url.host == "localhost" or url.host.endswith(".localhost"):
        return [address_of("127.0.0.1"), address_of("::1")]  # RFC 6761: nobody is asked
    try:
        texts = await resolver(url.host, url.port)
    except (OSError, UnicodeError):
        texts = ()
    if not texts:
        raise Retry(f"There is no host named {url.host}. Check how it is written.")
    return [address_of(text) for text in texts]


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects httpcore to addresses that were checked, whatever name it asks for."""

    def __init__(self, addresses: Iterable[Address], connector: Connector) -> None:
        self._addresses = list(addresses)[:MOST_TRIED]
        self._connector = connector
        self._opened: list[httpcore.AsyncNetworkStream] = []

    async def connect_tcp(
        self,
        host: str,  # noqa: ARG002  (what httpcore gives; the name was looked up already)
        port: int,
        timeout: float | None = None,  # noqa: ARG002
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the first of the addresses that takes one."""
        for address in self._addresses[:-1]:
            try:
                return await self._open(address, port)
            except (OSError, httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._open(self._addresses[-1], port)

    async def aclose(self) -> None:
        """Hang up, also where httpcore does not: when it is cancelled in the TLS handshake."""
        for stream in self._opened:
            await stream.aclose()

    async def _open(self, address: Address, port: int) -> httpcore.AsyncNetworkStream:
        self._opened.append(stream := await self._connector(str(address), port))
        return stream
