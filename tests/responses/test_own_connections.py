"""The connections that requests go over where the caller gives no client, counted and timed."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib

import httpx
import pytest
from asking import ask, model, request
from loopback import (
    CREATED,
    CUT,
    END,
    STREAM_HEAD,
    Loopback,
    answer,
    chunk,
    completed,
    delta,
    event,
    message,
    response,
)

from agentkit import (
    Agent,
    ConfigurationError,
    ModelTimeoutError,
    ResponsesModel,
    TransportError,
    tool,
)
from agentkit.responses.client import Endpoint, Timeouts
from agentkit.testing import ResponsesServer, ScriptedModel, call

HI = response(message("Hi."))
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


@pytest.mark.parametrize("stream", [False, True])
async def test_requests_one_after_the_other_open_one_connection(stream):
    async with Loopback(answer(HI)) as server:
        asked = model(server.url)
        for _ in range(20):
            await ask(asked, stream)
    assert (len(server.received), server.connections) == (20, 1)


async def test_requests_at_once_open_a_connection_each_and_later_ones_none():
    barrier = asyncio.Barrier(8)
    async with Loopback(*[[barrier, answer(HI)] for _ in range(16)]) as server:
        asked = model(server.url)
        for _ in range(2):
            await asyncio.gather(*(ask(asked) for _ in range(8)))
            assert server.connections == 8


async def test_a_run_of_many_turns_opens_one_connection():
    @tool
    async def add(a: int, b: int) -> int:
        """The sum."""
        return a + b

    turns = [[call("add", a=n, b=1), call("add", a=n, b=2)] for n in range(10)]
    async with ResponsesServer(ScriptedModel(*turns, "Done.")) as server, Relay(server) as relay:
        result = await Agent(ResponsesModel("m", relay.url), tools=[add]).run("Go.")
    assert (result.output, result.turns, relay.connections) == ("Done.", 11, 1)


class Relay:
    """Counts the connections to a server, which go through it."""

    def __init__(self, server: ResponsesServer) -> None:
        self._port = httpx.URL(server.url).port
        self.connections = 0

    async def __aenter__(self) -> Relay:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _connected(self, reader, writer) -> None:
        self.connections += 1
        behind, onward = await asyncio.open_connection("127.0.0.1", self._port)

        async def pump(source, sink) -> None:
            while data := await source.read(65536):
                sink.write(data)
            sink.close()

        await asyncio.gather(pump(reader, onward), pump(behind, writer))


async def test_a_connection_that_nobody_used_for_long_is_not_used_again(monkeypatch):
    async with Loopback(answer(HI)) as server:
        asked = model(server.url)
        monkeypatch.setattr("agentkit.responses.http.connections.KEPT", -1.0)
        await ask(asked)
        await ask(asked)
        await server.has_lost_one.wait()
        assert server.connections == 2


async def test_a_connection_that_the_server_closed_meanwhile_is_not_used_again():
    async with Loopback([answer(HI), CUT], answer(HI)) as server:
        asked = model(server.url)
        await ask(asked)
        await server.has_lost_one.wait()
        assert (await ask(asked)).text == "Hi."
        assert (len(server.received), server.connections) == (2, 2)


async def test_what_comes_behind_an_answer_is_not_taken_for_the_next_one():
    other = response(message("Not yours."))
    async with Loopback([answer(HI) + answer(other)], answer(HI)) as server:
        asked = model(server.url)
        assert [(await ask(asked)).text for _ in range(3)] == ["Hi.", "Hi.", "Hi."]
        assert server.connections == 2


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
async def test_a_compressed_answer_is_read(pack):
    body = pack(json.dumps(HI).encode())
    coding = "gzip" if pack is gzip.compress else "deflate"
    async with Loopback(answer(body, content_encoding=coding)) as server:
        asked = model(server.url)
        assert [(await ask(asked)).text for _ in range(2)] == ["Hi.", "Hi."]
        assert server.received[0].headers["accept-encoding"] == "gzip, deflate"
        assert server.connections == 1


@pytest.mark.parametrize(
    "damaged", [lambda body: b"no" + body[2:], lambda body: body[: len(body) // 2]]
)
async def test_a_broken_compressed_answer_is_the_fault_of_the_connection(damaged):
    body = damaged(gzip.compress(json.dumps(HI).encode()))
    async with Loopback(answer(body, content_encoding="gzip")) as server:
        with pytest.raises(TransportError):
            await ask(model(server.url))


async def test_a_proxy_of_the_environment_is_used_but_for_the_hosts_it_leaves_out(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "")
    async with Loopback(answer(HI)) as proxy, Loopback(answer(HI)) as server:
        monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/v1"))
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        await ask(model("http://example.test/v1"))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        await ask(model(server.url))
    assert [each.path for each in proxy.received] == ["http://example.test/v1/responses"]
    assert [each.path for each in server.received] == ["/v1/responses"]


async def test_headers_and_user_of_the_endpoint_are_sent_once():
    async with Loopback(answer(HI)) as server:
        place = server.url.replace("://", "://me:pa%20ss@")
        await ask(ResponsesModel("m", Endpoint(place, {"user-agent": "mine", "x-own": "yes"})))
    headers = server.received[0].headers
    assert (headers["user-agent"], headers["x-own"]) == ("mine", "yes")
    assert headers["authorization"] == "Basic bWU6cGEgc3M="
    assert headers["host"] == server.url.removeprefix("http://").removesuffix("/v1")


async def test_a_header_that_no_request_can_carry_is_the_callers_mistake():
    async with Loopback(answer(HI)) as server:
        with pytest.raises(ConfigurationError, match="'x y' is none that a request can carry"):
            await ask(ResponsesModel("m", Endpoint(server.url, {"x y": "1"})))


async def timed_out(*answers: object, stream: bool = False, **bounds: float) -> str:
    """What is said where a server keeps one waiting."""
    async with Loopback(*answers) as server:
        with pytest.raises(ModelTimeoutError) as caught:
            await ask(model(server.url, timeouts=Timeouts(**bounds)), stream)
        return caught.value.message.replace(server.url, "URL")


async def test_each_wait_ends_and_the_error_says_which_it_was():
    never = asyncio.Event()
    begun = STREAM_HEAD + event(**CREATED) + event(**delta("He"))
    assert await timed_out([never], first_byte=0.05) == (
        "URL did not begin to answer within 0.05 s (Timeouts.first_byte)."
    )
    assert "(Timeouts.first_byte)" in await timed_out([HEAD, never], first_byte=0.05, idle=9.0)
    assert await timed_out([begun, never], stream=True, idle=0.05) == (
        "URL sent no more of its answer within 0.05 s (Timeouts.idle)."
    )
    cut = answer(HI)[:-5]
    assert "(Timeouts.idle)" in await timed_out([cut, never], idle=0.05, first_byte=9.0)
    assert await timed_out([never], answer=0.05) == (
        "URL did not come to the end of its answer within 0.05 s (Timeouts.answer)."
    )


class Drip(asyncio.Event):
    """Waited for a little while each time."""

    async def wait(self) -> bool:
        await asyncio.sleep(0.01)
        return True


@pytest.mark.parametrize("client", [None, httpx.AsyncClient])
async def test_a_stream_of_keepalives_for_ever_ends(client):
    alive = [part for _ in range(500) for part in (Drip(), chunk(b": keepalive\n\n"))]
    bounds = Timeouts(answer=0.1, idle=5.0)
    async with Loopback([STREAM_HEAD + event(**CREATED), *alive, END]) as server:
        given = {"http_client": client()} if client else {}
        with pytest.raises(ModelTimeoutError, match=r"within 0.1 s \(Timeouts.answer\)"):
            await ask(model(server.url, timeouts=bounds, **given), stream=True)
        if client:
            await given["http_client"].aclose()


async def test_a_reader_who_takes_long_is_not_taken_for_a_silent_server():
    begun = [STREAM_HEAD + event(**CREATED), *[event(**delta("x" * 60_000))] * 40]
    async with Loopback([*begun, event(**completed(message("Hi."))), END]) as server:
        asked, is_first = model(server.url, timeouts=Timeouts(idle=0.2)), True
        async for _ in asked.stream(request(stream=True)):
            if is_first:
                await asyncio.sleep(0.3)  # more has come meanwhile than is read ahead
            is_first = False
    assert not is_first


async def test_a_head_that_comes_byte_by_byte_ends():
    slowly = [part for letter in "x" * 500 for part in (Drip(), letter.encode())]
    said = await timed_out([HEAD + b"x-slow: ", *slowly], first_byte=0.1, idle=5.0)
    assert "(Timeouts.first_byte)" in said


async def test_a_body_that_comes_byte_by_byte_has_all_the_time_of_an_answer():
    whole = answer(HI)
    slowly = [part for byte in whole[-20:] for part in (Drip(), bytes([byte]))]
    async with Loopback([whole[:-20], *slowly]) as server:
        bounds = Timeouts(first_byte=5.0, idle=5.0, answer=20.0)
        assert (await ask(model(server.url, timeouts=bounds))).text == "Hi."


async def test_a_server_that_does_not_read_the_request_is_waited_for_no_longer():
    taken = []

    def take_nothing(reader, writer) -> None:
        writer.transport.pause_reading()
        taken.append(writer)

    async with await asyncio.start_server(take_nothing, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        asked = model(f"http://127.0.0.1:{port}/v1", timeouts=Timeouts(first_byte=0.1))
        with pytest.raises(ModelTimeoutError, match="first_byte"):
            await ask(asked, instructions="x" * 20_000_000)
        taken[0].close()


async def test_a_handshake_that_never_comes_ends():
    async with Loopback([asyncio.Event()]) as server:
        place = server.url.replace("http:", "https:")
        with pytest.raises(ModelTimeoutError) as caught:
            await ask(model(place, timeouts=Timeouts(connect=0.1)))
        assert caught.value.message == (
            f"No connection to {place} within 0.1 s (Timeouts.connect)."
        )


async def test_a_host_that_no_name_can_be_is_not_reached():
    with pytest.raises((TransportError, ConfigurationError)):
        await ask(model(f"http://{'x' * 70}.test/v1"))


async def test_a_request_that_is_cancelled_closes_its_connection():
    has_begun, is_closed = asyncio.Event(), asyncio.Event()

    async def read(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        has_begun.set()
        await reader.read()
        is_closed.set()
        writer.close()

    async with await asyncio.start_server(read, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        task = asyncio.create_task(ask(model(f"http://127.0.0.1:{port}/v1")))
        await has_begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await is_closed.wait()


async def test_a_reader_that_is_slow_holds_the_server_back_and_loses_nothing():
    words = [f"{n} " for n in range(4000)]
    events = b"".join(event(**delta(word), padding="x" * 300) for word in words)
    last = {"type": "response.completed", "response": HI}
    async with Loopback([STREAM_HEAD + events + event(**last) + END]) as server:
        heard = []
        async for each in model(server.url).stream(request(stream=True)):
            if not len(heard) % 100:
                await asyncio.sleep(0)
            heard.append(getattr(each, "delta", None))
    assert heard[:-1] == words
