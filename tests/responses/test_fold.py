"""Stream events to a response, on servers that each break another rule."""

from __future__ import annotations

import pytest
from folding import (
    EMPTY,
    REASONED,
    STARTED,
    added,
    arguments,
    arguments_done,
    call,
    completed,
    done,
    fold,
    message,
    text,
    thought,
    wires,
)

from agentkit import ProtocolError, ServerError, StreamTruncatedError
from agentkit.responses.events import read_event
from agentkit.responses.fold import Fold


def test_items_that_came_whole_make_up_an_empty_terminal_output():
    items = [REASONED, message("Hi.", id="msg_1"), call("c1")]
    assert wires(*(done(item, at) for at, item in enumerate(items)), completed()) == items


@pytest.mark.parametrize("output", [None, "", {}, 0])
def test_a_terminal_output_that_is_no_list_counts_as_empty(output):
    end = {"type": "response.completed", "response": {"status": "completed", "output": output}}
    assert wires(done(message("Hi."), 0), end) == [message("Hi.")]


def test_item_ids_that_rotate_with_every_event_do_not_split_an_item():
    assert wires(
        added({**EMPTY, "id": "a"}, 0),
        text("He", item_id="b", output_index=0),
        text("llo", item_id="c", output_index=0),
        done(message("Hello", id="d"), 0),
        completed(message("Hello", id="e")),
    ) == [message("Hello", id="d")]


def test_without_any_index_the_ids_tell_parallel_calls_apart():
    response = fold(
        added(call("c1", "", id="fc_1")),
        added(call("c2", "", id="fc_2")),
        arguments('{"a"', item_id="fc_1"),
        arguments('{"b"', item_id="fc_2"),
        arguments(":1}", item_id="fc_1"),
        arguments(":2}", item_id="fc_2"),
        completed(),
    )
    assert [item.arguments for item in response.calls] == ['{"a":1}', '{"b":2}']


def test_items_of_two_types_may_share_an_index():
    items = [message("Hi.", id="msg_1"), call("c1", '{"a":1}', id="fc_1")]
    assert (
        wires(
            added({**EMPTY, "id": "msg_1"}, 0),
            text("Hi.", output_index=0),
            added(call("c1", "", id="fc_1"), 0),
            arguments('{"a":1}', output_index=0),
            done(items[0], 0),
            done(items[1], 0),
            completed(),
        )
        == items
    )


def test_two_calls_may_share_an_index():
    items = [call("c1", '{"a":1}', id="fc_1"), call("c2", '{"b":2}', id="fc_2")]
    assert (
        wires(
            added(call("c1", "", id="fc_1"), 0),
            added(call("c2", "", id="fc_2"), 0),
            arguments('{"a":1}', item_id="fc_1", output_index=0),
            arguments('{"b":2}', item_id="fc_2", output_index=0),
            done(items[0], 0),
            done(items[1], 0),
            completed(),
        )
        == items
    )


def test_an_index_of_minus_one_is_none():
    assert wires(
        added({**EMPTY, "id": "a"}, -1),
        text("Hi.", output_index=-1),
        done(message("Hi."), 0),
        completed(),
    ) == [message("Hi.")]


def test_an_item_may_be_done_at_another_index_than_it_began():
    assert wires(
        added(call("c1", "", id="fc_1"), 0),
        added({**EMPTY, "id": "msg_1"}, 1),
        done(call("c1", id="fc_1"), 3),
        done(message("Hi.", id="msg_1"), 0),
        completed(),
    ) == [call("c1", id="fc_1"), message("Hi.", id="msg_1")]


def test_an_item_may_be_done_without_having_begun():
    assert wires(done(call("c1", '{"a":1}'), 0), completed()) == [call("c1", '{"a":1}')]


def test_one_that_began_elsewhere_is_not_taken_for_one_that_is_done():
    one, other = message("One", id="msg_1"), message("Two", id="msg_2")
    assert wires(
        added({**EMPTY, "id": "msg_1"}, 0),
        text("One", item_id="msg_1", output_index=0),
        done(other, 1),
        completed(),
    ) == [one, other]


def test_full_arguments_at_the_beginning_are_not_added_to_by_deltas():
    began = [
        added(call("c1", '{"a":1}', id="fc_1"), 0),
        arguments('{"a"', output_index=0),
        arguments(":1}", output_index=0),
    ]
    assert wires(*began, completed()) == [call("c1", '{"a":1}', id="fc_1")]
    assert wires(*began[:1], completed()) == [call("c1", '{"a":1}', id="fc_1")]


def test_arguments_may_come_only_when_they_are_done():
    assert wires(
        added(call("c1", "", id="fc_1"), 0),
        arguments_done('{"a":1}', item_id="fc_1", output_index=0),
        completed(),
    ) == [call("c1", '{"a":1}', id="fc_1")]


