"""Calls that wait for a person's word, and what each word does."""

import json

import pytest

from agentkit import Agent, Answer, Approve, ConfigurationError, Conflict, Edit, Reject, tool
from agentkit.errors import AgentkitError
from agentkit.log import Log
from agentkit.records import Decision
from agentkit.rules import Rule, Rules, Ruling
from agentkit.testing import ScriptedModel, call

RUNS: list[object] = []


@tool(approval=True)
async def pay(amount: int) -> str:
    """Pay."""
    RUNS.append(amount)
    return f"paid {amount}"


@tool
async def look(what: str) -> str:
    """Look something up."""
    RUNS.append(what)
    return f"seen {what}"


@pytest.fixture(autouse=True)
def no_runs_yet():
    RUNS.clear()


def payer(*script, **options) -> tuple[ScriptedModel, Agent]:
    model = ScriptedModel(*(script or ([call("pay", amount=5)], "done")))
    return model, Agent(model, tools=[pay, look], **options)


async def test_a_call_waits_while_its_siblings_run():
    model, agent = payer([call("pay", amount=5), call("look", what="x")], "done")
    result = await agent.run("go")
    assert (result.status, result.output, RUNS) == ("waiting", None, ["x"])
    (pending,) = result.pending
    assert (pending.call_id, pending.name) == ("call_1", "pay")
    assert (pending.arguments, pending.reason) == ({"amount": 5}, "needs approval")
    assert len(model.requests) == 1


async def test_an_approved_call_runs_once_and_the_run_goes_on():
    model, agent = payer([call("pay", amount=5), call("look", what="x")], "done")
    waiting = await agent.run("go")
    result = await agent.resume(waiting, [Approve("call_1")])
    assert (result.status, result.output, RUNS) == ("completed", "done", ["x", 5])
    assert model.requests[1].outputs == ["paid 5", "seen x"], "in call order, whatever came first"
    assert result.pending == []


async def test_a_saved_run_goes_on_from_its_json():
    model, agent = payer()
    waiting = await agent.run("go", session="s")
    saved = json.loads(json.dumps(waiting.log.dump()))
    result = await agent.resume(Log.load(saved), [Approve("call_1")])
    assert (result.output, RUNS, result.session) == ("done", [5], "s")


async def test_a_rejected_call_never_runs_and_the_model_reads_why():
    model, agent = payer()
    result = await agent.resume(await agent.run("go"), [Reject("call_1", "Too much.")])
    assert (result.output, RUNS) == ("done", [])
    assert model.requests[1].outputs == ["pay was not run: the call was rejected. Too much."]
    assert [record.ended for record in result.log if record.kind == "output"] == ["rejected"]


async def test_edited_arguments_are_used_in_place_of_the_models_and_it_is_told():
    model, agent = payer()
    result = await agent.resume(await agent.run("go"), [Edit("call_1", {"amount": 3})])
    assert (result.output, RUNS) == ("done", [3])
    told = '[A person changed the arguments of this call to {"amount":3}]'
    assert model.requests[1].outputs == [f"paid 3\n\n{told}"]


async def test_edited_arguments_that_do_not_fit_are_the_callers_mistake():
    _, agent = payer()
    waiting = await agent.run("go")
    with pytest.raises(ConfigurationError, match="edit of 'call_1' does not fit: amount: expected"):
        await agent.resume(waiting, [Edit("call_1", {"amount": "much"})])
    result = await agent.resume(waiting, [Edit("call_1", {"amount": 4})])
    assert (result.output, RUNS) == ("done", [4])


async def test_a_result_given_by_hand_stands_in_for_the_call():
    model, agent = payer()
    result = await agent.resume(await agent.run("go"), [Answer("call_1", {"paid": True})])
    assert (result.output, RUNS) == ("done", [])
    assert model.requests[1].outputs == ['{"paid":true}']


async def test_without_a_decision_it_goes_on_waiting():
    _, agent = payer()
    waiting = await agent.resume(await agent.run("go"))
    assert (waiting.status, RUNS) == ("waiting", [])
    result = await agent.resume(waiting, [Approve("call_1")])
    assert (result.output, RUNS) == ("done", [5])


