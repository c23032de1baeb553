"""The official client talks to the server in chat completions, and every object fits its types."""

from __future__ import annotations

import asyncio
import json
from functools import partial

import httpx
import openai
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from agentkit import ResponsesModel
from agentkit.errors import BadRequestError, RateLimitError
from agentkit.responses.chat.request import chat_request
from agentkit.responses.chat.shape import response_of
from agentkit.responses.chat.stream import ChatStream
from agentkit.responses.items import read_items
from agentkit.responses.reply import read_reply
from agentkit.responses.response import Fields, Request
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
from agentkit.testing.chat_body import check_chat_body, items_of

ADD = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Add two numbers.",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
            "required": ["a", "b"],
            "additionalProperties": False,
        },
    },
}
HI = {"role": "user", "content": "hi"}


def client(server: ResponsesServer, **options: object) -> openai.OpenAI:
    return openai.OpenAI(base_url=server.url, api_key="k", max_retries=0, **options)


def post(server: ResponsesServer, **body: object) -> httpx.Response:
    return httpx.post(f"{server.url}/chat/completions", json={"model": "m", **body})


def strictly(kind: type[pydantic.BaseModel], given: pydantic.BaseModel) -> None:
    """The client builds its objects without validating them, so this does."""
    kind.model_validate_json(given.to_json())


def test_a_text_answer_is_a_valid_completion():
    script = ScriptedModel("Hello there.")
    with ResponsesServer(script, now=lambda: 1700000000.5) as server, client(server) as api:
        said = api.chat.completions.create(model="m", messages=[HI])
    strictly(ChatCompletion, said)
    assert said.choices[0].message.content == "Hello there."
    assert said.choices[0].finish_reason == "stop"
    assert (said.id, said.model, said.created) == ("chatcmpl-1", "m", 1700000000)
    assert (said.usage.prompt_tokens, said.usage.completion_tokens) == (1, 2)
    assert server.requests == [{"model": "m", "messages": [HI]}]


@pytest.mark.parametrize(
    ("answer", "finish"),
    [
        (
            [
                reasoning("let me think"),
                commentary("One moment."),
                "So.",
                call("add", a=1),
                call("now"),
            ],
            "tool_calls",
        ),
        (refusal("I would rather not."), "stop"),
        (incomplete("so fa"), "length"),
        (incomplete("so fa", "content_filter"), "content_filter"),
    ],
)
def test_a_stream_adds_up_to_the_whole_completion(answer: object, finish: str):
    with ResponsesServer(ScriptedModel(answer, answer)) as server, client(server) as api:
        whole = api.chat.completions.create(model="m", messages=[HI])
        chunks = list(api.chat.completions.create(model="m", messages=[HI], stream=True))
    strictly(ChatCompletion, whole)
    read = ChatStream()
    for chunk in chunks:
        strictly(ChatCompletionChunk, chunk)
        read.add(chunk.to_dict())
    assert whole.choices[0].finish_reason == chunks[-1].choices[0].finish_reason == finish
    expected, told = response_of(whole.to_dict()), read.end().response
    assert [spoken(item) for item in told["output"]] == [spoken(i) for i in expected["output"]]
    assert told["output"]


def spoken(item: dict) -> dict:
    """An item without the id of a call: the script gives another one each time."""
    return {key: value for key, value in item.items() if key != "call_id"}


@pytest.mark.parametrize("stream", [True, False])
def test_a_call_of_a_custom_tool_comes_as_one(stream: bool):
    item = {"type": "custom_tool_call", "call_id": "c1", "name": "shell", "input": "ls -l"}
    with ResponsesServer(ScriptedModel(item)) as server:
        reply = post(server, messages=[HI], stream=stream)
    assert read_reply(200, reply.content, reply.headers)[-1].response["output"] == [item]


@pytest.mark.parametrize("said", ["Hi.", [call("add", a=1), call("add", a=2)]])
async def test_a_server_before_another_ones_chat_completions_gives_them_whole(said: object):
    async with ResponsesServer(ScriptedModel(said, said)) as behind:
        model = ResponsesModel("m", behind.url, wire="chat")
        async with ResponsesServer(model) as server:
            asked = partial(post, server, messages=[HI])
            whole = await asyncio.to_thread(asked)
            told = await asyncio.to_thread(asked, stream=True)
    first, second = (read_reply(200, each.content, each.headers)[-1] for each in (whole, told))
    assert [spoken(item) for item in first.response["output"]] == [
        spoken(item) for item in second.response["output"]
    ]
    assert first.response["output"]


