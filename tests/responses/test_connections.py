"""Addresses, keys, connections and clients under a model, over real HTTP."""

from __future__ import annotations

import asyncio
import gc
import socket

import httpx
import httpx2
import pytest
from asking import KEY, ask, error_of, model, request
from loopback import (
    CREATED,
    CUT,
    STREAM_HEAD,
    Loopback,
    answer,
    completed,
    delta,
    event,
    message,
    response,
    stream,
)

from agentkit import (
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ModelTimeoutError,
    ResponsesModel,
    TransportError,
)
from agentkit.responses.client import Endpoint, Timeouts
from agentkit.responses.fold import collect
from agentkit.responses.items import user_message
from agentkit.responses.response import Fields, Request
from agentkit.testing import ResponsesServer, ScriptedModel


async def test_a_refused_connection_names_the_address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(
        TransportError, match=f"Cannot reach http://127.0.0.1:{port}/v1: "
    ) as caught:
        await ask(model(f"http://127.0.0.1:{port}/v1"))
    assert caught.value.status is None


async def test_a_server_that_says_nothing_in_time_is_a_timeout():
    error = await error_of([asyncio.Event()], timeouts=Timeouts(first_byte=0.05))
    assert type(error) is ModelTimeoutError
    silent = await error_of(
        [STREAM_HEAD + event(**delta("He")), asyncio.Event()], timeouts=Timeouts(idle=0.05)
    )
    assert type(silent) is ModelTimeoutError


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.openai.com/v1",
        "ftp://host/v1",
        "http://",
        "http://host:99999/v1",
        "http://ho st/v1",
        "http://host\\@other/v1",
        "https://host/v1\n",
    ],
)
def test_a_bad_base_url_is_the_callers_mistake(url):
    with pytest.raises(ConfigurationError, match="base_url .* is not a URL"):
        Endpoint(url)


@pytest.mark.parametrize("key", ["sk-secret\n", "sk-…secret"])
def test_a_key_that_no_header_can_carry_is_not_shown(key):
    with pytest.raises(ConfigurationError, match="Authorization has a character") as caught:
        Endpoint("http://host/v1", {"Authorization": f"Bearer {key}"})
    assert "secret" not in str(caught.value)


async def test_the_key_is_in_no_error_and_no_repr():
    echo = {
        "error": {
            "message": "Bad key sk-secret-1234",
            "code": "sk-secret-1234",
            "param": "sk-secret-1234",
        }
    }
    error = await error_of(answer(echo, 401))
    assert type(error) is AuthenticationError
    shown = [str(error), repr(error), repr(error.__dict__), error.message]
    assert error.message == "Bad key [key]"
    endpoint = Endpoint("http://user:pass@host/v1?key=hidden", KEY)
    shown += [repr(endpoint), repr(ResponsesModel("m", endpoint)), endpoint.shown]
    assert not any(secret in text for text in shown for secret in ("sk-secret", "pass", "hidden"))


async def test_secrets_of_the_base_url_are_in_no_error():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://user:pa55word@127.0.0.1:{free.getsockname()[1]}/v1?key=hidden"
    with pytest.raises(TransportError) as caught:
        await ask(model(url))
    assert "pa55word" not in repr(caught.value)
    assert "hidden" not in repr(caught.value)


async def test_one_connection_serves_bodies_and_streams_in_turn():
    answers = [
        answer(response()),
        stream(completed()),
        answer({"error": "no"}, 400),
        stream(CREATED, completed()),
        answer(response()),
    ]
    async with Loopback(*answers) as server:
        asked = model(server.url)
        await ask(asked)
        await ask(asked, stream=True)
        with pytest.raises(BadRequestError):
            await ask(asked)
        await ask(asked, stream=True)
        await ask(asked)
    assert len(server.received) == 5
    assert server.connections == 1


async def test_a_stream_that_nobody_reads_to_its_end_closes_its_connection():
    async with Loopback(
        [STREAM_HEAD + event(**delta("He")), asyncio.Event()], answer(response())
    ) as server:
        asked = model(server.url)
        events = asked.stream(request(stream=True))
        assert (await anext(events)).delta == "He"
        await events.aclose()
        await ask(asked)
        assert server.connections == 2


async def test_twenty_requests_at_once_get_each_its_own_answer():
    async with ResponsesServer(ScriptedModel(*[f"Answer {n}." for n in range(20)])) as server:
        asked = model(server.url)
        answers = await asyncio.gather(*(ask(asked, stream=bool(n % 2)) for n in range(20)))
    assert sorted(each.text for each in answers) == sorted(f"Answer {n}." for n in range(20))


