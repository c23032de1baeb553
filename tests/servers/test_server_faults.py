"""Servers that no one here wrote, on a bad day."""

from __future__ import annotations

import pytest

from agentkit import (
    Agent,
    AuthenticationError,
    BadRequestError,
    ModelError,
    ProtocolError,
    QuotaError,
    RateLimitError,
    RunResult,
    ServerError,
    StreamTruncatedError,
    Timeouts,
    tool,
)
from agentkit.events import TextDelta
from tests.servers.aimock import calls, cut, refusal
from tests.servers.served import Server

QUESTION = "How many people live in Lyon?"


def counted() -> tuple[list[str], object]:
    """A tool, and the cities it was asked for."""
    asked: list[str] = []

    @tool
    def population(city: str) -> int:
        """How many people live there."""
        asked.append(city)
        return 500_000

    return asked, population


async def streamed(agent: Agent) -> tuple[RunResult, str]:
    """A run that was streamed, and the text that was shown of it, however it ended."""
    shown: list[str] = []
    try:
        async with agent.stream(QUESTION) as stream:
            async for event in stream:
                if isinstance(event, TextDelta):
                    shown.append(event.text)
    except ModelError as error:
        return error.result, "".join(shown)
    return stream.result, "".join(shown)


async def test_a_rate_limit_is_waited_for_as_long_as_the_server_says(server: Server):
    server.answers(refusal(429, "Slow down.", retryAfter=7), "Half a million.")

    result = await server.agent().run(QUESTION)

    assert result.output == "Half a million."
    assert 7.0 <= sum(server.waits) < 9.0


async def test_a_rate_limit_without_end_is_an_error_with_the_run_so_far(server: Server):
    asked, population = counted()
    busy = [refusal(429, "Slow down.")] * 3
    server.answers(calls(("population", {"city": "Lyon"})), *busy)

    with pytest.raises(RateLimitError) as caught:
        await server.agent(tools=[population]).run(QUESTION)

    assert caught.value.status == 429
    assert caught.value.attempts == 3
    assert asked == ["Lyon"]
    assert [item.type for item in caught.value.result.items][-1] == "function_call_output"


@pytest.mark.parametrize("direct", ["aimock", "aimock-chat"], indirect=True)
async def test_an_account_without_credit_is_not_asked_for_again(direct: Server):
    direct.answers(refusal(429, "No credit.", type="insufficient_quota", code="insufficient_quota"))

    with pytest.raises(QuotaError):
        await direct.agent().run(QUESTION)

    assert direct.waits == []


async def test_a_run_goes_on_from_the_error_of_a_server(server: Server):
    asked, population = counted()
    server.answers(
        calls(("population", {"city": "Lyon"})), *[refusal(500, "Broken.")] * 3, "Half a million."
    )
    agent = server.agent(tools=[population])

    with pytest.raises(ServerError) as caught:
        await agent.run(QUESTION)
    result = await agent.resume(caught.value.result)

    assert result.output == "Half a million."
    assert asked == ["Lyon"]


@pytest.mark.parametrize("status", [500, 502, 503, 529])
async def test_a_failing_server_is_asked_again(server: Server, status: int):
    server.answers(refusal(status, "Overloaded."), "Half a million.")

    result = await server.agent().run(QUESTION)

    assert result.output == "Half a million."
    assert len(server.heard) == 2


@pytest.mark.parametrize(
    ("status", "fields", "kind"),
    [
        (400, {"type": "invalid_request_error"}, BadRequestError),
        (401, {"type": "invalid_request_error", "code": "invalid_api_key"}, AuthenticationError),
        (402, {"type": "invalid_request_error"}, QuotaError),
        (403, {"type": "permission_error"}, AuthenticationError),
    ],
)
async def test_a_refusal_is_told_at_once(
    server: Server, status: int, fields: dict[str, str], kind: type[ModelError]
):
    server.answers(refusal(status, "That will not do.", **fields))

    with pytest.raises(kind) as caught:
        await server.agent().run(QUESTION)

    assert caught.value.status == status
    assert "That will not do." in str(caught.value)
    assert server.waits == []
    assert len(server.heard) == 1


async def test_a_stream_cut_before_its_first_word_is_asked_for_again(server: Server):
    server.answers(cut("Half a million.", after=1), "Half a million.")

    result, shown = await streamed(server.agent())

    assert shown == result.output == "Half a million."
    assert len(server.heard) == 2


