"""The tool that asks a person: the run waits, and the answer is the call's result."""

from __future__ import annotations

from agentkit import Agent, Answer, Approve, Reject
from agentkit.testing import ScriptedModel, call
from agentkit_tools import ask_user

QUESTION = call("ask_user", "c1", question="What colour?")


async def test_the_run_waits_and_an_answer_is_what_the_model_reads():
    model = ScriptedModel(QUESTION, "Blue it is.")
    agent = Agent(model, tools=[ask_user])
    waiting = await agent.run("Paint the door.")
    assert waiting.status == "waiting"
    assert waiting.pending[0].arguments["question"] == "What colour?"
    result = await agent.resume(waiting, [Answer("c1", "blue")])
    assert (result.status, result.output) == ("completed", "Blue it is.")
    assert model.requests[1].outputs == ["blue"]


async def test_other_calls_of_the_same_answer_run_meanwhile():
    model = ScriptedModel([QUESTION, call("look", "c2")], "done")
    agent = Agent(model, tools=[ask_user, look])
    waiting = await agent.run("?")
    assert [each.call_id for each in waiting.pending] == ["c1"]
    await agent.resume(waiting, [Answer("c1", "blue")])
    assert model.requests[1].outputs == ["blue", "seen"]


def look() -> str:
    """Look."""
    return "seen"


async def test_let_pass_without_an_answer_the_model_is_told_to_go_on():
    model = ScriptedModel(QUESTION, "done")
    agent = Agent(model, tools=[ask_user])
    await agent.resume(await agent.run("?"), [Approve("c1")])
    assert model.requests[1].outputs == [
        "Nobody answered. Go on with what is most sensible, and say in your answer what you "
        "assumed."
    ]


async def test_a_rule_can_have_runs_go_on_that_nobody_watches():
    model = ScriptedModel(QUESTION, "done")
    agent = Agent(model, tools=[ask_user], approve=lambda name, _: name == "ask_user")
    assert (await agent.run("?")).status == "completed"
    assert model.requests[1].outputs[0].startswith("Nobody answered.")


async def test_a_person_may_refuse_to_answer():
    model = ScriptedModel(QUESTION, "done")
    agent = Agent(model, tools=[ask_user])
    await agent.resume(await agent.run("?"), [Reject("c1", "Decide yourself.")])
    assert "Decide yourself." in model.requests[1].outputs[0]


async def test_a_question_that_nobody_could_read_is_not_put():
    for question in ("", "x" * 4001):
        model = ScriptedModel(call("ask_user", question=question), "done")
        result = await Agent(model, tools=[ask_user]).run("?")
        assert result.status == "completed"
        assert "ask_user was not run: its arguments are not valid." in model.requests[1].outputs[0]
