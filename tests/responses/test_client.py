"""A model behind real HTTP: what is sent, and what is made of every kind of answer."""

from __future__ import annotations

import asyncio
import gc
import json
import socket

import httpx
import httpx2
import pytest
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
    stream,
)

from agentkit import (
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ModelError,
    ModelTimeoutError,
    ProtocolError,
    Response,
    ResponsesModel,
    ServerError,
    StreamTruncatedError,
    TransportError,
)
from agentkit.responses.client import Endpoint, Timeouts
from agentkit.responses.events import Delta, Notice, Snapshot
from agentkit.responses.fold import collect
from agentkit.responses.items import user_message
from agentkit.responses.response import Fields, Request
from agentkit.responses.retry import Retries
from agentkit.testing import ResponsesServer, ScriptedModel

ONCE = Retries(attempts=1)
KEY = {"Authorization": "Bearer sk-secret-1234"}


def request(stream: bool = False, **fields) -> Request:
    return Request(Fields({"model": "m", **fields}), (user_message("?"),), stream=stream)


def model(url: str, **options) -> ResponsesModel:
    return ResponsesModel("m", Endpoint(url, KEY), **{"retries": ONCE, **options})


async def ask(model: ResponsesModel, stream: bool = False, **fields) -> Response:
    return await collect(model.stream(request(stream, **fields)))


async def error_of(*answers, stream: bool = True, **options) -> ModelError:
    async with Loopback(*answers) as server:
        with pytest.raises(ModelError) as caught:
            await ask(model(server.url, **options), stream)
    return caught.value


async def test_a_request_is_one_post_with_the_key_and_stream_said_explicitly():
    async with Loopback(answer(response(message("Hi.")))) as server:
        assert (await ask(model(server.url), temperature=0.5)).text == "Hi."
    [sent] = server.received
    assert (sent.method, sent.path) == ("POST", "/v1/responses")
    assert sent.headers["authorization"] == "Bearer sk-secret-1234"
    assert sent.headers["content-type"] == "application/json"
    assert sent.body == {
        "model": "m",
        "temperature": 0.5,
        "input": [{"type": "message", "role": "user", "content": "?"}],
        "stream": False,
    }


async def test_a_query_in_the_base_url_stays_behind_the_path():
    async with Loopback(answer(response())) as server:
        base = server.url.replace("/v1", "/openai?api-version=2025-04-01-preview")
        await ask(model(base))
    assert server.received[0].path == "/openai/responses?api-version=2025-04-01-preview"


async def test_events_are_given_as_they_arrive():
    gate = asyncio.Event()
    begun = STREAM_HEAD + event(**CREATED) + event(**delta("Hel"))
    rest = event(**delta("lo")) + event(**completed(message("Hello"))) + END
    async with Loopback([begun, gate, rest]) as server:
        heard = []
        async for each in model(server.url).stream(request(stream=True)):
            heard.append(each)
            gate.set()
            if len(heard) == 2:
                assert [type(each) for each in heard] == [Snapshot, Delta]
    assert [each.delta for each in heard if isinstance(each, Delta)] == ["Hel", "lo"]
    assert heard[-1].is_terminal


@pytest.mark.parametrize("asked", [True, False])
async def test_the_content_type_says_what_an_answer_is_and_not_what_was_asked(asked):
    async with Loopback(
        answer(response(message("Whole."))), stream(completed(message("Bits.")))
    ) as server:
        assert (await ask(model(server.url), stream=asked)).text == "Whole."
        assert (await ask(model(server.url), stream=asked)).text == "Bits."


async def test_a_stream_or_a_body_under_the_wrong_content_type_is_read():
    sse = b": hi\n\ndata: %b\n\n" % json.dumps(completed(message("Bits."))).encode()
    whole = answer(response(message("Whole.")), content_type="text/event-stream")
    async with Loopback(answer(sse), whole) as server:
        assert (await ask(model(server.url))).text == "Bits."
        assert (await ask(model(server.url))).text == "Whole."


CHUNK = {"id": "c", "object": "chat.completion.chunk", "model": "g"}


async def test_a_chat_completion_is_read_as_a_response():
    said = {"role": "assistant", "content": "Hi."}
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [{"message": said, "finish_reason": "stop"}],
    }
    async with Loopback(answer(body)) as server:
        assert (await ask(model(server.url))).text == "Hi."


@pytest.mark.parametrize(
    "ending",
    [[chunk(b"data: [DONE]\n\n"), END], [chunk(b"data: [DONE]\n\n"), asyncio.Event()], [END]],
)
async def test_chat_chunks_are_read_as_a_response_also_where_the_server_keeps_the_line(ending):
    pieces = [
        event(**CHUNK, choices=[{"index": 0, "delta": {"content": "Hi."}, "finish_reason": None}]),
        event(**CHUNK, choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}]),
        event(**CHUNK, choices=[], usage={"prompt_tokens": 3, "completion_tokens": 2}),
    ]
    async with Loopback([STREAM_HEAD + b"".join(pieces), *ending]) as server:
        answered = await ask(model(server.url), stream=True)
    assert (answered.text, answered.usage.total_tokens) == ("Hi.", 5)


