"""A run's calls: together, in time, again where that is harmless, and never where they may not."""

import asyncio
import threading

import pytest

from agentkit import Agent, Approve, ConfigurationError, Retry, ToolContext, ToolOutput, tool
from agentkit.testing import ScriptedModel, call, commentary, failed, incomplete, reasoning


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def truncated(name: str, arguments: str) -> dict:
    return {
        "type": "function_call",
        "name": name,
        "arguments": arguments,
        "status": "incomplete",
        "call_id": "c1",
    }


async def test_a_run_asks_runs_the_calls_and_asks_again():
    model = ScriptedModel([call("add", a=2, b=3)], "The sum is 5.")
    result = await Agent(model, tools=[add]).run("2 + 3?")
    assert (result.output, result.status, result.turns) == ("The sum is 5.", "completed", 2)
    assert [item.type for item in result.items] == [
        "message",
        "function_call",
        "function_call_output",
        "message",
    ]
    assert model.requests[1].outputs == ["5"]


async def test_the_calls_of_an_answer_run_together_and_go_back_in_call_order():
    started, ended = [], []
    gates = {name: asyncio.Event() for name in "abc"}
    ends = {name: asyncio.Event() for name in "abc"}
    all_started = asyncio.Event()

    @tool
    async def wait(name: str) -> str:
        started.append(name)
        if len(started) == 3:
            all_started.set()
        await gates[name].wait()
        ended.append(name)
        ends[name].set()
        return name

    async def open_backwards() -> None:
        await all_started.wait()
        for name in "cba":
            gates[name].set()
            await ends[name].wait()

    model = ScriptedModel([call("wait", name=name) for name in "abc"], "done")
    async with asyncio.TaskGroup() as group:
        group.create_task(open_backwards())
        run = group.create_task(Agent(model, tools=[wait]).run("go"))
    assert ended == ["c", "b", "a"]
    assert model.requests[1].outputs == ["a", "b", "c"]
    assert run.result().status == "completed"


async def test_sync_tools_run_in_threads_at_the_same_time():
    barrier = threading.Barrier(2, timeout=20)

    @tool
    def meet() -> str:
        barrier.wait()
        return str(threading.get_ident())

    model = ScriptedModel([call("meet"), call("meet")], "done")
    await Agent(model, tools=[meet]).run("go")
    one, other = model.requests[1].outputs
    assert one != other


async def test_a_failing_tool_does_not_stop_its_siblings():
    @tool
    async def boom() -> None:
        raise ValueError("no")

    model = ScriptedModel([call("boom"), call("add", a=2, b=3)], "done")
    result = await Agent(model, tools=[boom, add]).run("?")
    assert result.output == "done"
    assert model.requests[1].outputs == ["boom failed: ValueError: no", "5"]


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even this")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (SystemExit(3), "fail failed: SystemExit: 3"),
        (asyncio.CancelledError(), "fail failed: CancelledError"),
        (Unprintable(), "fail failed: Unprintable: (its message cannot be read)"),
        (KeyError("k"), "fail failed: KeyError: 'k'"),
        (TimeoutError(), "fail failed: TimeoutError"),
        (ExceptionGroup("two", [ValueError("x")]), "fail failed: ExceptionGroup: two"),
    ],
)
@pytest.mark.parametrize("is_async", [True, False])
async def test_whatever_a_tool_raises_becomes_text(error, text, is_async):
    async def fail_async() -> None:
        raise error

    def fail_sync() -> None:
        raise error

    fail = tool(fail_async if is_async else fail_sync, name="fail")
    heard = []
    model = ScriptedModel([call("fail"), call("add", a=1, b=1)], "done")
    result = await Agent(model, tools=[fail, add]).run("go", on_event=heard.append)
    first, second = model.requests[1].outputs
    assert first.startswith(text)
    assert (second, result.output) == ("2", "done")
    errors = [event.error for event in heard if isinstance(event, ToolOutput) and event.error]
    assert [type(each) for each in errors] == [type(error)]


