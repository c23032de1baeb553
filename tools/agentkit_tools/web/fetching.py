"""A page over HTTP: each redirect is a request of its own, checked from the beginning.

Nothing is taken from the environment, no cookie is kept, and no connection is used twice. What
goes wrong is told in words for a model, without any address that it did not give itself.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus

import httpcore

from agentkit import Retry
from agentkit_tools.web.connecting import CheckedBackend, addresses_of
from agentkit_tools.web.pacing import Pace
from agentkit_tools.web.settings import Settings
from agentkit_tools.web.unpacking import Body, PackedError
from agentkit_tools.web.urls import Url, joined, parsed

REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SECONDS = re.compile(r"[0-9]{1,6}")
_PHRASES = {each.value: f" {each.phrase}" for each in HTTPStatus}
ACCEPT = "text/html, application/json, text/*;q=0.9, application/pdf;q=0.8, */*;q=0.5"

MOST_NAMED = 20
"""Hosts that a model is told of when it asks for another."""


@dataclass(frozen=True)
class Fetched:
    """An answer with its body, unpacked."""

    url: Url
    """Where it was at last, behind all redirects."""
    content_type: str
    content: bytes
    is_cut: bool
    """Whether there was more than may be read."""


class Fetcher:
    """Gets pages by the settings of one toolbox, at the pace that they set."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pace = Pace(settings.pause, settings.clock, settings.sleep)

    async def fetch(self, text: str) -> Fetched:
        """What is at a URL. Raises Retry, which says why it cannot be had and what to do."""
        url, left = parsed(text), self._settings.timeout
        now = asyncio.get_running_loop().time
        for _ in range(self._settings.max_redirects + 1):
            self._check(url)
            await self._pace.turn(url.host)
            began = now()
            answer = await self._within(left, url)
            if isinstance(answer, Fetched):
                return answer
            url, left = answer, left - (now() - began)
        raise Retry(
            f"{text} leads from one page to the next more than {self._settings.max_redirects} "
            f"times, at last to {url}. Try another page."
        )

    def _check(self, url: Url) -> None:
        settings = self._settings
        if not settings.may_read(url):
            hosts = ", ".join((settings.allow or ())[:MOST_NAMED]) or "none"
            raise Retry(f"{url.host} is not among the hosts that may be read. They are: {hosts}.")
        if url.port not in (ports := settings.ports_of(url)):
            known = ", ".join(map(str, ports))
            raise Retry(f"Port {url.port} of {url.host} may not be used. These may be: {known}.")

    @cached_property
    def _trusted(self) -> ssl.SSLContext:
        return self._settings.ssl_context or httpcore.default_ssl_context()

    async def _within(self, seconds: float, url: Url) -> Fetched | Url:
        try:
            async with asyncio.timeout(seconds):
                return await self._answer(url)
        except TimeoutError:
            raise Retry(
                f"{url} did not come within {self._settings.timeout:g} s. Try it again later, or "
                "another page."
            ) from None

    async def _answer(self, url: Url) -> Fetched | Url:
        """The page, or where it leads to."""
        settings = self._settings
        addresses = await addresses_of(url, settings.resolver, allow_private=settings.allow_private)
        backend = CheckedBackend(addresses, settings.connector)
        where = httpcore.URL(scheme=url.scheme, host=url.host, port=url.port, target=url.target)
        with _told(url):
            async with (
                aclosing(backend),
                httpcore.AsyncConnectionPool(
                    ssl_context=self._trusted if url.is_secure else None, network_backend=backend
                ) as pool,
                pool.stream("GET", where, headers=self._headers(url)) as response,
            ):
                return await self._read(url, response)

    def _headers(self, url: Url) -> list[tuple[str, str]]:
        own = self._settings.headers_for(url)
        headers = {
            "host": url.authority,
            "user-agent": self._settings.user_agent,
            "accept": ACCEPT,
            **{name.lower(): value for name, value in own.items()},
            "accept-encoding": "gzip",
            "connection": "close",
        }
        return list(headers.items())

    async def _read(self, url: Url, response: httpcore.Response) -> Fetched | Url:
        headers = {
            name.lower(): value.decode("utf-8", "replace") for name, value in response.headers
        }
        if response.status in REDIRECTS and b"location" in headers:
            return joined(url, headers[b"location"])
        if not 200 <= response.status < 300:
            raise Retry(_refused(url, response.status, headers.get(b"retry-after", "")))
        body = Body(self._settings.max_bytes, headers.get(b"content-encoding", ""))
        async for piece in response.aiter_stream():
            if not body.take(piece):
                break
        else:
            body.end()
        kind = headers.get(b"content-type", "")
        return Fetched(url, kind, bytes(body.content), body.is_cut)


@contextmanager
def _told(url: Url) -> Iterator[None]:
    """Tell what goes wrong on the way to a page in words of our own."""
    try:
        yield
    except PackedError as error:
        raise Retry(f"{url} cannot be read: {error}. Try another page.") from None
    except (httpcore.ConnectError, httpcore.ConnectTimeout, OSError) as error:
        if _is_about_the_certificate(error):
            reason = f"{url.authority} has no certificate that shows it to be this host"
            raise Retry(f"{reason}, so nothing was sent to it. Try another page.") from None
        raise Retry(
            f"{url.authority} could not be reached. Try it again later, or another page."
        ) from None
    except httpcore.ProtocolError:
        raise Retry(f"{url} was answered with what is not HTTP. Try another page.") from None
    except (httpcore.NetworkError, httpcore.TimeoutException):
        raise Retry(f"The connection to {url.authority} broke. Try it again.") from None


def _is_about_the_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _refused(url: Url, status: int, retry_after: str) -> str:
    answered = f"{url} was answered with {status}{_PHRASES.get(status, '')}"
    if status in (401, 403):
        return f"{answered}: it is not for everybody. Try another page."
    if status in (404, 410):
        return f"{answered}: there is no such page. Check the URL, or search for another one."
    if status in (429, 503):
        after = f"in {retry_after} s" if _SECONDS.fullmatch(retry_after) else "later"
        return f"{answered}. Try it again {after}, or another page."
    return f"{answered}. Try another page."
