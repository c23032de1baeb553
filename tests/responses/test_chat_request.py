"""A request in chat's words: every item, part, tool and field, or a clear refusal."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agentkit import ConfigurationError
from agentkit.responses.chat.dialect import ChatDialect
from agentkit.responses.chat.request import ChatRequest, chat_request
from agentkit.responses.items import read_items
from agentkit.responses.response import Fields, Request

Wire = dict[str, Any]

HI: Wire = {"type": "message", "role": "user", "content": "hi"}
ADD: Wire = {
    "type": "function",
    "name": "add",
    "description": "Add.",
    "parameters": {"type": "object"},
    "strict": True,
}
NOW: Wire = {"type": "function", "name": "now", "parameters": {"type": "object"}, "strict": False}


def made(*items: Wire, dialect: ChatDialect | None = None, **fields: Any) -> ChatRequest:
    request = Request(Fields({"model": "m", **fields}), read_items(items or [HI]))
    return chat_request(request, dialect)


def messages(*items: Wire, dialect: ChatDialect | None = None, **fields: Any) -> list[Wire]:
    return made(*items, dialect=dialect, **fields).wire()["messages"]


def fields_of(dialect: ChatDialect | None = None, **fields: Any) -> Wire:
    wire = made(dialect=dialect, **fields).wire()
    return {k: v for k, v in wire.items() if k not in ("model", "messages", "stream")}


def said(text: str, **more: Any) -> Wire:
    part = {"type": "output_text", "text": text, "annotations": []}
    return {"type": "message", "role": "assistant", "content": [part], **more}


def called(call_id: str, name: str = "add", arguments: str = "{}") -> Wire:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}


def given(call_id: str, output: Any) -> Wire:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def thought(text: str) -> Wire:
    return {"type": "reasoning", "content": [{"type": "reasoning_text", "text": text}]}


def tool_call(call_id: str, name: str = "add", arguments: str = "{}") -> Wire:
    return {
        "id": call_id,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


def told(call_id: str, content: str) -> Wire:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


USER = {"role": "user", "content": "hi"}


def test_instructions_come_first_as_what_the_system_says():
    assert messages(instructions="Be brief.") == [{"role": "system", "content": "Be brief."}, USER]
    newer = ChatDialect(system_role="developer")
    assert messages(instructions="Be.", dialect=newer)[0] == {"role": "developer", "content": "Be."}


def test_what_the_developer_says_next_is_added_to_the_instructions():
    developer = {"role": "developer", "content": [{"type": "input_text", "text": 'Say "yes".'}]}
    system = {"role": "system", "content": "Now."}
    assert messages(developer, system, HI, system, instructions="Be brief.") == [
        {"role": "system", "content": 'Be brief.\n\nSay "yes".\n\nNow.'},
        USER,
        {"role": "system", "content": "Now."},
    ]


def test_messages_of_the_user_stay_apart():
    assert messages(HI, HI) == [USER, USER]


def test_all_of_one_answer_is_one_message_of_the_assistant():
    asked = messages(
        HI,
        thought("Hm."),
        said("One moment.", phase="commentary"),
        called("c1", arguments='{"a":1}'),
        said("And another."),
        called("c2", "now", ""),
        given("c1", "3"),
        given("c2", ""),
        said("Done."),
        HI,
    )
    assert asked == [
        USER,
        {
            "role": "assistant",
            "content": "One moment.\n\nAnd another.",
            "tool_calls": [tool_call("c1", arguments='{"a":1}'), tool_call("c2", "now")],
        },
        told("c1", "3"),
        told("c2", ""),
        {"role": "assistant", "content": "Done."},
        USER,
    ]


def test_calls_that_were_answered_one_by_one_stay_so():
    asked = messages(HI, called("c1"), given("c1", "1"), called("c2"), given("c2", "2"))
    assert [message["role"] for message in asked] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "tool",
    ]
    assert asked[1]["content"] is None


def test_thoughts_go_back_with_calls_where_the_server_wants_them():
    items = [HI, thought("Hm."), said("Hello."), HI, thought("So."), called("c1"), given("c1", "1")]
    wanted = messages(*items, dialect=ChatDialect(thought_field="reasoning_content"))
    assert [message.get("reasoning_content") for message in wanted] == [
        None,
        None,
        None,
        "So.",
        None,
    ]
    assert "So." not in json.dumps(messages(*items))


def test_a_call_without_a_known_thought_still_has_the_field():
    wanted = messages(HI, called("c1"), given("c1", "1"), dialect=ChatDialect(thought_field="t"))
    assert wanted[1]["t"] == " "


def test_a_role_of_whatever_words_stays_a_string():
    assert messages({"role": 'a"b', "content": "x"}) == [{"role": 'a"b', "content": "x"}]


def test_thoughts_alone_are_no_message():
    encrypted = {"type": "reasoning", "summary": [], "encrypted_content": "opaque"}
    assert messages(HI, thought("Hm."), encrypted) == [USER]


def test_a_refusal_goes_back_as_what_was_said():
    refused = {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}
    assert messages(HI, refused)[1] == {"role": "assistant", "content": "No."}
    assert messages({"role": "assistant", "content": "Yes."}) == [
        {"role": "assistant", "content": "Yes."}
    ]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (
            {"type": "input_image", "image_url": "https://x/a.png", "detail": "low"},
            {"type": "image_url", "image_url": {"url": "https://x/a.png", "detail": "low"}},
        ),
        (
            {"type": "input_image", "image_url": "data:image/png;base64,AA", "detail": "original"},
            {
                "type": "image_url",
                "image_url": {"url": "data:image/png;base64,AA", "detail": "high"},
            },
        ),
        (
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:,a"},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:,a"}},
        ),
        (
            {"type": "input_file", "file_id": "file-1"},
            {"type": "file", "file": {"file_id": "file-1"}},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}},
            {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}},
        ),
        (
            {"type": "video_url", "video_url": {"url": "https://x/a.mp4"}},
            {"type": "video_url", "video_url": {"url": "https://x/a.mp4"}},
        ),
    ],
)
def test_parts_of_the_users_message_have_their_counterparts(part: Wire, expected: Wire):
    content = [{"type": "input_text", "text": "See:"}, part]
    assert messages({"role": "user", "content": content}) == [
        {"role": "user", "content": [{"type": "text", "text": "See:"}, expected]}
    ]


def test_text_in_parts_is_sent_as_text():
    parts = [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}]
    assert messages({"role": "user", "content": parts}) == [{"role": "user", "content": "a\nb"}]


def test_an_image_that_a_tool_gave_is_shown_by_the_user_behind_all_results():
    image = {"type": "input_image", "image_url": "data:image/png;base64,AA"}
    plot = [{"type": "input_text", "text": "A plot."}, image]
    asked = messages(
        HI, called("c1"), called("c2"), given("c1", plot), given("c2", "2"), said("I see.")
    )
    assert asked[2:] == [
        told("c1", "A plot.\n(The rest is in the user's next message.)"),
        told("c2", "2"),
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What the tool call c1 gave:"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
            ],
        },
        {"role": "assistant", "content": "I see."},
    ]


def test_an_output_of_text_parts_is_text():
    parts = [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}]
    assert messages(called("c1"), given("c1", parts))[1] == told("c1", "a\nb")


def test_a_call_of_a_custom_tool_made_elsewhere_is_told_as_one_of_a_function():
    custom = {"type": "custom_tool_call", "call_id": "c1", "name": "shell", "input": "ls"}
    output = {"type": "custom_tool_call_output", "call_id": "c1", "output": "a.txt"}
    asked = messages(HI, custom, output)
    assert asked[1]["tool_calls"] == [tool_call("c1", "shell", '{"input":"ls"}')]
    assert asked[2] == told("c1", "a.txt")


def test_the_signature_of_a_call_goes_back_with_it():
    extra = {"google": {"thought_signature": "opaque"}}
    asked = messages(HI, {**called("c1"), "extra_content": extra}, given("c1", "1"))
    assert asked[1]["tool_calls"] == [{**tool_call("c1"), "extra_content": extra}]


@pytest.mark.parametrize("kind", ["web_search_call", "mcp_list_tools", "slug:novel"])
def test_what_a_server_noted_of_its_own_work_is_left_out(kind: str):
    assert messages(HI, {"type": kind, "id": "x"}, said("Found.")) == [
        USER,
        {"role": "assistant", "content": "Found."},
    ]


def test_functions_are_nested_and_everything_else_about_them_is_kept():
    asked = fields_of(
        tools=[ADD, NOW, {"type": "web_search", "web_search": {"enable": True}}],
        tool_choice={"type": "function", "name": "add"},
        parallel_tool_calls=False,
    )
    rest = {key: value for key, value in ADD.items() if key != "type"}
    assert asked == {
        "tools": [
            {"type": "function", "function": rest},
            {
                "type": "function",
                "function": {"name": "now", "parameters": {"type": "object"}, "strict": False},
            },
            {"type": "web_search", "web_search": {"enable": True}},
        ],
        "tool_choice": {"type": "function", "function": {"name": "add"}},
        "parallel_tool_calls": False,
    }


def test_a_choice_among_some_tools_sends_only_these():
    named = {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "function", "name": "now"}],
    }
    asked = fields_of(tools=[ADD, NOW], tool_choice=named)
    assert [tool["function"]["name"] for tool in asked["tools"]] == ["now"]
    assert asked["tool_choice"] == "required"


def test_nothing_is_said_about_tools_where_there_are_none():
    assert fields_of(tool_choice="none", parallel_tool_calls=True) == {}


def test_the_schema_of_the_answer_is_nested():
    schema = {"name": "N", "schema": {"type": "object"}, "strict": True, "description": "A total."}
    asked = fields_of(text={"format": {"type": "json_schema", **schema}, "verbosity": "low"})
    assert asked == {
        "response_format": {"type": "json_schema", "json_schema": schema},
        "verbosity": "low",
    }
    assert fields_of(text={"format": {"type": "json_object"}}) == {
        "response_format": {"type": "json_object"}
    }
    assert fields_of(text={"format": {"type": "text"}}) == {}


def test_settings_have_chats_names_and_others_pass_as_they_are():
    same = {
        "temperature": 0,
        "top_p": 0.5,
        "metadata": {"a": "b"},
        "store": False,
        "user": "u",
        "service_tier": "flex",
        "prompt_cache_key": "k",
        "safety_identifier": "s",
        "seed": 7,
        "stop": ["."],
        "provider": {"sort": "price"},
    }
    asked = fields_of(
        **same,
        max_output_tokens=50,
        reasoning={"effort": "low", "summary": "auto"},
        top_logprobs=2,
    )
    assert asked == {
        **same,
        "max_tokens": 50,
        "reasoning_effort": "low",
        "logprobs": True,
        "top_logprobs": 2,
    }


def test_what_an_answer_can_do_without_is_left_out():
    assert (
        fields_of(
            include=["reasoning.encrypted_content"],
            truncation="auto",
            max_tool_calls=3,
            context_management=[{"type": "compaction"}],
            background=False,
            reasoning=None,
            text={},
        )
        == {}
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id: .*state='replay'"),
        ({"conversation": "conv_1"}, "conversation: .*state='replay'"),
        ({"background": True}, "background: "),
        ({"prompt": {"id": "p"}}, "prompt: .*instructions"),
        ({"tools": [{"type": "web_search"}]}, "tools: 'web_search' is no function"),
        ({"tools": [ADD, {"type": "custom", "name": "shell"}]}, "tools: custom 'shell' is no"),
        ({"tools": [{"type": "mcp", "server_label": "docs"}]}, "tools: mcp 'docs' is no function"),
        (
            {"tools": [ADD], "tool_choice": {"type": "mcp", "server_label": "docs"}},
            "tool_choice: mcp 'docs' is no function",
        ),
    ],
)
def test_what_would_mean_something_else_without_is_refused(fields: Wire, words: str):
    with pytest.raises(ConfigurationError, match=words):
        made(**fields)


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"type": "compaction", "encrypted_content": "x"}, "'compaction' means something only"),
        ({"type": "item_reference", "id": "msg_1"}, "'item_reference' means something only"),
        (
            {"role": "user", "content": [{"type": "input_image", "file_id": "f"}]},
            "no place for an image by file_id. Give its URL or its bytes",
        ),
        (
            {"role": "user", "content": [{"type": "input_file", "file_url": "https://x"}]},
            "no place for a file by its URL. Give its bytes or a path",
        ),
    ],
)
def test_an_item_that_cannot_be_said_is_refused(item: Wire, words: str):
    with pytest.raises(ConfigurationError, match=words):
        made(item)


def test_the_fields_of_one_request_win_and_none_takes_one_away():
    request = Request(
        Fields({"model": "m", "tools": [ADD], "temperature": 1, "instructions": "Be."}),
        read_items([HI]),
        {"tools": None, "tool_choice": None, "temperature": 0, "instructions": "Be brief."},
        stream=True,
    )
    assert chat_request(request).wire() == {
        "model": "m",
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [{"role": "system", "content": "Be brief."}, USER],
    }


def test_none_takes_away_a_field_under_chats_name_too():
    fields = Fields({"model": "m", "max_output_tokens": 9, "reasoning": {"effort": "low"}})
    taken = {"max_tokens": None, "reasoning_effort": None}
    assert chat_request(Request(fields, read_items([HI]), taken)).wire() == {
        "model": "m",
        "max_completion_tokens": 9,
        "stream": False,
        "messages": [USER],
    }


def test_a_server_is_not_sent_what_it_lacks():
    lacks = ChatDialect(lacks=frozenset({"max_tokens", "stream_options", "strict"}))
    request = Request(
        Fields({"model": "m", "tools": [ADD], "max_output_tokens": 9}),
        read_items([HI]),
        stream=True,
    )
    wire = chat_request(request, lacks).wire()
    assert "stream_options" not in wire
    assert "strict" not in wire["tools"][0]["function"]
    assert wire["max_completion_tokens"] == 9
    assert chat_request(request).wire()["tools"][0]["function"]["strict"] is True


@pytest.mark.parametrize(
    ("refused", "lacks"),
    [
        ("max_completion_tokens", {"max_completion_tokens"}),
        ("max_tokens", {"max_tokens"}),
        ("stream_options", {"stream_options"}),
        ("tools.0.function.strict", {"strict"}),
        ("tools[0].function.strict", {"strict"}),
        ("messages", None),
        ("", None),
    ],
)
def test_a_refused_field_of_chats_own_is_done_without(refused: str, lacks: set[str] | None):
    learnt = ChatDialect().without(refused)
    assert (learnt.lacks if learnt else None) == lacks
    assert learnt is None or learnt.without(refused) is None


def test_a_bound_on_tokens_is_never_dropped_and_thoughts_can_be():
    newer = ChatDialect().without("max_tokens")
    assert newer.without("max_completion_tokens") is None
    replayed = ChatDialect(thought_field="reasoning_content")
    assert replayed.without("messages[1].reasoning_content") == ChatDialect()


class Watched(dict):
    """A wire object that counts how often somebody looks into it."""

    looks = 0

    def get(self, *key: Any) -> Any:
        Watched.looks += 1
        return super().get(*key)

    def __getitem__(self, key: str) -> Any:
        Watched.looks += 1
        return super().__getitem__(key)


def test_an_item_and_the_tools_are_looked_at_once_however_often_they_are_sent():
    fields = Fields({"model": "m", "tools": [Watched(ADD)]})
    items: list[Any] = []
    looks = []
    for turn in range(100):
        new = [thought("Hm."), said("So."), called(f"c{turn}"), given(f"c{turn}", "1")]
        items += read_items([Watched(wire) for wire in (HI, *new)])
        Watched.looks = 0
        chat_request(Request(fields, tuple(items))).body()
        looks.append(Watched.looks)
    assert len(set(looks[1:])) == 1
    assert 0 < looks[1] < looks[0]
