"""The short form of `--schema`, and the other two."""

from __future__ import annotations

import json

import pytest

from agentkit.cli.schema_words import TYPES, read_schema
from agentkit.errors import ConfigurationError


def test_fields_have_names_and_types():
    assert read_schema("name str, population int") == {
        "type": "object",
        "properties": {"name": {"type": "string"}, "population": {"type": "integer"}},
        "required": ["name", "population"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("words", "schema"),
    [
        *[(f"x {name}", schema) for name, schema in TYPES.items()],
        ("x", {"type": "string"}),
        ("x [int]", {"type": "array", "items": {"type": "integer"}}),
        ("x list[date]", {"type": "array", "items": {"type": "string", "format": "date"}}),
        ("x [[str]]", {"type": "array", "items": {"type": "array", "items": {"type": "string"}}}),
        ("x str: its name", {"type": "string", "description": "its name"}),
        ("x: its name", {"type": "string", "description": "its name"}),
        ("x: date", {"type": "string", "format": "date"}),
        ("x : [int]", {"type": "array", "items": {"type": "integer"}}),
        ("x: list[str]", {"type": "array", "items": {"type": "string"}}),
        ("x: int?", {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        ("x: date of birth", {"type": "string", "description": "date of birth"}),
        ("x: [see below]", {"type": "string", "description": "[see below]"}),
        ("x str: date", {"type": "string", "description": "date"}),
    ],
)
def test_a_type_is_a_word_a_list_or_text(words, schema):
    assert read_schema(words)["properties"] == {"x": schema}


@pytest.mark.parametrize("words", ["name, year int?", "name, year? int", "name, year?: int"])
def test_a_question_mark_makes_a_field_one_that_may_be_null_but_is_there(words):
    schema = read_schema(words)
    assert schema["required"] == ["name", "year"]
    assert schema["properties"]["year"] == {"anyOf": [{"type": "integer"}, {"type": "null"}]}


def test_fields_on_lines_of_their_own_may_have_commas_in_their_descriptions():
    schema = read_schema("\nname str: first, then last\n  age int\n")
    assert list(schema["properties"]) == ["name", "age"]
    assert schema["properties"]["name"]["description"] == "first, then last"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("name str, pop itn", "column 15: there is no type 'itn'. Did you mean 'int'?"),
        ("name string", "column 6: there is no type 'string'. Did you mean 'str'?"),
        ("name [strr]", "column 7: there is no type 'strr'. Did you mean 'str'?"),
        ("name\nage nmber", "column 10: there is no type 'nmber'. Did you mean 'float'?"),
        ("name, 2nd int", "column 7: '2nd int' is not a name and a type"),
        ("name,, age", "column 6: a field is missing between the commas"),
        ("name, name", "column 7: 'name' is there twice"),
        ("  ", "column 1: there is no field."),
    ],
)
def test_a_form_that_does_not_parse_is_told_with_its_column(words, said):
    with pytest.raises(ConfigurationError) as error:
        read_schema(words)
    assert said in str(error.value)


def test_a_schema_is_given_as_json_or_as_a_file_too(tmp_path):
    schema = {"type": "object", "properties": {"x": {"type": "string"}}}
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(schema))
    assert read_schema(str(path)) == read_schema(json.dumps(schema)) == schema


@pytest.mark.parametrize("content", ["{", "[]", "\xff"])
def test_a_file_that_is_no_schema_is_named(content, tmp_path):
    path = tmp_path / "answer.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(ConfigurationError, match=r"answer\.json"):
        read_schema(str(path))
