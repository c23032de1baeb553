"""A web search as a tool, over two services in the shapes that they document."""

from __future__ import annotations

import asyncio
import gzip
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from web_loopback import always, answered, serving

from agentkit import Agent, ConfigurationError, Retry
from agentkit.testing import ScriptedModel, call
from agentkit_tools import Brave, SearchHit, SearXNG, WebSearch

KEY = "BSA-very-secret-0123"

# as its page "Search API" and its own results have it
OF_SEARXNG = {
    "query": "rivers",
    "number_of_results": 0,
    "results": [
        {
            "url": "https://example.org/river",
            "title": "A river &amp; its banks",
            "content": "It rises in the hills.",
            "engine": "example",
            "parsed_url": ["https", "example.org", "/river", "", "", ""],
            "template": "default.html",
            "engines": ["example", "other"],
            "positions": [1, 3],
            "score": 2.5,
            "category": "general",
            "publishedDate": None,
        },
        {"url": "https://example.org/two", "title": "Two", "content": None, "score": 1.0},
        {"url": "https://example.org/three", "title": "Three", "content": "third"},
        {"url": "javascript:alert(1)", "title": "Not a page", "content": ""},
        {"title": "Nowhere"},
        "no result",
    ],
    "answers": [],
    "corrections": [],
    "infoboxes": [],
    "suggestions": ["lakes"],
    "unresponsive_engines": [["third", "timeout"]],
}

# as its page "Web Search" has it
OF_BRAVE = {
    "type": "search",
    "query": {"original": "rivers", "more_results_available": True},
    "mixed": {"type": "mixed", "main": [{"type": "web", "index": 0, "all": False}]},
    "web": {
        "type": "search",
        "family_friendly": True,
        "results": [
            {
                "type": "search_result",
                "subtype": "generic",
                "title": "A <strong>river</strong>",
                "url": "https://example.org/river",
                "description": "It rises where 3 &lt; 4 and a < b.",
                "is_source_local": False,
                "language": "en",
                "profile": {"name": "Example", "url": "https://example.org/river"},
                "meta_url": {"scheme": "https", "netloc": "example.org", "path": "› river"},
            }
        ],
    },
}


def replied(value: object, status: int = 200, **headers: str) -> bytes:
    return answered(json.dumps(value), "application/json", status, **headers)


def asked(request: str) -> tuple[str, dict[str, list[str]]]:
    """Path and parameters of a request."""
    target = urlsplit(request.split()[1])
    return target.path, parse_qs(target.query)


async def test_searxng_is_asked_and_its_hits_are_listed():
    async with serving(always(replied(OF_SEARXNG))) as server:
        search = WebSearch(SearXNG(f"{server.url}/searx/"), count=2)
        told = await search.web_search("rivers  & lakes\n")
    assert asked(server.requests[0]) == (
        "/searx/search",
        {"q": ["rivers & lakes"], "format": ["json"]},
    )
    assert told == (
        "1. A river & its banks\n   https://example.org/river\n   It rises in the hills.\n\n"
        "2. Two\n   https://example.org/two"
    )


async def test_brave_is_asked_with_the_key_and_its_hits_are_listed():
    async with serving(always(replied(OF_BRAVE))) as server:
        search = WebSearch(Brave(KEY, url=f"{server.url}/res/v1/web/search"))
        told = await search.web_search("rivers", 3)
    path, parameters = asked(server.requests[0])
    assert path == "/res/v1/web/search"
    assert parameters == {"q": ["rivers"], "count": ["3"], "text_decorations": ["false"]}
    assert f"\r\nx-subscription-token: {KEY}\r\n".lower() in server.requests[0].lower()
    assert told == ("1. A river\n   https://example.org/river\n   It rises where 3 < 4 and a < b.")


@pytest.mark.parametrize("said", [{"type": "search"}, {"web": {"results": []}}])
async def test_a_search_that_finds_nothing_says_so(said):
    async with serving(always(replied(said))) as server:
        with pytest.raises(Retry, match="^Nothing was found for 'xyzzy'. Try other or fewer words"):
            await WebSearch(Brave(KEY, url=server.url)).web_search("xyzzy")


