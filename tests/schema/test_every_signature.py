"""Promise 7: any signature becomes a strict schema, and Python keeps its meaning."""

import asyncio
import datetime
import decimal
import enum
import inspect
import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, NotRequired

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from typing_extensions import TypedDict

from agentkit.schema.strict import to_strict
from agentkit.tools import tool

FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}
SCALAR_KEYS = {
    "string": {"pattern", "format"},
    "number": {"multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"},
    "boolean": set(),
    "null": set(),
}
SCALAR_KEYS["integer"] = SCALAR_KEYS["number"]


def assert_strict(schema: dict) -> None:
    assert schema["type"] == "object"
    for node in [schema, *schema.get("$defs", {}).values()]:
        assert_node({k: v for k, v in node.items() if k != "$defs"}, schema.get("$defs", {}))


def assert_node(node: dict, defs: dict) -> None:
    keys = node.keys() - {"description"}
    if "$ref" in node:
        assert node.keys() == {"$ref"}
        assert node["$ref"].removeprefix("#/$defs/") in defs
    elif "anyOf" in node:
        assert keys == {"anyOf"}
        for branch in node["anyOf"]:
            assert_node(branch, defs)
    elif "enum" in node or "const" in node:
        assert keys in ({"type", "enum"}, {"type", "const"})
    elif node["type"] == "object":
        assert keys == {"type", "properties", "required", "additionalProperties"}
        assert node["additionalProperties"] is False
        assert node["required"] == list(node["properties"])
        for part in node["properties"].values():
            assert_node(part, defs)
    elif node["type"] == "array":
        assert keys <= {"type", "items", "minItems", "maxItems"}
        assert_node(node["items"], defs)
    else:
        assert keys <= {"type"} | SCALAR_KEYS[node["type"]]
        assert node.get("format", "date") in FORMATS


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Point:
    x: float
    y: float = 0.5


class Place(NamedTuple):
    lat: float
    label: str = "home"


class Options(TypedDict):
    depth: int
    note: NotRequired[str]


class Node(BaseModel):
    value: int = 3
    children: list["Node"] = []


# A type, a value in the strict form of its schema, and the Python value a function must receive.
CASES: list[tuple[Any, Any, Any]] = [
    (int, 7, 7),
    (float, 1.5, 1.5),
    (bool, True, True),
    (str, "ä", "ä"),
    (bytes, "ab", b"ab"),
    (decimal.Decimal, "1.50", decimal.Decimal("1.50")),
    (datetime.date, "2024-05-31", datetime.date(2024, 5, 31)),
    (datetime.timedelta, "PT90S", datetime.timedelta(seconds=90)),
    (uuid.UUID, "12345678-1234-5678-1234-567812345678", uuid.UUID("1234567812345678" * 2)),
    (Path, "/a/b", Path("/a/b")),
    (Color, "blue", Color.BLUE),
    (Literal["a", 1], 1, 1),
    (list[int], [1, 2], [1, 2]),
    (set[int], [1, 2], {1, 2}),
    (tuple[int, int], [1, 2], (1, 2)),
    (tuple[int, str], {"item_1": 1, "item_2": "b"}, (1, "b")),
    (tuple[str, ...], ["a"], ("a",)),
    (dict[str, int], [{"key": "a", "value": 1}], {"a": 1}),
    (dict[int, list[str]], [{"key": "4", "value": ["x"]}], {4: ["x"]}),
    (
        dict[str, dict[str, int]],
        [{"key": "a", "value": [{"key": "b", "value": 1}]}],
        {"a": {"b": 1}},
    ),
    (Point, {"x": 1, "y": None}, Point(1.0)),
    (Place, {"lat": 2.5, "label": None}, Place(2.5)),
    (Options, {"depth": 1, "note": None}, {"depth": 1}),
    (
        Node,
        {"value": None, "children": [{"value": 4, "children": None}]},
        Node(children=[Node(value=4)]),
    ),
    (int | list[Point], [{"x": 1, "y": 2}], [Point(1, 2)]),
    (dict[str, int] | int, [{"key": "a", "value": 1}], {"a": 1}),
    (Any, {"json": '{"a": [1, null]}'}, {"a": [1, None]}),
    (Any, "text", "text"),
    (dict, [{"key": "a", "value": {"json": "[]"}}], {"a": []}),
    (list, [1, "a", {"json": "{}"}], [1, "a", {}]),
]
DEFAULTS = st.sampled_from([inspect.Parameter.empty, None, 5, "five", object(), [1], Color.RED])
NAMES = ["city", "year", "class_", "_x", "schema", "json", "copy", "key"]


