"""What a server of chat completions refuses is learnt under chat's own names."""

from __future__ import annotations

import pytest
from loopback import Loopback, answer

from agentkit import Agent, BadRequestError, Notice, ResponsesModel, tool
from agentkit.responses.chat.dialect import ChatDialect
from agentkit.responses.client import Endpoint
from agentkit.responses.dialect import Dialect

THOUGHTS = Dialect(wire="chat", chat=ChatDialect(thought_field="reasoning_content"))
DONE = answer({"choices": [{"message": {"content": "Done."}, "finish_reason": "stop"}]})


@tool(effect="read")
def add(a: int) -> int:
    """Add."""
    return a


def refusal(message: str, param: str | None = None) -> bytes:
    return answer({"error": {"message": message, "param": param, "code": None}}, 400)


@pytest.mark.parametrize(
    ("refused", "settings", "gone", "instead"),
    [
        (
            refusal("Unsupported parameter: 'max_tokens' is not supported with this model."),
            {"max_output_tokens": 50},
            "max_tokens",
            ("max_completion_tokens", 50),
        ),
        (
            refusal("Extra inputs are not permitted", "body.stream_options"),
            {},
            "stream_options",
            ("stream", True),
        ),
        (
            refusal("Unknown parameter: 'reasoning_effort'."),
            {"reasoning": {"effort": "low"}},
            "reasoning_effort",
            ("model", "m"),
        ),
    ],
)
async def test_a_refused_field_is_done_without_from_then_on(refused, settings, gone, instead):
    heard: list[str] = []
    async with Loopback(refused, DONE) as server:
        agent = Agent("m", base_url=server.url, wire="chat", settings=settings)
        listen = lambda event: heard.append(event.text) if isinstance(event, Notice) else None  # noqa: E731
        first = await agent.run("?", on_event=listen)
        await agent.run("?", on_event=listen)
        sent = [each.body for each in server.received]
    assert first.output == "Done."
    assert [gone in body for body in sent] == [True, False, False]
    assert sent[-1][instead[0]] == instead[1]
    assert len(heard) == 1
    assert gone in heard[0]


async def test_strict_is_left_out_of_tools_where_its_place_is_named():
    refused = refusal("Extra inputs are not permitted", "tools.0.function.strict")
    async with Loopback(refused, DONE) as server:
        await Agent("m", base_url=server.url, wire="chat", tools=[add]).run("?")
        sent = [each.body["tools"][0]["function"] for each in server.received]
    assert ["strict" in function for function in sent] == [True, False]


async def test_a_bound_that_goes_by_neither_name_is_told_to_the_caller():
    both = refusal("Unknown field: 'max_tokens'."), refusal("Unknown: 'max_completion_tokens'.")
    async with Loopback(*both) as server:
        agent = Agent("m", base_url=server.url, wire="chat", settings={"max_output_tokens": 50})
        with pytest.raises(BadRequestError):
            await agent.run("?")
    assert len(server.received) == 2


async def test_thoughts_that_are_not_taken_back_are_left_out():
    function = {"name": "add", "arguments": '{"a": 1}'}
    message = {"reasoning_content": "Hm.", "tool_calls": [{"id": "c1", "function": function}]}
    asked = answer({"choices": [{"message": message, "finish_reason": "tool_calls"}]})
    refused = refusal("Extra inputs are not permitted", "messages.1.reasoning_content")
    async with Loopback(asked, refused, DONE) as server:
        model = ResponsesModel("m", Endpoint(server.url, dialect=THOUGHTS))
        assert (await Agent(model, tools=[add]).run("?")).output == "Done."
        sent = [each.body["messages"] for each in server.received[1:]]
    assert ["reasoning_content" in messages[1] for messages in sent] == [True, False]