def test_the_first_of_two_parallel_calls_may_never_be_done():
    second = call("c2", '{"b":2}', id="fc_2")
    began = [
        added(call("c1", "", id="fc_1"), 0),
        arguments('{"a":1}', item_id="fc_1", output_index=0),
        added(call("c2", "", id="fc_2"), 1),
        arguments('{"b":2}', item_id="fc_2", output_index=1),
        done(second, 1),
    ]
    assert wires(*began, completed()) == [call("c1", '{"a":1}', id="fc_1"), second]
    assert wires(*began, completed(second)) == [call("c1", '{"a":1}', id="fc_1"), second]


def test_a_call_without_arguments_that_is_never_done_is_kept():
    assert [item.call_id for item in fold(added(call("c1", ""), 0), completed()).calls] == ["c1"]


def test_all_may_be_done_after_all_deltas():
    items = [REASONED, message("Hi.", id="msg_1"), call("c1", '{"a":1}', id="fc_1")]
    assert (
        wires(
            added(STARTED),
            thought("Hm", item_id="rs_1"),
            added({**EMPTY, "id": "msg_1"}),
            text("Hi.", item_id="msg_1"),
            added(call("c1", "", id="fc_1")),
            arguments('{"a":1}', item_id="fc_1"),
            *(done(item) for item in items),
            completed(*items),
        )
        == items
    )


def test_the_terminal_order_counts_where_it_has_all_items():
    said, asked = message("", id="msg_1"), call("c1", id="fc_1")
    assert wires(done(asked, 0), done(said, 0), completed(said, asked)) == [said, asked]


def test_an_item_that_the_terminal_output_lacks_keeps_its_place():
    items = [REASONED, call("c1", id="fc_1"), message("Hi.", id="msg_1")]
    events = [done(item, at) for at, item in enumerate(items)]
    assert wires(*events, completed(items[0], items[2])) == items


def test_null_in_the_place_of_text_says_nothing():
    assert wires(
        added({"type": "message", "role": "assistant", "content": None, "id": "a"}, 0),
        text(None, output_index=0),
        text("Hi.", output_index=0),
        {"type": "response.output_text.done", "text": None, "output_index": 0},
        added(call("c1", "", id="fc_1"), 1),
        arguments(None, output_index=1),
        arguments_done(None, output_index=1),
        done(call("c1", None, id="fc_1"), 1),
        completed(),
    ) == [message("Hi.", id="a"), call("c1", None, id="fc_1")]


def test_reasoning_may_stay_open_while_the_message_streams():
    response = fold(
        added(STARTED, 0),
        thought("I ", output_index=0, summary_index=0),
        added({**EMPTY, "id": "msg_1"}, 1),
        text("He", output_index=1),
        thought("think", output_index=0, summary_index=0),
        text("llo", output_index=1),
        completed(),
    )
    assert [item.text for item in response.output] == ["I think", "Hello"]


def test_encrypted_content_of_the_item_that_is_done_counts():
    terminal = {**REASONED, "encrypted_content": "other"}
    assert wires(added(STARTED, 0), done(REASONED, 0), completed(terminal)) == [REASONED]


def test_what_a_done_item_lacks_the_terminal_one_says():
    poor = {"type": "reasoning", "id": "rs_1", "summary": []}
    assert wires(done(poor, 0), completed(REASONED)) == [REASONED]
    assert wires(done(message(""), 0), completed(message("Hi."))) == [message("Hi.")]


def test_deltas_count_where_no_account_of_an_item_says_anything():
    assert wires(
        added({**EMPTY, "id": "a"}, 0), text("Hi.", output_index=0), completed({**EMPTY, "id": "a"})
    ) == [message("Hi.", id="a")]


def test_an_item_that_comes_whole_twice_is_one():
    asked = call("c1", '{"a":1}', id="fc_1")
    assert wires(done(asked, 0), done(asked, 0), completed()) == [asked]
    assert wires(done(asked), done({**asked, "id": "fc_2"}), completed()) == [
        {**asked, "id": "fc_2"}
    ]
    assert wires(done(asked, 0), added({**asked, "arguments": ""}, 0), completed()) == [asked]


def test_a_call_whose_id_changes_in_the_terminal_output_does_not_run_twice():
    asked = call("c1", '{"a":1}')
    assert wires(done(asked, 0), completed(call("c9", '{"a":1}'))) == [asked]


def test_parallel_calls_with_one_call_id_are_two():
    items = [call("call_0", '{"a":1}', id="fc_1"), call("call_0", '{"b":2}', id="fc_2")]
    events = [added({**item, "arguments": ""}, at) for at, item in enumerate(items)]
    events += [done(item, at) for at, item in enumerate(items)]
    assert wires(*events, completed()) == items
    assert wires(*events, completed(*items)) == items


