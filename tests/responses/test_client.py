"""A model behind real HTTP: what is sent, and what is made of every kind of answer."""

from __future__ import annotations

import asyncio
import json

import pytest
from asking import ask, error_of, model, request
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
    BadRequestError,
    ProtocolError,
    ServerError,
    StreamTruncatedError,
)
from agentkit.responses.events import Delta, Notice, Snapshot


@pytest.fixture(autouse=True)
def impatient(monkeypatch) -> None:
    """Where a server keeps the line open behind its last event, wait next to no time."""
    monkeypatch.setattr("agentkit.responses.transport.DRAIN", 0.02)
    monkeypatch.setattr("agentkit.responses.reply.GRACE", 0.02)


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


async def test_a_body_without_an_end_is_refused(monkeypatch):
    monkeypatch.setattr("agentkit.responses.transport.MAX_BODY", 1000)
    error = await error_of(answer(response(message("x" * 2000))))
    assert type(error) is ProtocolError
    assert "more than 1,000 bytes" in error.message


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
        told = [each.text for each in again if isinstance(each, Notice)]
        assert told == [f"{server.url} is not asked for `top_p`, `store`."]
    assert [sorted(each.body.keys() & {"top_p", "store"}) for each in server.received] == [
        ["store", "top_p"],
        ["store"],
        [],
        [],
    ]


async def test_requests_at_once_all_go_without_what_the_server_refuses():
    unknown = {"message": "Unknown parameter: 'store'.", "code": "unknown_parameter"}
    all_are_here = asyncio.Barrier(3)
    refused = [all_are_here, answer({"error": {**unknown, "param": "store"}}, 400)]
    async with Loopback(refused, refused, refused, answer(response(message("Hi.")))) as server:
        asked = model(server.url)
        answers = await asyncio.gather(*(ask(asked, store=False) for _ in range(3)))
    assert [each.text for each in answers] == ["Hi."] * 3
    assert ["store" in each.body for each in server.received] == [True] * 3 + [False] * 3


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
