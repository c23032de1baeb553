"""Items, requests and responses as views over the wire's own objects."""

from __future__ import annotations

import json

import pytest

from agentkit.encoding import encode
from agentkit.responses.items import (
    CustomToolCall,
    FunctionCall,
    FunctionCallOutput,
    Message,
    OtherItem,
    Reasoning,
    read_item,
    read_items,
    sent_back,
    user_message,
)
from agentkit.responses.response import Fields, Request, Usage, read_response

CALL = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "c1",
    "name": "add",
    "arguments": "{}",
    "status": "completed",
}
SAID = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "phase": "commentary",
    "content": [],
}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "…"}


@pytest.mark.parametrize(
    ("wire", "kind"),
    [
        ({"type": "message"}, Message),
        ({"role": "user", "content": "Hi."}, Message),
        (CALL, FunctionCall),
        ({"type": "custom_tool_call"}, CustomToolCall),
        ({"type": "function_call_output"}, FunctionCallOutput),
        ({"type": "custom_tool_call_output"}, FunctionCallOutput),
        (THOUGHT, Reasoning),
        ({"type": "acme:telemetry"}, OtherItem),
        ({}, OtherItem),
        ({"type": ["odd"]}, OtherItem),
    ],
)
def test_an_item_is_read_by_its_type_and_kept_as_it_came(wire, kind):
    item = read_item(wire)
    assert type(item) is kind
    assert item.wire is wire
    assert json.loads(item.encoded) == wire
    assert item.encoded is item.encoded


def test_what_is_no_object_is_no_item():
    assert read_items(None) == ()
    assert [item.wire for item in read_items([None, CALL, "x"])] == [CALL]


@pytest.mark.parametrize(
    ("sent", "read"), [("", "{}"), (None, "{}"), ('{"a":1}', '{"a":1}'), ({"a": 1}, '{"a":1}')]
)
def test_arguments_are_json_text_whatever_was_sent(sent, read):
    assert read_item({**CALL, "arguments": sent}).arguments == read


def test_a_lone_surrogate_goes_through():
    assert json.loads(user_message("\ud83d").encoded)["content"] == "\ud83d"


def test_numbers_that_json_lacks_are_null_beside_a_lone_surrogate_too():
    assert encode(["\ud83d", float("nan")]) == b'["\\ud83d",null]'
    assert encode(["?", float("nan")]) == b'["?",null]'


def test_what_goes_back_has_no_ids_and_keeps_its_order():
    back = sent_back(read_items([THOUGHT, SAID, CALL]))
    assert [item.type for item in back] == ["reasoning", "message", "function_call"]
    assert not any({"id", "status"} & item.wire.keys() for item in back)
    assert back[1].wire["phase"] == "commentary"


@pytest.mark.parametrize(
    "other",
    [{"type": "reasoning", "id": "rs_1", "summary": []}, {"type": "web_search_call", "id": "ws_1"}],
)
def test_neighbours_of_what_only_the_server_knows_keep_their_ids(other):
    items = read_items([other, SAID, CALL])
    assert sent_back(items) == items


def test_a_body_is_fields_items_and_whether_to_stream():
    sent = Request(
        Fields({"model": "m", "top_p": 1}),
        (user_message("?"),),
        {"top_p": None, "store": False},
        stream=True,
    )
    assert sent.wire() == {
        "model": "m",
        "input": [{"type": "message", "role": "user", "content": "?"}],
        "store": False,
        "stream": True,
    }
    assert Request(Fields({}), ()).wire() == {"input": [], "stream": False}


@pytest.mark.parametrize(
    ("wire", "status", "is_complete"),
    [
        ({}, "completed", True),
        ({"status": None, "error": {"message": "No."}}, "failed", False),
        ({"incomplete_details": {"reason": "x"}}, "incomplete", False),
        ({"status": "in_progress"}, "in_progress", False),
        ({"status": "cancelled"}, "cancelled", False),
        ({"status": ""}, "completed", True),
        ({"status": "fine"}, "fine", False),
        ({"status": 7}, "7", False),
    ],
)
def test_the_status_is_the_servers_word_or_follows_from_the_rest(wire, status, is_complete):
    response = read_response(wire)
    assert (response.status, response.is_complete) == (status, is_complete)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        [],
        3,
        {"input_tokens": None},
        {"input_tokens": "many"},
        {"input_tokens": float("inf")},
        {"input_tokens_details": 3},
    ],
)
def test_usage_that_says_nothing_reads_as_zeros(usage):
    assert Usage.read(usage) == Usage()


def test_a_total_that_is_missing_is_the_sum():
    assert Usage.read({"input_tokens": 2, "output_tokens": 3}).total_tokens == 5
