"""Middleware around the two effects: it may answer, change what passes, or only look."""

from dataclasses import replace

import pytest

from agentkit import Agent, ConfigurationError, ToolOutput, around_calls, tool
from agentkit.responses.items import user_message
from agentkit.testing import ScriptedModel, call


@tool
async def double(number: int) -> int:
    """Twice the number."""
    return 2 * number


def doubler(*middleware, script=None) -> tuple[ScriptedModel, Agent]:
    model = ScriptedModel(*(script or ([call("double", number=2)], "done")))
    return model, Agent(model, tools=[double], middleware=middleware)


async def test_a_middleware_may_answer_without_the_model():
    kept = {}

    async def cached(request, proceed):
        key = request.body()
        if key not in kept:
            kept[key] = await proceed(request)
        return kept[key]

    model, agent = doubler(cached)
    first, second = await agent.run("go"), await agent.run("go")
    assert (first.output, second.output) == ("done", "done")
    assert len(model.requests) == 2
    assert [type(record) for record in first.log] == [type(record) for record in second.log]


async def test_a_middleware_may_change_the_request():
    async def politely(request, proceed):
        return await proceed(replace(request, input=(*request.input, user_message("please"))))

    model, agent = doubler(politely, script=["done"])
    result = await agent.run("go")
    assert [item.text for item in model.requests[0].input] == ["go", "please"]
    assert [item.text for item in result.items] == ["go", "done"], "the log keeps what was said"


async def test_a_middleware_may_ask_twice():
    async def twice(request, proceed):
        await proceed(request)
        return await proceed(request)

    model, agent = doubler(twice, script=["first", "second"])
    result = await agent.run("go")
    assert (result.output, result.turns, len(model.requests)) == ("second", 1, 2)


async def test_around_calls_may_change_arguments_which_are_validated_again():
    @around_calls
    async def changed(request, proceed):
        return await proceed(replace(request, arguments='{"number": 10}'))

    model, agent = doubler(changed)
    await agent.run("go")
    assert model.requests[1].outputs == ["20"]

    @around_calls
    async def broken(request, proceed):
        return await proceed(replace(request, arguments='{"number": "ten"}'))

    model, agent = doubler(broken)
    await agent.run("go")
    assert "expected an integer" in model.requests[1].outputs[0]


async def test_around_calls_may_change_the_result():
    @around_calls
    async def redacted(request, proceed):
        return f"{request.name}({request.call_id}) gave {await proceed(request)}"

    model, agent = doubler(redacted)
    await agent.run("go")
    assert model.requests[1].outputs == ["double(call_1) gave 4"]


async def test_around_calls_may_keep_a_call_from_running():
    @around_calls
    async def refuse(request, proceed):
        raise PermissionError("not today")

    heard = []
    model, agent = doubler(refuse)
    await agent.run("go", on_event=heard.append)
    assert model.requests[1].outputs == ["double failed: PermissionError: not today"]
    assert [each.ended for each in heard if isinstance(each, ToolOutput)] == ["error"]


async def test_the_first_middleware_is_the_outermost():
    order = []

    def named(name):
        async def note(request, proceed):
            order.append(f"{name} in")
            answer = await proceed(request)
            order.append(f"{name} out")
            return answer

        return note

    ask = [named("a"), named("b")]
    calls = [around_calls(named("c")), around_calls(named("d"))]
    _, agent = doubler(ask[0], calls[0], ask[1], calls[1])
    await agent.run("go")
    asked, called = ["a in", "b in", "b out", "a out"], ["c in", "d in", "d out", "c out"]
    assert order == [*asked, *called, *asked]


class Sealed(Exception):
    """Has no place for the run so far."""

    result = property(lambda self: "its own")


async def test_an_error_that_cannot_carry_the_run_is_raised_all_the_same():
    async def guard(request, proceed):
        raise Sealed("not today")

    _, agent = doubler(guard)
    with pytest.raises(Sealed, match="not today"):
        await agent.run("go")


async def test_an_error_of_a_middleware_ends_the_run_with_what_there_is():
    async def guard(request, proceed):
        if request.outputs:
            raise PermissionError("no outputs may leave")
        return await proceed(request)

    model, agent = doubler(guard)
    with pytest.raises(PermissionError) as caught:
        await agent.run("go")
    broken = caught.value.result
    assert (broken.status, broken.turns, len(model.requests)) == ("failed", 1, 1)
    result = await agent.replace(middleware=()).resume(broken)
    assert result.output == "done"


async def test_a_request_that_middleware_has_taken_apart_is_not_sent():
    async def forgetful(request, proceed):
        return await proceed(replace(request, input=request.input[-1:]))

    model, agent = doubler(forgetful)
    with pytest.raises(ConfigurationError, match="middleware: the output for 'call_1'"):
        await agent.run("go")
    assert len(model.requests) == 1
