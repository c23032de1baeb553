"""Whatever text a model writes as arguments: a call that means one thing, or words why not."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from agentkit import Agent, Tool, tool
from agentkit.errors import ToolArgumentError
from agentkit.schema.decoding import MOST_DEPTH
from agentkit.testing import ScriptedModel


class Tree(BaseModel):
    kids: list[Tree] = []


@tool
def anything(x: Any = None) -> Any:
    return x


@tool
def entries(x: dict[str, Any]) -> Any:
    return x


@tool
def tree(x: Tree) -> None:
    pass


@tool
def everything(first: int = 1, **rest: float) -> None:
    pass


SCHEMA = {
    "type": "object",
    "properties": {"x": {"$ref": "#/$defs/x"}},
    "$defs": {"x": {"type": ["array", "integer"], "items": {"$ref": "#/$defs/x"}}},
}
own = Tool.from_schema("own", "", SCHEMA, lambda **_: None)

TOOLS: list[Tool[..., Any]] = [anything, entries, tree, everything, own]

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
names = st.sampled_from(["x", "y", "kids", "key", "value", "json", "first", "rest", ""])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3)
)


@st.composite
def nearly_json(draw: st.DrawFn) -> str:
    """JSON, or what is left of it when a piece is taken out, doubled or put in another's place."""
    text = json.dumps(draw(st.dictionaries(names, values, max_size=3)))
    for _ in range(draw(st.integers(0, 3))):
        start, end = sorted(draw(st.tuples(*[st.integers(0, len(text))] * 2)))
        odd = [
            "",
            text[start:end] * 2,
            "NaN",
            "1e999",
            "\ud800",
            '"x":1,',
            "[" * 300,
            "\x00",
            "9" * 5000,
        ]
        text = text[:start] + draw(st.sampled_from(odd)) + text[end:]
    return text


def deep(shape: tuple[str, str], depth: int) -> str:
    opened, closed = shape
    return f'{{"x":{opened * depth}{closed * depth}}}'


shapes = st.sampled_from(
    [("[", "]"), ('{"x":', "}"), ('{"kids":[', "]}"), ('[{"key":"x","value":', "}]")]
)
texts = nearly_json() | st.text() | st.builds(deep, shapes, st.integers(0, 2_000))


@given(st.sampled_from(TOOLS), texts)
def test_arguments_are_a_call_or_words(given_tool, text):
    try:
        bound = given_tool.bind(text)
    except ToolArgumentError as error:
        assert error.problems
        assert len(str(error)) < 10_000
    else:
        assert not text.strip() or json.loads(text) is None or bound.values is not None


@given(st.sampled_from(TOOLS), texts)
def test_a_run_goes_on_whatever_the_arguments_are(given_tool, text):
    made = {"type": "function_call", "name": given_tool.name, "arguments": text}
    model = ScriptedModel(made, "done")
    result = asyncio.run(Agent(model, tools=TOOLS, approve=lambda *_: True).run("go"))
    assert (result.status, result.output) == ("completed", "done")
    json.loads(model.requests[1].body())


@given(st.lists(names, max_size=5), st.sampled_from(["1", "[]", '{"x":1}']))
def test_an_object_is_refused_where_and_only_where_it_has_a_name_twice(given_names, value):
    text = "{" + ",".join(f"{json.dumps(name)}:{value}" for name in given_names) + "}"
    try:
        anything.bind(f'{{"x":{{"json":{json.dumps(text)}}}}}')
        is_refused = False
    except ToolArgumentError as error:
        is_refused = "given twice" in str(error)
    assert is_refused == (len(set(given_names)) < len(given_names))


def test_brackets_in_texts_are_not_levels():
    text = "[{" * (2 * MOST_DEPTH) + '\\" \\\\'
    assert anything.bind(json.dumps({"x": text})).kwargs == {"x": text}
    assert anything.bind(json.dumps({"x": [[]] * (2 * MOST_DEPTH)})).kwargs
