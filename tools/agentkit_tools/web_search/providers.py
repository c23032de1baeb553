"""Two services that search: an instance of SearXNG, and Brave's interface for programs.

Sources: SearXNG, "Search API" (docs/dev/search_api.rst); Brave Search API, "Web Search".
"""

from __future__ import annotations

import asyncio
import html
import json
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from agentkit import ConfigurationError, Retry
from agentkit_tools.web.unpacking import Body, PackedError
from agentkit_tools.web_search.hits import SearchHit

MAX_ANSWER = 5_000_000
"""Bytes."""
BRAVE_URL = "https://api.search.brave.com/res/v1/web/search"
BRAVE_MOST = 20
"""Hits that it gives at a time."""

_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,100}>")


class SearXNG:
    """Searches with an instance of SearXNG, whose settings have `json` under `search.formats`.

    `base_url` is where its start page is. `timeout` is the seconds for a search.
    """

    def __init__(self, base_url: str, *, timeout: float = 20.0) -> None:
        self._url = _checked_url(base_url).rstrip("/") + "/search"
        self._timeout = timeout

    def __repr__(self) -> str:
        return f"SearXNG({self._url.removesuffix('/search')!r})"

    async def search(self, query: str, count: int) -> list[SearchHit]:
        """The first hits; `count` is not sent, since the instance decides how many it gives."""
        answer = await _asked(self._url, {"q": query, "format": "json"}, {}, self._timeout)
        if answer.status == 403:
            raise ConfigurationError(
                f"{self!r} refuses to answer in JSON. Add json to search.formats in its "
                "settings.yml, or use another instance."
            )
        found = _found(answer, lambda said: said["results"], repr(self))
        return [_hit(each, "content") for each in found[:count]]


class Brave:
    """Searches with Brave. The key is BRAVE_API_KEY of the environment unless it is given.

    `url` is for a server that stands in between. `timeout` is the seconds for a search.
    """

    def __init__(
        self, key: str | None = None, *, url: str = BRAVE_URL, timeout: float = 20.0
    ) -> None:
        given = key if key is not None else os.environ.get("BRAVE_API_KEY", "")
        if not given or not given.isascii() or not given.isprintable() or given != given.strip():
            raise ConfigurationError("Brave needs a key: pass it, or set BRAVE_API_KEY.")
        self._key, self._url, self._timeout = given, _checked_url(url), timeout

    def __repr__(self) -> str:
        return "Brave()"

    async def search(self, query: str, count: int) -> list[SearchHit]:
        """The first hits, 20 at most."""
        asked = {"q": query, "count": min(count, BRAVE_MOST), "text_decorations": "false"}
        headers = {"X-Subscription-Token": self._key}
        answer = await _asked(self._url, asked, headers, self._timeout)
        if answer.status in (401, 403) or b"SUBSCRIPTION_TOKEN_INVALID" in answer.content:
            raise ConfigurationError("Brave does not take the key: pass another, or BRAVE_API_KEY.")
        found = _found(answer, lambda said: said.get("web", {}).get("results", []), "Brave")
        return [_hit(each, "description") for each in found[:count]]


class _Answer:
    """Status, headers and body of an answer."""

    def __init__(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
        self.status, self.headers, self.content = status, headers, content

    @property
    def wait(self) -> str:
        """How long to wait, in words."""
        after = self.headers.get("retry-after") or self.headers.get("x-ratelimit-reset", "")
        seconds = after.split(",")[0].strip()
        return f"in {seconds} s" if re.fullmatch(r"[0-9]{1,6}", seconds) else "a little later"


async def _asked(
    url: str, parameters: Mapping[str, Any], headers: Mapping[str, str], timeout: float
) -> _Answer:
    """The answer to a GET request. Raises Retry where none comes."""
    try:
        async with (
            asyncio.timeout(timeout),
            httpx.AsyncClient(timeout=timeout) as client,
            client.stream(
                "GET",
                url,
                params=dict(parameters),
                headers={"Accept": "application/json", "Accept-Encoding": "gzip", **headers},
            ) as response,
        ):
            body = Body(MAX_ANSWER, response.headers.get("content-encoding", ""))
            async for piece in response.aiter_raw():
                if not body.take(piece):
                    raise Retry("The search answered with too much. Search for something else.")
            return _Answer(response.status_code, response.headers, bytes(body.content))
    except PackedError as error:
        raise Retry(
            f"The answer of the search cannot be read: {error}. Go on without it."
        ) from None
    except (httpx.HTTPError, httpx.StreamError, TimeoutError) as error:
        reason = "did not answer in time" if _is_late(error) else "could not be reached"
        raise Retry(f"The search {reason}. Try it again later, or go on without it.") from None


def _is_late(error: Exception) -> bool:
    return isinstance(error, TimeoutError | httpx.TimeoutException)


def _found(answer: _Answer, results: Callable[[Any], Any], name: str) -> list[Any]:
    """The results of an answer, in the order in which they came."""
    if answer.status == 429:
        raise Retry(f"Too many searches at once. Search again {answer.wait}, one at a time.")
    if answer.status in (400, 422):
        raise Retry("The search does not take this query. Make it shorter and plainer.")
    if answer.status != 200:
        raise Retry(
            f"The search was answered with {answer.status}. Try it again later, or go on "
            "without it."
        )
    try:
        found = results(json.loads(answer.content))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        found = None
    if not isinstance(found, list):
        raise ConfigurationError(f"{name}: what answers there is not its search. Check the URL.")
    return [each for each in found if isinstance(each, dict) and _is_page(each.get("url"))]


def _is_page(url: object) -> bool:
    return isinstance(url, str) and url.startswith(("http://", "https://"))


def _hit(result: Mapping[str, Any], text: str) -> SearchHit:
    return SearchHit(_plain(result.get("title")), str(result["url"]), _plain(result.get(text)))


def _plain(text: object) -> str:
    """A text without the marks of HTML, which services put around what was searched for."""
    return " ".join(html.unescape(_TAG.sub("", text)).split()) if isinstance(text, str) else ""


def _checked_url(url: object) -> str:
    try:
        if isinstance(url, str) and re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", url):
            return str(httpx.URL(url))
    except httpx.InvalidURL:
        pass
    # what was given is not shown: it may be a key, or a URL with a password
    raise ConfigurationError(
        "This is not where a search is: give its URL, such as https://searx.example.org, without "
        "a user name in it."
    )
