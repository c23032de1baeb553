"""Typed answers: what the server is asked for, how an answer is read, and when it does not fit."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, BaseModel, Field
from typing_extensions import TypedDict

from agentkit import Agent, ConfigurationError, Final, Limits, ModelError, OutputError, tool
from agentkit.errors import RateLimitError, ServerError
from agentkit.responses.dialect import Dialect
from agentkit.testing import ScriptedModel, call, commentary, failed, incomplete, refusal


@dataclass
class Point:
    x: int
    y: int = 7


class Pet(TypedDict):
    name: str
    kind: Literal["cat", "dog"]


class Person(BaseModel):
    name: str
    age: int | None = None
    tags: list[str] = Field(default_factory=lambda: ["new"])


WEATHER = {
    "title": "Weather report",
    "type": "object",
    "properties": {"sky": {"type": "string"}, "degrees": {"type": "number"}},
    "required": ["sky"],
}


@pytest.mark.parametrize(
    ("output", "answer", "value"),
    [
        (int, '{"value": 3}', 3),
        (list[str], '{"value": ["a", "b"]}', ["a", "b"]),
        (Point, '{"x": 1, "y": null}', Point(1, 7)),
        (Pet, '{"name": "Mia", "kind": "cat"}', {"name": "Mia", "kind": "cat"}),
        (Person, '{"name": "Ada", "age": null, "tags": null}', Person(name="Ada")),
        (Person, '{"name": "Ada"}', Person(name="Ada", age=None, tags=["new"])),
        (int | Point, '{"value": {"x": 1, "y": 2}}', Point(1, 2)),
        (int | Point, '{"value": 4}', 4),
        (WEATHER, '{"sky": "blue", "degrees": null}', {"sky": "blue"}),
        (dict[str, int], '{"value": [{"key": "a", "value": 1}]}', {"a": 1}),
        (Point, '```json\n{"x": 1, "y": 2}\n```', Point(1, 2)),
        (Point, '\n```\n{"x": 1, "y": 2}```\n', Point(1, 2)),
        (str, '{"not": "read"}', '{"not": "read"}'),
    ],
)
async def test_an_answer_becomes_a_value_of_the_output_type(output, answer, value):
    result = await Agent(ScriptedModel(answer), output=output).run("go")
    assert (result.output, result.status, result.error) == (value, "completed", None)
    assert type(result.output) is type(value)
    assert result.text == answer


@pytest.mark.parametrize(
    ("output", "name"), [(int, "int"), (Point, "Point"), (WEATHER, "Weather_report")]
)
async def test_the_request_asks_for_a_strict_schema(output, name):
    model = ScriptedModel('{"value": 1, "x": 1, "y": 1, "sky": "", "degrees": 1}', "{}")
    await Agent(model, output=output, settings={"text": {"verbosity": "low"}}).run("go")
    text = model.requests[0].wire()["text"]
    schema = text["format"]["schema"]
    assert (text["verbosity"], text["format"]["type"]) == ("low", "json_schema")
    assert (text["format"]["name"], text["format"]["strict"]) == (name, True)
    assert (schema["type"], schema["additionalProperties"]) == ("object", False)
    assert schema["required"] == list(schema["properties"])


async def test_a_misfit_gets_one_repair_turn_that_lists_the_problems():
    model = ScriptedModel('{"x": "one"}', '{"x": 1, "y": 2}')
    result = await Agent(model, output=Point).run("go")
    assert (result.output, result.status, result.turns) == (Point(1, 2), "completed", 2)
    repair = model.requests[1].input[-1].text
    assert "- x: expected an integer, got 'one'" in repair


@pytest.mark.parametrize("answer", ["no JSON", '{"x": "one"}', "", "[1]"])
async def test_a_second_misfit_fails_the_run_with_its_problems(answer):
    model = ScriptedModel("bad", answer)
    result = await Agent(model, output=Point).run("go")
    assert (result.status, result.output, result.text) == ("failed", None, answer)
    assert isinstance(result.error, OutputError)
    assert result.error.problems
    assert len(model.requests) == 2


async def test_a_run_that_failed_to_fit_goes_on_when_resumed():
    model = ScriptedModel("bad", "worse", '{"x": 1}')
    agent = Agent(model, output=Point)
    result = await agent.resume(await agent.run("go"))
    assert (result.output, result.status) == (Point(1, 7), "completed")


async def test_a_schemas_own_rules_are_checked():
    schema = {**WEATHER, "properties": {"sky": {"enum": ["blue", "grey"]}}}
    model = ScriptedModel('{"sky": "green"}', '{"sky": "grey"}')
    result = await Agent(model, output=schema).run("go")
    assert result.output == {"sky": "grey"}
    assert "- sky: " in model.requests[1].input[-1].text


async def test_tools_may_run_before_a_typed_answer():
    @tool
    async def look() -> str:
        return "seen"

    model = ScriptedModel(["I will look.", call("look")], commentary("So:"), '{"x": 1}')
    result = await Agent(model, tools=[look], output=Point).run("go")
    assert (result.output, result.turns) == (Point(1), 3)


async def test_final_ends_the_run_with_its_value():
    @tool
    async def finish(x: int) -> Final:
        return Final({"x": x})

    model = ScriptedModel([call("finish", x=4)])
    result = await Agent(model, tools=[finish]).run("go")
    assert (result.output, result.status, result.turns) == ({"x": 4}, "completed", 1)
    assert result.items[-1].output == '{"x":4}'


async def test_final_is_read_as_the_output_type():
    @tool
    async def finish(x: Any) -> Final:
        return Final(Point(x))

    typed = await Agent(ScriptedModel([call("finish", x=4)]), tools=[finish], output=Point).run("?")
    assert (typed.output, typed.status) == (Point(4), "completed")
    misfit = await Agent(ScriptedModel([call("finish", x="?")]), tools=[finish], output=Point).run(
        "?"
    )
    assert (misfit.output, misfit.status) == (None, "failed")
    assert misfit.error.problems == ["x: expected an integer, got '?'"]


async def test_a_final_value_that_no_json_can_say_is_told_to_the_model():
    loop: list[Any] = []
    loop.append(loop)

    @tool
    async def finish() -> Final:
        return Final(loop)

    model = ScriptedModel([call("finish")], "Then not.")
    result = await Agent(model, tools=[finish]).run("go")
    assert result.output == "Then not."
    assert model.requests[1].outputs[0].startswith("finish failed: ")


async def test_a_refusal_is_a_status_and_no_misfit():
    model = ScriptedModel(refusal("I must not."))
    result = await Agent(model, output=Point).run("go")
    assert (result.status, result.output, result.text) == ("refused", None, "I must not.")
    assert result.error is None


@pytest.mark.parametrize("reason", ["max_output_tokens", "content_filter"])
async def test_an_incomplete_answer_keeps_its_text(reason):
    model = ScriptedModel(incomplete('{"x": 1', reason))
    result = await Agent(model, output=Point).run("go")
    assert (result.status, result.output, result.text) == ("incomplete", None, '{"x": 1')
    assert result.log.last_answer.response.incomplete_reason == reason
    assert len(model.requests) == 1


async def test_a_failed_answer_says_why():
    result = await Agent(ScriptedModel(failed("server_error", "It broke."))).run("go")
    assert (result.status, result.output) == ("failed", None)
    assert isinstance(result.error, ServerError)
    assert str(result.error) == "It broke. (code server_error)"


async def test_a_limited_run_without_text_has_no_output_and_no_error():
    @tool
    async def look() -> str:
        return "seen"

    agent = Agent(
        ScriptedModel([call("look")], [call("look")]),
        tools=[look],
        output=int,
        limits=Limits(turns=1),
    )
    result = await agent.run("go")
    assert (result.status, result.output, result.error) == ("limited", None, None)


class LlamaModel(ScriptedModel):
    dialect = Dialect(text_format=False)


async def test_a_server_without_text_format_is_told_the_schema_in_words():
    model = LlamaModel("bad", '```json\n{"x": 1}\n```')
    result = await Agent(model, output=Point, instructions="Be brief.").run("go")
    assert result.output == Point(1)
    wire = model.requests[0].wire()
    assert "text" not in wire
    assert wire["instructions"].startswith("Be brief.\n\nAnswer with one JSON object")
    assert '"x":{"type":"integer"}' in wire["instructions"]


async def test_an_error_of_the_model_carries_the_run_so_far():
    @tool
    async def look() -> str:
        return "seen"

    model = ScriptedModel(["Looking.", call("look")], RateLimitError("slow down"), "42")
    agent = Agent(model, tools=[look])
    with pytest.raises(ModelError) as caught:
        await agent.run("go")
    broken = caught.value.result
    assert (broken.status, broken.output, broken.error) == ("failed", None, caught.value)
    assert broken.turns == 1
    assert (await agent.resume(broken)).output == "42"
    assert model.requests[2].outputs == ["seen"]


async def test_any_other_error_carries_the_run_so_far_too():
    with pytest.raises(ZeroDivisionError) as caught:
        await Agent(ScriptedModel(ZeroDivisionError())).run("go")
    assert caught.value.result.status == "failed"


@pytest.mark.parametrize("error", [KeyError("v"), SystemExit("v")])
async def test_a_validator_that_raises_anything_is_a_problem_of_the_answer(error):
    def fail(_: int) -> int:
        raise error

    model = ScriptedModel("5", "6")
    result = await Agent(model, output=Annotated[int, AfterValidator(fail)]).run("go")
    assert (result.status, result.text) == ("failed", "6")
    assert f"answer: {type(error).__name__}: " in str(result.error)
    assert f"answer: {type(error).__name__}: " in model.requests[1].input[-1].text


class NoSchema:
    pass


@pytest.mark.parametrize("output", [NoSchema, "text", 3, {"type": "nothing"}])
def test_what_is_no_type_is_an_error_that_says_what_to_give(output):
    with pytest.raises(ConfigurationError, match="output"):
        Agent(ScriptedModel(), output=output)
