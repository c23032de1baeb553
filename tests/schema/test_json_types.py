"""Parameters of JSON's own types are read without pydantic's models, and as pydantic reads them."""

from __future__ import annotations

import enum
import json
from inspect import Parameter
from typing import Annotated, Any, Literal, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field
from pydantic_core import SchemaValidator, ValidationError

from agentkit.schema.annotations import Typed
from agentkit.schema.fields import arguments_validator
from agentkit.schema.json_types import json_arguments


class Color(enum.Enum):
    RED = "red"


SCALARS = [str, int, float, bool, Any, list, dict, Literal["a"], Literal["a", "b"], Literal[1, 2]]
TYPES = st.recursive(
    st.sampled_from(SCALARS),
    lambda inner: st.one_of(
        inner.map(lambda each: list[each]),
        inner.map(lambda each: dict[str, each]),
        inner.map(lambda each: Optional[each]),  # noqa: UP045 - of any type
    ),
    max_leaves=3,
)
ANNOTATIONS = TYPES | TYPES.map(lambda each: Annotated[each, "said beside the type"])
DEFAULTS = st.sampled_from([Parameter.empty, None, True, 3, 1.5, "x"])
PARAMETERS = st.dictionaries(
    st.sampled_from(["city", "year", "unit"]), st.tuples(ANNOTATIONS, DEFAULTS), max_size=3
)
LEAVES = st.sampled_from([None, True, 0, 1, 2, -1.5, 3.0, 10**30, "", "a", "1", "2.5", "true"])
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)
TEXTS = {"city": "Its name.", "year": "Of the count."}


def typed(parameters: dict[str, tuple[Any, Any]]) -> list[Typed]:
    kind = Parameter.POSITIONAL_OR_KEYWORD
    return [Typed(name, kind, *each) for name, each in parameters.items()]


def outcome(validator: SchemaValidator, arguments: str) -> object:
    try:
        return repr(validator.validate_json(arguments))
    except ValidationError as error:
        return [{**each, "ctx": str(each.get("ctx"))} for each in error.errors(include_url=False)]


@given(PARAMETERS, st.dictionaries(st.sampled_from(["city", "year", "unit", "more"]), JSON))
def test_schemas_and_values_are_those_of_pydantic(parameters, arguments):
    read = json_arguments(typed(parameters), TEXTS)
    assert read is not None
    by_pydantic = arguments_validator("f", typed(parameters), TEXTS)
    assert json.dumps(read[1]) == json.dumps(by_pydantic[1])
    text = json.dumps(arguments)
    assert outcome(read[0], text) == outcome(by_pydantic[0], text)


@pytest.mark.parametrize(
    "annotation",
    [Color, bytes, set[str], tuple[int, str], int | str, Annotated[int, Field(gt=0)], list[Color]],
)
def test_any_other_type_is_left_to_pydantic(annotation):
    assert json_arguments(typed({"it": (annotation, Parameter.empty)}), {}) is None


@pytest.mark.parametrize("default", [Color.RED, Field(3), [1], int])
def test_a_default_that_is_no_scalar_is_left_to_pydantic(default):
    assert json_arguments(typed({"it": (int, default)}), {}) is None
