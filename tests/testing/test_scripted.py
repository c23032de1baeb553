"""A scripted model gives its answers in order, in the wire's own shapes."""

from __future__ import annotations

import asyncio

import pytest

from agentkit.errors import RateLimitError
from agentkit.responses.events import Delta, Snapshot
from agentkit.responses.fold import collect
from agentkit.responses.items import user_message
from agentkit.responses.response import Fields, Request, Response, Usage
from agentkit.testing import (
    ScriptedModel,
    call,
    commentary,
    failed,
    incomplete,
    reasoning,
    refusal,
)


def request(text: str = "hello", *, stream: bool = False, **fields: object) -> Request:
    return Request(Fields({"model": "m", **fields}), (user_message(text),), stream=stream)


async def asked(model: ScriptedModel, *, stream: bool = False) -> Response:
    return await collect(model.stream(request(stream=stream)))


async def test_answers_come_in_order_and_requests_are_kept():
    model = ScriptedModel("one", "two")
    first, second = request("a"), request("b")
    assert [(await collect(model.stream(each))).text for each in (first, second)] == ["one", "two"]
    assert model.requests == [first, second]


async def test_a_list_is_one_response_with_its_items_in_order():
    model = ScriptedModel([reasoning("hm"), commentary("Let me see."), call("add", a=2), "done"])
    response = await asked(model)
    assert [item.type for item in response.output] == [
        "reasoning",
        "message",
        "function_call",
        "message",
    ]
    assert response.text == "done"
    assert response.calls[0].arguments == '{"a":2}'


async def test_call_ids_are_counted_over_the_whole_script_unless_given():
    model = ScriptedModel([call("a"), call("b")], [call("c", "mine"), call("d")])
    ids = [[each.call_id for each in (await asked(model)).calls] for _ in range(2)]
    assert ids == [["call_1", "call_2"], ["mine", "call_3"]]


async def test_a_call_id_of_the_conversation_is_not_given_again():
    earlier = (await asked(ScriptedModel([call("a")]))).output
    response = await collect(
        ScriptedModel([call("b")]).stream(Request(Fields({"model": "m"}), earlier))
    )
    assert response.calls[0].call_id == "call_2"


async def test_the_stream_adds_up_to_the_response_given_without_streaming():
    def script() -> ScriptedModel:
        return ScriptedModel([reasoning("a b"), call("add", a=1, b=2), "two  words\n"])

    streamed, whole = await asked(script(), stream=True), await asked(script())
    assert streamed.wire == whole.wire


async def test_a_stream_comes_word_by_word_between_created_and_completed():
    events = [e async for e in ScriptedModel("one two three").stream(request(stream=True))]
    assert [e.delta for e in events if isinstance(e, Delta)] == ["one", " two", " three"]
    assert [e.type for e in events if isinstance(e, Snapshot)] == [
        "response.created",
        "response.in_progress",
        "response.completed",
    ]


async def test_without_streaming_there_is_one_terminal_event():
    events = [event async for event in ScriptedModel("one two").stream(request())]
    assert [event.type for event in events] == ["response.completed"]


async def test_refusals_broken_off_and_failed_answers_have_their_shapes():
    model = ScriptedModel(
        refusal("No."), incomplete([call("add", a=1)]), failed("server_error", "Oh.")
    )
    refused, broken, lost = [await asked(model, stream=True) for _ in range(3)]
    assert (refused.status, refused.refusal, refused.text) == ("completed", "No.", "")
    assert (broken.status, broken.incomplete_reason) == ("incomplete", "max_output_tokens")
    assert broken.calls[0].wire["status"] == "incomplete"
    assert lost.status == "failed"
    assert lost.error == {"code": "server_error", "message": "Oh."}


async def test_an_exception_is_raised_and_the_script_goes_on():
    model = ScriptedModel(RateLimitError("slow down", status=429), "done")
    with pytest.raises(RateLimitError, match="slow down"):
        await asked(model)
    assert (await asked(model)).text == "done"


async def test_a_function_of_the_request_gives_an_answer_or_an_error():
    async def later(asked_for: Request) -> object:
        return [call("echo", text=asked_for.input[0].text)]

    model = ScriptedModel(lambda _: "now", later, lambda _: ValueError("no"))
    assert (await asked(model)).text == "now"
    assert (await asked(model)).calls[0].arguments == '{"text":"hello"}'
    with pytest.raises(ValueError, match="no"):
        await asked(model)


async def test_an_answer_can_wait_at_a_gate():
    gate = asyncio.Event()

    async def gated(_: Request) -> str:
        await gate.wait()
        return "through"

    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(asked(ScriptedModel(gated)))
        gate.set()
    assert waiting.result().text == "through"


async def test_a_whole_response_object_is_given_verbatim():
    wire = {"id": "x", "status": "completed", "output": [], "surprise": 1}
    assert (await asked(ScriptedModel(wire))).wire == wire


async def test_running_past_the_script_says_how_many_answers_there_were():
    model = ScriptedModel("only")
    await asked(model)
    with pytest.raises(AssertionError, match="asked for answer 2, but its script has 1"):
        await asked(model)


async def test_usage_counts_words_unless_it_is_given():
    counted = await collect(
        ScriptedModel("four words of answer").stream(request("two words", instructions="Be brief."))
    )
    assert counted.usage == Usage(input_tokens=4, output_tokens=4, total_tokens=8)
    given = Usage(input_tokens=100, cached_tokens=90, output_tokens=5, total_tokens=105)
    assert (await asked(ScriptedModel("x", usage=given))).usage == given


async def test_given_usage_has_no_more_output_than_the_request_allows():
    model = ScriptedModel("As long as ever.", usage=Usage(100, 0, 900, 800, 1_000))
    answer = await collect(model.stream(request(max_output_tokens=500)))
    assert (answer.usage, answer.text) == (Usage(100, 0, 500, 500, 600), "As long as ever.")
