"""A prompt says a row's cells and evaluates nothing."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.errors import ConfigurationError
from agentkit.tables.template import Template, prompt_of

ROW = {"company": "Acme", "since when": 1999, "a.b": "dot", "a!r": "bang", "x:>5": "colon"}


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("Who leads {company}?", "Who leads Acme?"),
        ("{company}{since when}", "Acme1999"),
        ("{a.b} {a!r} {x:>5}", "dot bang colon"),
        ("{{company}} is {{{company}}}", "{company} is {Acme}"),
        ('{{"name": "{company}"}}', '{"name": "Acme"}'),
    ],
)
def test_what_is_within_braces_is_the_name_of_a_column_and_nothing_else(prompt, said):
    template = Template.of(prompt)
    template.check(list(ROW))
    assert template.said(ROW) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, ""),
        ("", ""),
        (3, "3"),
        (2.5, "2.5"),
        (True, "true"),
        ([1, None], "[1,null]"),
        ({"k": "v"}, '{"k":"v"}'),
        (date(2024, 5, 31), "2024-05-31"),
        (Decimal("1.50"), "1.50"),
        ('"quoted"', '"quoted"'),
        ("{company}", "{company}"),
    ],
)
def test_a_value_is_said_as_text_or_as_json(value, said):
    assert Template.of("<{x}>").said({"x": value}) == f"<{said}>"


def test_row_is_the_whole_row_unless_a_column_has_that_name():
    template = Template.of("{row}")
    template.check(["a"])
    assert json.loads(template.said({"a": 1, "b": None})) == {"a": 1, "b": None}
    assert template.said({"row": "third"}) == "third"


def test_the_columns_used_are_named_once_in_their_order():
    assert Template.of("{b} {a} {b} {{c}}").columns_used == ("b", "a")


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("Who leads {compny}?", "no column 'compny'. Did you mean 'company'?"),
        ("Give {company} as {'x': 1}", "Write {{ and }} for braces that name none."),
        ("Who leads it?", "every row would ask the same. Name one of {company}, {year}, or {row}"),
        ("{{company}}", "every row would ask the same"),
        ("Who leads {company?", "prompt, character 11: { names no column."),
        ("a } b {company}", "prompt, character 3: } names no column."),
        ("{}", "prompt, character 1: {} names no column."),
        ("{a{company}}", "prompt, character 1: { names no column."),
    ],
)
def test_a_prompt_that_cannot_be_said_is_refused_with_the_remedy(prompt, said):
    with pytest.raises(ConfigurationError) as refused:
        Template.of(prompt).check(["company", "year"])
    assert said in str(refused.value)


def test_many_columns_are_not_all_listed():
    with pytest.raises(ConfigurationError, match=r"\{c19\} and 980 more"):
        Template.of("?").check([f"c{number}" for number in range(1000)])


def test_a_row_without_a_column_that_is_used_is_refused():
    with pytest.raises(ConfigurationError, match="the row has no 'b'"):
        Template.of("{b}").said({"a": 1})
    with pytest.raises(ConfigurationError, match="JSON has no form for it"):
        Template.of("{a}").said({"a": object()})


def test_a_function_of_a_row_is_a_prompt_too():
    prompt = prompt_of(lambda row: [f"About {row['a']}:", row["b"]])
    prompt.check([])
    assert (prompt.said({"a": 1, "b": "x"}), prompt.columns_used) == (["About 1:", "x"], ())
    assert prompt_of("{a}").said({"a": 1}) == "1"
    with pytest.raises(ConfigurationError, match="expected a text"):
        prompt_of(3)  # type: ignore[arg-type]


NAMES = st.text(st.characters(exclude_characters="{}", codec="utf-8"), min_size=1)


@given(NAMES, st.text(), st.text())
def test_any_name_and_any_text_around_it_are_said_as_they_are(name, before, cell):
    escaped = before.replace("{", "{{").replace("}", "}}")
    template = Template.of(f"{escaped}{{{name}}}{escaped}")
    assert template.columns_used == (name,)
    assert template.said({name: cell}) == before + cell + before


@given(st.text())
def test_any_prompt_is_read_or_refused(prompt):
    try:
        Template.of(prompt)
    except ConfigurationError as error:
        assert str(error).startswith("prompt, character ")