def test_two_equal_calls_in_one_answer_are_two():
    items = [call("c1", '{"a":1}'), call("c2", '{"a":1}')]
    assert wires(done(items[0], 0), done(items[1], 1), completed(items[0])) == items


def test_an_item_of_an_unknown_type_is_kept_even_if_it_is_never_done():
    listed = {"type": "mcp_list_tools", "id": "mcpl_1", "tools": []}
    assert wires(added(listed, 0), done(message("Hi."), 1), completed()) == [listed, message("Hi.")]


def test_deltas_without_an_item_become_one():
    said = fold(text("Hi."), completed())
    assert said.output[0].wire == message("Hi.")


def test_a_call_whose_name_never_comes_is_not_lost_in_silence():
    with pytest.raises(ProtocolError, match="nowhere its name"):
        fold(arguments("{}"), completed())
    assert fold(arguments("{}"), completed(status="incomplete")).output == ()
    assert wires(arguments("{}"), completed(message("Hi."))) == [message("Hi.")]


def test_an_output_without_a_readable_item_is_no_answer():
    with pytest.raises(ProtocolError, match="no item in it"):
        fold(completed(None, 1, "x"))
    assert wires(done(message("Hi."), 0), completed(None)) == [message("Hi.")]


def test_a_message_without_an_id_that_comes_whole_twice_is_one():
    first, second = message("Hi"), message("Ho")
    twice = [done(first, 0), done(first, 0), done(second, 1), done(second, 1)]
    assert fold(*twice, completed()).text == "HiHo"
    assert fold(done(first, 0), done(first, 1), completed()).text == "HiHi"


@pytest.mark.parametrize("places", [(None, None), (0, 0), (0, 1)])
def test_what_comes_whole_twice_does_not_end_another_that_is_open(places):
    first, second = ({**REASONED, "id": name} for name in ("rs_0", "rs_1"))
    events = [done(first, places[0]), added({**STARTED}, places[1]), done(first, places[0])]
    assert wires(*events, done(second, places[1]), completed()) == [first, second]


def test_a_text_that_is_done_late_belongs_to_the_item_that_is_done():
    late = {"type": "response.output_text.done", "text": "Hi.", "item_id": "other"}
    assert wires(done(message("Hi.", id="a")), late, completed()) == [message("Hi.", id="a")]


def test_a_message_may_have_text_and_a_refusal():
    refusal = {"type": "response.refusal.delta", "delta": "No."}
    response = fold(
        added({**EMPTY, "id": "a"}, 0),
        {**refusal, "output_index": 0, "content_index": 1},
        text("Well.", output_index=0, content_index=0),
        completed(),
    )
    assert (response.text, response.refusal) == ("Well.", "No.")


def test_a_terminal_event_without_a_response_ends_the_stream():
    response = fold(done(message("Hi."), 0), {"type": "response.incomplete"})
    assert (response.text, response.status) == ("Hi.", "incomplete")


@pytest.mark.parametrize(
    "events", [[], [text("Hi.")], [done(REASONED, 0), text("Hi.", output_index=1)]]
)
def test_a_terminal_event_without_a_response_proves_nothing_of_pieces(events):
    with pytest.raises(StreamTruncatedError, match="come whole"):
        fold(*events, {"type": "response.completed"})


def test_without_a_terminal_event_there_is_no_response():
    with pytest.raises(StreamTruncatedError):
        fold(done(message("Hi."), 0))


@pytest.mark.parametrize(
    "event",
    [
        {"type": "error", "code": "server_error", "message": "Sorry.", "param": None},
        {
            "type": "error",
            "error": {"type": "server_error", "code": "server_error", "message": "Sorry."},
        },
        {"error": {"message": "Sorry.", "code": 500}},
        {"error": "Sorry."},
        {"type": "response.error", "error": {"message": "Sorry."}},
    ],
)
def test_an_error_event_without_a_terminal_one_is_raised(event):
    with pytest.raises(ServerError, match="Sorry"):
        fold(text("He"), event)


def test_the_error_of_an_item_is_not_the_error_of_the_stream():
    broken = {"type": "response.mcp_call.failed", "error": {"message": "No such tool."}}
    assert fold(broken, completed(message("Hi."))).text == "Hi."


def test_what_came_before_a_cut_is_kept_as_incomplete():
    folded = Fold()
    for event in (
        done(REASONED, 0),
        added({**EMPTY, "id": "a"}, 1),
        text("He", output_index=1),
        arguments("{"),
    ):
        folded.add(read_event(event))
    cut = folded.so_far("seconds")
    assert (cut.status, cut.incomplete_reason, cut.text) == ("incomplete", "seconds", "He")
    assert [item.type for item in cut.output] == ["reasoning", "message"]