async def test_a_timeout_of_an_async_tool_cancels_it_and_tells_the_model():
    cancelled = []

    @tool(timeout=0.01)
    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    model = ScriptedModel([call("hang"), call("add", a=1, b=1)], "done")
    result = await Agent(model, tools=[hang, add]).run("go")
    assert model.requests[1].outputs == ["hang timed out after 0.01 s.", "2"]
    assert cancelled == [True]
    assert [record.ended for record in result.log if record.kind == "output"] == ["ok", "timeout"]


async def test_a_timeout_of_a_sync_tool_goes_on_without_its_thread():
    release = threading.Event()

    @tool(timeout=0.01)
    def hang() -> None:
        release.wait()

    model = ScriptedModel([call("hang")], "done")
    try:
        await Agent(model, tools=[hang]).run("go")
    finally:
        release.set()
    assert model.requests[1].outputs == ["hang timed out after 0.01 s."]


async def test_a_failed_call_is_retried_as_often_as_the_tool_says():
    keys = []

    @tool(retries=2)
    async def flaky(context: ToolContext) -> str:
        keys.append(context.idempotency_key)
        if len(keys) < 3:
            raise OSError("busy")
        return "at last"

    model = ScriptedModel([call("flaky")], [call("flaky")], "done")
    await Agent(model, tools=[flaky]).run("go", session="s")
    assert model.requests[1].outputs == ["at last"]
    assert keys[:3] == ["s/call_1"] * 3


async def test_what_the_retries_could_not_mend_reaches_the_model_once():
    runs = []

    @tool(retries=1)
    async def broken() -> None:
        runs.append(1)
        raise OSError(f"try {len(runs)}")

    model = ScriptedModel([call("broken")], "done")
    await Agent(model, tools=[broken]).run("go")
    assert model.requests[1].outputs == ["broken failed: OSError: try 2"]


async def test_a_retry_speaks_to_the_model_and_is_not_retried():
    runs = []

    @tool(retries=5)
    async def picky(word: str) -> str:
        runs.append(word)
        raise Retry("in lower case, please")

    model = ScriptedModel([call("picky", word="A")], "done")
    await Agent(model, tools=[picky]).run("go")
    assert model.requests[1].outputs == ["in lower case, please"]
    assert runs == ["A"]


@pytest.mark.parametrize(("effect", "times"), [("once", 1), ("idempotent", 3), ("read", 3)])
async def test_a_timed_out_call_runs_again_only_where_that_is_harmless(effect, times):
    runs = []

    @tool(effect=effect, retries=2, timeout=0.01)
    async def hang() -> None:
        runs.append(1)
        await asyncio.Event().wait()

    await Agent(ScriptedModel([call("hang")], "done"), tools=[hang]).run("go")
    assert len(runs) == times


async def test_max_calls_bounds_a_tool_over_the_whole_run():
    runs = []

    @tool(max_calls=2)
    async def rare(number: int) -> int:
        runs.append(number)
        return number

    script = [call("rare", number=1)], [call("rare", number=2), call("rare", number=3)], "done"
    model = ScriptedModel(*script)
    await Agent(model, tools=[rare]).run("go")
    assert runs == [1, 2]
    refused = "rare was not run: it may be called 2 times in a run."
    assert model.requests[2].outputs == ["1", "2", refused]


async def test_max_output_keeps_head_and_tail_and_says_what_is_missing():
    @tool(max_output=10)
    async def long() -> str:
        return "a" * 50 + "z" * 50

    model = ScriptedModel([call("long")], "done")
    await Agent(model, tools=[long]).run("go")
    [said] = model.requests[1].outputs
    assert said.startswith("aaaaa… [90 of 100 characters left out: read_output(")
    assert said.endswith("] …zzzzz")


async def test_an_unknown_tool_is_answered_with_the_near_miss():
    model = ScriptedModel([call("ad", a=1, b=2)], "done")
    await Agent(model, tools=[add]).run("go")
    assert model.requests[1].outputs == [
        "There is no tool named 'ad'. Did you mean 'add'? Tools: add."
    ]


async def test_without_tools_a_call_is_answered_all_the_same():
    model = ScriptedModel([call("search", q="x")], "done")
    assert (await Agent(model).run("go")).output == "done"
    assert model.requests[1].outputs == [
        "There is no tool named 'search'. There are no tools; answer without."
    ]


