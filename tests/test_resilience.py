"""What tools, models and servers do that nobody expects, and how the run goes on."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentkit import (
    Agent,
    AgentkitError,
    ConfigurationError,
    Image,
    Limits,
    Log,
    ResponsesModel,
    Retries,
    Usage,
    tool,
)
from agentkit.testing import ScriptedModel, call, reasoning
from agentkit.testing.sequence import event_sequence


async def fails() -> None:
    raise ValueError("z")


@tool
async def grouped() -> str:
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fails())
    except* ValueError:
        pass
    return "fine"


@tool(timeout=0.01)
async def grouped_and_endless() -> None:
    await grouped()
    await asyncio.Event().wait()


@tool
async def echo(text: str) -> str:
    return text


@tool
def add(a: int = 1, b: int = 2) -> int:
    return a + b


async def test_a_task_group_that_fails_inside_a_tool_does_not_cancel_the_run():
    model = ScriptedModel([call("grouped"), call("add")], call("grouped"), "done")
    result = await Agent(model, tools=[grouped, add]).run("go")
    assert (result.status, model.requests[1].outputs) == ("completed", ["fine", "3"])


async def test_a_tool_with_a_failed_task_group_still_times_out():
    model = ScriptedModel([call("grouped_and_endless"), call("add")], "done")
    result = await Agent(model, tools=[grouped_and_endless, add]).run("go")
    assert result.status == "completed"
    assert model.requests[1].outputs == ["grouped_and_endless timed out after 0.01 s.", "3"]


@pytest.mark.parametrize("arguments", ['{"text":"\ud83d"}', '{"text":"\\ud83d"}'])
async def test_a_lone_surrogate_in_arguments_reaches_the_tool(arguments):
    made = {"type": "function_call", "call_id": "c", "name": "echo", "arguments": arguments}
    model = ScriptedModel([made], "done")
    await Agent(model, tools=[echo]).run("go")
    assert model.requests[1].outputs == ["\ud83d"]
    assert json.loads(model.requests[1].body())


async def test_an_answer_that_is_nested_too_deeply_is_sent_back_for_repair():
    result = await Agent(ScriptedModel("[" * 100_000, '{"value": 5}'), output=int).run("go")
    assert result.output == 5


async def test_a_repair_shows_the_schema_to_a_server_that_never_saw_it():
    model = ScriptedModel("five", '{"value": 5}')
    assert (await Agent(model, output=int).run("go")).output == 5
    assert '"integer"' in model.requests[1].input[-1].text


async def test_one_turn_is_one_request_also_where_the_answer_does_not_fit():
    model = ScriptedModel("nope", "5")
    result = await Agent(model, output=int, limits=Limits(turns=1)).run("go")
    assert (len(model.requests), result.status, result.output) == (1, "failed", None)


async def test_tokens_are_reckoned_by_the_last_turn_because_turns_grow():
    turns = [Usage(total_tokens=n) for n in (200, 300, 400, 500, 600)]
    answers = [
        {
            "status": "completed",
            "output": [call("add", f"call_{n}", a=n)],
            "usage": {"total_tokens": usage.total_tokens},
        }
        for n, usage in enumerate(turns)
    ]
    model = ScriptedModel(*answers[:3], "enough")
    result = await Agent(model, tools=[add], limits=Limits(tokens=1500)).run("go")
    assert (result.status, result.limit, result.output) == ("limited", "tokens", "enough")
    assert result.usage.total_tokens < 1500


async def test_a_tool_that_does_not_exist_is_not_called_for_ever():
    model = ScriptedModel(*[call("nothing")] * 5, "I give up.")
    result = await Agent(model, tools=[add]).run("go")
    assert (result.status, result.limit, result.output) == ("limited", "same_calls", "I give up.")
    assert model.requests[3].outputs[-1].endswith("made 3 times in this run.]")


async def test_a_server_that_ignores_tool_choice_is_asked_once_more_without_tools():
    model = ScriptedModel(call("add", a=1), call("add", a=2), "three")
    result = await Agent(model, tools=[add], limits=Limits(turns=2)).run("go")
    assert (result.status, result.output) == ("limited", "three")
    assert "tools" not in model.requests[2].wire()
    assert len([record for record in result.log if record.kind == "output"]) == 1


def replies(*names: str) -> list[dict[str, Any]]:
    """Whole responses of a server that counts its calls anew in each."""
    made = [
        {"id": f"resp_{n}", "status": "completed", "output": [call(name, "call_0", a=n)]}
        for n, name in enumerate(names)
    ]
    return [*made, {"id": "end", "status": "completed", "output": []}]


async def test_a_server_that_keeps_the_calls_gets_its_own_call_ids_back():
    model = ScriptedModel(*replies("add", "add"))
    await Agent(model, tools=[add], state="chained").run("go")
    assert [request.wire()["input"][-1]["call_id"] for request in model.requests[1:]] == [
        "call_0",
        "call_0",
    ]


class Named(ScriptedModel):
    def __init__(self, name: str, *script: Any) -> None:
        super().__init__(*script)
        self.name = name


async def test_reasoning_and_response_ids_stay_with_the_model_that_wrote_them():
    first = Named("a", [reasoning("hm", encrypted_content="secret"), "one"])
    result = await Agent(first, state="chained").run("go")
    for state in ("chained", "replay"):
        second = Named("b", "two")
        await Agent(second, state=state).run("on", session=result)
        sent = second.requests[0].wire()
        assert [item["type"] for item in sent["input"]] == ["message", "message", "message"]
        assert "previous_response_id" not in sent


async def test_what_a_hosted_tool_takes_to_reach_others_stays_out_of_logs_and_reprs():
    hosted = {"type": "mcp", "server_label": "x", "server_url": "https://x.example"}
    secret = {"authorization": "SECRET1", "headers": {"X-Key": "SECRET2"}}
    heard: list[Any] = []
    model = ScriptedModel("done", "again")
    agent = Agent(model, tools=[hosted | secret])
    result = await agent.run("go", on_event=heard.append)
    for text in (json.dumps(result.log.dump()), repr(result.log.records), repr(heard)):
        assert "SECRET" not in text
    assert model.requests[0].wire()["tools"] == [hosted | secret]
    await agent.run("on", session=Log.load(result.log.dump()))
    assert model.requests[1].wire()["tools"] == [hosted | secret]


async def test_the_callers_own_objects_may_change_while_the_run_goes_on():
    item = {"role": "user", "content": [{"type": "input_text", "text": "before"}]}

    async def late(_: Any) -> str:
        item["content"][0]["text"] = "after"
        return "done"

    model = ScriptedModel(late, "again")
    agent = Agent(model)
    await agent.run("more", session=await agent.run([item]))
    assert model.requests[1].wire()["input"][0]["content"][0]["text"] == "before"


async def test_an_image_inside_another_value_is_named_and_not_spelled_out():
    @tool
    def look() -> dict[str, Image]:
        return {"picture": Image(b"\x89PNG" * 1000)}

    model = ScriptedModel(call("look"), "done")
    await Agent(model, tools=[look]).run("go")
    assert "has to return it alone or in a list" in model.requests[1].outputs[0]
    assert len(model.requests[1].outputs[0]) < 200


async def test_a_setting_that_was_left_out_is_in_the_programs_log(caplog):
    def answer(request: httpx.Request) -> httpx.Response:
        if b"temperature" in request.content:
            error = {"message": "Unsupported parameter", "param": "temperature"}
            return httpx.Response(400, json={"error": error})
        return httpx.Response(200, json=DONE)

    model = served(answer)
    with caplog.at_level(logging.WARNING, "agentkit"):
        await Agent(model, settings={"temperature": 0.1}).run("go")
    assert "`temperature`" in caplog.text


@pytest.mark.parametrize(
    "options",
    [
        {"limits": {"turns": 3}},
        {"tools": len},
        {"settings": [1]},
        {"settings": {"metadata": 5}},
        {"settings": {"text": "x"}},
        {"middleware": [5]},
        {"approve": True},
        {"state": None},
        {"output": {"type": "zz"}},
    ],
    ids=str,
)
def test_an_argument_that_cannot_work_is_refused_at_once(options):
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        Agent("offline", **options)


@pytest.mark.parametrize("limits", [{"turns": "3"}, {"turns": 1.5}, {"seconds": float("nan")}])
def test_limits_are_numbers_above_zero(limits):
    with pytest.raises(ConfigurationError, match=next(iter(limits))):
        Limits(**limits)


def test_a_method_without_its_instance_is_refused_where_it_is_given():
    class Shop:
        @tool
        def price(self, name: str) -> int:
            return 1

    with pytest.raises(ConfigurationError, match=r"instance\.price"):
        Agent("offline", tools=[Shop.price])


@pytest.mark.parametrize("session", [5, [{"kind": "input"}]], ids=str)
async def test_a_session_that_is_none_is_refused(session):
    with pytest.raises(ConfigurationError, match=r"Log\.load"):
        await Agent("offline").run("go", session=session)


def test_a_key_is_forgotten_where_the_server_changes_and_kept_where_it_does_not():
    agent = Agent("qwen3:4b", base_url="http://localhost:9/v1", api_key="K")
    assert agent.replace(model="qwen3:8b").model.endpoint.secrets == ["K"]
    assert agent.replace(base_url="http://localhost:8/v1").model.endpoint.secrets == []
    assert agent.replace(model="ollama:qwen3").model.endpoint.secrets == []


DONE = {
    "id": "resp_2",
    "object": "response",
    "status": "completed",
    "output": [
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "done"}],
        }
    ],
}


def served(answer: Any) -> ResponsesModel:
    """A model whose server is a function."""

    async def no_sleep(_: float) -> None: ...

    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    once = Retries(attempts=1)
    return ResponsesModel("m", "http://x/v1", http_client=client, retries=once, sleep=no_sleep)


RESPONSE = {
    **DONE,
    "error": None,
    "incomplete_details": None,
    "output": [
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "t"}],
            "encrypted_content": "x",
        },
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "phase": "commentary",
            "content": [{"type": "output_text", "text": "hi", "annotations": []}],
        },
        {
            "type": "function_call",
            "id": "fc_1",
            "call_id": "call_1",
            "name": "add",
            "arguments": '{"a":1}',
        },
    ],
    "usage": {
        "input_tokens": 1,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 1,
        "total_tokens": 2,
        "cost": 0.1,
    },
}
FUNCTION = {
    "id": "c1",
    "type": "function",
    "index": 0,
    "function": {"name": "add", "arguments": ""},
}
COMPLETION = {
    "id": "c",
    "object": "chat.completion",
    "choices": [
        {
            "index": 0,
            "message": {"content": "hi", "reasoning": "r", "tool_calls": [FUNCTION]},
            "finish_reason": "tool_calls",
        }
    ],
    "usage": {"prompt_tokens": 1, "prompt_tokens_details": {"cached_tokens": 1}},
}
CHUNKS = [
    {
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": {"content": "h", "tool_calls": [FUNCTION]}}],
    },
    {
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2},
    },
]
FAILURE = {
    "error": {"message": "m", "type": "t", "param": "p", "code": "c", "metadata": {"raw": "x"}},
    "detail": [{"loc": ["body", "x"], "msg": "m", "type": "t"}],
}
JUNK = [None, 1, -1, 2.5, True, "", "x", "{}", [], [1], {}, {"a": 1}, [None], [{}], "9" * 30]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value within a value."""
    lists = enumerate(value) if isinstance(value, list) else ()
    inner = value.items() if isinstance(value, dict) else lists
    return [path, *(each for key, part in inner for each in places(part, (*path, key)))]


