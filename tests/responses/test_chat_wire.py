"""Whole runs over `POST /chat/completions`: the same answers, promises and errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import chain, repeat
from typing import Any

import pytest
from loopback import END, STREAM_HEAD, Loopback, answer, chunk, event
from pydantic import BaseModel

from agentkit import (
    Agent,
    Approve,
    AuthenticationError,
    ConfigurationError,
    ContextLengthError,
    Image,
    Limits,
    ModelError,
    ProtocolError,
    RateLimitError,
    ResponsesModel,
    Retries,
    ServerError,
    StreamTruncatedError,
    tool,
)
from agentkit.events import ReasoningDelta, TextDelta
from agentkit.responses.chat.dialect import ChatDialect
from agentkit.responses.client import Endpoint
from agentkit.responses.dialect import Dialect
from agentkit.responses.events import TEXT_DELTA, Delta, Snapshot, StreamEvent
from agentkit.responses.fold import collect
from agentkit.responses.items import user_message
from agentkit.responses.response import Fields, Request
from agentkit.testing import (
    ResponsesServer,
    ScriptedModel,
    call,
    commentary,
    failed,
    incomplete,
    reasoning,
    refusal,
)

ONCE = Retries(attempts=1)


@tool(effect="read")
def add(a: int, b: int = 2) -> int:
    """Add two numbers."""
    return a + b


@tool(effect="read")
def plot() -> list[object]:
    """Draw a plot."""
    return ["A line.", Image(b"\x89PNG\r\n\x1a\n0")]


@tool(approval=True)
def buy(what: str) -> str:
    """Buy something."""
    return f"bought {what}"


class Total(BaseModel):
    total: int


def chat(url: str, **options: Any) -> ResponsesModel:
    return ResponsesModel("m", url, wire="chat", **{"retries": ONCE, **options})


def messages(server: ResponsesServer) -> list[list[dict[str, Any]]]:
    return [body["messages"] for body in server.requests if "messages" in body]


@pytest.mark.parametrize("stream", [True, False])
async def test_a_run_with_parallel_calls_ends_with_the_answer(stream: bool):
    script = [
        [commentary("One moment."), call("add", a=1, b=None), call("add", a=3, b=4)],
        call("ad", a=1),
        "3 and 7",
    ]
    heard: list[object] = []
    model = ScriptedModel(*script)
    async with ResponsesServer(model) as server:
        agent = Agent(chat(server.url), tools=[add], instructions="Be brief.")
        listener = {"on_event": heard.append} if stream else {}
        result = await agent.run("Add.", **listener)
    assert (result.output, result.status, result.turns) == ("3 and 7", "completed", 3)
    assert result.usage.total_tokens > 0
    assert model.requests[1].outputs == ["3", "7"]
    assert "no tool named 'ad'. Did you mean 'add'" in model.requests[2].outputs[-1]
    assert [exchange.path for exchange in server.exchanges] == ["/v1/chat/completions"] * 3
    assert [body["stream"] for body in server.requests] == [stream] * 3
    roles = [message["role"] for message in messages(server)[1]]
    assert roles == ["system", "user", "assistant", "tool", "tool"]
    assert messages(server)[1][2]["content"] == "One moment."
    if stream:
        told = "".join(each.text for each in heard if isinstance(each, TextDelta))
        assert told.endswith("3 and 7")


async def test_thoughts_are_heard_as_they_come():
    heard: list[object] = []
    async with ResponsesServer(ScriptedModel([reasoning("Hm, hm."), "Yes."])) as server:
        result = await Agent(chat(server.url)).run("?", on_event=heard.append)
    assert "".join(each.text for each in heard if isinstance(each, ReasoningDelta)) == "Hm, hm."
    assert [item.type for item in result.items] == ["message", "reasoning", "message"]


@pytest.mark.parametrize("stream", [True, False])
async def test_a_typed_answer_is_held_to_its_schema(stream: bool):
    script = ScriptedModel(call("add", a=2, b=3), '{"total": "five"}', '{"total": 5}')
    async with ResponsesServer(script) as server:
        agent = Agent(chat(server.url), tools=[add], output=Total)
        listener = {"on_event": lambda event: None} if stream else {}
        result = await agent.run("Add 2 and 3", **listener)
    assert result.output == Total(total=5)
    assert "total" in messages(server)[2][-1]["content"]
    assert server.requests[0]["response_format"]["json_schema"]["strict"] is True


async def test_images_of_the_user_and_of_tools_reach_the_model():
    model = ScriptedModel(call("plot"), "I see.")
    async with ResponsesServer(model) as server:
        agent = Agent(chat(server.url), tools=[plot])
        await agent.run(["Look:", Image("https://x/a.png")])
    user, _, output, shown = messages(server)[1]
    assert user["content"][1] == {"type": "image_url", "image_url": {"url": "https://x/a.png"}}
    assert output["content"] == "A line.\n(The rest is in the user's next message.)"
    assert shown["content"][1]["image_url"]["url"].startswith("data:image/png;base64,")


async def test_a_limit_lands_with_tools_switched_off():
    model = ScriptedModel(call("add", a=1), "What I know.")
    async with ResponsesServer(model) as server:
        agent = Agent(chat(server.url), tools=[add], limits=Limits(turns=2))
        result = await agent.run("Add.")
    assert (result.status, result.limit, result.output) == ("limited", "turns", "What I know.")
    assert [body.get("tool_choice") for body in server.requests] == [None, "none"]


async def test_an_approval_waits_and_goes_on():
    model = ScriptedModel([call("buy", what="tea"), call("add", a=1)], "Done.")
    async with ResponsesServer(model) as server:
        agent = Agent(chat(server.url), tools=[buy, add])
        waiting = await agent.run("Buy tea.")
        assert waiting.status == "waiting"
        result = await agent.resume(waiting, [Approve("call_1")])
    assert (result.status, result.output) == ("completed", "Done.")
    assert [message["content"] for message in messages(server)[1][2:]] == ["bought tea", "3"]


async def test_a_session_goes_on_and_between_both_wires():
    script = ScriptedModel([reasoning("Hm."), call("add", a=1)], "3", "yes", "again")
    async with ResponsesServer(script) as server:
        first = await Agent(chat(server.url), tools=[add]).run("Add.")
        second = await Agent(chat(server.url), tools=[add]).run("Sure?", session=first)
        third = await Agent(ResponsesModel("m", server.url), tools=[add]).run("?", session=second)
    assert (second.output, third.output) == ("yes", "again")
    assert [m["role"] for m in messages(server)[2]] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
    ]
    assert server.exchanges[-1].path == "/v1/responses"


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (refusal("No."), "refused"),
        (incomplete("so fa"), "incomplete"),
        (incomplete(call("add", a=1)), "incomplete"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
async def test_every_ending_is_the_same(said: object, status: str, stream: bool):
    async with ResponsesServer(ScriptedModel(said)) as server:
        agent = Agent(chat(server.url), tools=[add])
        listener = {"on_event": lambda event: None} if stream else {}
        result = await agent.run("?", **listener)
    assert result.status == status
    assert len(server.requests) == 1


async def test_what_is_thought_goes_back_where_the_server_wants_it():
    script = ScriptedModel([reasoning("Hm."), call("add", a=1)], "3")
    async with ResponsesServer(script) as server:
        dialect = Dialect(wire="chat", chat=ChatDialect(thought_field="reasoning_content"))
        model = ResponsesModel("m", Endpoint(server.url, dialect=dialect))
        await Agent(model, tools=[add]).run("Add.")
    assert messages(server)[1][1]["reasoning_content"] == "Hm."


@pytest.mark.parametrize(
    "options",
    [
        {"tools": [{"type": "web_search"}]},
        {"settings": {"background": True}},
        {"settings": {"previous_response_id": "resp_1"}},
        {"state": "conv_1"},
    ],
)
async def test_what_chat_does_not_have_is_refused_before_anything_is_sent(options: dict):
    async with ResponsesServer(ScriptedModel()) as server:
        with pytest.raises(ConfigurationError):
            await Agent(chat(server.url), **options).run("?")
    assert server.requests == []


COMPLETION = {"id": "c", "object": "chat.completion", "model": "g"}
CHUNK = {"id": "c", "object": "chat.completion.chunk", "model": "g"}


def piece(finish: str | None = None, **delta: Any) -> bytes:
    return event(**CHUNK, choices=[{"index": 0, "delta": delta, "finish_reason": finish}])


async def ask(url: str, stream: bool = True, **options: Any) -> Any:
    request = Request(Fields({"model": "m"}), (user_message("?"),), stream=stream)
    return await collect(chat(url, **options).stream(request))


async def error_of(*answers: Any, stream: bool = True, **options: Any) -> ModelError:
    async with Loopback(*answers) as server:
        with pytest.raises(ModelError) as caught:
            await ask(server.url, stream, **options)
    return caught.value


async def test_pieces_are_told_as_they_come():
    gate = asyncio.Event()

    class Slow:
        async def stream(self, request: Request) -> AsyncIterator[StreamEvent]:
            yield Delta(TEXT_DELTA, "Hel")
            await gate.wait()
            yield Delta(TEXT_DELTA, "lo")
            part = {"type": "output_text", "text": "Hello", "annotations": []}
            output = [{"type": "message", "role": "assistant", "content": [part]}]
            yield Snapshot("response.completed", {"status": "completed", "output": output})

    heard: list[str] = []
    async with ResponsesServer(Slow()) as server:
        request = Request(Fields({"model": "m"}), (user_message("?"),), stream=True)
        async for each in chat(server.url).stream(request):
            if isinstance(each, Delta):
                heard.append(each.delta)
                gate.set()
    assert heard == ["Hel", "lo"]


async def test_calls_without_ids_are_told_apart_over_the_whole_run():
    function = {"name": "add", "arguments": '{"a": 1}'}
    made = {"message": {"tool_calls": [{"function": function}]}, "finish_reason": "tool_calls"}
    said = {"message": {"content": "Done."}, "finish_reason": "stop"}
    calls = answer({**COMPLETION, "choices": [made]})
    async with Loopback(calls, calls, answer({**COMPLETION, "choices": [said]})) as server:
        result = await Agent(chat(server.url), tools=[add]).run("Add.")
        sent = server.received[-1].body["messages"]
    asked = [call["id"] for each in sent for call in each.get("tool_calls") or ()]
    assert result.output == "Done."
    assert len(set(asked)) == 2
    assert [each["tool_call_id"] for each in sent if each["role"] == "tool"] == asked


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (401, {"message": "Bad key.", "code": "invalid_api_key"}, AuthenticationError),
        (429, {"message": "Slow."}, RateLimitError),
        (400, {"message": "Long.", "code": "context_length_exceeded"}, ContextLengthError),
        (503, {"message": "Busy."}, ServerError),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
async def test_errors_are_of_the_same_kinds(status: int, error: dict, kind: type, stream: bool):
    raised = await error_of(
        answer({"error": error}, status, x_request_id="req_7", retry_after="2"), stream=stream
    )
    assert type(raised) is kind
    assert (raised.status, raised.request_id, raised.retry_after) == (status, "req_7", 2.0)


async def test_what_failed_before_its_first_piece_is_sent_again():
    broken = answer({"error": {"message": "Busy."}}, 503)
    said = {"message": {"content": "Hi."}, "finish_reason": "stop"}
    gave_up = answer({**COMPLETION, "choices": [{"message": {}, "finish_reason": "error"}]})
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async with Loopback(broken, gave_up, answer({**COMPLETION, "choices": [said]})) as server:
        answered = await ask(server.url, stream=False, retries=Retries(attempts=3), sleep=sleep)
    assert answered.text == "Hi."
    assert len(waits) == 2


@pytest.mark.parametrize(
    ("pieces", "kind"),
    [
        ([piece(content="So f"), END], StreamTruncatedError),
        ([piece(content="So f"), chunk(b"data: [DONE]\n\n"), END], StreamTruncatedError),
        (
            [piece(content="So f"), event(error={"message": "Broke.", "code": 502}), END],
            ServerError,
        ),
        ([event(error={"message": "Slow.", "code": "rate_limit_exceeded"}), END], RateLimitError),
        ([piece(content="So f"), chunk(b"data: {]\n\n"), END], ProtocolError),
    ],
)
async def test_a_stream_that_breaks_off_is_no_answer(pieces: list[bytes], kind: type):
    assert type(await error_of(STREAM_HEAD + b"".join(pieces))) is kind


@pytest.mark.parametrize("choices", [[], None, [None]])
async def test_a_completion_without_a_choice_cannot_be_read(choices: object):
    body = {**COMPLETION, "choices": choices, "base_resp": {"status_msg": "no balance"}}
    error = await error_of(answer(body, x_request_id="req_7"), stream=False)
    assert type(error) is ProtocolError
    assert "no balance" in str(error)
    assert error.request_id == "req_7"


async def test_an_answer_is_over_where_the_server_neither_says_done_nor_hangs_up():
    usage = event(**CHUNK, choices=[], usage={"prompt_tokens": 3, "completion_tokens": 2})
    held = [STREAM_HEAD + piece(content="Hi.") + piece("stop") + usage, asyncio.Event()]
    async with Loopback(held) as server:
        answered = await ask(server.url)
    assert (answered.text, answered.usage.total_tokens) == ("Hi.", 5)


async def test_what_keeps_the_line_open_behind_an_answer_keeps_nobody_waiting():
    held = chain(
        [STREAM_HEAD + piece(content="Hi.") + piece("stop")], repeat(chunk(b": alive\n\n"))
    )
    async with Loopback(held) as server:
        assert (await ask(server.url)).text == "Hi."


@pytest.mark.parametrize("code", ["server_error", "rate_limit_exceeded"])
async def test_an_answer_that_failed_ends_as_an_error_with_the_work_so_far(code: str):
    model = ScriptedModel(call("add", a=1), failed(code, "It broke."))
    async with ResponsesServer(model) as server:
        with pytest.raises(ModelError, match="It broke") as caught:
            await Agent(chat(server.url), tools=[add]).run("Add.", on_event=lambda event: None)
    assert caught.value.result.status == "failed"
    assert [item.type for item in caught.value.result.items][-1] == "function_call_output"


@pytest.mark.parametrize(
    ("base", "path"),
    [
        ("/v1", "/v1/chat/completions"),
        ("/v1/", "/v1/chat/completions"),
        ("/v1/chat/completions", "/v1/chat/completions"),
        (
            "/openai/deployments/d?api-version=1",
            "/openai/deployments/d/chat/completions?api-version=1",
        ),
    ],
)
async def test_the_path_is_added_to_the_base_url(base: str, path: str):
    said = {"message": {"content": "Hi."}, "finish_reason": "stop"}
    async with Loopback(answer({**COMPLETION, "choices": [said]})) as server:
        await ask(server.url.removesuffix("/v1") + base, stream=False)
    assert server.received[0].path == path
