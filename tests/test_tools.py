"""A function as a tool: its options, its calls and its output."""

import asyncio
import contextvars
import json
import threading
from typing import Any

import pytest

from agentkit import Agent, tool_output
from agentkit.errors import ConfigurationError, ToolArgumentError, ToolDefinitionError
from agentkit.responses.parts import File, Image
from agentkit.responses.response import Usage
from agentkit.testing import ScriptedModel, call
from agentkit.tool_output import cut, plain, to_output
from agentkit.tools import Final, Retry, Tool, ToolContext, as_tool, tool


@tool(effect="read", timeout=5)
def population(city: str, year: int = 2024) -> int:
    """How many people live there."""
    return len(city) + year


def test_a_decorated_function_is_called_as_before():
    assert population("Bonn") == 2028
    assert (population.__name__, population.__doc__) == (
        "population",
        "How many people live there.",
    )


async def test_a_tool_runs_with_json_arguments():
    assert await population.invoke('{"city": "Bonn", "year": null}') == 2028
    assert population.bind('{"city": "Bonn"}').values == {"city": "Bonn", "year": 2024}


def test_the_schema_is_what_the_wire_wants():
    schema = population.schema()
    assert list(schema) == ["type", "name", "description", "parameters", "strict"]
    assert (schema["type"], schema["name"], schema["strict"]) == ("function", "population", True)
    assert schema["parameters"]["required"] == ["city", "year"]


def test_explain_shows_the_schema_and_what_was_rewritten():
    text = population.explain()
    assert text.startswith("population: strict\n- year: null stands for its default\n")
    assert json.loads(text[text.index("{") :]) == population.schema()


def test_explain_says_why_a_tool_is_not_strict():
    schema = {"properties": {"a": {"allOf": [{"type": "string"}, {"type": "null"}]}}}
    odd = Tool.from_schema("odd", "", schema, print)
    assert odd.explain().startswith("odd: not strict\n- Not strict: two schemas")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"effect": "write"}, "effect must be one of read, idempotent, once"),
        ({"retries": -1}, "retries must be 0 or more"),
        ({"timeout": 0}, "timeout must be seconds above 0"),
        ({"max_calls": 0}, "max_calls must be 1 or more"),
        ({"max_output": 0}, "max_output must be 1 or more"),
        ({"approval": "yes"}, "approval must be a bool or a function"),
        ({"name": "no spaces"}, "pass name="),
        ({"name": "x" * 129}, "pass name="),
    ],
)
def test_an_option_out_of_range_is_a_configuration_error(options, text):
    with pytest.raises(ConfigurationError, match=text):
        tool(**options)(population.function)


def test_a_lambda_needs_a_name():
    with pytest.raises(ConfigurationError, match=r"'<lambda>'.*pass name="):
        tool(lambda city: city)
    assert tool(lambda city: city, name="find").name == "find"


def test_as_tool_takes_tools_and_functions_and_nothing_else():
    assert as_tool(population) is population
    assert as_tool(len).name == "len"
    with pytest.raises(ConfigurationError, match="3 is no tool"):
        as_tool(3)


class Shop:
    def __init__(self, stock: int) -> None:
        self.stock = stock

    @tool
    def count(self, item: str) -> str:
        return f"{self.stock} {item}"

    @tool
    @classmethod
    def kind(cls, item: str) -> str:
        return f"{cls.__name__} {item}"

    @classmethod
    @tool
    def other(cls, item: str) -> str:
        return f"{cls.__name__} {item}"

    @tool
    @staticmethod
    def free(item: str) -> str:
        return item

    async def plain(self, item: str) -> str:
        return f"{self.stock} {item}"


@pytest.mark.parametrize("name", ["count", "kind", "other", "free", "plain"])
async def test_methods_of_every_kind_are_tools(name):
    shop = Shop(7)
    bound = as_tool(getattr(shop, name))
    expected = {"count": "7 pens", "plain": "7 pens", "free": "pens"}.get(name, "Shop pens")
    assert (bound.name, list(bound.parameters["properties"])) == (name, ["item"])
    assert await bound.invoke('{"item": "pens"}') == expected
    assert shop.count("pens") == "7 pens"