async def test_one_decision_at_a_time():
    model, agent = payer([call("pay", amount=1), call("pay", amount=2)], "done")
    both = await agent.run("go")
    one = await agent.resume(both, [Approve("call_2")])
    assert (one.status, RUNS) == ("waiting", [2])
    assert [each.call_id for each in one.pending] == ["call_1"]
    await agent.resume(one, [Reject("call_1")])
    assert RUNS == [2]
    assert model.requests[1].outputs == ["pay was not run: the call was rejected.", "paid 2"]


async def test_a_second_decision_about_the_same_call_is_an_error():
    _, agent = payer()
    waiting = await agent.run("go")
    with pytest.raises(ConfigurationError, match="'call_1' is decided on twice"):
        await agent.resume(waiting, [Approve("call_1"), Reject("call_1")])
    done = await agent.resume(waiting, [Approve("call_1")])
    with pytest.raises(ConfigurationError, match="No call 'call_1' waits.*none"):
        await agent.resume(done, [Approve("call_1")])
    with pytest.raises(Conflict, match="resumed from here before"):
        await agent.resume(waiting, [Approve("call_1")])
    assert RUNS == [5]


@pytest.mark.parametrize("decision", ["call_1", None, Approve(["call_1"]), Edit("call_1", [1])])
async def test_a_decision_that_is_none_is_an_error_and_nothing_runs(decision):
    _, agent = payer()
    waiting = await agent.run("go")
    with pytest.raises(ConfigurationError, match="decisions: expected|No call|Edit: expected"):
        await agent.resume(waiting, [decision])
    assert RUNS == []


async def test_speaking_on_closes_what_waits():
    model, agent = payer([call("pay", amount=5)], "Very well.")
    result = await agent.run("Forget it.", session=await agent.run("go"))
    assert (result.output, RUNS) == ("Very well.", [])
    assert model.requests[1].outputs == ["pay was not run: the user went on."]
    assert [record.ended for record in result.log if record.kind == "output"] == ["skipped"]


async def test_approval_may_depend_on_the_arguments():
    paid = []

    @tool(approval=lambda values: values["amount"] > 10)
    async def pay(amount: int) -> None:
        paid.append(amount)

    model = ScriptedModel([call("pay", amount=5), call("pay", amount=50)])
    result = await Agent(model, tools=[pay]).run("go")
    assert paid == [5]
    assert [each.arguments for each in result.pending] == [{"amount": 50}]


async def test_an_approval_that_fails_to_say_leaves_it_to_a_person():
    @tool(approval=lambda values: values["nothing"])
    async def pay(amount: int) -> None: ...

    result = await Agent(ScriptedModel([call("pay", amount=5)]), tools=[pay]).run("go")
    assert result.status == "waiting"


@pytest.mark.parametrize(
    ("said", "status", "runs"),
    [
        ("allow", "completed", [5]),
        (True, "completed", [5]),
        ("ask", "waiting", []),
        (False, "waiting", []),
        ("perhaps", "waiting", []),
        ("reject", "completed", []),
    ],
)
async def test_the_agents_rule_goes_before_the_tools_own(said, status, runs):
    asked = []

    def rule(name, values):
        asked.append((name, values))
        return said

    model, agent = payer(approve=rule)
    result = await agent.run("go")
    assert (result.status, RUNS) == (status, runs)
    assert asked == [("pay", {"amount": 5})]
    if said == "reject":
        assert "was rejected" in model.requests[1].outputs[0]


async def test_nobody_is_asked_about_a_call_that_cannot_run():
    model, agent = payer([call("pay", amount="much"), call("pai", amount=1)], "done")
    result = await agent.run("go")
    assert result.status == "completed"
    assert model.requests[1].outputs[0].startswith("pay was not run: its arguments are not valid.")
    assert "Did you mean 'pay'?" in model.requests[1].outputs[1]


async def test_a_decision_is_bound_to_the_arguments_it_was_shown():
    _, agent = payer()
    log = (await agent.run("go")).log
    with pytest.raises(AgentkitError, match="about other arguments"):
        log.append(Decision("call_1", "approve", "0" * 32))


MCP_REQUEST = {
    "type": "mcp_approval_request",
    "id": "mcpr_1",
    "name": "delete",
    "server_label": "files",
    "arguments": '{"path": "/"}',
}