async def test_a_stream_cut_after_its_first_word_ends_the_run_as_failed(server: Server):
    server.answers(cut("Half a million people.", after=8), "Never asked for.")

    result, shown = await streamed(server.agent())

    assert result.status == "failed"
    assert shown
    assert "Half a million people.".startswith(shown)
    assert len(server.heard) == 1


async def test_a_cut_stream_is_an_error_of_its_own(direct: Server):
    direct.answers(cut("Half a million people.", after=8))

    with pytest.raises(StreamTruncatedError) as caught:
        async with direct.agent().stream(QUESTION) as stream:
            async for _ in stream:
                pass

    assert caught.value.result.status == "failed"


async def test_a_call_cut_in_its_arguments_never_runs(server: Server):
    asked, population = counted()
    server.answers(*[cut(calls(("population", {"city": "Lyon"})), after=4)] * 3)

    result, _ = await streamed(server.agent(tools=[population]))

    assert result.status == "failed"
    assert asked == []


async def test_a_cut_after_a_call_does_not_run_it_again(server: Server):
    asked, population = counted()
    server.answers(
        calls(("population", {"city": "Lyon"})),
        cut("Half a million.", after=1),
        "Half a million.",
    )

    result, _ = await streamed(server.agent(tools=[population]))

    assert result.output == "Half a million."
    assert asked == ["Lyon"]


async def test_a_run_goes_on_from_a_cut_stream(server: Server):
    asked, population = counted()
    server.answers(
        calls(("population", {"city": "Lyon"})),
        cut("Half a million people.", after=8),
        "Half a million.",
    )
    agent = server.agent(tools=[population])

    broken_off, _ = await streamed(agent)
    result = await agent.resume(broken_off)

    assert broken_off.status == "failed"
    assert result.output == "Half a million."
    assert asked == ["Lyon"]


async def test_a_connection_dropped_before_the_answer_is_tried_again(server: Server):
    dropped = {"response": {"content": "Never."}, "chaos": {"disconnectRate": 1}}
    server.answers(dropped, "Half a million.")

    result = await server.agent().run(QUESTION)

    assert result.output == "Half a million."
    assert len(server.heard) == 2


async def test_a_body_that_is_no_json_ends_the_run_with_an_excerpt(direct: Server):
    direct.answers({"response": {"content": "Never."}, "chaos": {"malformedRate": 1}})

    with pytest.raises(ProtocolError) as caught:
        await direct.agent().run(QUESTION)

    assert "malformed json" in str(caught.value)
    assert caught.value.result.status == "failed"


@pytest.mark.parametrize("direct", ["aimock", "aimock-chat"], indirect=True)
async def test_a_server_that_does_not_answer_in_time_is_asked_again(direct: Server):
    late = {"response": {"content": "Never."}, "chaos": {"latencyMs": 20_000}}
    direct.answers(late, "Half a million.")
    model = direct.asked(timeouts=Timeouts(first_byte=1.0))

    result = await direct.agent(model=model).run(QUESTION)

    assert result.output == "Half a million."
    assert len(direct.waits) == 1


@pytest.mark.parametrize("direct", ["aimock", "aimock-chat"], indirect=True)
async def test_a_stream_that_stalls_ends_the_run_with_what_was_shown(direct: Server):
    stall = {"ttftMs": 0, "interChunkDelaysMs": [0] * 6 + [20_000] * 9, "totalDurationMs": 20_000}
    answer = {"response": {"content": "Half a million people."}, "chunkSize": 4}
    direct.answers({**answer, "recordedTimings": stall}, "Never asked for.")
    model = direct.asked(timeouts=Timeouts(idle=1.0))

    result, shown = await streamed(direct.agent(model=model))

    assert result.status == "failed"
    assert shown
    assert "Half a million people.".startswith(shown)
    assert len(direct.heard) == 1


async def test_the_next_model_goes_on_where_a_server_fails(server: Server):
    asked, population = counted()
    server.answers(
        calls(("population", {"city": "Lyon"})), *[refusal(500, "Broken.")] * 3, "Half a million."
    )
    models = [server.asked(), server.asked()]

    result = await server.agent(model=models, tools=[population]).run(QUESTION)

    assert result.output == "Half a million."
    assert asked == ["Lyon"]
