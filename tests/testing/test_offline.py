"""The offline model calls what a question names, and words what the calls gave."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from agentkit.responses.events import Snapshot
from agentkit.responses.fold import collect
from agentkit.responses.items import FunctionCall, FunctionCallOutput, user_message
from agentkit.responses.response import Fields, Request, Response
from agentkit.testing import OfflineModel

STRING, INTEGER, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}


def call_output(made: FunctionCall, output: Any) -> FunctionCallOutput:
    kind = "function_call_output"
    return FunctionCallOutput({"type": kind, "call_id": made.call_id, "output": output})


def maybe(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def an_object(**properties: Any) -> dict[str, Any]:
    required = list(properties)
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def function(name: str, description: str = "", /, **properties: Any) -> dict[str, Any]:
    facts = {"name": name, "description": description, "parameters": an_object(**properties)}
    return {"type": "function", "strict": True, **facts}


CURRENCY = {"type": "string", "enum": ["USD", "EUR", "GBP"]}
CAPITAL = function("capital", "The capital of a country.", country=STRING)
POPULATION = function("population", "How many inhabitants.", country=STRING, year=maybe(INTEGER))
TOOLS = [
    function("country", "Facts about a country.", name=STRING),
    CAPITAL,
    POPULATION,
    function("add", "Add two numbers.", a=INTEGER, b=INTEGER),
    function("convert", "", amount=NUMBER, from_currency=CURRENCY, to_currency=CURRENCY),
    function("mean", "The mean of numbers.", numbers={"type": "array", "items": NUMBER}),
    function(
        "weather",
        "",
        city=STRING,
        unit=maybe({"type": "string", "enum": ["celsius", "fahrenheit"]}),
        days=maybe(INTEGER),
    ),
    function("now", "The current time."),
    function("evaluate", "Evaluate an expression.", expression=STRING),
    function("search_web", "Search the web.", query=STRING),
    function("send_email", "", to=STRING, subject=maybe(STRING), body=STRING),
    function(
        "book_flight",
        "",
        origin=STRING,
        destination=STRING,
        date={"type": "string", "format": "date"},
    ),
]
NORWAY_AND_CHILE = "the capital of Norway, and how many people live in Norway and in Chile?"


async def answered(question: Any, *items: Any, **fields: Any) -> Response:
    fields = {"model": "offline", "tools": TOOLS, **fields}
    request = Request(Fields(fields), (user_message(question), *items))
    return await collect(OfflineModel().stream(request))


async def called(question: str, **fields: Any) -> list[tuple[str, dict[str, Any]]]:
    response = await answered(question, **fields)
    return [(each.name, json.loads(each.arguments)) for each in response.calls]


async def told(question: str, give: Callable[..., object], **fields: Any) -> str:
    """The answer after the calls were made, `give` being what each gives."""
    first = await answered(question, **fields)
    outputs = [call_output(c, str(give(c.name, **json.loads(c.arguments)))) for c in first.calls]
    last = await answered(question, *first.output, *outputs, **fields)
    assert last.calls == []
    return last.text


def facts(name: str, /, country: str, **_: Any) -> str:
    if name == "capital":
        return {"Norway": "Oslo", "Chile": "Santiago"}[country]
    people = {"Norway": 5550203, "Chile": 19629590}[country]
    return json.dumps({"country": country, "population": people})


@pytest.mark.parametrize(
    ("question", "calls"),
    [
        (
            NORWAY_AND_CHILE,
            [
                ("capital", {"country": "Norway"}),
                ("population", {"country": "Norway", "year": None}),
                ("population", {"country": "Chile", "year": None}),
            ],
        ),
        (
            "What is the capital and the population of South Korea?",
            [
                ("capital", {"country": "South Korea"}),
                ("population", {"country": "South Korea", "year": None}),
            ],
        ),
        (
            "Tell me the population of the United States of America in 2020, please.",
            [("population", {"country": "United States of America", "year": 2020})],
        ),
        (
            "What is Norway's population? And what is its capital?",
            [
                ("population", {"country": "Norway", "year": None}),
                ("capital", {"country": "Norway"}),
            ],
        ),
        (
            "Capitals of Trinidad and Tobago and of Côte d'Ivoire",
            [
                ("capital", {"country": "Trinidad and Tobago"}),
                ("capital", {"country": "Côte d'Ivoire"}),
            ],
        ),
        (
            "capital of norway and of chile",
            [("capital", {"country": "norway"}), ("capital", {"country": "chile"})],
        ),
        ("What is 2 plus 3?", [("add", {"a": 2, "b": 3})]),
        ("What is the mean of 3, 4.5 and 1,000?", [("mean", {"numbers": [3, 4.5, 1000]})]),
        (
            "Convert 20.5 EUR to USD",
            [("convert", {"amount": 20.5, "from_currency": "EUR", "to_currency": "USD"})],
        ),
        (
            "weather in Oslo and Paris in celsius for 3 days",
            [
                ("weather", {"city": "Oslo", "unit": "celsius", "days": 3}),
                ("weather", {"city": "Paris", "unit": "celsius", "days": 3}),
            ],
        ),
        ("What's the time now?", [("now", {})]),
        ("Evaluate 2 + 3 * (4 - 1)", [("evaluate", {"expression": "2 + 3 * (4 - 1)"})]),
        ('Search the web for "red pandas"', [("search_web", {"query": "red pandas"})]),
        (
            "Send an email to ada@example.com saying 'Hello there'",
            [("send_email", {"to": "ada@example.com", "subject": None, "body": "Hello there"})],
        ),
        (
            "Book a flight to Paris from New York on 12 March 2025",
            [
                (
                    "book_flight",
                    {"origin": "New York", "destination": "Paris", "date": "2025-03-12"},
                )
            ],
        ),
        ("Hello, how are you?", []),
        ("What is the capital?", []),
    ],
)
async def test_a_question_becomes_the_calls_it_names(question: str, calls: list[Any]):
    assert await called(question) == calls


async def test_the_answer_pairs_each_result_with_what_was_asked():
    assert await told(NORWAY_AND_CHILE, facts) == (
        "Norway: capital Oslo, population 5,550,203\nChile: population 19,629,590"
    )


async def test_a_failed_call_is_told_in_the_answer():
    answer = await told("capital of Narnia", lambda *_, **__: "capital failed: KeyError: 'Narnia'")
    assert answer == "Narnia: capital failed: KeyError: 'Narnia'"


async def test_nothing_fitting_is_said_with_the_tools_there_are():
    response = await answered("Hello", tools=[CAPITAL, POPULATION])
    assert response.text == (
        "No tool fits this question. The offline model only matches words. "
        "Tools: capital, population."
    )


async def test_calls_come_one_at_a_time_where_parallel_ones_are_not_wanted():
    response = await answered(NORWAY_AND_CHILE, parallel_tool_calls=False)
    items: list[Any] = []
    names = []
    while response.calls:
        [each] = response.calls
        names.append(each.name)
        items += [each, call_output(each, facts(each.name, **json.loads(each.arguments)))]
        response = await answered(NORWAY_AND_CHILE, *items, parallel_tool_calls=False)
    assert names == ["capital", "population", "population"]


async def test_tool_choice_is_honoured():
    ada = "Hello Ada"
    assert await called("capital of Norway", tool_choice="none") == []
    assert await called(ada, tool_choice="required") == [("country", {"name": "Ada"})]
    forced = {"type": "function", "name": "capital"}
    assert await called(ada, tool_choice=forced) == [("capital", {"country": "Ada"})]
    allowed = {"type": "allowed_tools", "mode": "auto", "tools": [{"name": "add"}]}
    assert await called("capital of Norway", tool_choice=allowed) == []


@pytest.mark.parametrize(
    ("question", "schema", "filled"),
    [
        (
            NORWAY_AND_CHILE,
            an_object(countries={"type": "array", "items": {"$ref": "#/$defs/Country"}})
            | {
                "$defs": {
                    "Country": an_object(
                        name=STRING, capital=maybe(STRING), population=maybe(INTEGER)
                    )
                }
            },
            {
                "countries": [
                    {"name": "Norway", "capital": "Oslo", "population": 5550203},
                    {"name": "Chile", "capital": None, "population": 19629590},
                ]
            },
        ),
        ("population of Norway", an_object(answer=INTEGER), {"answer": 5550203}),
        (
            "population of Norway",
            an_object(country=STRING, population=NUMBER, is_large={"type": "boolean"}),
            {"country": "Norway", "population": 5550203, "is_large": False},
        ),
        (
            "population of Norway and of Chile",
            an_object(norway_population=INTEGER, chile_population=INTEGER),
            {"norway_population": 5550203, "chile_population": 19629590},
        ),
        (
            "population of Norway and of Chile",
            an_object(populations={"type": "array", "items": an_object(key=STRING, value=INTEGER)}),
            {
                "populations": [
                    {"key": "Norway", "value": 5550203},
                    {"key": "Chile", "value": 19629590},
                ]
            },
        ),
        (
            "Ada Lovelace was born on 10 December 1815; reach her at ada@example.com",
            an_object(
                name=STRING,
                email=STRING,
                born={"type": "string", "format": "date"},
                height=maybe(NUMBER),
            ),
            {
                "name": "Ada Lovelace",
                "email": "ada@example.com",
                "born": "1815-12-10",
                "height": None,
            },
        ),
    ],
)
async def test_a_json_schema_is_filled_from_results_and_question(
    question: str, schema: dict[str, Any], filled: dict[str, Any]
):
    wanted = {"format": {"type": "json_schema", "name": "x", "strict": True, "schema": schema}}
    assert json.loads(await told(question, facts, text=wanted)) == filled


async def test_of_fields_with_like_names_the_nearest_one_is_taken():
    known = {"currency": "Norwegian krone", "code": "NOK", "population": 5550203, "year": 2024}
    schema = an_object(currency_code=STRING, population_year=INTEGER, currency=STRING)
    wanted = {"format": {"type": "json_schema", "name": "x", "strict": True, "schema": schema}}
    said = await told("population of Norway", lambda *_, **__: json.dumps(known), text=wanted)
    assert json.loads(said) == {
        "currency_code": "NOK",
        "population_year": 2024,
        "currency": "Norwegian krone",
    }


async def test_a_schema_that_refers_to_itself_is_filled_to_an_end():
    node = an_object(value=STRING, child=maybe({"$ref": "#/$defs/Node"}))
    schema = {"$ref": "#/$defs/Node", "$defs": {"Node": node}}
    wanted = {"format": {"type": "json_schema", "name": "x", "schema": schema}}
    assert json.loads((await answered("x", text=wanted)).text)["child"] is None


async def test_images_and_files_are_counted():
    parts = [
        {"type": "input_text", "text": "What is it?"},
        *[{"type": "input_image", "image_url": "data:,"}] * 2,
        {"type": "input_file", "file_url": "https://example.com/a.pdf"},
    ]
    response = await answered(parts, tools=[])
    assert response.text.startswith("I see 2 images and 1 file, but cannot look inside.")


async def test_the_same_request_gets_the_same_answer_and_another_one_another_id():
    first, again = [await answered("capital of Norway") for _ in range(2)]
    assert first.wire == again.wire
    other = await answered("capital of Chile")
    assert other.id != first.id
    assert other.calls[0].call_id != first.calls[0].call_id


async def test_it_streams_the_same_answer():
    request = Request(Fields({"model": "offline"}), (user_message("Hello"),), stream=True)
    events = [event async for event in OfflineModel().stream(request)]
    assert isinstance(events[-1], Snapshot)
    assert (await answered("Hello", tools=[])).text in str(events[-1].response)


async def test_an_optional_text_takes_what_looks_like_its_example():
    zone = {**maybe(STRING), "description": 'A time zone such as "Europe/Oslo".'}
    clock = function("now", "The time.", time_zone=zone)
    for said, expected in (("Asia/Tokyo", "Asia/Tokyo"), ("Tokyo", None)):
        made = await called(f"What time is it now in {said}?", tools=[clock])
        assert made == [("now", {"time_zone": expected})]
