"""A run heard while it goes on, from a coroutine and from a plain `for`."""

import asyncio
import contextlib
import threading

import pytest

from agentkit import (
    Agent,
    ConfigurationError,
    ReasoningDelta,
    ResponsesModel,
    TextDelta,
    ToolCall,
    ToolContext,
    ToolOutput,
    ToolProgress,
    tool,
)
from agentkit.background import background
from agentkit.errors import RateLimitError
from agentkit.responses.events import Snapshot
from agentkit.responses.response import Request, Response, read_response
from agentkit.testing import ResponsesServer, ScriptedModel, call, reasoning, refusal


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def scripted(*more) -> ScriptedModel:
    first = [reasoning("Let me add."), "One moment.", call("add", a=2, b=3)]
    return ScriptedModel(first, "The sum is 5.", *more)


def shown(event) -> tuple | None:
    """What a person would see of an event; None for records."""
    match event:
        case TextDelta(text) | ReasoningDelta(text):
            return type(event).__name__, text
        case ToolCall(call_id, name, arguments):
            return "ToolCall", call_id, name, arguments
        case ToolOutput(call_id, name, output, ended):
            return "ToolOutput", call_id, name, output, ended
    return None


EXPECTED = [
    *[("ReasoningDelta", word) for word in ("Let", " me", " add.")],
    *[("TextDelta", word) for word in ("One", " moment.")],
    ("ToolCall", "call_1", "add", '{"a":2,"b":3}'),
    ("ToolOutput", "call_1", "add", "5", "ok"),
    *[("TextDelta", word) for word in ("The", " sum", " is", " 5.")],
]


async def test_a_stream_goes_through_all_turns_to_the_end_of_the_run():
    async with Agent(scripted(), tools=[add]).stream("2 + 3?") as stream:
        heard = [event async for event in stream]
    assert [shown(event) for event in heard if shown(event)] == EXPECTED
    assert (stream.result.output, stream.result.status) == ("The sum is 5.", "completed")
    assert [each for each in heard if each in stream.result.log.records]


def test_a_stream_is_heard_in_a_plain_for():
    stream = Agent(scripted(), tools=[add]).stream_sync("2 + 3?")
    assert [shown(event) for event in stream if shown(event)] == EXPECTED
    assert stream.result.output == "The sum is 5."


async def test_on_event_hears_the_same():
    alone, beside = [], []
    await Agent(scripted(), tools=[add]).run("2 + 3?", on_event=alone.append)
    async with Agent(scripted(), tools=[add]).stream("2 + 3?", on_event=beside.append) as stream:
        streamed = [event async for event in stream]
    assert [shown(event) for event in alone if shown(event)] == EXPECTED
    assert streamed == beside


async def test_a_listener_hears_every_record_as_it_is_appended():
    heard = []
    result = await Agent(scripted(), tools=[add]).run("2 + 3?", on_event=heard.append)
    assert [each for each in heard if hasattr(each, "kind")] == result.log.records


async def test_a_stream_over_http_says_the_same():
    async with ResponsesServer(scripted()) as server:
        agent = Agent("m", base_url=server.url, tools=[add], environment={})
        async with agent.stream("2 + 3?") as stream:
            heard = [event async for event in stream]
    assert [shown(event) for event in heard if shown(event)] == EXPECTED


async def test_progress_of_async_and_sync_tools_comes_before_their_output():
    @tool
    async def count(context: ToolContext) -> str:
        context.progress(1)
        return "counted"

    @tool
    def steps():
        yield 2
        yield 3

    heard = []
    model = ScriptedModel([call("count"), call("steps")], "done")
    await Agent(model, tools=[count, steps]).run("go", on_event=heard.append)
    for call_id, values in (("call_1", [1]), ("call_2", [2, 3])):
        own = [each for each in heard if getattr(each, "call_id", None) == call_id]
        own = [each for each in own if not hasattr(each, "kind")]
        assert own[1:-1] == [ToolProgress(call_id, value) for value in values]
        assert (type(own[0]), type(own[-1])) == (ToolCall, ToolOutput)


async def test_the_stream_is_live():
    release = asyncio.Event()

    @tool
    async def wait() -> str:
        await release.wait()
        return "waited"

    async with Agent(ScriptedModel([call("wait")], "done"), tools=[wait]).stream("go") as stream:
        async for event in stream:
            if isinstance(event, ToolCall):
                release.set()
    assert stream.result.output == "done"


async def test_leaving_early_cancels_the_run():
    cancelled = []

    @tool
    async def hang(context: ToolContext) -> None:
        context.progress("begun")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    agent = Agent(ScriptedModel([call("hang")]), tools=[hang])
    async with agent.stream("go") as stream:
        async for event in stream:
            if isinstance(event, ToolProgress):
                break
        with pytest.raises(ConfigurationError, match="has not ended yet"):
            stream.result
    assert (stream.result.status, cancelled) == ("cancelled", [True])
    assert [record.kind for record in stream.result.log] == ["setup", "input", "answer", "started"]


