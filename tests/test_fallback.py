"""A list of models: the next goes on where the server of the one before fails."""

from __future__ import annotations

from typing import Any

import pytest

from agentkit import (
    Agent,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    Limits,
    ModelError,
    ModelTimeoutError,
    Notice,
    ProtocolError,
    QuotaError,
    RateLimitError,
    ServerError,
    StreamTruncatedError,
    TextDelta,
    TransportError,
    tool,
)
from agentkit.responses.events import Delta
from agentkit.testing import ResponsesServer, ScriptedModel, call, failed, reasoning


class Named(ScriptedModel):
    """A scripted model with a name and a server."""

    def __init__(self, name: str, *script: Any) -> None:
        super().__init__(*script)
        self.name = name


ran: list[int] = []


@tool
def add(a: int, b: int) -> int:
    """The sum."""
    ran.append(a)
    return a + b


@pytest.mark.parametrize(
    "error",
    [
        ServerError("busy", status=503),
        RateLimitError("slowly", status=429),
        ModelTimeoutError("late"),
        TransportError("gone"),
        StreamTruncatedError("cut"),
        ProtocolError("a page", status=200),
    ],
)
async def test_the_next_model_answers_where_the_server_fails(error):
    notices: list[str] = []
    first, second = Named("one", error), Named("two", "hi")
    agent = Agent([first, second])
    result = await agent.run(
        "?", on_event=lambda each: isinstance(each, Notice) and notices.append(each.text)
    )
    assert (result.output, result.status) == ("hi", "completed")
    assert [(len(model.requests)) for model in (first, second)] == [1, 1]
    assert notices == [f"one failed, so two goes on. ({error})"]


@pytest.mark.parametrize(
    "error",
    [
        BadRequestError("no", status=400),
        AuthenticationError("who?", status=401),
        QuotaError("empty", status=402),
    ],
)
async def test_what_the_caller_has_to_mend_goes_to_no_other_model(error):
    second = Named("two", "hi")
    with pytest.raises(type(error)):
        await Agent([Named("one", error), second]).run("?")
    assert second.requests == []


async def test_an_answer_that_failed_is_asked_of_the_next_and_kept_in_the_log():
    first, second = Named("one", failed("server_error", "oops")), Named("two", "hi")
    result = await Agent([first, second]).run("?")
    assert (result.output, result.status, result.turns) == ("hi", "completed", 2)
    kinds = [record.kind for record in result.log]
    assert kinds == ["setup", "input", "answer", "setup", "answer"]


async def test_an_answer_that_failed_for_good_is_the_result():
    second = Named("two", "hi")
    result = await Agent([Named("one", failed("invalid_prompt", "oops")), second]).run("?")
    assert (result.status, second.requests) == ("failed", [])


async def test_the_run_goes_on_from_its_log_without_the_first_ones_reasoning():
    ran.clear()
    first = Named("one", [reasoning("hm"), call("add", a=1, b=2)], ServerError("busy"))
    second = Named("two", call("add", a=3, b=4), "7")
    agent = Agent([first, second], tools=[add])
    result = await agent.run("1 + 2, then 3 + 4")
    assert (result.output, ran) == ("7", [1, 3])
    kinds = [item.type for item in second.requests[0].input]
    assert kinds == ["message", "function_call", "function_call_output"]
    assert second.requests[0].fields.values["model"] == "two"
    assert "reasoning" in [item.type for item in first.requests[1].input]


async def test_the_next_run_begins_with_the_first_model_again():
    first, second = Named("one", ServerError("busy"), "back"), Named("two", "hi")
    agent = Agent([first, second])
    result = await agent.run("?")
    again = await agent.run("and?", session=result)
    assert (again.output, len(second.requests)) == ("back", 1)


async def test_the_last_models_error_is_the_callers():
    agent = Agent([Named("one", ServerError("a")), Named("two", RateLimitError("b"))])
    with pytest.raises(RateLimitError, match="b") as caught:
        await agent.run("?")
    assert caught.value.result.status == "failed"


class Breaks(ScriptedModel):
    """Says a word, then breaks."""

    name = "breaks"

    async def stream(self, request):
        self.requests.append(request)
        yield Delta("response.output_text.delta", "Once")
        raise StreamTruncatedError("cut")


async def test_nobody_is_asked_again_once_a_listener_has_heard_of_the_answer():
    second = Named("two", "hi")
    heard: list[Any] = []
    with pytest.raises(StreamTruncatedError):
        await Agent([Breaks(), second]).run("?", on_event=heard.append)
    assert second.requests == []
    assert TextDelta("Once") in heard


async def test_an_answer_that_nobody_heard_of_may_be_asked_of_the_next():
    second = Named("two", "hi")
    result = await Agent([Breaks(), second], limits=Limits(seconds=60)).run("?")
    assert result.output == "hi"