@st.composite
def signatures(draw: st.DrawFn) -> list[tuple[inspect.Parameter, Any, Any]]:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=5))
    kinds = sorted(draw(st.lists(st.sampled_from([0, 1, 3]), min_size=len(names), max_size=5)))
    parameters, has_default = [], False
    for name, kind in zip(names, kinds, strict=False):
        annotation, sent, expected = draw(st.sampled_from(CASES))
        default = draw(DEFAULTS)
        if kind < 3 and has_default and default is inspect.Parameter.empty:
            default = None
        has_default = has_default or default is not inspect.Parameter.empty
        kind = inspect._ParameterKind(kind)
        parameter = inspect.Parameter(name, kind, annotation=annotation, default=default)
        parameters.append((parameter, sent, expected))
    return parameters


def function_of(signature: inspect.Signature):
    def function(*args, **kwargs):
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return bound.arguments

    function.__signature__ = signature
    return tool(function, name="drawn")


@settings(max_examples=150)
@given(signatures(), st.data())
def test_any_signature_is_strict_and_its_function_receives_python_values(parameters, data):
    drawn = function_of(inspect.Signature([each for each, _, _ in parameters]))
    sent, expected = {}, {}
    for parameter, value, meant in parameters:
        optional = parameter.default is not inspect.Parameter.empty
        is_null = optional and data.draw(st.booleans())
        sent[parameter.name] = None if is_null else value
        expected[parameter.name] = parameter.default if is_null else meant

    assert drawn.strict
    assert_strict(drawn.parameters)
    received = asyncio.run(drawn.invoke(json.dumps(sent)))
    assert received == expected
    assert list(drawn.parameters["required"]) == [each.name for each, _, _ in parameters]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


def schema_and_value(draw: st.DrawFn, depth: int) -> tuple[dict, Any, Any]:
    """A schema, a value that fits it, and the same value in the strict form."""
    kinds = ["integer", "string", "any", "null"]
    kind = draw(st.sampled_from(kinds + ["object", "map", "list", "pair", "open"] * (depth > 0)))
    if kind == "any":
        value = draw(JSON_VALUES)
        plain = not isinstance(value, (dict, list))
        return {}, value, value if plain else {"json": json.dumps(value)}
    if kind in ("integer", "string", "null"):
        value = {"integer": 3, "string": "s", "null": None}[kind]
        return {"type": kind}, value, value
    if kind == "list":
        item, value, sent = schema_and_value(draw, depth - 1)
        return {"type": "array", "items": item}, [value, value], [sent, sent]
    if kind == "map":
        item, value, sent = schema_and_value(draw, depth - 1)
        key = draw(st.text(max_size=3))
        return (
            {"type": "object", "additionalProperties": item},
            {key: value},
            [{"key": key, "value": sent}],
        )
    first, second = schema_and_value(draw, depth - 1), schema_and_value(draw, depth - 1)
    if kind == "pair":
        places = [first[0], {"type": "array", "items": second[0]}]
        schema = {"type": "array", "prefixItems": places, "minItems": 2, "maxItems": 2}
        if places[0] == places[1]:
            return schema, [first[1], [second[1]]], [first[2], [second[2]]]
        return schema, [first[1], [second[1]]], {"item_1": first[2], "item_2": [second[2]]}
    schema = {"type": "object", "properties": {"a": first[0], "b": second[0]}, "required": ["a"]}
    value, sent = {"a": first[1]}, {"a": first[2], "b": None}
    if second[1] is not None and draw(st.booleans()):
        value, sent = {**value, "b": second[1]}, {**sent, "b": second[2]}
    if kind == "open":
        schema["additionalProperties"] = {"type": "integer"}
        return (
            schema,
            {**value, "c": 1},
            {**sent, "additional_properties": [{"key": "c", "value": 1}]},
        )
    return schema, value, sent


@settings(max_examples=200)
@given(st.composite(lambda draw: schema_and_value(draw, 3))())
def test_decoding_gives_back_what_the_own_schema_describes(drawn):
    schema, value, sent = drawn
    root = {"type": "object", "properties": {"it": schema}, "required": ["it"]}
    strict = to_strict(root)
    assert strict.is_strict
    assert_strict(strict.schema)
    assert strict.decode({"it": sent}) == {"it": value}