async def test_an_answer_that_is_packed_is_unpacked_within_bounds():
    packed = gzip.compress(json.dumps(OF_BRAVE).encode())
    async with serving(always(answered(packed, Content_Encoding="gzip"))) as server:
        (hit,) = await Brave(KEY, url=server.url).search("rivers", 1)
    assert hit.title == "A river"
    bomb = gzip.compress(b" " * 50_000_000)
    async with serving(always(answered(bomb, Content_Encoding="gzip"))) as server:
        with pytest.raises(Retry, match="answered with too much"):
            await Brave(KEY, url=server.url).search("rivers", 1)
    async with serving(always(answered(bomb, Content_Encoding="br"))) as server:
        with pytest.raises(Retry, match="was not asked for"):
            await Brave(KEY, url=server.url).search("rivers", 1)


async def test_an_instance_that_does_not_answer_in_json_is_the_callers_to_mend():
    async with serving(always(answered("<h1>Forbidden</h1>", "text/html", 403))) as server:
        with pytest.raises(ConfigurationError, match=r"Add json to search\.formats"):
            await SearXNG(server.url).search("rivers", 1)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, {}),
        (403, {"error": {"code": "SUBSCRIPTION_NOT_FOUND"}}),
        (422, {"error": {"code": "SUBSCRIPTION_TOKEN_INVALID", "detail": KEY}}),
    ],
)
async def test_a_key_that_is_not_taken_is_the_callers_to_mend_and_is_not_shown(status, said):
    async with serving(always(replied(said, status))) as server:
        with pytest.raises(ConfigurationError, match="does not take the key") as raised:
            await Brave(KEY, url=server.url).search("rivers", 1)
    assert KEY not in str(raised.value)


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"Retry_After": "3"}, "Search again in 3 s, one at a time."),
        ({"X_RateLimit_Reset": "1, 1419704"}, "Search again in 1 s, one at a time."),
        ({}, "Search again a little later, one at a time."),
        ({"Retry_After": "Fri, 31 Dec 1999 23:59:59 GMT"}, "Search again a little later"),
    ],
)
@pytest.mark.parametrize("provider", ["brave", "searxng"])
async def test_too_many_searches_are_told_with_how_long_to_wait(provider, headers, told):
    async with serving(always(replied({}, 429, **headers))) as server:
        made = Brave(KEY, url=server.url) if provider == "brave" else SearXNG(server.url)
        with pytest.raises(Retry, match=told):
            await made.search("rivers", 1)


@pytest.mark.parametrize("status", [400, 422])
async def test_a_query_that_is_not_taken_is_told(status):
    async with serving(always(replied({}, status))) as server:
        with pytest.raises(Retry, match="Make it shorter and plainer"):
            await Brave(KEY, url=server.url).search("rivers", 1)


@pytest.mark.parametrize("status", [302, 404, 500, 503])
async def test_what_else_is_answered_is_told(status):
    async with serving(always(replied({}, status, Location="/x"))) as server:
        with pytest.raises(Retry, match=f"answered with {status}"):
            await SearXNG(server.url).search("rivers", 1)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "body",
    ["<html>hello", "", "[]", "null", '"a"', '{"results": {}}', "{}", "[" * 100_000],
    ids=lambda body: body[:20] or "nothing",
)
async def test_an_answer_of_another_shape_is_the_callers_to_mend(body):
    async with serving(always(answered(body, "application/json"))) as server:
        with pytest.raises(ConfigurationError, match="what answers there is not its search"):
            await SearXNG(server.url).search("rivers", 1)


@pytest.mark.parametrize("body", ['{"web": []}', '{"web": {"results": 1}}', '{"web": null}'])
async def test_the_same_of_brave(body):
    async with serving(always(answered(body, "application/json"))) as server:
        with pytest.raises(ConfigurationError, match="what answers there is not its search"):
            await Brave(KEY, url=server.url).search("rivers", 1)


async def test_an_answer_without_an_end_is_given_up():
    async def endless(path, write):
        await write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            await write(b" " * 100_000)

    async with serving(endless) as server:
        with pytest.raises(Retry, match="answered with too much"):
            await SearXNG(server.url).search("rivers", 1)


async def test_a_service_that_always_sends_a_little_more_is_given_up():
    async def dripping(path, write):
        await write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            await write(b" ")
            await asyncio.sleep(0.001)

    async with serving(dripping) as server:
        with pytest.raises(Retry, match="did not answer in time"):
            await SearXNG(server.url, timeout=0.3).search("rivers", 1)