async def test_each_server_gets_its_own_key_and_none_of_the_others():
    async with (
        ResponsesServer(
            ScriptedModel(ServerError("busy", status=503)), api_key="sk-first-1"
        ) as one,
        ResponsesServer(ScriptedModel("hi"), api_key="sk-second-2") as two,
    ):
        from agentkit import ResponsesModel
        from agentkit.responses.retry import Retries

        models = [
            ResponsesModel("a", one.url, api_key="sk-first-1", retries=Retries(attempts=1)),
            ResponsesModel("b", two.url, api_key="sk-second-2"),
        ]
        agent = Agent(models)
        result = await agent.run("sk-first-1 sk-second-2")
    assert result.output == "hi"
    assert [each.headers["authorization"] for each in two.exchanges] == ["Bearer sk-second-2"]
    assert "sk-" not in str(result.log.dump())


def test_a_list_that_cannot_work_is_told():
    with pytest.raises(ConfigurationError, match="empty list"):
        Agent([])
    with pytest.raises(ConfigurationError, match="no provider 'nowhere'"):
        Agent(["offline", "nowhere:m"])
    with pytest.raises(ConfigurationError, match="at one server"):
        Agent(["offline", "offline"], state="conv_1")
    with pytest.raises(ConfigurationError, match="wire"):
        Agent("offline", wire="smoke")


async def test_a_failing_model_of_the_callers_own_is_no_failing_server():
    with pytest.raises(ModelError, match="mine"):
        await Agent([Named("one", ModelError("mine")), Named("two", "hi")]).run("?")


async def test_a_budget_needs_the_price_of_every_model():
    def prices(model: str, usage: Any) -> float | None:
        return 0.01 if model == "one" else None

    agent = Agent([Named("one", "hi"), Named("two", "hi")], prices=prices, limits=Limits(cost=1.0))
    with pytest.raises(ConfigurationError, match="two"):
        await agent.run("?")


async def test_a_key_that_was_given_goes_to_the_first_models_server_alone():
    environment = {"COMETAPI_KEY": "sk-comet-1"}
    agent = Agent(["openai:gpt-5", "gpt-4.1"], api_key="sk-openai-1", environment=environment)
    first, second = agent.models
    assert first.endpoint.headers == {"Authorization": "Bearer sk-openai-1"}
    assert second.endpoint.headers == {"Authorization": "Bearer sk-comet-1"}


async def test_models_without_names_stand_in_for_each_other_too():
    first, second = ScriptedModel(failed("server_error", "oops")), ScriptedModel("hi")
    assert (await Agent([first, second]).run("?")).output == "hi"


async def test_what_a_server_noted_of_its_own_work_goes_to_no_other():
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    signed = {**call("add", a=1, b=2), "extra_content": {"signature": "s"}}
    first = Named("one", [search, signed], ServerError("busy"))
    second = Named("two", "3")
    await Agent([first, second], tools=[add]).run("?")
    sent = [item.wire for item in second.requests[0].input]
    assert [each["type"] for each in sent] == ["message", "function_call", "function_call_output"]
    assert "extra_content" not in sent[1]


@pytest.mark.parametrize("code", ["model_overloaded", "503", ""])
async def test_whatever_word_a_server_has_for_its_failure_the_next_model_answers(code):
    first, second = Named("one", failed(code, "oops")), Named("two", "hi")
    assert (await Agent([first, second]).run("?")).output == "hi"


@pytest.mark.parametrize("code", ["invalid_prompt", "insufficient_quota", "bio_policy"])
async def test_a_failure_that_the_request_brought_about_is_no_others(code):
    second = Named("two", "hi")
    result = await Agent([Named("one", failed(code, "no")), second]).run("?")
    assert (result.status, second.requests) == ("failed", [])


async def test_calls_counted_anew_by_each_server_are_told_apart_when_another_reads_them():
    def counted(a: int) -> dict[str, Any]:
        return {**call("add", "call_0", a=a, b=1)}

    first = Named("one", counted(1), ServerError("busy"))
    second = Named("two", counted(2), "done")
    result = await Agent([first, second], tools=[add], state="chained").run("?")
    sent = second.requests[1]
    ids = [item.wire["call_id"] for item in result.items if "call_id" in item.wire]
    assert result.output == "done"
    third = Named("three", "bye")
    await Agent(third, tools=[add], state="chained").run("?", session=result)
    pairs = [item.wire["call_id"] for item in third.requests[0].input if "call_id" in item.wire]
    assert sorted(set(pairs)) == ["call_0", "call_0_2"]
    assert (len(pairs), len(ids)) == (4, 4)
    assert sent.value_of("previous_response_id")
