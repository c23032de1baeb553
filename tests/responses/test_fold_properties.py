"""Whatever a server sends: no item is lost, and nothing but a model error is raised."""

from __future__ import annotations

from folding import REASONED, call, completed, done, fold, message, wires
from hypothesis import given
from hypothesis import strategies as st

from agentkit import ModelError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "id", "refusal", "message", "code"]), inner, max_size=3
        )
    ),
    max_leaves=5,
)
TYPES = st.sampled_from(["message", "function_call", "reasoning", "custom_tool_call", "x"]) | JSON
ITEMS = st.fixed_dictionaries(
    {},
    optional={
        "type": TYPES,
        **dict.fromkeys(
            ["id", "call_id", "name", "arguments", "content", "summary", "role", "phase"], JSON
        ),
    },
)
KINDS = st.sampled_from(
    [
        "response.output_text.delta",
        "response.output_text.done",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.reasoning_text.delta",
        "response.output_item.added",
        "response.output_item.done",
        "response.completed",
        "error",
        "response.unheard_of",
    ]
)
RESPONSES = JSON | st.fixed_dictionaries(
    {},
    optional={
        "output": st.lists(ITEMS, max_size=3) | JSON,
        "usage": JSON,
        "error": JSON,
        "incomplete_details": JSON,
    },
)
EVENTS = st.fixed_dictionaries(
    {"type": KINDS | JSON},
    optional={
        "item": ITEMS | JSON,
        "response": RESPONSES,
        **dict.fromkeys(
            ["delta", "text", "arguments", "item_id", "output_index", "content_index", "error"],
            JSON,
        ),
    },
)


@given(st.lists(EVENTS, max_size=8))
def test_whatever_a_server_sends_there_is_a_response_or_a_model_error(events):
    try:
        response = fold(*events)
    except ModelError:
        return
    assert all(isinstance(text, str) for text in (response.status, response.text, response.refusal))
    assert isinstance(response.usage.total_tokens, int)
    for item in response.output:
        assert isinstance(item.type, str)
    for asked in response.calls:
        assert all(isinstance(text, str) for text in (asked.name, asked.call_id, asked.arguments))


INDEXES = st.lists(st.none() | st.integers(-1, 3), min_size=4, max_size=4)


@given(
    st.permutations([REASONED, message("Hi.", id="m"), call("c1", id="f1"), call("c2", id="f2")]),
    INDEXES,
    st.sets(st.integers(0, 3)),
)
def test_no_item_that_came_whole_is_lost_or_doubled(items, indexes, in_terminal):
    events = [done(item, index) for item, index in zip(items, indexes, strict=True)]
    output = wires(*events, completed(*(items[at] for at in sorted(in_terminal))))
    assert sorted(map(str, output)) == sorted(map(str, items))