def broken(value: Any, seed: int) -> Any:
    """The value with a few of its parts missing or replaced by junk."""
    chance = random.Random(seed)
    value = json.loads(json.dumps(value))
    for _ in range(chance.choice([1, 1, 2, 3])):
        *way, last = chance.choice([path for path in places(value) if path])
        holder = value
        for step in way:
            holder = holder[step]
        if chance.random() < 0.2:
            del holder[last]
        else:
            holder[last] = json.loads(json.dumps(chance.choice(JUNK)))
    return value


def stream_of(events: list[Any]) -> bytes:
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


def answers(kind: str, seed: int) -> httpx.Response:
    """A first answer of some kind, misshapen."""
    if kind == "error":
        return httpx.Response(400 + seed % 130, json=broken(FAILURE, seed))
    if kind in ("response", "completion"):
        body = broken(RESPONSE if kind == "response" else COMPLETION, seed)
        return httpx.Response(200, json=body)
    events = list(event_sequence(RESPONSE)) if kind == "events" else CHUNKS
    headers = {"content-type": "text/event-stream"}
    return httpx.Response(200, content=stream_of(broken(events, seed)), headers=headers)


KINDS = ["response", "completion", "error", "events", "chunks"]


@settings(max_examples=500)
@given(st.sampled_from(KINDS), st.integers(0, 10**9), st.booleans())
def test_whatever_the_shape_of_an_answer_only_our_own_errors_leave_a_run(kind, seed, is_heard):
    first = [answers(kind, seed)]
    model = served(lambda _: first.pop() if first else httpx.Response(200, json=DONE))
    agent = Agent(model, tools=[add], limits=Limits(turns=4))
    listener = (lambda event: None) if is_heard else None
    try:
        result = asyncio.run(agent.run("go", on_event=listener))
    except AgentkitError as error:
        assert str(error)
        result = error.result
    assert Log.load(json.loads(json.dumps(result.log.dump()))).dump() == result.log.dump()