async def test_a_service_that_is_not_there_is_told():
    async with serving(always(b"")) as server:
        pass
    with pytest.raises(Retry, match="could not be reached"):
        await SearXNG(server.url).search("rivers", 1)


class Own:
    """A service of one's own."""

    def __init__(self, *hits: SearchHit) -> None:
        self.hits, self.asked = list(hits), []

    async def search(self, query: str, count: int) -> list[SearchHit]:
        self.asked.append((query, count))
        return self.hits


async def test_anything_with_its_one_method_is_a_service():
    own = Own(SearchHit("A", "https://example.org/a"), SearchHit("B", "https://example.org/b"))
    model = ScriptedModel(call("web_search", query="rivers", count=1), "done")
    result = await Agent(model, tools=[WebSearch(own)]).run("?")
    assert result.output == "done"
    assert own.asked == [("rivers", 1)]
    assert model.requests[1].outputs == ["1. A\n   https://example.org/a"]


async def test_a_hit_is_shown_on_lines_of_its_own_whatever_is_in_it():
    long = SearchHit("A\n2. B\x1b[31m", "https://example.org/a\n   x", "b" * 600)
    told = await WebSearch(Own(long)).web_search("rivers")
    title, url, text = told.splitlines()
    assert title == "1. A 2. B[31m"
    assert url == "   https://example.org/a x"
    assert text == "   " + "b" * 499 + "…"


async def test_a_hit_that_cannot_be_fetched_is_left_out():
    own = Own(SearchHit("A", "https://example.org/" + "a" * 2000), SearchHit("", "https://b.org/"))
    assert await WebSearch(own).web_search("rivers") == "1. (no title)\n   https://b.org/"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("",), "1 to 400 characters"),
        ((" \n",), "1 to 400 characters"),
        (("a" * 401,), "1 to 400 characters"),
        (("a", 0), "a count of 1 to 20"),
        (("a", 21), "a count of 1 to 20"),
    ],
)
async def test_a_search_that_cannot_be_made_is_told_and_not_made(arguments, told):
    own = Own()
    with pytest.raises(Retry, match=told):
        await WebSearch(own).web_search(*arguments)
    assert own.asked == []


async def test_searches_are_apart_by_the_pause():
    time, slept = [0.0], []

    async def sleep(seconds):
        slept.append(seconds)
        time[0] += seconds

    search = WebSearch(Own(), pause=1.0, clock=lambda: time[0], sleep=sleep)
    for _ in range(3):
        with pytest.raises(Retry, match="Nothing was found"):
            await search.web_search("rivers")
    assert slept == [1.0, 1.0]


def test_the_key_of_brave_is_that_of_the_environment_and_is_shown_nowhere(monkeypatch):
    monkeypatch.delenv("BRAVE_API_KEY", raising=False)
    with pytest.raises(ConfigurationError, match="set BRAVE_API_KEY"):
        WebSearch("brave")
    monkeypatch.setenv("BRAVE_API_KEY", KEY)
    search = WebSearch("brave")
    assert repr(search) == "WebSearch(Brave())"
    assert KEY not in f"{search.tools!r} {vars(search)!r}"


@pytest.mark.parametrize("key", ["", " a", "a\nb", "ü"])
def test_a_key_that_cannot_be_sent_is_refused(key):
    with pytest.raises(ConfigurationError, match="Brave needs a key"):
        Brave(key)


@pytest.mark.parametrize(
    "provider",
    [
        "searx.example.org",
        "ftp://a.org",
        "",
        "https://u:p@a.org",
        "http://a:x/",
        1,
        None,
        Own,
        object(),
    ],
)
def test_what_does_not_search_is_refused(provider):
    with pytest.raises(ConfigurationError):
        WebSearch(provider)


@pytest.mark.parametrize("options", [{"count": 0}, {"count": 21}, {"count": True}, {"pause": -1}])
def test_options_that_are_wrong_are_told(options):
    with pytest.raises(ConfigurationError, match=f"{next(iter(options))} must be"):
        WebSearch(Own(), **options)


def test_an_instance_of_searxng_is_named_by_its_url():
    search = WebSearch("https://searx.example.org/")
    assert repr(search) == "WebSearch(SearXNG('https://searx.example.org'))"
    (made,) = search.tools
    assert (made.name, made.effect, made.untrusted, made.strict) == (
        "web_search",
        "read",
        True,
        True,
    )
    assert made.timeout
    assert made.max_output