async def test_chat_chunks_that_never_finish_are_truncated():
    begun = event(**CHUNK, choices=[{"index": 0, "delta": {"content": "Hi"}}])
    error = await error_of(STREAM_HEAD + begun + chunk(b"data: [DONE]\n\n") + END)
    assert type(error) is StreamTruncatedError


@pytest.mark.parametrize(
    "ending",
    [
        [END],
        [CUT],
        [chunk(b"data: [DONE]\n\n") + END],
        [chunk(b'data: {"type": "response.comp') + END],
    ],
)
async def test_an_end_without_a_terminal_event_is_no_success(ending):
    error = await error_of([STREAM_HEAD + event(**CREATED) + event(**delta("Hel")), *ending])
    assert type(error) is StreamTruncatedError
    assert "not complete" in str(error)
    assert error.status == 200


async def test_done_alone_is_no_success():
    assert (
        type(await error_of(STREAM_HEAD + chunk(b"data: [DONE]\n\n") + END)) is StreamTruncatedError
    )


async def test_a_terminal_event_without_its_blank_line_counts():
    last = b"data: %b" % json.dumps(completed(message("Hi."))).encode()
    async with Loopback(STREAM_HEAD + chunk(last) + END) as server:
        assert (await ask(model(server.url), stream=True)).text == "Hi."


@pytest.mark.parametrize(
    "ending", [[CUT], [asyncio.Event()], [event(type="error", message="late"), CUT]]
)
async def test_what_follows_the_terminal_event_does_not_matter(ending):
    async with Loopback([STREAM_HEAD + event(**completed(message("Hi."))), *ending]) as server:
        assert (await ask(model(server.url), stream=True)).text == "Hi."


async def test_an_error_event_ends_a_stream_that_the_server_does_not_close():
    error = {"type": "error", "code": "invalid_prompt", "message": "No such prompt."}
    begun = STREAM_HEAD + event(**delta("Hel")) + event(**error)
    raised = await error_of([begun, asyncio.Event()])
    assert (raised.message, raised.code) == ("No such prompt.", "invalid_prompt")


async def test_the_failed_response_behind_an_error_event_carries_the_error():
    end = {"type": "response.failed", "response": response(status="failed")}
    error = {"type": "error", "error": {"code": "invalid_prompt", "message": "No."}}
    async with Loopback(stream(error, end)) as server:
        answered = await ask(model(server.url), stream=True)
    assert answered.is_failed
    assert answered.error == {"code": "invalid_prompt", "message": "No."}


async def test_a_word_between_events_that_is_no_json_is_ignored():
    body = (
        STREAM_HEAD
        + chunk(b"data: ping\n\n: ping\n\n")
        + event(type="keepalive")
        + event(**completed(message("Hi.")))
        + END
    )
    async with Loopback(body) as server:
        assert (await ask(model(server.url), stream=True)).text == "Hi."


async def test_an_event_that_is_broken_json_is_a_protocol_error():
    error = await error_of(STREAM_HEAD + chunk(b'data: {"type": nonsense}\n\n') + END)
    assert type(error) is ProtocolError
    assert "nonsense" in error.message


async def test_an_html_page_is_named_by_its_title():
    page = answer(b"<html><head><title>Sign in</title></head></html>", content_type="text/html")
    error = await error_of(page)
    assert type(error) is ProtocolError
    assert (
        str(error)
        == "The answer is not JSON. It begins: an HTML page titled 'Sign in' (status 200)"
    )


@pytest.mark.parametrize("body", [b"[]", b"3", b"", b'{"hello": 1}', b"null"])
async def test_an_answer_that_is_no_response_is_a_protocol_error(body):
    assert type(await error_of(answer(body))) is ProtocolError


async def test_an_error_body_behind_status_200_is_an_error():
    error = await error_of(
        answer({"code": "invalid-argument", "error": "Incorrect API key provided."})
    )
    assert error.message == "Incorrect API key provided."
    limited = await error_of(answer({"error": {"code": 429, "message": "Slow down."}}))
    assert type(limited).__name__ == "RateLimitError"


async def test_an_error_may_come_as_a_stream_with_its_status():
    body = b'data: {"error": {"message": "Broken.", "code": "500"}}\n\ndata: [DONE]\n\n'
    error = await error_of(answer(body, 500, content_type="text/event-stream"))
    assert type(error) is ServerError
    assert (error.message, error.status) == ("Broken.", 500)


async def test_a_redirect_is_not_followed_and_says_where_to():
    error = await error_of(answer(b"", 308, location="https://elsewhere/v1/responses"))
    assert type(error) is ProtocolError
    assert "https://elsewhere/v1/responses" in error.message


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
    error = await error_of([asyncio.Event()], timeouts=Timeouts(idle=0.05))
    assert type(error) is ModelTimeoutError
    silent = await error_of(
        [STREAM_HEAD + event(**delta("He")), asyncio.Event()], timeouts=Timeouts(idle=0.05)
    )
    assert type(silent) is ModelTimeoutError