def test_usage_comes_in_a_last_chunk_where_it_is_asked_for():
    with ResponsesServer(ScriptedModel("one two", "one two")) as server:
        told = post(server, messages=[HI], stream=True, stream_options={"include_usage": True})
        silent = post(server, messages=[HI], stream=True)
    *_, last, done = told.text.strip().split("\n\n")
    assert told.headers["content-type"].startswith("text/event-stream")
    assert done == "data: [DONE]"
    chunk = json.loads(last.removeprefix("data: "))
    assert (chunk["choices"], chunk["usage"]["completion_tokens"]) == ([], 2)
    assert "usage" not in silent.text


def test_a_loop_over_parallel_calls_ends_with_the_answer():
    model = ScriptedModel([call("add", a=1, b=2), call("add", a=3, b=4)], "3 and 7")
    with ResponsesServer(model) as server, client(server) as api:
        messages: list[object] = [{"role": "system", "content": "Add."}, HI]
        said = api.chat.completions.create(model="m", messages=messages, tools=[ADD])
        while calls := said.choices[0].message.tool_calls:
            messages.append(said.choices[0].message)
            for made in calls:
                total = str(sum(json.loads(made.function.arguments).values()))
                messages.append({"role": "tool", "tool_call_id": made.id, "content": total})
            said = api.chat.completions.create(model="m", messages=messages, tools=[ADD])
    assert said.choices[0].message.content == "3 and 7"
    assert model.requests[1].outputs == ["3", "7"]
    assert model.requests[1].fields.values["instructions"] == "Add."
    assert model.requests[1].fields.values["tools"] == [{"type": "function", **ADD["function"]}]


class Total(pydantic.BaseModel):
    total: int
    note: str | None


def test_a_typed_answer_is_parsed_from_the_offline_model():
    with ResponsesServer(OfflineModel()) as server, client(server) as api:
        messages: list[object] = [{"role": "user", "content": "Add 2 and 3"}]
        first = api.chat.completions.parse(
            model="m", messages=messages, tools=[ADD], response_format=Total
        )
        made = first.choices[0].message.tool_calls[0]
        output = {"role": "tool", "tool_call_id": made.id, "content": "5"}
        second = api.chat.completions.parse(
            model="m",
            messages=[*messages, first.choices[0].message, output],
            tools=[ADD],
            response_format=Total,
        )
    assert made.function.arguments == '{"a":2,"b":3}'
    assert second.choices[0].message.parsed == Total(total=5, note=None)