async def test_leaving_at_once_still_gives_a_result():
    async def never(request: Request) -> str:
        await asyncio.Event().wait()
        return ""

    async with Agent(ScriptedModel(never)).stream("go") as stream:
        pass
    assert stream.result.status == "cancelled"


def test_breaking_out_of_a_plain_for_cancels_the_run():
    cancelled = threading.Event()

    @tool
    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    stream = Agent(ScriptedModel([call("hang")]), tools=[hang]).stream_sync("go")
    for event in stream:
        if isinstance(event, ToolCall):
            break
    assert cancelled.is_set()
    assert stream.result.status == "cancelled"


def test_a_plain_stream_works_as_a_block_too():
    with Agent(ScriptedModel("hello")).stream_sync("go") as stream:
        text = "".join(event.text for event in stream if isinstance(event, TextDelta))
    assert (text, stream.result.output, list(stream)) == ("hello", "hello", [])


async def test_errors_are_raised_where_the_events_are_read():
    model = ScriptedModel([call("add", a=1, b=1)], RateLimitError("slow down"))
    heard = []
    async with Agent(model, tools=[add]).stream("go") as stream:
        with pytest.raises(RateLimitError):
            async for event in stream:
                heard.append(event)
    assert any(isinstance(event, ToolOutput) for event in heard)
    assert (stream.result.status, stream.result.turns) == ("failed", 1)


def test_errors_are_raised_in_a_plain_for():
    stream = Agent(ScriptedModel(RateLimitError("slow down"))).stream_sync("go")
    with pytest.raises(RateLimitError):
        list(stream)
    assert stream.result.status == "failed"


async def test_a_stream_has_to_be_entered():
    with pytest.raises(ConfigurationError, match="async with"):
        async for _ in Agent(ScriptedModel("hi")).stream("go"):
            pass


async def test_a_mistake_in_the_arguments_is_raised_in_the_stream():
    async with Agent(ScriptedModel()).stream([]) as stream:
        with pytest.raises(ConfigurationError, match="the list is empty"):
            async for _ in stream:
                pass


async def test_a_failing_listener_changes_nothing(caplog):
    def fail(event: object) -> None:
        raise RuntimeError("not today")

    quiet = await Agent(scripted(), tools=[add]).run("go")
    loud = await Agent(scripted(), tools=[add]).run("go", on_event=fail)
    assert (loud.output, loud.status) == ("The sum is 5.", "completed")
    kinds = [record.kind for record in loud.log]
    assert kinds == [record.kind for record in quiet.log]
    assert "A listener failed on" in caplog.text


class AtOnce:
    """A model that gives its whole answer at once."""

    async def stream(self, request: Request):
        content = [{"type": "output_text", "text": "All of it."}]
        output = [{"type": "message", "role": "assistant", "content": content}]
        yield Snapshot("response.completed", {"status": "completed", "output": output})


async def test_an_answer_without_deltas_is_heard_as_one():
    heard = []
    await Agent(AtOnce()).run("go", on_event=heard.append)
    assert [each.text for each in heard if isinstance(each, TextDelta)] == ["All of it."]


async def test_an_answer_of_a_middleware_is_heard_too():
    async def canned(request, proceed) -> Response:
        wire = (await anext(AtOnce().stream(request))).response
        return read_response(wire)

    heard = []
    await Agent(ScriptedModel(), middleware=[canned]).run("go", on_event=heard.append)
    assert [each.text for each in heard if isinstance(each, TextDelta)] == ["All of it."]


async def test_a_refusal_is_heard_as_text():
    heard = []
    await Agent(ScriptedModel(refusal("I must not."))).run("go", on_event=heard.append)
    assert "".join(each.text for each in heard if isinstance(each, TextDelta)) == "I must not."


async def test_only_a_run_that_is_heard_asks_for_a_stream():
    model = ScriptedModel("one", "two")
    await Agent(model).run("go")
    await Agent(model).run("go", on_event=print)
    assert [request.stream for request in model.requests] == [False, True]


def test_leaving_does_not_wait_for_ever_for_a_tool_that_does_not_stop(monkeypatch):
    monkeypatch.setattr("agentkit.stream.STOP", 0.02)
    begun, released = threading.Event(), asyncio.Event()

    @tool
    async def stubborn() -> None:
        begun.set()
        while not released.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await released.wait()

    agent = Agent(ScriptedModel([call("stubborn")]), tools=[stubborn])
    with agent.stream_sync("go") as stream:
        assert begun.wait(20)
    with pytest.raises(ConfigurationError, match="not ended yet"):
        _ = stream.result
    background().loop.call_soon_threadsafe(released.set)


class Told(ResponsesModel):
    """Says that it was asked."""

    def stream(self, request):
        told.append(request.stream)
        return super().stream(request)


told: list[bool] = []


async def test_a_model_that_streams_in_its_own_way_is_asked_that_way():
    told.clear()
    async with ResponsesServer(ScriptedModel("hi", "hi")) as server:
        model = Told("m", server.url)
        assert (await Agent(model).run("?")).output == "hi"
        assert (await Agent(model).run("?", on_event=lambda _: None)).output == "hi"
    assert told == [False, True]
