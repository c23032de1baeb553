"""Outputs that are too long for a model: head, tail, and a tool that reads on."""

from __future__ import annotations

import json

import pytest

from agentkit import Agent, BadRequestError, Image, Log, Rule, Rules, tool
from agentkit.stores.sqlite import SQLiteStore
from agentkit.testing import ResponsesServer, ScriptedModel, call

TEXT = "".join(f"line {number}\n" for number in range(2_000))


@tool(effect="read", max_output=100)
def read_log() -> str:
    """Read the log of the machine."""
    return TEXT


def names_of(request) -> list[str]:
    return [each["name"] for each in request.value_of("tools")]


async def test_a_long_output_is_cut_and_says_how_the_rest_is_read():
    model = ScriptedModel([call("read_log", "c1")], "done")
    result = await Agent(model, tools=[read_log]).run("?")
    [said] = model.requests[1].outputs
    head, tail = TEXT[:50], TEXT[-50:]
    middle = f"{len(TEXT) - 100:,} of {len(TEXT):,} characters left out"
    reads = f'read_output(call_id="c1", start=50, stop={len(TEXT) - 50}) reads on'
    assert said == f"{head}… [{middle}: {reads}] …{tail}"
    assert result.log.long_outputs["c1"].whole == TEXT


async def test_the_tool_that_reads_on_is_offered_once_an_output_was_cut():
    model = ScriptedModel([call("read_log")], "done")
    await Agent(model, tools=[read_log]).run("?")
    assert [names_of(request) for request in model.requests] == [
        ["read_log"],
        ["read_log", "read_output"],
    ]


async def test_a_model_reads_on_where_it_likes():
    model = ScriptedModel(
        [call("read_log", "c1")],
        [
            _reads("c1", 50, 90),
            _reads("c1", 0, None),
            _reads("c1", len(TEXT) - 5, None),
        ],
        "done",
    )
    await Agent(model, tools=[read_log]).run("?")
    part, whole, end = model.requests[2].outputs[1:]
    size = f"{len(TEXT):,}"
    assert part == f"{TEXT[50:90]}\n[characters 50 to 90 of {size}. Go on with start=90.]"
    assert whole == f"{TEXT}\n[characters 0 to {size} of {size}.]"
    assert end == f"{TEXT[-5:]}\n[characters {len(TEXT) - 5:,} to {size} of {size}.]"


def _reads(call_id: str, start: int, stop: int | None):
    return call("read_output", call_id=call_id, start=start, stop=stop)


@pytest.mark.parametrize(
    ("call_id", "start", "stop", "said"),
    [
        ("c2", 0, None, "No output of 'c2' was cut. Cut ones: c1."),
        ("c1", 99_999, None, f"start: the output has the characters 0 to {len(TEXT) - 1:,}"),
        ("c1", -1, None, "start: the output has"),
        ("c1", 9, 9, "stop: give one behind start (9), got 9."),
    ],
)
async def test_a_place_that_is_not_there_is_told_to_the_model(call_id, start, stop, said):
    model = ScriptedModel([call("read_log", "c1")], [_reads(call_id, start, stop)], "done")
    await Agent(model, tools=[read_log]).run("?")
    assert model.requests[2].outputs[1].startswith(said)


async def test_another_process_reads_on_from_the_store(tmp_path):
    script = ScriptedModel([call("read_log", "c1")], "It is long.")
    with ResponsesServer(script) as server:
        agent = Agent("m", base_url=server.url, tools=[read_log], store=tmp_path / "a.db")
        await agent.run("?", session="s")
        assert agent.store is not None
        await agent.store.close()
    model = ScriptedModel([_reads("c1", 50, 60)], "done")
    store = SQLiteStore(tmp_path / "a.db")
    await Agent(model, tools=[read_log], store=store).run("And the middle?", session="s")
    assert names_of(model.requests[0]) == ["read_log", "read_output"]
    assert model.requests[1].outputs[1].startswith(TEXT[50:60])
    await store.close()


async def test_a_dumped_log_has_the_whole_output():
    model = ScriptedModel([call("read_log", "c1")], "done")
    result = await Agent(model, tools=[read_log]).run("?")
    again = Log.load(json.loads(json.dumps(result.log.dump())))
    assert again.long_outputs["c1"].whole == TEXT


