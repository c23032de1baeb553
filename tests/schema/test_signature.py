"""What a function's signature and docstring become."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, NotRequired, TypedDict, TypeVar

import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypedDict as PydanticTypedDict
from typing_extensions import Unpack

from agentkit.errors import ToolArgumentError, ToolDefinitionError
from agentkit.tools import ToolContext, as_tool, tool


def described(function: Callable[..., Any]) -> dict[str, str | None]:
    properties = as_tool(function).parameters["properties"]
    return {name: part.get("description") for name, part in properties.items()}


async def call(function: Any, **arguments: Any) -> Any:
    return await as_tool(function).invoke(json.dumps(arguments), ToolContext(deps="deps"))


def test_a_google_docstring_describes_the_tool_and_its_parameters():
    def find(city: str, year: int):
        """Find a city.

        Slowly.

        Args:
            city (str): Its name,
                in English.
            year: The year.

        Returns:
            Nothing.
        """

    assert as_tool(find).description == "Find a city.\n\nSlowly."
    assert described(find) == {"city": "Its name, in English.", "year": "The year."}


def test_a_numpy_docstring_describes_the_parameters():
    def find(city: str, year: int):
        """Find a city.

        Parameters
        ----------
        city : str
            Its name.
        year : int
            The year.
        """

    assert as_tool(find).description == "Find a city."
    assert described(find) == {"city": "Its name.", "year": "The year."}


def test_rest_and_epydoc_docstrings_describe_the_parameters():
    def rest(city: str):
        """Find a city.

        :param city: Its name.
        :returns: nothing
        """

    def epydoc(city: str):
        """Find a city.

        @param city: Its name.
        """

    assert described(rest) == described(epydoc) == {"city": "Its name."}
    assert as_tool(rest).description == as_tool(epydoc).description == "Find a city."


def test_an_annotation_describes_better_than_the_docstring():
    def find(
        city: Annotated[str, "from the annotation"],
        year: Annotated[int, Field(description="from the field", ge=0)],
    ):
        """Find.

        Args:
            city: no
            year: no
        """

    assert described(find) == {"city": "from the annotation", "year": "from the field"}
    assert as_tool(find).parameters["properties"]["year"]["minimum"] == 0


def test_the_description_says_what_null_means():
    def find(
        city: str = "Bonn", near: str | None = None, far: str | None = "Rom", at: Any = object()
    ):
        pass

    assert described(find) == {
        "city": 'Null for the default: "Bonn".',
        "near": None,
        "far": 'Null for the default: "Rom".',
        "at": "Null to leave it out.",
    }


async def test_null_gives_the_default_also_where_the_type_allows_none():
    def find(city: str = "Bonn", far: str | None = "Rom"):
        return city, far

    assert await call(find, city=None, far=None) == ("Bonn", "Rom")
    assert await call(find) == ("Bonn", "Rom")


async def test_without_strict_null_is_a_value_where_the_type_allows_none():
    loose = tool(strict=False)(optional)
    assert not loose.strict
    assert "required" not in loose.parameters
    assert await call(loose, city=None, far=None) == ("Bonn", None)


def optional(city: str = "Bonn", far: str | None = "Rom"):
    return city, far


test_default = object()


async def test_a_default_reaches_the_function_as_the_same_object():
    def find(at: Any = test_default):
        return at

    assert await call(find, at=None) is test_default


async def test_pydantic_field_defaults_and_factories_apply():
    def find(
        a: int = Field(4, gt=1), b: list[int] = Field(default_factory=lambda: [7]), c: int = Field()
    ):
        return a, b, c

    assert await call(find, a=None, b=None, c=1) == (4, [7], 1)
    with pytest.raises(ToolArgumentError, match="a: expected greater than 1, got 1"):
        as_tool(find).bind('{"a": 1, "b": null, "c": 1}')


async def test_every_kind_of_parameter_gets_its_value():
    def every(a, b=2, /, c=3, *args: int, d, e=5, **more: int):
        return a, b, c, args, d, e, more

    pairs = [{"key": "z", "value": 1}]
    assert await call(every, a=1, b=None, c=7, args=[8], d=4, e=None, more=pairs) == (
        (1, 2, 7, (8,), 4, 5, {"z": 1})
    )
    with pytest.raises(ToolArgumentError, match=r"more\.d: is a parameter of its own"):
        as_tool(every).bind('{"a": 1, "d": 4, "more": {"d": 1}}')


class Filters(PydanticTypedDict, total=False):
    before: int
    after: int


async def test_an_unpacked_typed_dict_gives_a_property_each():
    def find(city: str, **filters: Unpack[Filters]):
        return city, filters

    assert list(as_tool(find).parameters["properties"]) == ["city", "before", "after"]
    assert await call(find, city="Bonn", before=1, after=None) == ("Bonn", {"before": 1})


def test_two_parameters_of_one_json_name_are_a_definition_error():
    def find(before: int, /, **filters: Unpack[Filters]):
        pass

    def aliased(city: str, town: Annotated[str, Field(alias="city")]):
        pass

    with pytest.raises(ToolDefinitionError, match="'before' is a parameter and a key"):
        as_tool(find)
    with pytest.raises(ToolDefinitionError, match="two parameters are called 'city'"):
        as_tool(aliased)


async def test_the_context_is_found_in_any_position_and_never_shown():
    def first(ctx: ToolContext, x: int, *rest: int):
        return ctx.deps, x, rest

    def last(x: int, /, y: int = 2, *, ctx: ToolContext | None = None):
        return ctx.deps, x, y

    def typed(x: int, ctx: Annotated[ToolContext[str], "mine"], /, y: int):
        return ctx.deps, x, y

    assert await call(first, x=1, rest=[2]) == ("deps", 1, (2,))
    assert await call(last, x=1, y=None) == ("deps", 1, 2)
    assert await call(typed, x=1, y=3) == ("deps", 1, 3)
    assert list(as_tool(typed).parameters["properties"]) == ["x", "y"]


async def test_a_partial_hides_what_it_holds():
    def find(db: object, city: str, year: int = 1):
        return db, city, year

    partial = functools.partial(find, object, year=9)
    assert as_tool(partial).name == "find"
    assert list(as_tool(partial).parameters["properties"]) == ["city"]
    assert await call(partial, city="Bonn") == (object, "Bonn", 9)


async def test_a_wrapped_function_shows_the_signature_within():
    def loud(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            return ["loud", function(*args, **kwargs)]

        return wrapper

    @loud
    def find(city: str, year: int = 1):
        return city, year

    assert await call(find, city="Bonn", year=None) == ["loud", ("Bonn", 1)]


async def test_a_callable_object_is_a_tool_named_after_its_class():
    class Find:
        def __call__(self, city: str):
            """Find it."""
            return city

    assert (as_tool(Find()).name, as_tool(Find()).description) == ("Find", "Find it.")
    assert await call(Find(), city="Bonn") == "Bonn"


@tool
def later(node: Later) -> object:
    return node


class Later(BaseModel):
    value: int
    next: Later | None = None


async def test_forward_references_and_local_classes_are_resolved():
    @dataclass
    class Local:
        value: int

    @tool
    def local(item: Local, more: list[Local] = []):
        return item, more

    assert await call(local, item={"value": 1}) == (Local(1), [])
    assert await call(later, node={"value": 1, "next": None}) == Later(value=1)


def test_a_name_that_is_never_defined_is_said_at_the_first_use():
    @tool
    def find(city: Nowhere):  # noqa: F821
        pass

    with pytest.raises(
        ToolDefinitionError, match="find: an annotation cannot be resolved.*Nowhere"
    ):
        find.schema()


Item = TypeVar("Item", bound=int)
Text = TypeVar("Text", str, bytes)


class Box(BaseModel, Generic[Item]):
    content: Item


async def test_type_variables_stand_for_what_they_may_be():
    def pack(box: Box[int], many: list[Item], text: Text):
        return box, many, text

    assert await call(pack, box={"content": 1}, many=[2], text="a") == (
        Box[int](content=1),
        [2],
        "a",
    )
    with pytest.raises(ToolArgumentError, match=r"many\[0\]: expected an integer, got 'x'"):
        as_tool(pack).bind('{"box": {"content": 1}, "many": ["x"], "text": "a"}')


@pytest.mark.parametrize(
    "kind", [Callable[[], int], type[int], type, int | Callable, list[type[int]]]
)
def test_what_no_json_can_be_is_a_definition_error_with_a_remedy(kind):
    def find(city: str, source=None):
        pass

    find.__annotations__["source"] = kind
    with pytest.raises(ToolDefinitionError, match=r"find: the parameter 'source' is .*partial"):
        tool(find)


class Place(TypedDict):
    """A place."""

    name: str


class Town(Place, total=False):
    people: int
    twins: NotRequired[list[Place]]


async def test_a_typed_dict_of_the_standard_library_is_an_argument():
    async def find(town: Town, others: dict[str, Town] | None = None) -> list[object]:
        return [town, others]

    made = as_tool(find)
    assert made.strict
    oslo = {"name": "Oslo", "people": None, "twins": [{"name": "Madison"}]}
    arguments = {"town": oslo, "others": [{"key": "a", "value": oslo}]}
    read = {"name": "Oslo", "twins": [{"name": "Madison"}]}
    assert await made.invoke(json.dumps(arguments)) == [read, {"a": read}]
    with pytest.raises(ToolArgumentError, match="town.name: missing"):
        made.bind('{"town": {"people": 5}}')


def test_a_wrapped_builtin_and_a_cached_function_are_tools():
    @functools.wraps(len)
    def size(text):
        return len(text)

    @functools.cache
    def find(city: str, year: int = 1):
        return city

    assert list(as_tool(size).parameters["properties"]) == ["obj"]
    assert list(as_tool(find).parameters["properties"]) == ["city", "year"]
