"""The columns of the table that a job writes: the row's, the answer's, what became of the row."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from agentkit.errors import ConfigurationError
from agentkit.tables.cells import as_text
from agentkit.tables.columns import ENDING, Columns, Evidence, columns_of

LEADER = {"type": "object", "properties": {"leader": {}, "since": {"type": "integer"}}}
ENDED = ["completed", None, 0.01, 1, "s1"]


def test_each_field_of_the_answer_has_a_column_between_the_row_and_its_ending():
    columns = columns_of(["company"], LEADER)
    assert columns.names == (
        *("company", "leader", "since"),
        *("_status", "_error", "_cost", "_attempts", "_session"),
    )
    cells = columns.cells({"company": "Acme"}, {"since": 1999, "leader": ["Ann"]}, ENDED)
    assert cells == ["Acme", ["Ann"], 1999, *ENDED]


@pytest.mark.parametrize(
    "schema", [None, {}, {"type": "string"}, {"type": "array", "items": LEADER}, {"type": "object"}]
)
def test_an_answer_without_fields_has_one_column(schema):
    columns = columns_of(["a"], schema)
    assert columns.names == ("a", "answer", *ENDING)
    assert columns.cells({"a": 1}, [1, {"b": 2}], ENDED) == [1, [1, {"b": 2}], *ENDED]


def test_a_schema_that_refers_to_itself_has_the_fields_of_what_it_names():
    class Node(BaseModel):
        name: str
        parts: list[Node]

    assert columns_of(["a"], Node.model_json_schema()).answered == ("name", "parts")
    assert columns_of(["a"], {"$ref": "#/$defs/x", "$defs": {}}).answered == ("answer",)


@pytest.mark.parametrize("answer", [None, "none of it", [1], 3])
def test_a_row_without_an_answer_leaves_its_cells_empty(answer):
    columns = columns_of(["a", "b"], LEADER)
    assert columns.cells({"a": 1}, answer, ENDED) == [1, None, None, None, *ENDED]


def test_evidence_stands_behind_each_field():
    columns = columns_of(["a"], LEADER, with_evidence=True)
    assert columns.answered == ("leader", "since")
    assert columns.names[1:7] == (
        *("leader", "leader__source", "leader__verified"),
        *("since", "since__source", "since__verified"),
    )
    found = {"leader": Evidence("call_1: Ann leads", "verified")}
    cells = columns.cells({"a": 1}, {"leader": "Ann", "since": 3}, ENDED, found)
    assert cells == [1, "Ann", "call_1: Ann leads", "verified", 3, None, None, *ENDED]


def test_what_an_earlier_job_put_behind_its_answers_is_left_out():
    first = columns_of(["a"], LEADER)
    second = columns_of(["_row", *first.names], {"type": "object", "properties": {"place": {}}})
    assert second.names == ("a", "leader", "since", "place", *ENDING)
    assert second.cells({"a": 1, "leader": 2, "since": 3, "_cost": 9}, None, ENDED)[:3] == [1, 2, 3]


@pytest.mark.parametrize(
    ("given", "schema", "evidence", "said"),
    [
        (["leader"], LEADER, False, "a field 'leader', and the table has a column 'leader'"),
        (["answer"], None, False, "the table has a column 'answer'. Rename that, or ask for"),
        (["_cost"], LEADER, False, "the table has a column '_cost', which is the name of a column"),
        (["since__source"], LEADER, True, "the table has a column 'since__source'"),
        (["a"], {"properties": {"_error": {}}}, False, "the answer has a field '_error', which is"),
        (["a"], {"properties": {"x": {}, "x__source": {}}}, True, "a field 'x__source', which is"),
    ],
)
def test_two_columns_of_one_name_are_refused_with_the_remedy(given, schema, evidence, said):
    with pytest.raises(ConfigurationError) as refused:
        columns_of(given, schema, with_evidence=evidence)
    assert said in str(refused.value)
    assert "Rename" in str(refused.value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (10**30, str(10**30)),
        (0.1, "0.1"),
        ({"é": [None]}, '{"é":[null]}'),
        ("\ud800", "\ud800"),
    ],
)
def test_a_cell_of_a_text_table_is_text_or_json(value: Any, text: str):
    assert as_text(value) == text


def test_the_names_are_found_once_for_all_rows():
    columns = Columns(("a",), ("b",), is_object=True)
    assert len(columns.cells({"a": 1}, {"b": 2}, ENDED)) == len(columns.names)