async def test_content_parts_are_read_on_as_one_text():
    @tool(max_output=20)
    def scan() -> list:
        """Scan pages."""
        return ["a" * 100, Image(b"\x89PNG\r\n\x1a\n"), "b" * 100]

    model = ScriptedModel([call("scan", "c1")], [_reads("c1", 90, 110)], "done")
    result = await Agent(model, tools=[scan]).run("?")
    first, _, second = model.requests[1].outputs[0]
    assert "start=5, stop=95" in first["text"]
    assert "start=106, stop=196" in second["text"]
    assert model.requests[2].outputs[1].startswith("a" * 10 + "\n" + "b" * 9)
    assert result.log.long_outputs["c1"].whole == "a" * 100 + "\n" + "b" * 100


async def test_secrets_are_hidden_in_what_is_kept():
    @tool(max_output=20)
    def leak() -> str:
        """Leak."""
        return "x" * 50 + "the-long-secret-value" + "y" * 50

    model = ScriptedModel([call("leak", "c1")], "done")
    agent = Agent(model, tools=[leak], secrets=["the-long-secret-value"])
    result = await agent.run("?")
    assert "the-long-secret-value" not in json.dumps(result.log.dump())
    assert "[secret]" in (result.log.long_outputs["c1"].whole or "")


async def test_nobody_is_asked_about_reading_on():
    model = ScriptedModel([call("read_log", "c1")], [_reads("c1", 0, 5)], "done")
    rules = Rules(Rule("allow", "read_log"), Rule("ask"))
    result = await Agent(model, tools=[read_log], approve=rules).run("?")
    assert result.status == "completed"


async def test_a_tool_of_that_name_of_the_callers_own_stays():
    @tool
    def read_output(call_id: str) -> str:
        """Mine."""
        return f"mine: {call_id}"

    model = ScriptedModel([call("read_log", "c1")], [call("read_output", call_id="c1")], "done")
    await Agent(model, tools=[read_log, read_output]).run("?")
    assert names_of(model.requests[1]) == ["read_log", "read_output"]
    assert model.requests[2].outputs[1] == "mine: c1"


async def test_before_anything_was_cut_the_tool_is_unknown_by_that_name():
    model = ScriptedModel([call("reed_output")], "done")
    await Agent(model, tools=[read_log]).run("?")
    assert model.requests[1].outputs == ["There is no tool named 'reed_output'. Tools: read_log."]


async def test_an_output_past_all_bounds_keeps_its_beginning(monkeypatch):
    monkeypatch.setattr("agentkit.perform.MOST_KEPT", 1_000)
    monkeypatch.setattr("agentkit.reading.MOST_KEPT", 1_000)
    model = ScriptedModel([call("read_log", "c1")], "done")
    result = await Agent(model, tools=[read_log]).run("?")
    assert result.log.long_outputs["c1"].whole == TEXT[:1_000]
    assert "start=50, stop=1000) reads on" in model.requests[1].outputs[0]


@pytest.mark.parametrize("wire", ["responses", "chat"])
async def test_what_a_server_does_not_take_of_tools_stays_out_beside_the_tool_that_reads_on(wire):
    place = "tools.0.strict" if wire == "responses" else "tools.0.function.strict"
    refused = BadRequestError("Extra inputs are not permitted", status=400, param=place)
    script = ScriptedModel(
        refused, [call("read_log", "c1")], [_reads("c1", 50, 90)], [_reads("c1", 90, 95)], "done"
    )
    async with ResponsesServer(script) as server:
        agent = Agent("m", base_url=server.url, environment={}, tools=[read_log], wire=wire)
        result = await agent.run("?")
    assert result.output == "done"
    assert len(server.requests) == 5
    offered = [each.get("function", each) for each in server.requests[-1]["tools"]]
    assert [each["name"] for each in offered] == ["read_log", "read_output"]
    assert not [each for each in offered if "strict" in each]


async def test_a_hosted_tool_that_a_server_does_not_have_stays_out_beside_it():
    refused = BadRequestError("Unsupported tool type: web_search", status=400)
    script = ScriptedModel(refused, [call("read_log", "c1")], "done")
    async with ResponsesServer(script) as server:
        tools = [read_log, {"type": "web_search"}]
        result = await Agent("m", base_url=server.url, environment={}, tools=tools).run("?")
    assert (result.output, len(server.requests)) == ("done", 3)
    assert [each["type"] for each in server.requests[2]["tools"]] == ["function", "function"]
