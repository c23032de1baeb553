"""chat.completion bodies and chunks read as responses."""

from __future__ import annotations

import pytest

from agentkit.responses.chat.shape import is_chunk, is_completion, response_of
from agentkit.responses.chat.stream import ChatStream
from agentkit.responses.events import ARGUMENTS_DELTA, REASONING_DELTA, TEXT_DELTA
from agentkit.responses.fold import Fold
from agentkit.responses.items import sent_back
from agentkit.responses.response import Response, read_response


def completion(finish: str = "stop", usage: dict | None = None, **message) -> Response:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return read_response(
        response_of({"id": "c", "model": "g", "created": 7, "choices": [choice], "usage": usage})
    )


def streamed(*deltas: dict, finish: str | None = "stop") -> Response:
    fold, chat = Fold(), ChatStream()
    last = {"index": 0, "delta": {}, "finish_reason": finish}
    for choice in [*({"index": 0, "delta": each} for each in deltas), last]:
        for event in chat.add({"id": "c", "model": "g", "choices": [choice]}):
            fold.add(event)
    fold.add(chat.end())
    return fold.response()


def tool_call(call_id: str | None, name: str | None, arguments, index: int | None = None) -> dict:
    place = {} if index is None else {"index": index}
    return {
        **place,
        "id": call_id,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


def calls(response: Response) -> list[tuple[str, str, str]]:
    return [(call.call_id, call.name, call.arguments) for call in response.calls]


def test_text_usage_and_identity_are_kept():
    details = {
        "prompt_tokens_details": {"cached_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 1},
    }
    said = completion(content="Hi.", usage={"prompt_tokens": 5, "completion_tokens": 3, **details})
    assert (said.text, said.id, said.model, said.status) == ("Hi.", "c", "g", "completed")
    used = said.usage
    assert (
        used.input_tokens,
        used.cached_tokens,
        used.output_tokens,
        used.reasoning_tokens,
        used.total_tokens,
    ) == (5, 2, 3, 1, 8)


@pytest.mark.parametrize(
    "usage", [None, {}, {"prompt_tokens": None}, {"prompt_tokens_details": None}, 3]
)
def test_usage_may_be_missing_in_part_or_whole(usage):
    assert completion(content="Hi.", usage=usage).usage.total_tokens == 0


def test_tool_calls_become_function_calls():
    asked = completion(
        "tool_calls",
        content=None,
        tool_calls=[tool_call("c1", "add", '{"a":1}'), tool_call(None, "now", None)],
    )
    assert calls(asked) == [("c1", "add", '{"a":1}'), ("call_1", "now", "{}")]
    assert [item.type for item in asked.output] == ["function_call", "function_call"]


def test_arguments_that_come_as_an_object_become_text():
    assert calls(completion(tool_calls=[tool_call("c1", "add", {"a": 1})])) == [
        ("c1", "add", '{"a":1}')
    ]


@pytest.mark.parametrize(
    ("finish", "status", "reason"),
    [
        ("length", "incomplete", "max_output_tokens"),
        ("content_filter", "incomplete", "content_filter"),
        ("tool_calls", "completed", None),
        ("function_call", "completed", None),
        ("stop", "completed", None),
        ("eos", "completed", None),
        ("model_length", "incomplete", "max_output_tokens"),
        ("MAX_TOKENS", "incomplete", "max_output_tokens"),
        ("sensitive", "incomplete", "content_filter"),
        ("SAFETY", "incomplete", "content_filter"),
        ("error", "failed", None),
        ("insufficient_system_resource", "failed", None),
        ("abort", "failed", None),
    ],
)
def test_why_it_finished_becomes_the_status(finish, status, reason):
    for said in (completion(finish, content="Hi"), streamed({"content": "Hi"}, finish=finish)):
        assert (said.status, said.incomplete_reason) == (status, reason)


@pytest.mark.parametrize(
    "message",
    [
        {"reasoning_content": "Hm.", "content": "Hi."},
        {"reasoning": "Hm.", "content": "Hi."},
        {"reasoning_content": "Hm.", "reasoning": "Hm.", "content": "Hi."},
        {
            "reasoning": "Hm.",
            "reasoning_details": [{"type": "reasoning.text", "text": "Hm."}],
            "content": "Hi.",
        },
        {"reasoning_details": [{"type": "reasoning.summary", "summary": "Hm."}], "content": "Hi."},
        {
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
                {"type": "text", "text": "Hi."},
            ]
        },
    ],
)
def test_thinking_becomes_reasoning_before_the_message(message):
    for said in (completion(**message), streamed(message)):
        assert [item.type for item in said.output] == ["reasoning", "message"]
        assert [item.text for item in said.output] == ["Hm.", "Hi."]


def test_a_refusal_stays_one():
    assert completion(content=None, refusal="No.").refusal == "No."
    assert completion(content=[{"type": "refusal", "refusal": "No."}]).refusal == "No."
    assert streamed({"refusal": "N"}, {"refusal": "o."}).refusal == "No."


def test_pieces_of_parallel_calls_are_put_together_by_index():
    asked = streamed(
        {"role": "assistant", "content": None, "tool_calls": [tool_call("c1", "add", "", 0)]},
        {"tool_calls": [tool_call("c2", "sub", "", 1)]},
        {"tool_calls": [tool_call(None, None, '{"a"', 0), tool_call(None, None, '{"b"', 1)]},
        {"tool_calls": [tool_call(None, None, ":1}", 0), tool_call(None, None, ":2}", 1)]},
        finish="tool_calls",
    )
    assert calls(asked) == [("c1", "add", '{"a":1}'), ("c2", "sub", '{"b":2}')]


@pytest.mark.parametrize("index", [None, 0])
def test_whole_calls_may_have_no_index_or_share_it(index):
    asked = streamed(
        {
            "tool_calls": [
                tool_call("c1", "add", '{"a":1}', index),
                tool_call("c2", "add", '{"a":2}', index),
            ]
        }
    )
    assert calls(asked) == [("c1", "add", '{"a":1}'), ("c2", "add", '{"a":2}')]


@pytest.mark.parametrize("index", [None, 0])
@pytest.mark.parametrize("call_id", [None, ""])
def test_whole_calls_may_have_no_id_either(index, call_id):
    asked = streamed(
        {"tool_calls": [tool_call(call_id, "add", '{"a":1}', index)]},
        {"tool_calls": [tool_call(call_id, "add", '{"a":2}', index)]},
    )
    assert calls(asked) == [("call_0", "add", '{"a":1}'), ("call_1", "add", '{"a":2}')]


@pytest.mark.parametrize("ids", [("c1", "c1", "c1"), ("c1", "c2", "c3"), (None, None, None)])
@pytest.mark.parametrize("name", ["add", None, ""])
def test_id_and_name_may_come_with_every_piece_and_the_id_be_another(ids, name):
    asked = streamed(
        {"tool_calls": [tool_call(ids[0], "add", '{"a"', 0)]},
        {"tool_calls": [tool_call(ids[1], name, ":", 0)]},
        {"tool_calls": [tool_call(ids[2], name, "1}", 0)]},
    )
    assert calls(asked) == [(ids[0] or "call_0", "add", '{"a":1}')]


def test_pieces_that_have_only_an_id_find_their_call():
    asked = streamed(
        {"tool_calls": [tool_call("c1", "add", ""), tool_call("c2", "sub", "")]},
        {"tool_calls": [tool_call("c1", None, '{"a":1}'), tool_call("c2", None, '{"b":2}')]},
    )
    assert calls(asked) == [("c1", "add", '{"a":1}'), ("c2", "sub", '{"b":2}')]


def test_a_call_in_the_older_shape_is_one():
    older = {"name": "add", "arguments": '{"a":1}'}
    assert calls(completion("function_call", content=None, function_call=older)) == [
        ("call_0", "add", '{"a":1}')
    ]
    pieces = [{"name": "add", "arguments": ""}, {"arguments": '{"a"'}, {"arguments": ":1}"}]
    asked = streamed(*({"function_call": piece} for piece in pieces), finish="function_call")
    assert calls(asked) == [("call_0", "add", '{"a":1}')]


def test_the_signature_of_a_call_stays_with_it():
    extra = {"google": {"thought_signature": "opaque"}}
    made = {**tool_call("c1", "add", "{}", 0), "extra_content": extra}
    for asked in (completion(tool_calls=[made]), streamed({"tool_calls": [made]})):
        assert sent_back(asked.output)[0].wire["extra_content"] == extra


def test_citations_are_those_of_a_response():
    inner = {"url": "https://x", "title": "X", "start_index": 0, "end_index": 2}
    message = {
        "content": "Hi",
        "annotations": [{"type": "url_citation", "url_citation": inner}],
    }
    for answered in (completion(**message), streamed(message)):
        part = answered.output[0].wire["content"][0]
        assert part["annotations"] == [{"type": "url_citation", **inner}]


def test_what_usage_says_besides_tokens_is_kept():
    said = completion(content="Hi.", usage={"prompt_tokens": 5, "cost": 0.25})
    assert (said.cost, said.usage.total_tokens) == (0.25, 5)
    cached = completion(content="Hi.", usage={"prompt_tokens": 5, "prompt_cache_hit_tokens": 3})
    assert cached.usage.cached_tokens == 3


@pytest.mark.parametrize(
    "usage", [{"usage": {"prompt_tokens": 4}}, {"x_groq": {"usage": {"prompt_tokens": 4}}}]
)
def test_usage_may_come_after_the_finish_reason_without_a_choice(usage):
    chat = ChatStream()
    chat.add({"choices": [{"delta": {"content": "Hi"}, "finish_reason": None}], "usage": None})
    chat.add({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    assert chat.is_finished
    chat.add({"choices": [], **usage})
    assert read_response(chat.end().response).usage.input_tokens == 4


def test_a_last_chunk_that_repeats_the_whole_message_adds_nothing():
    chat = ChatStream()
    chat.add({"choices": [{"delta": {"content": "Hi"}}]})
    chat.add({"choices": [{"delta": {}, "message": {"content": "Hi"}, "finish_reason": "stop"}]})
    assert read_response(chat.end().response).text == "Hi"


def test_a_first_chunk_that_says_nothing_of_the_answer_does_no_harm():
    chat = ChatStream()
    chat.add({"id": "", "model": "", "choices": [], "prompt_filter_results": []})
    chat.add({"id": "c", "model": "g", "choices": [{"delta": {"content": "Hi"}}]})
    chat.add({"id": "c", "model": "g", "choices": [{"delta": {}, "finish_reason": "stop"}]})
    said = read_response(chat.end().response)
    assert (said.id, said.model, said.text) == ("c", "g", "Hi")


def test_an_error_of_the_choice_is_the_responses():
    error = {"code": 502, "message": "Upstream broke."}
    choice = {"index": 0, "message": {"content": "So f"}, "finish_reason": "error", "error": error}
    said = read_response(response_of({"choices": [choice]}))
    assert (said.status, said.error) == ("failed", error)
    chat = ChatStream()
    chat.add({"choices": [{**choice, "message": None, "delta": {"content": ""}}]})
    assert read_response(chat.end().response).error == error


def test_an_answer_without_a_choice_is_none():
    said = read_response(response_of({"choices": [], "usage": {"prompt_tokens": 3}}))
    assert (said.status, said.error["code"]) == ("failed", "server_error")
    assert said.usage.input_tokens == 3


def test_a_piece_without_index_and_id_goes_on_with_the_last_call():
    asked = streamed(
        {"tool_calls": [tool_call("c1", "add", '{"a"')]},
        {"tool_calls": [tool_call(None, None, ":1}")]},
    )
    assert calls(asked) == [("c1", "add", '{"a":1}')]


def test_deltas_are_told_as_they_come():
    chat = ChatStream()
    delta = {"content": "Hi", "reasoning": "Hm", "tool_calls": [tool_call("c1", "add", "{", 0)]}
    events = chat.add({"choices": [{"index": 0, "delta": delta}]})
    assert [(event.type, event.delta) for event in events] == [
        (TEXT_DELTA, "Hi"),
        (REASONING_DELTA, "Hm"),
        (ARGUMENTS_DELTA, "{"),
    ]


def test_of_several_choices_the_first_counts():
    chat = ChatStream()
    chat.add(
        {
            "choices": [
                {"index": 1, "delta": {"content": "No"}},
                {"index": 0, "delta": {"content": "Yes"}, "finish_reason": "stop"},
            ]
        }
    )
    assert read_response(chat.end().response).text == "Yes"


def test_chunks_that_never_finish_have_no_end():
    chat = ChatStream()
    chat.add({"choices": [{"index": 0, "delta": {"content": "Hi"}}]})
    assert chat.end() is None


@pytest.mark.parametrize(
    "choices",
    [
        None,
        [],
        [None],
        [3],
        [{"delta": None}],
        [{"delta": 3}],
        [{"delta": {"tool_calls": [None], "content": 3}}],
        [{"delta": {"tool_calls": [{"function": None}]}}],
    ],
)
def test_misshapen_chunks_and_bodies_do_no_harm(choices):
    ChatStream().add({"choices": choices})
    assert read_response(response_of({"choices": choices})).text == ""


def test_a_response_is_not_taken_for_a_chat():
    assert not is_completion({"object": "response", "output": []})
    assert not is_completion({"object": "response"})
    assert not is_chunk({"type": "response.created"})
    assert is_completion({"object": "chat.completion"})
    assert is_completion({"choices": []})
    assert is_chunk({"choices": [], "object": ""})
    assert not is_chunk({"choices": [], "error": {"message": "Broken."}})
