"""Answers with evidence: asked for, checked, mended once, and what becomes of the rest."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from agentkit import Agent, ConfigurationError, Final, Log, OutputError, tool
from agentkit.responses.dialect import Dialect
from agentkit.testing import ResponsesServer, ScriptedModel, call, refusal
from tests.evidence.looking import answer, field, looked_up, schema_of


@dataclass
class Leader:
    """Who leads a company."""

    name: str
    since: int | None = None


SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "description": "Who."}, "since": {"type": "integer"}},
    "required": ["name", "since"],
}
TEXT = "Ada Byron has led the company since 2019."
SHOWN = answer(name=field("Ada Byron", "Ada Byron has led"), since=field(2019, "since 2019"))
HALF = answer(name=field("Ada Byron", "Ada Byron has led"), since=field(2018, "since 2018"))


async def test_an_answer_is_read_as_it_would_be_without_evidence():
    for output, value in (
        (Leader, Leader("Ada Byron", 2019)),
        (SCHEMA, {"name": "Ada Byron", "since": 2019}),
    ):
        result, model = await looked_up(TEXT, answers=[SHOWN], output=output)
        assert (result.status, result.output, len(model.requests)) == ("completed", value, 2)
        assert {name: each.status for name, each in result.evidence.items()} == {
            "name": "verified",
            "since": "verified",
        }


async def test_evidence_names_the_call_its_tool_and_the_quote():
    result, _ = await looked_up(TEXT, answers=[SHOWN], output=Leader)
    since = result.evidence["since"]
    assert (since.call_id, since.tool, since.quote, since.reason) == (
        "call_1",
        "look",
        "since 2019",
        "",
    )
    assert since.source == "look(call_1): “since 2019”"


async def test_each_field_is_asked_for_with_a_call_and_a_quote_in_the_strict_subset():
    _, model = await looked_up(TEXT, answers=[SHOWN], output=SCHEMA)
    form = model.requests[0].wire()["text"]["format"]
    schema = form["schema"]
    assert form["strict"] is True
    assert schema["required"] == ["name", "since"]
    name = schema["properties"]["name"]
    assert list(name["properties"]) == name["required"] == ["call_id", "quote", "value"]
    assert (name["description"], name["additionalProperties"]) == ("Who.", False)
    assert name["properties"]["value"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}
    assert name["properties"]["quote"] == {"$ref": "#/$defs/quote"}
    assert "copied literally" in schema["$defs"]["quote"]["description"]
    assert "Where no output shows it, give null for all three." in schema["description"]


async def test_without_evidence_there_is_none():
    said = '{"name": "Ada Byron", "since": 2019}'
    result, _ = await looked_up(TEXT, answers=[said], output=Leader, evidence=False)
    assert (result.output, result.evidence) == (Leader("Ada Byron", 2019), {})


async def test_what_nothing_shows_is_mended_in_one_turn_that_says_what_is_wrong():
    result, model = await looked_up(TEXT, answers=[HALF, SHOWN], output=Leader)
    assert (result.output, result.turns) == (Leader("Ada Byron", 2019), 3)
    assert result.evidence["since"].status == "verified"
    told = model.requests[2].input[-1].text
    assert told.startswith("The outputs of the tools do not show these values:\n- since: ")
    assert "the quote 'since 2018' does not stand in what call_1 = look({\"at\":0}) gave" in told
    assert 'The calls that can be quoted: call_1 = look({"at":0})' in told
    assert "- name" not in told


async def test_what_nothing_shows_the_second_time_either_stays_marked():
    result, model = await looked_up(TEXT, answers=[HALF, HALF], output=Leader)
    assert (result.status, result.output, len(model.requests)) == (
        "completed",
        Leader("Ada Byron", 2018),
        3,
    )
    assert result.evidence["since"].status == "unverified"
    assert "does not stand" in result.evidence["since"].reason
    assert result.evidence["name"].status == "verified"


async def test_a_misfit_and_a_value_that_nothing_shows_are_one_repair():
    both = answer(name=field("Ada Byron", "Ada led"), since=field("late", "since 2019"))
    result, model = await looked_up(TEXT, answers=[both, SHOWN], output=Leader)
    assert (result.output, len(model.requests)) == (Leader("Ada Byron", 2019), 3)
    told = model.requests[2].input[-1].text
    assert "- since: expected an integer, got 'late'" in told
    assert "- name: the quote 'Ada led' does not stand in" in told
    assert told.count("Give the whole answer again") == 1


async def test_a_repair_may_look_again():
    @tool(effect="read")
    async def look(at: int) -> str:
        return TEXT if at else "Nothing here."

    found = answer(
        name=field("Ada Byron", "Ada Byron", "call_2"), since=field(2019, "since 2019", "call_2")
    )
    model = ScriptedModel(call("look", at=0), SHOWN, call("look", at=1), found)
    result = await Agent(model, tools=[look], output=Leader, evidence=True).run("?")
    assert [each.call_id for each in result.evidence.values()] == ["call_2", "call_2"]
    assert {each.status for each in result.evidence.values()} == {"verified"}


async def test_a_value_that_was_not_found_is_null_in_a_dict_and_what_its_type_makes_of_it():
    none = answer(name=field("Ada Byron", "Ada Byron has led"), since=field(None, None, None))
    for output, value in (
        (SCHEMA, {"name": "Ada Byron", "since": None}),
        (Leader, Leader("Ada Byron", None)),
    ):
        result, model = await looked_up(TEXT, answers=[none], output=output)
        assert (result.status, result.output, len(model.requests)) == ("completed", value, 2)
        since = result.evidence["since"]
        assert (since.status, since.source, since.reason) == ("not_found", "", "")


async def test_a_type_that_cannot_be_null_does_not_fit_a_value_that_was_not_found():
    none = answer(name=field(None), since=field(2019, "since 2019"))
    result, model = await looked_up(TEXT, answers=[none, none], output=Leader)
    assert (result.status, result.output) == ("failed", None)
    assert "name: expected a string" in str(result.error)
    assert result.evidence["name"].status == "not_found"
    assert result.evidence["since"].status == "verified"


async def test_required_evidence_takes_away_what_nothing_shows():
    for output, value in (
        (SCHEMA, {"name": "Ada Byron", "since": None}),
        (Leader, Leader("Ada Byron", None)),
    ):
        result, model = await looked_up(
            TEXT, answers=[HALF, HALF], output=output, evidence="require"
        )
        assert (result.status, result.output, len(model.requests)) == ("completed", value, 3)
        assert result.evidence["since"].status == "unverified"


class Post(BaseModel):
    name: str
    since: int = 2000


async def test_required_evidence_fails_a_run_whose_type_must_have_the_value():
    result, model = await looked_up(TEXT, answers=[HALF, HALF], output=Post, evidence="require")
    assert (result.status, result.output, len(model.requests)) == ("failed", None, 3)
    assert isinstance(result.error, OutputError)
    assert [
        each for each in result.error.problems if each.startswith("since: ")
    ] == result.error.problems
    assert result.error.problems[0].endswith("it is null, which its type does not allow")
    assert result.log.last_answer.problems == tuple(result.error.problems)


async def test_without_the_requirement_a_default_stands_for_what_was_not_found():
    none = answer(name=field("Ada Byron", "Ada Byron has led"), since=field(None))
    result, _ = await looked_up(TEXT, answers=[none], output=Post)
    assert result.output == Post(name="Ada Byron", since=2000)
    assert result.evidence["since"].status == "not_found"


async def test_a_model_that_leaves_evidence_out_is_read_and_marked():
    bare = '{"name": "Ada Byron", "since": 2019}'
    result, model = await looked_up(TEXT, answers=[bare, bare], output=Leader)
    assert result.output == Leader("Ada Byron", 2019)
    assert [each.reason for each in result.evidence.values()] == ["no quote was given"] * 2
    assert "- name: no quote was given" in model.requests[2].input[-1].text


async def test_a_saved_log_gives_the_same_evidence():
    result, model = await looked_up(TEXT, answers=[HALF, HALF], output=Leader)
    agent = Agent(ScriptedModel(), output=Leader, evidence=True)
    again = await agent.resume(Log.load(json.loads(json.dumps(result.log.dump()))))
    assert (again.output, again.evidence) == (result.output, result.evidence)
    assert len(model.requests) == 3


async def test_evidence_may_come_from_an_earlier_run_of_the_session():
    @tool(effect="read")
    async def look() -> str:
        return TEXT

    model = ScriptedModel(call("look"), SHOWN, SHOWN)
    agent = Agent(model, tools=[look], output=Leader, evidence=True)
    result = await agent.run("And again?", session=await agent.run("?"))
    assert (result.turns, result.evidence["since"].status) == (1, "verified")


async def test_there_is_one_repair_in_a_run_and_none_where_no_request_fits():
    from agentkit import Limits

    @tool(effect="read")
    async def look(at: int) -> str:
        return TEXT

    model = ScriptedModel([call("look", at=0)], HALF)
    agent = Agent(model, tools=[look], output=Leader, evidence=True, limits=Limits(turns=2))
    result = await agent.run("?")
    assert (result.status, result.output, len(model.requests)) == (
        "limited",
        Leader("Ada Byron", 2018),
        2,
    )
    assert result.evidence["since"].status == "unverified"


async def test_a_refusal_has_no_evidence():
    model = ScriptedModel(refusal("No."))
    result = await Agent(model, output=Leader, evidence=True).run("?")
    assert (result.status, result.output, result.evidence) == ("refused", None, {})


async def test_what_the_model_gave_to_a_tool_that_gives_the_answer_shows_nothing():
    @tool(effect="read")
    def submit(name: str) -> Final:
        """The answer."""
        return Final({"name": name, "people": 709037})

    model = ScriptedModel(call("submit", name="Oslo"))
    schema = schema_of("name", "people")
    result = await Agent(model, tools=[submit], output=schema, evidence=True).run("?")
    found = result.evidence
    assert (found["name"].status, found["people"].status) == ("unverified", "verified")
    assert "the model may have brought it in" in found["name"].reason


async def test_what_a_tool_gives_as_the_answer_is_its_own_evidence():
    @tool
    async def finish() -> Final:
        return Final({"name": "Ada", "since": None})

    model = ScriptedModel(call("finish"))
    result = await Agent(model, tools=[finish], output=Leader, evidence=True).run("?")
    assert result.output == Leader("Ada")
    name, since = result.evidence["name"], result.evidence["since"]
    assert (name.status, name.source, since.status) == (
        "verified",
        'finish(call_1): “"Ada"”',
        "not_found",
    )


class Pair(TypedDict):
    first: str
    second: str | None


@pytest.mark.parametrize("output", [Leader, Post, Pair, SCHEMA])
def test_any_object_with_fields_can_have_evidence(output):
    Agent(ScriptedModel(), output=output, evidence=True)


@pytest.mark.parametrize(
    "output", [str, int, list[str], dict[str, int], Leader | Post, {"type": "object"}]
)
def test_what_has_no_fields_cannot(output):
    with pytest.raises(ConfigurationError, match="evidence: the answer needs fields"):
        Agent(ScriptedModel(), output=output, evidence=True)


@pytest.mark.parametrize("evidence", ["yes", 1, "required"])
def test_what_is_no_choice_of_evidence_is_an_error(evidence):
    with pytest.raises(ConfigurationError, match="evidence: expected True, False or 'require'"):
        Agent(ScriptedModel(), output=Leader, evidence=evidence)


class Tree(BaseModel):
    name: str
    children: list[Tree] = []
    tags: dict[str, int] = {}
    anything: Any = None


async def test_nested_values_of_all_kinds_come_back_whole_and_are_checked_leaf_by_leaf():
    said = {
        "name": field("oak", "oak with ash and 7 elms"),
        "children": field(
            [{"name": "ash", "children": None, "tags": None, "anything": None}],
            "oak with ash and 7 elms",
        ),
        "tags": field([{"key": "elms", "value": 7}], "ash and 7 elms"),
        "anything": field({"json": '["ash", 7]'}, "ash and 7 elms"),
    }
    text = "There is an oak with ash and 7 elms."
    result, _ = await looked_up(text, answers=[json.dumps(said)], output=Tree)
    assert result.output == Tree(
        name="oak", children=[Tree(name="ash")], tags={"elms": 7}, anything=["ash", 7]
    )
    assert {name: each.status for name, each in result.evidence.items()} == dict.fromkeys(
        said, "verified"
    )
    said["tags"] = field([{"key": "elms", "value": 8}], "ash and 7 elms")
    result, _ = await looked_up(text, answers=[json.dumps(said)] * 2, output=Tree)
    assert result.evidence["tags"].reason == "the quote does not say 8"


def large(required: list[str]) -> dict[str, Any]:
    """A schema that strict mode does not take, with its root behind a reference."""
    kinds = {"enum": [f"kind {number}" for number in range(1_001)]}
    root = {"type": "object", "properties": {"kind": kinds, "any": True}, "required": required}
    return {"$ref": "#/$defs/Root", "$defs": {"Root": root}}


async def test_a_schema_that_cannot_be_strict_has_evidence_too():
    said = answer(kind=field("kind 7", "is of kind 7"), any=field(None))
    schema = large(["kind", "any"])
    result, model = await looked_up("It is of kind 7.", answers=[said], output=schema)
    assert model.requests[0].wire()["text"]["format"]["strict"] is False
    assert result.output == {"kind": "kind 7", "any": None}
    assert result.evidence["kind"].status == "verified"


async def test_other_properties_of_an_open_object_are_left_as_they_are():
    schema = {**SCHEMA, "additionalProperties": {"type": "integer"}}
    more = [{"key": "staff", "value": 7}]
    said = {**json.loads(SHOWN), "additional_properties": more}
    result, _ = await looked_up(TEXT, answers=[json.dumps(said)], output=schema)
    assert result.output == {"name": "Ada Byron", "since": 2019, "staff": 7}
    assert [*result.evidence] == ["name", "since"]


async def test_what_a_model_adds_to_a_field_is_passed_over():
    said = json.loads(SHOWN)
    said["name"]["page"] = 1
    result, model = await looked_up(TEXT, answers=[json.dumps(said)], output=Leader)
    assert (result.output, len(model.requests)) == (Leader("Ada Byron", 2019), 2)


class Unformed(ScriptedModel):
    dialect = Dialect(text_format=False)


async def test_a_server_without_text_format_is_told_of_evidence_in_words():
    model = Unformed(SHOWN, SHOWN)
    await Agent(model, output=Leader, evidence=True).run("?")
    told = model.requests[0].wire()["instructions"]
    assert '"call_id"' in told and "copied literally" in told


async def test_evidence_says_of_each_field_where_it_is_from_and_whether_it_is_shown():
    result, _ = await looked_up(TEXT, answers=[HALF, HALF], output=Leader)
    assert {name: (each.source, each.status) for name, each in result.evidence.items()} == {
        "name": ("look(call_1): “Ada Byron has led”", "verified"),
        "since": ("look(call_1): “since 2018”", "unverified"),
    }


async def test_evidence_goes_over_the_wire():
    @tool(effect="read")
    async def look() -> str:
        return TEXT

    async with ResponsesServer(ScriptedModel(call("look"), HALF, SHOWN)) as server:
        agent = Agent(
            "m", base_url=server.url, api_key="k", tools=[look], output=Leader, evidence=True
        )
        result = await agent.run("?")
    assert result.output == Leader("Ada Byron", 2019)
    assert result.evidence["since"].status == "verified"


async def test_the_offline_model_keeps_to_its_answer_when_asked_again():
    @tool(effect="read")
    async def city(name: str) -> dict[str, Any]:
        """What is known about a city."""
        return {"name": name, "population": 709_000, "slogan": "A city"}

    class Short(BaseModel):
        population: int
        slogan: Annotated[str, Field(max_length=3)] | None

    agent = Agent("offline", tools=[city], output=Short, evidence=True)
    result = await agent.run("What do you know about the city of Oslo?")
    assert (result.status, result.turns) == ("failed", 3)
    assert result.evidence["population"].status == "verified"


async def test_the_offline_model_says_where_it_found_what_it_found():
    @tool(effect="read")
    async def city(name: str) -> dict[str, Any]:
        """What is known about a city."""
        return {"name": name, "population": 709_000, "mayor": "Anne Lindboe", "is_capital": True}

    properties = {
        "name": {"type": "string"},
        "population": {"type": "integer"},
        "is_capital": {"type": "boolean"},
        "river": {"type": "string"},
    }
    schema = {"type": "object", "properties": properties, "required": [*properties]}
    agent = Agent("offline", tools=[city], output=schema, evidence=True)
    result = await agent.run("What do you know about the city of Oslo?")
    assert result.output == {
        "name": "Oslo",
        "population": 709000,
        "is_capital": True,
        "river": None,
    }
    assert {name: each.status for name, each in result.evidence.items()} == {
        "name": "verified",
        "population": "verified",
        "is_capital": "verified",
        "river": "not_found",
    }
    assert result.evidence["population"].quote == '"population":709000'