def test_every_field_and_part_reaches_the_model_in_the_words_of_responses():
    model = ScriptedModel("Yes.")
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA", "detail": "low"}}
    file = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:,a"}}
    with ResponsesServer(model) as server, client(server) as api:
        api.chat.completions.create(
            model="m",
            messages=[{"role": "user", "content": [{"type": "text", "text": "?"}, image, file]}],
            tools=[ADD],
            tool_choice={"type": "function", "function": {"name": "add"}},
            max_completion_tokens=7,
            reasoning_effort="low",
            verbosity="high",
            temperature=0.5,
        )
    asked = model.requests[0]
    assert asked.input[0].wire["content"] == [
        {"type": "input_text", "text": "?"},
        {"type": "input_image", "image_url": "data:image/png;base64,AA", "detail": "low"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:,a"},
    ]
    said = asked.fields.values
    assert said["tool_choice"] == {"type": "function", "name": "add"}
    assert (said["max_output_tokens"], said["temperature"]) == (7, 0.5)
    assert (said["reasoning"], said["text"]) == ({"effort": "low"}, {"verbosity": "high"})


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (BadRequestError("bad", status=400, code="c"), openai.BadRequestError, "c"),
        (RateLimitError("slow", status=429, retry_after=2), openai.RateLimitError, None),
        (RuntimeError("oh"), openai.InternalServerError, "server_error"),
        (failed("server_error", "It broke."), openai.InternalServerError, "server_error"),
        (failed("rate_limit_exceeded", "Slow."), openai.RateLimitError, "rate_limit_exceeded"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_what_the_model_raises_becomes_the_status(
    error: object, kind: type, code: str | None, stream: bool
):
    with (
        ResponsesServer(ScriptedModel(error)) as server,
        client(server) as api,
        pytest.raises(kind) as raised,
    ):
        api.chat.completions.create(model="m", messages=[HI], stream=stream)
    assert raised.value.code == code


CALLED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
}
GIVEN = {"role": "tool", "tool_call_id": "c1", "content": "1"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "Missing required parameter: 'messages'."),
        ({"messages": "hi"}, "Invalid type for 'messages': expected an array of objects."),
        ({"messages": ["hi"]}, "Invalid type for 'messages[0]': expected an object."),
        ({"messages": [{"role": "robot"}]}, "Invalid value: 'robot'."),
        ({"messages": [{"role": "user"}]}, "Invalid value for 'content'"),
        ({"messages": [CALLED]}, "An assistant message with 'tool_calls' must be followed by"),
        ({"messages": [CALLED, HI, GIVEN]}, "An assistant message with 'tool_calls' must be"),
        ({"messages": [GIVEN]}, "Invalid parameter: messages with role 'tool' must be"),
        ({"messages": [HI], "tools": [{"type": "web_search"}]}, "Invalid value: 'web_search'."),
        ({"messages": [HI], "tools": [{"type": "function"}]}, "Missing required parameter"),
        ({"messages": [HI], "temperature": "hot"}, "Invalid type for 'temperature'"),
        ({"messages": [HI], "model": None}, "Missing required parameter: 'model'."),
        (
            {
                "messages": [HI],
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "n", "strict": True, "schema": {"type": "object"}},
                },
            },
            "Invalid schema for response_format 'n'",
        ),
    ],
)
def test_what_no_server_takes_is_refused(body: dict, message: str):
    with ResponsesServer(ScriptedModel()) as server:
        reply = post(server, **body)
    assert reply.status_code == 400
    assert reply.json()["error"]["message"].startswith(message)


def test_a_model_that_breaks_off_ends_the_stream_with_an_error():
    async def stream(request):
        from agentkit.responses.events import TEXT_DELTA, Delta

        yield Delta(TEXT_DELTA, "so f")

    model = type("Broken", (), {"stream": staticmethod(stream)})()
    with ResponsesServer(model) as server:
        told = post(server, messages=[HI], stream=True)
    assert '"content":"so f"' in told.text
    assert "[DONE]" not in told.text
    assert '"error"' in told.text.strip().split("\n\n")[-1]


texts = st.text(min_size=1, max_size=9)
answers = st.tuples(texts | st.none(), st.lists(texts, max_size=3)).filter(any)
talks = st.lists(st.tuples(texts, st.lists(answers, max_size=3)), min_size=1, max_size=3)


def said_in(talk: list) -> list[dict]:
    """The items of a conversation: what the user says, and the answers with calls behind it."""
    items: list[dict] = []
    for question, said in talk:
        items.append({"type": "message", "role": "user", "content": question})
        for text, outputs in said:
            part = {"type": "output_text", "text": text, "annotations": []}
            message = {"type": "message", "role": "assistant", "content": [part]}
            items += [message] if text else []
            ids = [f"c{len(items)}_{number}" for number in range(len(outputs))]
            named = {"type": "function_call", "name": "f", "arguments": "{}"}
            items += [{**named, "call_id": each} for each in ids]
            pairs = zip(ids, outputs, strict=True)
            kind = "function_call_output"
            items += [{"type": kind, "call_id": each, "output": text} for each, text in pairs]
    return items


@given(talks)
def test_what_the_client_puts_into_chats_words_the_server_reads_as_it_was(talk: list):
    items = said_in(talk)
    body = chat_request(Request(Fields({"model": "m"}), read_items(items))).wire()
    read = list(items_of(check_chat_body(body)))
    assert merged(read) == merged(items)


def merged(items: list[dict]) -> list[object]:
    """The items, with what the model said in a row as one: chat has no words between two."""
    told: list[object] = []
    for item in items:
        if item.get("role") != "assistant":
            told.append({key: value for key, value in item.items() if key != "id"})
            continue
        text = item["content"][0]["text"]
        if told and isinstance(told[-1], str):
            told[-1] += "\n\n" + text
        else:
            told.append(text)
    return told
