"""What is sent again, when, and what never is."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from loopback import (
    CREATED,
    CUT,
    END,
    STREAM_HEAD,
    Loopback,
    answer,
    completed,
    delta,
    event,
    failed,
    message,
    response,
    stream,
)

from agentkit import (
    Agent,
    BadRequestError,
    ConfigurationError,
    Limits,
    ModelError,
    ModelTimeoutError,
    QuotaError,
    RateLimitError,
    Response,
    ResponsesModel,
    ServerError,
    StreamTruncatedError,
    TransportError,
)
from agentkit.responses.client import Endpoint, Timeouts
from agentkit.responses.failures import retry_after
from agentkit.responses.fold import collect
from agentkit.responses.items import user_message
from agentkit.responses.known import limiter_of
from agentkit.responses.response import Fields, Request
from agentkit.responses.retry import Retries

RETRIES = Retries(jitter=lambda: 0.0)
HI = answer(response(message("Hi.")))
BUSY = answer({"error": {"message": "Busy."}}, 503)


async def asked(
    server: Loopback, waits: list[float], *, stream: bool = False, **fields
) -> Response:
    """The answer to one request; `waits` gets the seconds that would have been slept."""

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    model = ResponsesModel(
        "m",
        Endpoint(server.url),
        retries=RETRIES,
        timeouts=Timeouts(first_byte=0.2, idle=0.2),
        sleep=sleep,
    )
    body = Request(Fields({"model": "m", **fields}), (user_message("?"),), stream=stream)
    return await collect(model.stream(body))


async def test_waits_double_until_the_attempts_are_used_up():
    waits: list[float] = []
    async with Loopback(BUSY) as server:
        with pytest.raises(ServerError, match="3 attempts") as caught:
            await asked(server, waits)
    assert (waits, len(server.received), caught.value.attempts) == ([0.5, 1.0], 3, 3)


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
async def test_a_status_that_may_pass_is_sent_again(status):
    waits: list[float] = []
    async with Loopback(answer({"error": "later"}, status), HI) as server:
        assert (await asked(server, waits)).text == "Hi."
    assert waits == pytest.approx([0.5], abs=0.1)
    assert server.received[0].body == server.received[1].body


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422])
async def test_a_status_that_stays_is_not_sent_again(status):
    async with Loopback(answer({"error": "no"}, status), HI) as server:
        with pytest.raises(ModelError) as caught:
            await asked(server, [])
    assert (len(server.received), caught.value.attempts) == (1, 1)


async def test_a_spent_quota_is_no_rate_limit():
    error = {"message": "You exceeded your current quota.", "code": "insufficient_quota"}
    async with Loopback(answer({"error": error}, 429), HI) as server:
        with pytest.raises(QuotaError):
            await asked(server, [])
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "0.25"}, 0.25),
        ({"retry_after_ms": "1500", "retry_after": "9"}, 1.5),
        ({"retry_after_ms": "0", "retry_after": "9"}, 9.0),
        ({"retry_after": "0"}, 0.5),
        ({"retry_after": "-3"}, 0.5),
        ({"retry_after": "soon"}, 0.5),
        ({"retry_after": "nan"}, 0.5),
        ({"retry_after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.5),
        ({"retry_after": "120"}, 120.0),
    ],
)
async def test_the_server_may_say_how_long_to_wait(headers, wait):
    waits: list[float] = []
    async with Loopback(answer({"error": "later"}, 429, **headers), HI) as server:
        await asked(server, waits)
    assert waits == pytest.approx([wait], abs=0.1)


@pytest.mark.parametrize("seconds", ["121", "86400", "inf", "1e300"])
async def test_a_wait_that_is_too_long_is_told_at_once(seconds):
    async with Loopback(answer({"error": "later"}, 429, retry_after=seconds), HI) as server:
        with pytest.raises(RateLimitError) as caught:
            await asked(server, [])
    assert (len(server.received), caught.value.retry_after) == (1, float(seconds))


def test_a_date_says_how_long_to_wait():
    now = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)
    assert retry_after({"retry-after": "Fri, 01 May 2026 12:00:30 GMT"}, now) == 30.0
    assert retry_after({"retry-after": "Fri, 01 May 2026 12:00:30"}, now) == 30.0
    assert retry_after({"retry-after": "32 May"}, now) is None
    assert retry_after({}, now) is None


async def test_the_servers_own_word_on_trying_again_counts():
    async with Loopback(answer({"error": "no"}, 503, x_should_retry="false"), HI) as server:
        with pytest.raises(ServerError):
            await asked(server, [])
    async with Loopback(answer({"error": "odd"}, 400, x_should_retry="true"), HI) as server:
        assert (await asked(server, [])).text == "Hi."


@pytest.mark.parametrize(
    "broken",
    [
        [CUT],
        [asyncio.Event()],
        [STREAM_HEAD, CUT],
        [STREAM_HEAD + event(**CREATED), CUT],
        [STREAM_HEAD + END],
    ],
)
async def test_what_broke_before_an_event_reached_the_caller_is_sent_again(broken):
    waits: list[float] = []
    async with Loopback(broken, stream(completed(message("Hi.")))) as server:
        assert (await asked(server, waits, stream=True)).text == "Hi."
    assert waits == pytest.approx([0.5], abs=0.1)


@pytest.mark.parametrize(
    ("ending", "kind"),
    [
        ([CUT], StreamTruncatedError),
        ([END], StreamTruncatedError),
        (
            [event(type="error", error={"code": "server_error", "message": "Sorry."}), END],
            ServerError,
        ),
        ([asyncio.Event()], ModelTimeoutError),
    ],
)
async def test_nothing_is_sent_again_once_an_event_has_reached_the_caller(ending, kind):
    async with Loopback(
        [STREAM_HEAD + event(**CREATED) + event(**delta("He")), *ending], HI
    ) as server:
        with pytest.raises(kind):
            await asked(server, [], stream=True)
    assert len(server.received) == 1


async def test_a_response_that_failed_at_once_for_the_servers_own_fault_is_sent_again():
    waits: list[float] = []
    hopeless = stream(CREATED, {"type": "keepalive"}, failed("server_error"))
    async with Loopback(hopeless, stream(failed("rate_limit_exceeded")), HI) as server:
        assert (await asked(server, waits, stream=True)).text == "Hi."
    assert waits == [0.5, 1.0]


async def test_a_body_that_says_failed_is_sent_again_and_given_in_the_end():
    body = answer(failed("server_error")["response"])
    async with Loopback(body) as server:
        answered = await asked(server, [])
    assert (answered.status, len(server.received)) == ("failed", 3)


async def test_a_response_that_failed_for_another_reason_is_given():
    async with Loopback(stream(failed("invalid_prompt")), HI) as server:
        answered = await asked(server, [], stream=True)
    assert (answered.status, answered.error["code"], len(server.received)) == (
        "failed",
        "invalid_prompt",
        1,
    )


async def test_a_response_that_failed_after_it_had_begun_is_given():
    async with Loopback(stream(CREATED, delta("He"), failed("server_error")), HI) as server:
        assert (await asked(server, [], stream=True)).status == "failed"
    assert len(server.received) == 1


@pytest.mark.parametrize(
    "broken",
    [
        [CUT],
        [asyncio.Event()],
        [STREAM_HEAD + END],
        [STREAM_HEAD + event(**failed("server_error")) + END],
        [STREAM_HEAD + event(type="error", message="Sorry.") + END],
    ],
)
async def test_a_conversation_does_not_get_an_input_twice(broken):
    async with Loopback(broken, HI) as server:
        try:
            answered = await asked(server, [], stream=True, conversation="conv_1")
            assert answered.status == "failed"
        except ModelError as error:
            assert isinstance(
                error, (TransportError, ModelTimeoutError, StreamTruncatedError, ServerError)
            )
    assert len(server.received) == 1


async def test_a_conversation_is_asked_again_where_the_server_said_no():
    async with Loopback(BUSY, HI) as server:
        assert (await asked(server, [], conversation="conv_1")).text == "Hi."


async def test_a_conversation_is_asked_again_where_there_was_no_connection():
    waits: list[float] = []
    async with Loopback(HI) as server:
        pass
    with pytest.raises(TransportError, match="3 attempts"):
        await asked(server, waits, conversation={"id": "conv_1"})
    assert waits == [0.5, 1.0]


async def test_a_chained_request_may_be_sent_again():
    async with Loopback([CUT], HI) as server:
        assert (await asked(server, [], previous_response_id="resp_0")).text == "Hi."


async def test_an_error_of_another_kind_is_not_sent_again():
    assert not RETRIES.allows(ValueError())
    assert not RETRIES.allows(BadRequestError("no"))


def test_jitter_takes_up_to_a_quarter_off_and_waits_stop_growing():
    assert [Retries(jitter=lambda: 1.0).wait(n, None) for n in (1, 2, 5, 6, 60)] == [
        0.375,
        0.75,
        6.0,
        6.0,
        6.0,
    ]


async def test_a_wait_that_the_run_has_no_time_for_is_told_at_once():
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async with Loopback(answer({"error": "later"}, 429, retry_after="60"), HI) as server:
        model = ResponsesModel("m", server.url, sleep=sleep)
        with pytest.raises(RateLimitError) as caught:
            await Agent(model, limits=Limits(seconds=10)).run("?")
    assert (len(server.received), waits) == (1, [])
    assert (caught.value.retry_after, caught.value.status, caught.value.attempts) == (60, 429, 1)
    assert caught.value.result.status == "failed"


def test_who_asks_with_one_key_waits_with_one_limiter():
    here = Endpoint("http://127.0.0.1:1/v1", {"Authorization": "Bearer a"})
    same = Endpoint("http://127.0.0.1:1/v1", {"Authorization": "Bearer a"})
    other = Endpoint("http://127.0.0.1:1/v1", {"Authorization": "Bearer b"})
    limiter = limiter_of(here, "m")
    assert limiter_of(same, "m") is limiter
    assert limiter is not limiter_of(here, "n")
    assert limiter is not limiter_of(other, "m")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Timeouts(answer=None),
        lambda: Timeouts(idle=-1),
        lambda: Timeouts(connect=0),
        lambda: Timeouts(first_byte=float("nan")),
        lambda: Retries(attempts=0),
        lambda: Retries(longest_wait="x"),
    ],
)
def test_waits_that_are_none_are_the_callers_mistake(make):
    with pytest.raises(ConfigurationError, match="expected a (whole )?number"):
        make()
