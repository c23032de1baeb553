"""The official client reads what the server sends, and every object fits its types."""

from __future__ import annotations

import json

import openai
import pydantic
import pytest
from openai.types.responses import Response as OpenAIResponse
from openai.types.responses import ResponseFunctionToolCall, ResponseStreamEvent

from agentkit.errors import BadRequestError, RateLimitError
from agentkit.testing import (
    OfflineModel,
    ResponsesServer,
    ScriptedModel,
    call,
    commentary,
    failed,
    incomplete,
    reasoning,
    refusal,
)

EVENT = pydantic.TypeAdapter(ResponseStreamEvent)
ADD = {
    "type": "function",
    "name": "add",
    "description": "Add two numbers.",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
        "additionalProperties": False,
    },
}


def client(server: ResponsesServer, **options: object) -> openai.OpenAI:
    return openai.OpenAI(**{"base_url": server.url, "api_key": "k", "max_retries": 0, **options})


def strictly(event: pydantic.BaseModel) -> None:
    """The client builds its objects without validating them, so this does."""
    EVENT.validate_python(event.to_dict())


def test_a_text_answer_is_a_valid_response():
    with ResponsesServer(ScriptedModel("Hello there.")) as server, client(server) as api:
        response = api.responses.create(model="m", input="hi", metadata={"a": "b"}, tools=[ADD])
    assert response.output_text == "Hello there."
    assert response.metadata == {"a": "b"}
    assert response.usage.output_tokens == 2
    OpenAIResponse.model_validate(response.to_dict())


def test_stream_events_come_in_the_specified_order():
    with ResponsesServer(ScriptedModel("Hello over there.")) as server, client(server) as api:
        events = list(api.responses.create(model="m", input="hi", stream=True))
    assert [event.type.removeprefix("response.") for event in events] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        *["output_text.delta"] * 3,
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert "".join(e.delta for e in events if "delta" in e.type) == "Hello over there."
    assert [event.sequence_number for event in events] == list(range(len(events)))


@pytest.mark.parametrize(
    "answer",
    [
        [reasoning("let me think"), commentary("One moment."), call("add", a=1, b=2), call("now")],
        refusal("I would rather not."),
        incomplete("so fa"),
        failed("server_error", "It broke."),
        [{"type": "custom_tool_call", "name": "shell", "input": "ls -l"}],
        [
            {
                "type": "web_search_call",
                "id": "ws_1",
                "status": "completed",
                "action": {"type": "search", "query": "x", "queries": ["x"], "sources": []},
            },
            "found",
        ],
    ],
)
def test_every_event_and_response_fits_the_official_types(answer: object):
    with ResponsesServer(ScriptedModel(answer, answer)) as server, client(server) as api:
        events = list(api.responses.create(model="m", input="hi", stream=True, tools=[ADD]))
        whole = api.responses.create(model="m", input="hi", tools=[ADD])
    for event in events:
        strictly(event)
    OpenAIResponse.model_validate(whole.to_dict())
    assert [item.type for item in events[-1].response.output] == [i.type for i in whole.output]


def added(made: ResponseFunctionToolCall) -> dict[str, str]:
    total = sum(json.loads(made.arguments).values())
    return {"type": "function_call_output", "call_id": made.call_id, "output": str(total)}


def test_a_loop_over_parallel_calls_ends_with_the_answer():
    model = ScriptedModel([call("add", a=1, b=2), call("add", a=3, b=4)], "3 and 7")
    with ResponsesServer(model) as server, client(server) as api:
        items: list[object] = [{"role": "user", "content": "add"}]
        response = api.responses.create(model="m", input=items)
        while calls := [item for item in response.output if item.type == "function_call"]:
            items += [*response.output, *map(added, calls)]
            response = api.responses.create(model="m", input=items)
    assert response.output_text == "3 and 7"
    assert model.requests[1].outputs == ["3", "7"]


def test_previous_response_id_brings_back_the_conversation():
    model = ScriptedModel([call("add", a=1, b=2)], "It is 3.")
    with ResponsesServer(model) as server, client(server) as api:
        first = api.responses.create(model="m", input="add")
        output = {"type": "function_call_output", "call_id": "call_1", "output": "3"}
        second = api.responses.create(model="m", input=[output], previous_response_id=first.id)
        assert api.responses.retrieve(second.id).output_text == "It is 3."
    assert second.previous_response_id == first.id
    assert [item.type for item in model.requests[1].input] == [
        "message",
        "function_call",
        "function_call_output",
    ]


class Total(pydantic.BaseModel):
    total: int
    note: str | None


def test_a_typed_answer_is_parsed_from_the_offline_model():
    with ResponsesServer(OfflineModel()) as server, client(server) as api:
        asked = {"role": "user", "content": "Add 2 and 3"}
        first = api.responses.parse(model="offline", input=[asked], tools=[ADD], text_format=Total)
        made = first.output[0]
        output = {"type": "function_call_output", "call_id": made.call_id, "output": "5"}
        second = api.responses.parse(
            model="offline",
            input=[output],
            previous_response_id=first.id,
            tools=[ADD],
            text_format=Total,
        )
    assert made.arguments == '{"a":2,"b":3}'
    assert second.output_parsed == Total(total=5, note=None)


async def test_the_asynchronous_client_streams_as_well():
    async with ResponsesServer(ScriptedModel("one two")) as server:
        api = openai.AsyncOpenAI(base_url=server.url, api_key="k", max_retries=0)
        async with api, api.responses.stream(model="m", input="hi") as stream:
            async for event in stream:
                assert event.type
            final = await stream.get_final_response()
    assert final.output_text == "one two"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BadRequestError("bad", status=400, code="c", param="input"), openai.BadRequestError),
        (RateLimitError("slow", status=429, retry_after=2), openai.RateLimitError),
        (RuntimeError("oh"), openai.InternalServerError),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_what_the_model_raises_becomes_the_status(error: Exception, kind: type, stream: bool):
    with ResponsesServer(ScriptedModel(error)) as server, client(server) as api:
        with pytest.raises(kind, match=str(error.args[0])) as raised:
            api.responses.create(model="m", input="hi", stream=stream)
    assert raised.value.code == getattr(error, "code", "server_error")
    assert raised.value.request_id == "req_1"


def test_a_wrong_key_and_an_unknown_id_are_refused():
    with ResponsesServer(ScriptedModel(), api_key="right") as server:
        with (
            client(server, api_key="wrong") as api,
            pytest.raises(openai.AuthenticationError) as no,
        ):
            api.responses.create(model="m", input="hi")
        assert no.value.code == "invalid_api_key"
        with client(server, api_key="right") as api, pytest.raises(openai.NotFoundError):
            api.responses.retrieve("resp_9")
