"""Servers that send too much, too slowly, or what only gets large when it is unpacked."""

from __future__ import annotations

import asyncio
import gzip
import io
import tracemalloc
import zlib

import pytest
from web_loopback import Loopback, Names, always, answered, by_path, serving

from agentkit import Retry
from agentkit_tools import Web

URL = "http://www.example.org/"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


def bomb(size: int) -> bytes:
    """So many zeros, packed, without ever having them in one piece."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file:
        for _ in range(size // 1_000_000):
            file.write(b"0" * 1_000_000)
    return packed.getvalue()


async def test_what_is_packed_is_unpacked_as_far_as_it_may_be_read():
    whole = answered(bomb(200_000_000), Content_Encoding="gzip")
    async with serving(always(whole)) as server:
        web = Web(resolver=Names(), connector=Loopback(server.port), max_bytes=1_000_000)
        tracemalloc.start()
        told = await web.fetch(URL)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert "1000000 bytes, and that is only its beginning" in told
    assert most < 20_000_000


async def test_what_is_packed_small_is_read_whole():
    async with serving(
        always(answered(gzip.compress(b"a" * 50_000), Content_Encoding="x-gzip"))
    ) as server:
        told = await Web(resolver=Names(), connector=Loopback(server.port)).fetch(URL)
    assert "Type: text/plain, 50000 bytes\n" in told
    assert "accept-encoding: gzip\r\n" in server.requests[0]


@pytest.mark.parametrize(
    "encoding", ["br", "deflate", "zstd", "gzip, gzip", "gzip,br", "identity, gzip", "x", "GZIP;q"]
)
async def test_an_encoding_that_was_not_asked_for_is_refused_before_its_body_is_read(encoding):
    packed = gzip.compress(zlib.compress(b"0" * 1_000_000))
    async with serving(always(answered(packed, Content_Encoding=encoding))) as server:
        web = Web(resolver=Names(), connector=Loopback(server.port))
        with pytest.raises(Retry, match="was not asked for"):
            await web.fetch(URL)


async def test_what_is_packed_twice_is_unpacked_once():
    packed = gzip.compress(bomb(100_000_000))
    async with serving(always(answered(packed, Content_Encoding="gzip"))) as server:
        told = await Web(resolver=Names(), connector=Loopback(server.port)).fetch(URL)
    assert "(This is no text, so it is not shown.)" in told


async def test_what_is_not_gzip_as_it_says_is_refused():
    async with serving(always(answered("plain", Content_Encoding="gzip"))) as server:
        web = Web(resolver=Names(), connector=Loopback(server.port))
        with pytest.raises(Retry, match="it is not gzip, as it says"):
            await web.fetch(URL)


async def test_gzip_that_breaks_off_is_told_as_a_beginning():
    packed = gzip.compress(b"hello " * 10_000)[:-20]
    async with serving(always(answered(packed, Content_Encoding="gzip"))) as server:
        told = await Web(resolver=Names(), connector=Loopback(server.port)).fetch(URL)
    assert "and that is only its beginning" in told


async def test_of_a_body_without_an_end_the_beginning_is_read():
    sent = []

    async def endless(path, write):
        await write(HEAD + b"\r\n")
        while True:
            await write(b"0123456789" * 1_000)
            sent.append(10_000)

    async with serving(endless) as server:
        web = Web(resolver=Names(), connector=Loopback(server.port), max_bytes=100_000)
        told = await web.fetch(URL)
    assert "100000 bytes, and that is only its beginning" in told
    assert sum(sent) < 20_000_000


async def test_of_a_body_that_claims_to_be_huge_the_beginning_is_read():
    async def huge(path, write):
        await write(HEAD + b"Content-Length: 99999999999\r\n\r\n" + b"a" * 300_000)

    async with serving(huge) as server:
        web = Web(resolver=Names(), connector=Loopback(server.port), max_bytes=100_000)
        assert "only its beginning" in await web.fetch(URL)


@pytest.mark.parametrize("line", [b"X-A: b\r\n", b"X-A: " + b"b" * 100_000, b"b" * 100_000])
async def test_headers_without_an_end_are_refused(line):
    async def endless(path, write):
        await write(HEAD)
        while True:
            await write(line)

    async with serving(endless) as server:
        web = Web(resolver=Names(), connector=Loopback(server.port))
        with pytest.raises(Retry, match="was answered with what is not HTTP"):
            await web.fetch(URL)


async def test_answers_before_the_answer_without_an_end_are_given_up():
    async def endless(path, write):
        while True:
            await write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
            await asyncio.sleep(0)

    async with serving(endless) as server:
        web = Web(resolver=Names(), connector=Loopback(server.port), timeout=0.3)
        with pytest.raises(Retry, match=r"did not come within 0\.3 s"):
            await web.fetch(URL)


@pytest.mark.parametrize(
    "sent",
    [b"", b"HTTP/1.1 200 OK\r\nX-A:", HEAD + b"\r\n", HEAD + b"Content-Length: 9\r\n\r\n1234"],
    ids=["nothing", "half a head", "a head", "half a body"],
)
async def test_a_server_that_stops_in_the_middle_is_given_up(sent):
    stopped = asyncio.Event()

    async def silent(path, write):
        await write(sent)
        await stopped.wait()

    async with serving(silent) as server:
        web = Web(resolver=Names(), connector=Loopback(server.port), timeout=0.2)
        with pytest.raises(Retry, match=r"did not come within 0\.2 s"):
            await web.fetch(URL)
        stopped.set()


@pytest.mark.parametrize("head", [b"", HEAD + b"\r\n"], ids=["headers", "body"])
async def test_a_server_that_always_sends_a_little_more_is_given_up(head):
    """Each byte comes at once behind the one before, so no wait for a single one would end it."""

    async def dripping(path, write):
        await write(head or b"HTTP/1.1 200 OK\r\n")
        while True:
            await write(b"a")
            await asyncio.sleep(0.001)

    async with serving(dripping) as server:
        web = Web(resolver=Names(), connector=Loopback(server.port), timeout=0.3)
        with pytest.raises(Retry, match=r"did not come within 0\.3 s"):
            await web.fetch(URL)


async def test_the_time_is_that_of_all_redirects_together():
    stopped = asyncio.Event()

    async def slow(path, write):
        if path == "/":
            await write(answered(status=302, Location="/next"))
        else:
            await stopped.wait()

    async with serving(slow) as server:
        web = Web(resolver=Names(), connector=Loopback(server.port), timeout=0.3, pause=0)
        with pytest.raises(Retry, match=r"www\.example\.org/next did not come within 0\.3 s"):
            await web.fetch(URL)
        stopped.set()


async def test_looking_up_a_name_is_within_the_time_too():
    async def resolver(host, port):
        await asyncio.Event().wait()

    with pytest.raises(Retry, match=r"did not come within 0\.1 s"):
        await Web(resolver=resolver, timeout=0.1).fetch(URL)


async def test_a_connection_that_breaks_off_is_told():
    async def broken(path, write):
        await write(HEAD + b"Content-Length: 9\r\n\r\n1234")

    async with serving(broken) as server:
        web = Web(resolver=Names(), connector=Loopback(server.port))
        with pytest.raises(Retry, match="what is not HTTP"):
            await web.fetch(URL)


async def test_the_body_of_a_redirect_is_not_read():
    body = bomb(100_000_000)
    pages = {
        "/": answered(body, status=302, Location="/a", Content_Encoding="gzip, gzip"),
        "/a": answered("end"),
    }
    async with serving(by_path(pages)) as server:
        web = Web(resolver=Names(), connector=Loopback(server.port), pause=0, max_bytes=1000)
        assert "end" in await web.fetch(URL)


@pytest.mark.parametrize(
    "page",
    [
        "<ol>" + "<li>a" * 60_000,
        "<p>" + " " * 300_000 + "a",
    ],
    ids=["a list", "white space"],
)
async def test_a_page_that_takes_too_long_to_read_is_given_up(page, monkeypatch):
    monkeypatch.setattr("agentkit_tools.web.reading.READING_TIMEOUT", 1.0)
    async with serving(always(answered(page, "text/html"))) as server:
        web = Web(resolver=Names(), connector=Loopback(server.port))
        with pytest.raises(Retry, match=r"cannot be read as text: (it takes|its reader)"):
            await web.fetch(URL)


@pytest.mark.parametrize("tag", ["<div>", "<ul><li>", "<b>", "<table><tr><td>", "<blockquote>"])
async def test_a_page_that_is_nested_deeply_is_read_as_plain_text(tag):
    page = tag * 20_000 + "the end"
    async with serving(always(answered(page, "text/html"))) as server:
        web = Web(resolver=Names(), connector=Loopback(server.port))
        told = await web.fetch(URL)
    assert told.endswith(
        "\n\n(Too large or too deeply nested for more than its plain text.)\n\nthe end"
    )


async def test_a_cancelled_fetch_leaves_no_reader_behind():
    async with serving(always(answered("<ol>" + "<li>a" * 60_000, "text/html"))) as server:
        web = Web(resolver=Names(), connector=Loopback(server.port))
        started = asyncio.Event()
        made = asyncio.create_subprocess_exec
        readers = []

        async def create(*words, **options):
            readers.append(await made(*words, **options))
            started.set()
            return readers[0]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(asyncio, "create_subprocess_exec", create)
            fetching = asyncio.ensure_future(web.fetch(URL))
            await started.wait()
            fetching.cancel()
            with pytest.raises(asyncio.CancelledError):
                await fetching
    assert readers[0].returncode is not None
