"""Whatever a server sends, it takes only so much memory and time to read it."""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
import zlib
from collections.abc import AsyncIterator

import httpx
import pytest
from asking import ask, error_of, model
from folding import added, call, completed, done, fold, message, text
from loopback import END, STREAM_HEAD, Loopback, answer, chunk, event, response
from loopback import completed as ended
from loopback import message as said

from agentkit import Agent, ModelError, ProtocolError, TransportError, tool
from agentkit.responses.http.unpacking import STEP, Unpacked
from agentkit.responses.waits import read_duration

HI = response(said("Hi."))


def framed(*events: dict) -> bytes:
    return b"".join(b"data: %b\n\n" % json.dumps(each).encode() for each in events)


async def body_of(content: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


def without_a_frame(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


@pytest.mark.parametrize("size", [1, 1000, 10**9])
@pytest.mark.parametrize(
    ("pack", "coding"),
    [(gzip.compress, "gzip"), (zlib.compress, "deflate"), (without_a_frame, "deflate")],
)
async def test_a_packed_body_is_unpacked_in_small_pieces(pack, coding, size):
    content = bytes(10 * STEP) + json.dumps(HI).encode() + bytes(STEP - 1)
    packed = body_of(pack(content), size)
    pieces = [piece async for piece in Unpacked(packed, {"content-encoding": coding}, ModelError)]
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) <= STEP


@pytest.mark.parametrize("size", [1, 10**9])
@pytest.mark.parametrize(
    ("pack", "coding", "around"),
    [(gzip.compress, "gzip", 8), (zlib.compress, "deflate", 4), (without_a_frame, "deflate", 0)],
)
async def test_a_packed_body_may_end_early_only_where_its_content_is_whole(
    pack, coding, around, size
):
    content = json.dumps(HI).encode()
    packed = pack(content)

    async def unpacked(end: int) -> bytes:
        body = Unpacked(body_of(packed[:end], size), {"content-encoding": coding}, TransportError)
        return b"".join([piece async for piece in body])

    for end in range(len(packed) - around, len(packed) + 1):
        assert await unpacked(end) == content
    for end in range(2, len(packed) - around - 1):
        with pytest.raises(TransportError):
            await unpacked(end)


async def test_a_packed_body_that_is_flushed_and_never_finished_is_whole():
    packer = zlib.compressobj(wbits=31)
    packed = packer.compress(json.dumps(HI).encode()) + packer.flush(zlib.Z_SYNC_FLUSH)
    async with Loopback(answer(packed, content_encoding="gzip")) as server:
        assert (await ask(model(server.url))).text == "Hi."


@pytest.mark.parametrize("client", [None, httpx.AsyncClient])
@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
async def test_a_body_that_is_packed_twice_is_not_unpacked(client, status, kind):
    packed = gzip.compress(gzip.compress(json.dumps(HI).encode()))
    named = {"content_encoding": "gzip, gzip", "content_type": kind, "x_request_id": "req_1"}
    error = await error_of(
        answer(packed, status, **named), http_client=client(trust_env=False) if client else None
    )
    assert type(error) is ProtocolError
    assert "compressed more than once: gzip, gzip" in error.message
    assert (error.status, error.request_id) == (status, "req_1")


async def test_the_packed_end_of_a_stream_is_not_unpacked_and_its_connection_used_again():
    packed = gzip.compress(framed(ended(said("Hi.")))) + b"neither packed nor read"
    named = {"content_encoding": "gzip", "content_type": "text/event-stream"}
    async with Loopback(answer(packed, **named)) as server:
        asked = model(server.url)
        assert [(await ask(asked, stream=True)).text for _ in range(2)] == ["Hi.", "Hi."]
        assert server.connections == 1


async def test_behind_the_last_event_only_so_much_is_read(monkeypatch):
    monkeypatch.setattr("agentkit.responses.transport.DRAIN", None)  # else that ends it
    more = chunk(b":" * 60_000 + b"\n\n")
    steps = [STREAM_HEAD, event(**ended(said("Hi."))), *[more] * 100, asyncio.Event()]
    async with Loopback(steps) as server:
        asked = model(server.url)
        assert [(await ask(asked, stream=True)).text for _ in range(2)] == ["Hi.", "Hi."]
        assert server.connections == 2


async def test_a_stream_whose_events_never_end_is_refused(monkeypatch):
    monkeypatch.setattr("agentkit.responses.reply.MAX_BODY", 1000)
    pieces = [event(**text("on and on ")) for _ in range(50)]
    error = await error_of([STREAM_HEAD, *pieces, event(**ended()), END])
    assert type(error) is ProtocolError
    assert "more than 1,000 bytes" in error.message
    assert error.status == 200


async def test_what_a_server_says_went_wrong_is_cut():
    told = {"message": "x" * 10_000, "code": "y" * 10_000, "param": "z" * 10_000}
    error = await error_of(answer({"error": told}, 400))
    assert [len(each) for each in (error.message, error.code, error.param)] == [2000, 200, 200]


async def test_of_the_body_of_an_error_only_the_beginning_is_read():
    head = b"HTTP/1.1 503 X\r\ncontent-length: 99999999\r\n\r\n"
    error = await error_of([head, b"Sorry. " * 200_000, asyncio.Event()])
    assert error.status == 503
    assert error.message.startswith("Sorry. Sorry.")
    assert len(error.message) <= 300


@pytest.mark.parametrize(
    "header",
    [
        "Mon, 01 Jan 2024 00:00:00 +99999999999999999",
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "1" * 20_000,
        "9" * 20_000 + "s",
    ],
)
async def test_a_wait_that_nobody_can_mean_is_none(header):
    named = {"retry_after": header, "x_ratelimit_reset_requests": header}
    error = await error_of(answer({"error": {"message": "No."}}, 429, **named))
    assert (type(error).__name__, error.retry_after) == ("RateLimitError", None)


@pytest.mark.parametrize(("said", "seconds"), [("1h2m3.5s", 3723.5), ("1.s", 1.0), ("1s2", None)])
def test_a_duration_is_read_as_a_whole_or_not_at_all(said, seconds):
    assert read_duration(said, epoch=lambda: 0.0) == seconds


def called_for(*events: dict) -> int:
    """How many functions are called to make a response of the events."""
    calls = 0

    def count(_frame, what, _function) -> None:
        nonlocal calls
        calls += what in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        fold(*events)
    finally:
        sys.setprofile(before)
    return calls


ALL_DONE = [done(message("x", id=f"m{at}"), at) for at in range(400)]
ALL_CALLS = [done(call("c", id=f"f{at}"), at) for at in range(400)]
ALL_BEGUN = [added(message("", id=f"m{at}"), at) for at in range(400)]
ALL_PIECES = [text("x", item_id=f"m{at}", output_index=at) for at in range(400)]
ALL_PARTS = [text("x", output_index=0, content_index=at) for at in range(400)]


@pytest.mark.parametrize(
    "events",
    [ALL_DONE, ALL_CALLS, ALL_BEGUN, ALL_PIECES, ALL_PARTS, [*ALL_BEGUN, *reversed(ALL_PIECES)]],
    ids=["items", "calls", "begun", "pieces", "parts", "pieces-of-begun"],
)
@pytest.mark.parametrize("output", [[], [message("x", id=f"m{at}") for at in range(400)]])
def test_twice_the_events_take_twice_the_work(events, output):
    half = called_for(*events[::2], completed(*output[::2]))
    assert called_for(*events, completed(*output)) < 2.5 * half


def test_thousands_of_parts_become_one_text():
    parts = [text("x", output_index=0, content_index=at) for at in range(20_000)]
    assert fold(*parts, completed()).text == "x" * 20_000


@pytest.mark.parametrize("status", ["expired", 7, ["completed"], False])
async def test_the_calls_of_an_answer_with_an_unknown_status_do_not_run(status):
    ran = []

    @tool(effect="once")
    def charge() -> None:
        """Charge the customer."""
        ran.append(1)

    asks = {"type": "function_call", "call_id": "c", "name": "charge", "arguments": "{}"}
    async with Loopback(answer(response(asks, status=status))) as server:
        result = await Agent(model(server.url), tools=[charge]).run("?")
    assert (result.status, ran) == ("failed", [])
    assert repr(str(status)) in str(result.error)