def test_a_method_without_its_instance_says_so():
    with pytest.raises(ConfigurationError, match=r"count is a method.*instance\.count"):
        Shop.count.bind('{"item": "pens"}')


where: contextvars.ContextVar[str] = contextvars.ContextVar("where")


async def test_a_sync_function_runs_in_a_thread_with_the_context_variables():
    def look():
        return threading.current_thread() is threading.main_thread(), where.get()

    async def look_here():
        return threading.current_thread() is threading.main_thread(), where.get()

    where.set("here")
    assert await as_tool(look).invoke("") == (False, "here")
    assert await as_tool(look_here).invoke("") == (True, "here")


async def test_what_a_generator_yields_is_progress():
    def returning(n: int):
        yield from range(n)
        return "end"

    def yielding(n: int):
        yield from range(n)

    async def awaiting(n: int):
        for number in range(n):
            yield number

    for function, result in ((returning, "end"), (yielding, 2), (awaiting, 2)):
        heard: list[Any] = []
        context = ToolContext(on_progress=heard.append)
        assert await as_tool(function).invoke('{"n": 3}', context) == result
        assert heard == [0, 1, 2]


async def test_progress_from_a_thread_is_heard_on_the_loop():
    threads = []

    def work(ctx: ToolContext):
        ctx.progress("half")

    await as_tool(work).invoke(
        "", ToolContext(on_progress=lambda _: threads.append(threading.get_ident()))
    )
    assert threads == [threading.get_ident()]


async def test_cancelling_stops_a_generator_in_a_thread():
    closed, go_on = threading.Event(), threading.Event()

    def endless():
        try:
            while True:
                yield "step"
                go_on.wait(20)
        finally:
            closed.set()

    heard = asyncio.Event()
    call = as_tool(endless).invoke("", ToolContext(on_progress=lambda _: heard.set()))
    task = asyncio.ensure_future(call)
    await heard.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    assert await asyncio.to_thread(closed.wait, 20)


async def test_stop_iteration_does_not_hang_the_call():
    def boom():
        raise StopIteration

    with pytest.raises(RuntimeError, match="StopIteration"):
        await as_tool(boom).invoke("")


async def test_exceptions_and_final_values_pass_through():
    def boom(how: str):
        if how == "final":
            return Final(3)
        raise Retry("say which city")

    assert await as_tool(boom).invoke('{"how": "final"}') == Final(3)
    with pytest.raises(Retry, match="say which city"):
        await as_tool(boom).invoke('{"how": "retry"}')


async def test_rejected_arguments_do_not_run_the_function():
    ran = []

    @tool
    def act(n: int):
        ran.append(n)

    for arguments in ('{"n": "x"}', "{", "[]", '{"n": 1, "m": 2}', '{"n": null}'):
        with pytest.raises(ToolArgumentError):
            await act.invoke(arguments)
    assert ran == []


def test_the_idempotency_key_names_session_and_call():
    context = ToolContext(session="s", call_id="c", usage=Usage(1))
    assert context.idempotency_key == "s/c"


async def test_a_given_schema_calls_the_function_by_keyword():
    def find(city, ctx: ToolContext, limit=3, page=7):
        return city, ctx.deps, limit, page

    schema = {
        "type": "object",
        "properties": {"city": {"type": "string", "default": "Bonn"}, "limit": {"type": "integer"}},
    }
    found = Tool.from_schema("find", "Find.", schema, find, effect="read")
    assert (found.effect, found.strict) == ("read", True)
    context = ToolContext(deps="deps")
    assert await found.invoke('{"city": null, "limit": null}', context) == ("Bonn", "deps", 3, 7)


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "array"}, "of type object"),
        ({"type": "object", "properties": 3}, "not a valid JSON schema, at properties"),
        ({"properties": {"a": {"$ref": "http://example.org/a.json"}}}, "refers to 'http"),
        ({"properties": {"a": {"$ref": "#/$defs/a"}}}, "refers to '#/"),
        (
            {"properties": {"a": {"pattern": "\\p{L}"}}},
            "not a valid JSON schema, at properties.a.pattern",
        ),
        ("object", "must be a dict"),
    ],
)
def test_a_schema_that_is_none_is_a_definition_error(schema, text):
    with pytest.raises(ToolDefinitionError, match=text):
        Tool.from_schema("find", "", schema, print)