async def test_a_body_without_an_end_is_refused(monkeypatch):
    monkeypatch.setattr("agentkit.responses.transport.MAX_BODY", 1000)
    error = await error_of(answer(response(message("x" * 2000))))
    assert type(error) is ProtocolError
    assert "more than 1,000 bytes" in error.message


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
    async def serve_and_ask(asked: list[ResponsesModel]) -> str:
        async with Loopback(stream(completed(message("Hi.")))) as server:
            asked.append(model(server.url) if not asked else asked[0])
            asked[0].endpoint.__dict__["base_url"] = server.url
            return (await ask(asked[0], stream=True)).text

    asked: list[ResponsesModel] = []
    assert [asyncio.run(serve_and_ask(asked)) for _ in range(3)] == ["Hi."] * 3
    asked.clear()
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
            hurried = model(silent.url, http_client=client, timeouts=Timeouts(idle=0.05))
            with pytest.raises(ModelTimeoutError):
                await ask(hurried)


@pytest.mark.parametrize("kind", [httpx.AsyncClient, httpx2.AsyncClient])
async def test_a_clients_own_timeout_counts_unless_it_is_the_libraries_five_seconds(kind):
    waits = []

    async def note(request) -> None:
        waits.append(request.extensions["timeout"]["read"])

    async with Loopback(answer(response())) as server:
        for timeout in ({}, {"timeout": 30.0}):
            async with kind(event_hooks={"request": [note]}, **timeout) as client:
                await ask(model(server.url, http_client=client))
                await ask(model(server.url, http_client=client, timeouts=Timeouts(idle=7.0)))
    assert waits == [600.0, 7.0, 30.0, 7.0]


async def test_an_item_is_encoded_once_however_often_it_is_sent():
    class Counted(dict):
        walks = 0

        def items(self):
            Counted.walks += 1
            return super().items()

    items = [user_message("one"), user_message("two")]
    first = [item.encoded for item in items]
    async with Loopback(answer(response())) as server:
        asked, fields = model(server.url), Fields({"model": "m"})
        for upto in (1, 2, 2):
            await collect(asked.stream(Request(fields, tuple(items[:upto]))))
    assert all(item.encoded is bytes_ for item, bytes_ in zip(items, first, strict=True))
    assert [len(each.body["input"]) for each in server.received] == [1, 2, 2]


async def test_a_setting_that_the_server_does_not_know_is_dropped_once_and_remembered():
    refused = {
        "error": {
            "message": "Unsupported parameter: 'top_p' is not supported with this model.",
            "code": None,
            "param": None,
        }
    }
    unknown = {
        "detail": [
            {
                "type": "extra_forbidden",
                "loc": ["body", "store"],
                "msg": "Extra inputs are not permitted",
            }
        ]
    }
    async with Loopback(
        answer(refused, 400), answer(unknown, 422), answer(response(message("Hi.")))
    ) as server:
        asked = model(server.url)
        heard = [each async for each in asked.stream(request(top_p=0.5, store=False))]
        notices = [each.text for each in heard if isinstance(each, Notice)]
        assert [text.split(";")[0] for text in notices] == [
            "The server does not take `top_p`",
            "The server does not take `store`",
        ]
        again = [each async for each in asked.stream(request(top_p=0.5, store=False))]
        assert not any(isinstance(each, Notice) for each in again)
    assert [sorted(each.body.keys() & {"top_p", "store"}) for each in server.received] == [
        ["store", "top_p"],
        ["store"],
        [],
        [],
    ]


async def test_requests_at_once_all_go_without_what_the_server_refuses():
    gate = asyncio.Event()
    refused = answer(
        {
            "error": {
                "message": "Unknown parameter: 'store'.",
                "code": "unknown_parameter",
                "param": "store",
            }
        },
        400,
    )
    async with Loopback(
        [gate, refused], [gate, refused], [gate, refused], answer(response(message("Hi.")))
    ) as server:
        asked = model(server.url)
        tasks = [asyncio.create_task(ask(asked, store=False)) for _ in range(3)]
        while len(server.received) < 3:
            await asyncio.sleep(0)
        gate.set()
        assert [each.text for each in await asyncio.gather(*tasks)] == ["Hi."] * 3


@pytest.mark.parametrize(
    "error",
    [
        {
            "message": "Unsupported value: 'minimal' is not supported with 'o4'.",
            "code": "unsupported_value",
            "param": "reasoning.effort",
        },
        {
            "message": "Unknown parameter: 'tools[0].x'.",
            "code": "unknown_parameter",
            "param": "tools[0].x",
        },
        {"message": "Invalid 'top_p'.", "code": "invalid_value", "param": "top_p"},
    ],
)
async def test_what_an_answer_needs_or_the_caller_can_mend_is_not_dropped(error):
    async with Loopback(answer({"error": error}, 400)) as server:
        with pytest.raises(BadRequestError):
            await ask(model(server.url), reasoning={"effort": "minimal"}, top_p=7)
    assert len(server.received) == 1
