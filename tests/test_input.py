"""What the caller says, and what an agent is made with: what is sent, and what is a mistake."""

import base64

import pytest

from agentkit import Agent, ConfigurationError, File, Image, Tool, ToolContext, tool
from agentkit.responses.items import user_message
from agentkit.testing import ScriptedModel, call

PNG = b"\x89PNG\r\n\x1a\n rest"
PNG_URL = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"


async def sent(said, **options) -> list[dict]:
    """The input of the request that something said becomes."""
    model = ScriptedModel("done")
    await Agent(model, **options).run(said)
    return model.requests[0].wire()["input"]


def user(*content) -> dict:
    return {"type": "message", "role": "user", "content": list(content)}


def text(said: str) -> dict:
    return {"type": "input_text", "text": said}


async def test_a_string_is_a_user_message():
    assert await sent("hello") == [{"type": "message", "role": "user", "content": "hello"}]


async def test_images_and_files_come_from_paths_bytes_and_urls(tmp_path):
    picture, notes = tmp_path / "a.png", tmp_path / "notes.txt"
    picture.write_bytes(PNG)
    notes.write_bytes(b"note")
    image = {"type": "input_image", "image_url": PNG_URL}
    note = {
        "type": "input_file",
        "filename": "notes.txt",
        "file_data": "data:text/plain;base64,bm90ZQ==",
    }
    assert await sent(Image(picture)) == [user(image)]
    said = ["Compare.", Image(str(picture)), Image(PNG, detail="low"), File(notes)]
    assert await sent(said) == [user(text("Compare."), image, {**image, "detail": "low"}, note)]
    urls = [Image("https://x.example/a.png"), File("https://x.example/a.pdf")]
    assert await sent(urls) == [
        user(
            {"type": "input_image", "image_url": "https://x.example/a.png"},
            {"type": "input_file", "file_url": "https://x.example/a.pdf"},
        )
    ]


async def test_wire_parts_pass_as_they_are():
    part = {"type": "input_file", "file_id": "file_1", "new_field": 1}
    assert await sent(["Read this.", part]) == [user(text("Read this."), part)]


async def test_items_pass_as_they_are():
    items = [
        {"role": "developer", "content": "Be brief."},
        user_message("2 + 3?"),
        {"type": "function_call", "call_id": "c1", "name": "add", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "5"},
        {"type": "acme:note", "unknown": True},
    ]
    wires = [item if isinstance(item, dict) else item.wire for item in items]
    assert await sent(items) == wires


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (["text", user("an item")], "items and parts do not mix"),
        (["text", 3], "neither text, Image, File nor a content part"),
        ([], "the list is empty"),
        (None, "got NoneType"),
        (b"bytes", "got bytes"),
        (Image("/no/such/file.png"), "Give an existing file"),
        ([call("add", "c1", a=1)], "the call 'c1' has no output"),
        (
            [{"type": "function_call_output", "call_id": "c9", "output": ""}],
            "the output for 'c9' has no call",
        ),
    ],
)
async def test_what_cannot_be_sent_is_the_callers_mistake(said, reason):
    model = ScriptedModel("never")
    with pytest.raises(ConfigurationError, match=reason):
        await Agent(model).run(said)
    assert model.requests == []


async def test_hosted_tools_pass_through_beside_functions():
    @tool
    def add(a: int) -> int:
        """Add one."""
        return a + 1

    search = {"type": "web_search", "user_location": {"type": "approximate", "country": "DE"}}
    mcp = {"type": "mcp", "server_label": "x", "server_url": "https://x.example"}
    model = ScriptedModel("done")
    await Agent(model, tools=[search, add, mcp]).run("go")
    assert model.requests[0].wire()["tools"] == [add.schema(), search, mcp]


async def test_settings_pass_through_as_they_are():
    settings = {
        "temperature": 0.2,
        "reasoning": {"effort": "low"},
        "metadata": {"run": "1"},
        "field_of_tomorrow": [1, None],
    }
    model = ScriptedModel("done")
    await Agent(model, settings=settings).run("go")
    wire = model.requests[0].wire()
    assert settings.items() <= wire.items()
    assert wire.keys() == settings.keys() | {"input", "stream"}, "nothing that was not asked for"


@pytest.mark.parametrize(
    ("setting", "remedy"),
    [
        ("model", "first argument"),
        ("instructions", "pass instructions="),
        ("tools", "pass tools="),
        ("input", "run"),
        ("stream", "agent.stream"),
        ("previous_response_id", "state='chained'"),
        ("conversation", "state='conv_"),
    ],
)
def test_a_setting_with_a_place_of_its_own_is_an_error(setting, remedy):
    with pytest.raises(ConfigurationError, match=f"settings: '{setting}' has no place.*{remedy}"):
        Agent(ScriptedModel(), settings={setting: "x"})


def add() -> None:
    """A function named like the tool."""


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"settings": {"metadata": {"n": 1}}}, r"metadata\['n'\] is 1; the wire takes strings"),
        ({"tools": [add, tool(add)]}, "two are named 'add'"),
        ({"tools": [{"name": "x"}]}, "a hosted tool needs a type"),
        ({"tools": [{"type": "function", "name": "x"}]}, "Tool.from_schema"),
        ({"tools": [3]}, "3 is no tool"),
        ({"state": "remember"}, "none of 'replay', 'chained'"),
        ({"state": 3}, "none of 'replay', 'chained'"),
        ({"settings": ["store"]}, "settings: expected a dict"),
        ({"store": object()}, "store"),
    ],
)
def test_an_argument_that_cannot_work_is_an_error_at_once(options, reason):
    with pytest.raises(ConfigurationError, match=reason):
        Agent(ScriptedModel(), **options)


def test_a_model_is_a_name_or_can_stream():
    with pytest.raises(ConfigurationError, match="expected a name or an object with stream"):
        Agent(object())


async def test_a_tool_of_a_schema_runs_like_any_other():
    parameters = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    double = Tool.from_schema("double", "Twice.", parameters, lambda a: 2 * a)
    model = ScriptedModel([call("double", a=4)], "done")
    await Agent(model, tools=[double]).run("go")
    assert model.requests[1].outputs == ["8"]


async def test_replace_makes_an_agent_like_this_one():
    model = ScriptedModel("one", "two")
    agent = Agent(model, instructions="Be brief.", settings={"temperature": 0})
    await agent.replace(instructions="Be long.").run("go")
    await agent.run("go")
    assert [each.wire()["instructions"] for each in model.requests] == ["Be long.", "Be brief."]
    assert [each.wire()["temperature"] for each in model.requests] == [0, 0]


async def test_dependencies_reach_the_tools_and_never_the_model():
    seen = []

    @tool
    def look(context: ToolContext) -> None:
        seen.append((context.deps, context.session, context.usage.total_tokens > 0))

    model = ScriptedModel([call("look")], "done")
    secret = object()
    await Agent(model, tools=[look]).run("go", deps=secret, session="mine")
    assert seen == [(secret, "mine", True)]
    assert model.requests[0].wire()["tools"][0]["parameters"]["properties"] == {}