@pytest.mark.parametrize(
    ("decision", "answer"),
    [
        (Approve("mcpr_1"), {"approve": True}),
        (Reject("mcpr_1"), {"approve": False}),
        (Reject("mcpr_1", "no"), {"approve": False, "reason": "no"}),
    ],
)
async def test_a_servers_own_tool_waits_and_is_answered(decision, answer):
    model = ScriptedModel([MCP_REQUEST, call("look", what="x")], "done")
    hosted = {"type": "mcp", "server_label": "files", "server_url": "https://files.example"}
    agent = Agent(model, tools=[look, hosted])
    waiting = await agent.run("go")
    (pending,) = waiting.pending
    assert (waiting.status, pending.name, pending.arguments) == ("waiting", "delete", {"path": "/"})
    result = await agent.resume(waiting, [decision])
    assert result.output == "done"
    sent = [item.wire for item in model.requests[1].input]
    assert MCP_REQUEST.items() <= sent[1].items(), "with its id, which the answer names"
    assert sent[3] == {
        "type": "mcp_approval_response",
        "approval_request_id": "mcpr_1",
        **answer,
    }


async def test_a_servers_own_tool_takes_a_yes_or_a_no():
    agent = Agent(ScriptedModel([MCP_REQUEST]))
    waiting = await agent.run("go")
    for decision in (Edit("mcpr_1", {}), Answer("mcpr_1", "x")):
        with pytest.raises(ConfigurationError, match="Approve or Reject"):
            await agent.resume(waiting, [decision])


async def test_speaking_on_declines_what_a_server_asked():
    model = ScriptedModel([MCP_REQUEST], "Very well.")
    agent = Agent(model)
    await agent.run("Forget it.", session=await agent.run("go"))
    declined = {
        "type": "mcp_approval_response",
        "approval_request_id": "mcpr_1",
        "approve": False,
    }
    assert declined in [item.wire for item in model.requests[1].input]


@pytest.mark.parametrize(
    ("said", "status", "read"),
    [
        (Ruling("allow"), "completed", "paid 5"),
        (Ruling("ask", "Too much."), "waiting", ""),
        (Ruling("reject", "Too much."), "completed", "the call was rejected. Too much."),
        (Ruling("reject", 7), "completed", "the call was rejected. 7"),
        (Ruling("default"), "waiting", ""),
        (Ruling("perhaps"), "waiting", ""),
        ("default", "waiting", ""),
        (None, "waiting", ""),
    ],
)
async def test_a_function_may_give_a_reason_or_leave_it_to_the_tool(said, status, read):
    model, agent = payer(approve=lambda name, values: said)
    result = await agent.run("go")
    assert result.status == status
    if status == "completed":
        assert model.requests[1].outputs[0].endswith(read)


async def test_a_rule_without_an_opinion_lets_a_harmless_tool_run():
    _, agent = payer([call("look", what="x")], "done", approve=lambda name, values: "default")
    result = await agent.run("go")
    assert (result.status, RUNS) == ("completed", ["x"])


async def test_a_function_is_not_asked_about_a_servers_own_tool():
    asked = []
    agent = Agent(ScriptedModel([MCP_REQUEST]), approve=lambda name, values: asked.append(name))
    result = await agent.run("go")
    assert (result.status, asked) == ("waiting", [])


async def test_rules_and_people_share_the_calls_of_one_answer():
    rules = Rules(Rule("reject", "pay", {"amount": "9"}), Rule("allow", "files.delete"))
    calls = [call("pay", amount=9), MCP_REQUEST, call("pay", amount=1), call("look", what="x")]
    model, agent = payer(calls, "done", approve=rules)
    waiting = await agent.run("go")
    assert [each.arguments for each in waiting.pending] == [{"amount": 1}]
    assert (await agent.resume(waiting, [Approve("call_2")])).output == "done"
    assert sorted(map(str, RUNS)) == ["1", "x"]
    kinds = [item.type for item in model.requests[1].input[-4:]]
    output = "function_call_output"
    assert kinds == [output, "mcp_approval_response", output, output], "in call order"


async def test_two_requests_of_a_server_under_one_id_break_nothing():
    asked = [{**MCP_REQUEST, "arguments": '{"path": "/a"}'}, MCP_REQUEST]
    for decision in ("allow", "reject"):
        model = ScriptedModel([asked[0], asked[1]], "done")
        rules = Rules(Rule(decision, "files.delete", {"path": "/a"}))
        assert (await Agent(model, approve=rules).run("go")).status == "waiting"