def test_each_event_loop_has_its_own_client_and_closes_it(recwarn):
    with ResponsesServer(ScriptedModel("One.", "Two.", "Three.")) as server:
        asked = model(server.url)
        said = [asyncio.run(ask(asked, stream=True)).text for _ in range(3)]
        assert said == ["One.", "Two.", "Three."]
        del asked
        gc.collect()
    assert [str(warning.message) for warning in recwarn] == []


async def test_a_model_that_is_let_go_of_closes_its_connections(monkeypatch):
    monkeypatch.setattr("agentkit.responses.transport.LINGER", 0.0)
    async with Loopback(answer(response())) as server:
        await ask(model(server.url))
        gc.collect()
        await server.has_lost_one.wait()


def test_connections_are_closed_where_the_loop_ends_with_the_model(recwarn):
    async def ask_five(url: str) -> None:
        asked = model(url)
        await asyncio.gather(*(ask(asked) for _ in range(5)))

    with ResponsesServer(ScriptedModel(*["Hi."] * 20)) as server:
        for _ in range(4):
            asyncio.run(ask_five(server.url))
            gc.collect()
    assert [str(warning.message) for warning in recwarn] == []


class Own(httpx.AsyncClient):
    pass


class Own2(httpx2.AsyncClient):
    pass


@pytest.mark.parametrize("kind", [httpx.AsyncClient, Own, httpx2.AsyncClient, Own2])
async def test_a_client_of_the_callers_own_is_used_and_its_errors_are_ours(kind):
    async with kind(headers={"x-own": "yes"}) as client:
        async with Loopback(
            answer(response(message("Hi."))), stream(completed(message("Ho."))), [CUT]
        ) as server:
            asked = model(server.url, http_client=client)
            assert (await ask(asked)).text == "Hi."
            assert (await ask(asked, stream=True)).text == "Ho."
            assert server.received[0].headers["x-own"] == "yes"
            with pytest.raises(TransportError, match="The connection to .* broke"):
                await ask(asked)
        with pytest.raises(TransportError, match="Cannot reach http://127.0.0.1:"):
            await ask(asked)
        async with Loopback([asyncio.Event()]) as silent:
            bounds = Timeouts(first_byte=0.05)
            with pytest.raises(ModelTimeoutError, match=r"\(Timeouts.first_byte\)"):
                await ask(model(silent.url, http_client=client, timeouts=bounds))


@pytest.mark.parametrize("kind", [httpx.AsyncClient, httpx2.AsyncClient])
async def test_a_client_of_the_callers_own_waits_for_the_head_and_for_the_pieces_apart(kind):
    begun = [STREAM_HEAD + event(**delta("He")), asyncio.Event()]
    late = [Later(), answer(response(message("Hi.")))]
    async with kind() as client, Loopback(begun, late) as server:
        asked = model(server.url, http_client=client, timeouts=Timeouts(idle=0.05))
        with pytest.raises(ModelTimeoutError, match=r"within 0.05 s \(Timeouts.idle\)"):
            await ask(asked, stream=True)
        assert (await ask(asked)).text == "Hi."  # its head took longer than a piece may


class Later(asyncio.Event):
    """Waited for longer than a piece is in these tests."""

    async def wait(self) -> bool:
        await asyncio.sleep(0.15)
        return True


@pytest.mark.parametrize("kind", [httpx.AsyncClient, httpx2.AsyncClient])
async def test_a_clients_own_timeout_counts_unless_it_is_the_libraries_five_seconds(kind):
    waits, bounds = [], Timeouts(first_byte=9.0, idle=7.0)

    async def note(request) -> None:
        waits.append(request.extensions["timeout"]["read"])

    async with Loopback(answer(response())) as server:
        for timeout in ({}, {"timeout": 30.0}):
            async with kind(event_hooks={"request": [note]}, **timeout) as client:
                await ask(model(server.url, http_client=client))
                await ask(model(server.url, http_client=client, timeouts=bounds))
    assert waits == [600.0, 9.0, 30.0, 9.0]


async def test_an_item_is_encoded_once_however_often_it_is_sent():
    items = (user_message("one"), user_message("two"))
    async with Loopback(answer(response())) as server:
        asked, fields = model(server.url), Fields({"model": "m"})
        await collect(asked.stream(Request(fields, items[:1])))
        first, head = items[0].encoded, fields.encoded
        await collect(asked.stream(Request(fields, items)))
    assert items[0].encoded is first
    assert fields.encoded is head
    assert [len(each.body["input"]) for each in server.received] == [1, 2]