async def test_a_call_with_free_text_is_answered_in_its_own_kind():
    free = {"type": "custom_tool_call", "name": "shell", "input": "ls"}
    model = ScriptedModel([free], "done")
    await Agent(model).run("go")
    sent = model.requests[1].input[-1].wire
    assert (sent["type"], sent["call_id"]) == ("custom_tool_call_output", "call_1")


@pytest.mark.parametrize(
    "arguments", ['{"a": "two", "b": 3}', '{"a": 2}', '{"a": 2, "b": 3, "c": 4}', '{"a": 2,', "[]"]
)
async def test_a_call_whose_arguments_do_not_validate_never_runs(arguments):
    runs = []

    @tool
    async def add(a: int, b: int) -> None:
        runs.append((a, b))

    item = {"type": "function_call", "name": "add", "arguments": arguments}
    model = ScriptedModel([item], "done")
    result = await Agent(model, tools=[add]).run("go")
    assert runs == []
    assert model.requests[1].outputs[0].startswith("add was not run: its arguments are not valid.")
    assert result.output == "done"


async def test_a_call_that_was_cut_off_never_runs_even_in_a_completed_response():
    runs = []

    @tool
    async def pay(amount: int = 1) -> None:
        runs.append(amount)

    model = ScriptedModel([truncated("pay", '{"amount": 10}')], "done")
    await Agent(model, tools=[pay]).run("go")
    assert runs == []
    assert model.requests[1].outputs == ["pay was not run: its arguments were cut off."]


@pytest.mark.parametrize(
    "ending",
    [
        incomplete([reasoning("hm"), "so far", call("pay", amount=1)]),
        incomplete([call("pay", amount=1)], "content_filter"),
        failed("server_error", "down"),
        {"status": "failed", "output": [truncated("pay", "{}")], "error": {"message": "no"}},
    ],
)
async def test_calls_of_a_response_that_did_not_complete_never_run(ending):
    runs = []

    @tool
    async def pay(amount: int = 1) -> None:
        runs.append(amount)

    model = ScriptedModel(ending, "well then")
    agent = Agent(model, tools=[pay])
    broken = await agent.run("go")
    assert broken.status in ("incomplete", "failed")
    again = await agent.run("again", session=broken)
    assert (runs, again.output) == ([], "well then")
    kinds = {item.type for item in model.requests[1].input}
    assert kinds == {"message"}, "no call without output, no reasoning without its neighbour"


async def test_a_forced_tool_choice_is_let_go_after_the_first_turn():
    allowed = {"type": "allowed_tools", "tools": [{"type": "function", "name": "add"}]}
    for choice, after in [
        ("required", "auto"),
        ({"type": "function", "name": "add"}, "auto"),
        ({**allowed, "mode": "required"}, {**allowed, "mode": "auto"}),
        ("none", "none"),
    ]:
        model = ScriptedModel([call("add", a=1, b=1)], "done")
        await Agent(model, tools=[add], settings={"tool_choice": choice}).run("go")
        sent = [request.wire()["tool_choice"] for request in model.requests]
        assert sent == [choice, after]


async def test_commentary_is_not_the_answer():
    model = ScriptedModel(commentary("Let me see."), [commentary("So:"), "42"])
    result = await Agent(model).run("go")
    assert (result.output, result.text, result.turns) == ("42", "42", 2)
    assert [item.wire.get("phase") for item in result.items] == [
        None,
        "commentary",
        "commentary",
        None,
    ]


async def test_resume_goes_on_after_an_incomplete_answer():
    model = ScriptedModel(incomplete("Once upon"), "a time.")
    agent = Agent(model)
    broken = await agent.run("tell")
    assert (broken.status, broken.text, broken.output) == ("incomplete", "Once upon", None)
    result = await agent.resume(broken)
    assert result.output == "a time."
    assert [item.text for item in model.requests[1].input] == ["tell", "Once upon", "Go on."]


async def test_there_has_to_be_something_to_resume():
    with pytest.raises(ConfigurationError, match="no run to go on with"):
        await Agent(ScriptedModel()).resume("unknown")
    with pytest.raises(ConfigurationError, match="No call 'c9' waits"):
        agent = Agent(ScriptedModel("hi"))
        await agent.resume(await agent.run("go"), [Approve("c9")])
