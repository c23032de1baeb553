"""What the model reads about arguments that do not fit."""

import datetime
import enum
import json
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from pydantic import BaseModel, field_validator

from agentkit.errors import ToolArgumentError
from agentkit.schema.problems import near_miss
from agentkit.tools import Tool, as_tool


def problems(function: Any, arguments: str | None = None, **values: Any) -> list[str]:
    with pytest.raises(ToolArgumentError) as caught:
        as_tool(function).bind(json.dumps(values) if arguments is None else arguments)
    return caught.value.problems


def population(city: str, year: int = 2024):
    pass


def test_the_text_names_the_tool_and_one_problem_a_line():
    with pytest.raises(ToolArgumentError) as caught:
        as_tool(population).bind('{"year": "MMXX", "Cty": "Bonn"}')
    assert str(caught.value).splitlines() == [
        "population was not run: its arguments are not valid.",
        "city: missing",
        "year: expected an integer, got 'MMXX'",
        "Cty: unknown. Did you mean 'city'?",
    ]


def test_an_unknown_argument_far_from_any_names_those_there_are():
    assert problems(population, city="Bonn", colour=1) == ["colour: unknown. Known: city, year."]
    assert problems(lambda_like, x=1) == ["x: unknown. Leave it out."]


def lambda_like():
    pass


@pytest.mark.parametrize("arguments", ["", "  ", "null", "{}"])
def test_no_arguments_read_as_an_empty_object(arguments):
    assert as_tool(lambda_like).bind(arguments).values == {}


def test_arguments_that_are_no_json_object_are_one_problem():
    assert problems(population, "[1]") == ["arguments: expected a JSON object, got [1]"]
    assert problems(population, '"Bonn"') == ["arguments: expected a JSON object, got 'Bonn'"]
    assert "not valid JSON" in problems(population, '{"city": ')[0]
    assert problems(population, '{"city": NaN}') == ["arguments: NaN is not JSON"]
    assert problems(population, "[" * 100_000) == ["arguments: nested more than 100 levels deep"]


def test_a_name_that_is_given_twice_means_nothing():
    assert problems(population, '{"city": "a", "city": "b"}') == ["city: given twice"]


def test_a_lone_surrogate_is_no_crash():
    assert as_tool(population).bind('{"city": "\\ud800"}').kwargs == {"city": "\ud800"}


@dataclass
class Point:
    x: float
    tags: list[int]


class Person(BaseModel):
    name: str
    age: int | None = None

    @field_validator("name")
    @classmethod
    def known(cls, name: str) -> str:
        if name == "nobody":
            raise ValueError("nobody is not known here")
        return name


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


def nested(
    people: list[Person],
    which: Point | int | None = None,
    color: Color = Color.RED,
    unit: Literal["C", "F"] = "C",
    day: datetime.date | None = None,
):
    pass


def test_paths_lead_to_the_value_through_lists_objects_and_unions():
    people = [{"name": "Ann", "age": "x"}, {"name": "nobody"}, {}]
    which = {"x": 1, "tags": [1, "two"]}
    assert problems(nested, people=people, which=which) == [
        "people[0].age: expected an integer, got 'x'",
        "people[1].name: nobody is not known here, got 'nobody'",
        "people[2].name: missing",
        "which.tags[1]: expected an integer, got 'two'",
    ]


def test_a_value_that_fits_no_branch_names_all_of_them_in_one_line():
    assert problems(nested, people=[], which="far", color="rot", unit="K", day="soon") == [
        "which: expected an object or an integer, got 'far'",
        "color: expected 'red' or 'blue', got 'rot'",
        "unit: expected 'C' or 'F', got 'K'",
        "day: expected a date such as 2024-05-31, got 'soon'",
    ]


def test_long_values_are_cut():
    (line,) = problems(population, city="Bonn", year="9" * 500 + "x")
    assert len(line) < 130
    assert line.endswith("…")


def test_many_problems_are_counted_not_listed():
    lines = problems(nested, people=[1] * 1000)
    assert len(lines) == 21
    assert lines[-1] == "and 980 more problems"


RAW = Tool.from_schema(
    "raw",
    "",
    {
        "type": "object",
        "properties": {
            "city": {"type": "string", "minLength": 2},
            "year": {"type": ["integer", "null"]},
            "size": {"enum": ["s", "m"]},
            "at": {"oneOf": [{"type": "integer"}, {"const": "now"}]},
            "tags": {"type": "object", "additionalProperties": {"type": "integer"}},
        },
        "required": ["city"],
        "additionalProperties": False,
    },
    lambda **values: values,
)


def test_a_given_schema_speaks_the_same_language():
    values = {"year": "MMXX", "size": "xl", "at": "soon", "tags": {"a": "b"}, "cty": 1}
    assert sorted(problems(RAW, **values)) == [
        "at: expected an integer or 'now', got 'soon'",
        "city: missing",
        "cty: unknown. Did you mean 'city'?",
        "size: expected one of 's', 'm', got 'xl'",
        "tags.a: expected an integer, got 'b'",
        "year: expected an integer or null, got 'MMXX'",
    ]


def test_what_strict_mode_dropped_is_still_enforced():
    assert RAW.strict
    assert problems(RAW, city="x") == ["city: does not hold to minLength 2, got 'x'"]


def test_near_miss_finds_what_was_meant():
    assert near_miss("populaton", ["population", "area"]) == "population"
    assert near_miss("Population", ["population"]) == "population"
    assert near_miss("xyz", ["population"]) is None
    assert near_miss("xyz", []) is None