class Odd:
    pass


class Broken:
    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is", "as it is"),
        ({"a": [1, None]}, '{"a":[1,null]}'),
        (None, "null"),
        (float("inf"), '"Infinity"'),
        (b"\xff", '"_w=="'),
        (Usage(1), json.dumps(vars(Usage(1)), separators=(",", ":"))),
        (Odd(), '"<Odd object>"'),
        ([Broken()], '["<Broken object>"]'),
        ("\ud800", "\ud800"),
    ],
)
def test_any_value_has_an_output(value, text):
    assert to_output(value) == text


def test_a_value_that_contains_itself_has_an_output():
    loop: list[Any] = []
    loop.append(loop)
    assert isinstance(to_output(loop), str)
    assert plain(loop) == "[[...]]"


def test_any_value_has_a_form_in_json():
    assert plain({1: b"\xff", "a": [float("inf"), Odd()], "b": Broken()}) == {
        "1": "_w==",
        "a": ["Infinity", "<Odd object>"],
        "b": "<Broken object>",
    }


def test_images_and_files_become_parts():
    image, file = Image("https://x.org/a.png"), File("https://x.org/a.pdf")
    assert to_output(image) == [{"type": "input_image", "image_url": "https://x.org/a.png"}]
    assert to_output(["look", file]) == [
        {"type": "input_text", "text": "look"},
        {"type": "input_file", "file_url": "https://x.org/a.pdf"},
    ]
    (missing,) = to_output([Image("/nowhere/a.png")])
    assert missing["type"] == "input_text"


def test_a_long_output_keeps_head_and_tail_and_says_what_is_left_out():
    text = cut("a" * 60_000 + "z" * 2345, tool_output.DEFAULT_MAX_OUTPUT)
    assert text == "a" * 25_000 + "… [12,345 characters left out] …" + "a" * 22_655 + "z" * 2345
    assert cut("short", 5) == "short"


def test_of_parts_only_texts_are_cut():
    image = {"type": "input_image", "image_url": "data:" + "x" * 100}
    output = [{"type": "input_text", "text": "a" * 100}, image]
    (text, same) = cut(output, 10)
    assert text["text"] == "aaaaa… [90 characters left out] …aaaaa"
    assert same == image


class Counter:
    """A toolbox: tools that share what it was made with."""

    def __init__(self, start: int) -> None:
        self.count = start

    @property
    def tools(self) -> tuple[Tool, ...]:
        return (self.add, self.current)

    @tool
    def add(self, number: int) -> int:
        self.count += number
        return self.count

    @tool(effect="read", untrusted=True)
    def current(self) -> int:
        return self.count


async def test_an_agent_takes_a_toolbox_for_its_tools():
    model = ScriptedModel([call("add", number=2)], [call("current")], "done")
    result = await Agent(model, tools=[Counter(40)]).run("?")
    assert result.output == "done"
    assert model.requests[-1].outputs == ["42", "42"]


def test_two_toolboxes_of_a_kind_need_other_names():
    with pytest.raises(ConfigurationError, match="two are named 'add'"):
        Agent("offline", tools=[Counter(1), Counter(2)])


def test_untrusted_is_a_bool():
    with pytest.raises(ConfigurationError, match="untrusted must be a bool"):
        tool(untrusted="yes")(lambda_named)


def lambda_named() -> int:
    return 1
