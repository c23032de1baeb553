"""Bytes of an event stream to payloads."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.responses import sse
from agentkit.responses.sse import EventTooLargeError, Frames


def payloads(*chunks: bytes) -> list[bytes]:
    frames = Frames()
    return [payload for chunk in chunks for payload in frames.feed(chunk)] + frames.flush()


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_lines_end_in_any_of_the_three_ways(end):
    text = end.join([b"event: x", b"data: one", b"", b"data: two", b"", b""])
    assert payloads(text) == [b"one", b"two"]


def test_line_ends_may_change_within_a_stream():
    assert payloads(b"data: a\r\n\rdata: b\n\r\ndata: c\r\r") == [b"a", b"b", b"c"]


def test_a_line_feed_behind_a_line_end_that_was_cut_in_two_is_a_line_of_its_own():
    frames = Frames()
    assert [frames.feed(piece) for piece in (b"data: a\r", b"\n", b"\n")] == [[], [], [b"a"]]


def test_an_event_is_given_as_soon_as_its_blank_line_begins():
    frames = Frames()
    assert frames.feed(b"data: a\r\n\r") == [b"a"]
    assert frames.feed(b"\ndata: b\r\n\r") == [b"b"]


def test_comments_names_ids_and_retry_hints_are_no_payloads():
    text = b": ping\n\nid: 4\n\nretry: 10\n\nevent: x\n\n:\ndata: a\nid: 5\n\n: OPENROUTER PROCESSING\n\n"
    assert payloads(text) == [b"a"]


def test_several_data_lines_are_one_payload():
    assert payloads(b'data: {"a":\ndata: 1}\n\n') == [b'{"a":\n1}']
    assert payloads(b"data: a\nevent: x\ndata: b\n\n") == [b"a\nb"]


def test_one_space_behind_the_colon_is_no_part_of_the_payload():
    assert payloads(b"data:a\n\ndata:  b\n\n") == [b"a", b" b"]


def test_data_whose_field_has_no_colon_is_empty():
    assert payloads(b"data\n\n") == [b""]


def test_a_field_whose_name_begins_with_data_is_another_field():
    assert payloads(b"data_: a\ndata: b\n\ndatax: c\n\n") == [b"b"]


def test_a_byte_order_mark_is_skipped():
    assert payloads(b"\xef\xbb\xbfdata: a\n\n") == [b"a"]
    assert payloads(b"\xef", b"\xbb\xbfdata: a\ndata: b\n\n") == [b"a\nb"]


def test_an_event_without_its_blank_line_is_given_at_the_end():
    assert payloads(b"data: a\n\ndata: b") == [b"a", b"b"]
    assert payloads(b"data: a\r") == [b"a"]
    assert payloads(b"") == []


def test_an_event_without_an_end_is_refused(monkeypatch):
    monkeypatch.setattr(sse, "MAX_EVENT", 100)
    frames = Frames()
    with pytest.raises(EventTooLargeError, match="more than 100 bytes"):
        for _ in range(12):
            frames.feed(b"data: 5678")


# what matters to framing: line ends, colons, spaces, field names, a mark, bytes beyond ASCII
LINES = st.lists(
    st.sampled_from(
        [
            b"data: a",
            b"data:b",
            b'data: {"x": 1}',
            b": c",
            b"event: e",
            b"data",
            b"",
            b"",
            b"id: 7",
            b" ",
            "data: ü€".encode(),
        ]
    ),
    max_size=12,
)
ENDS = st.lists(st.sampled_from([b"\n", b"\r", b"\r\n"]), min_size=12, max_size=12)


def by_lines(text: str) -> list[bytes]:
    """The WHATWG algorithm, a line at a time."""
    found: list[bytes] = []
    values: list[str] = []
    for line in [*text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), ""]:
        name, _, value = line.partition(":")
        if name == "data":
            values.append(value.removeprefix(" "))
        if line == "" and values:
            found.append("\n".join(values).encode())
            values = []
    return found


@given(LINES, ENDS, st.booleans(), st.data())
def test_any_cut_into_chunks_gives_the_payloads_of_the_whole(lines, ends, has_mark, data):
    text = b"".join(line + end for line, end in zip(lines, ends, strict=False))
    text = b"\xef\xbb\xbf" + text if has_mark else text
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=8).map(sorted))
    chunks = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert payloads(*chunks) == payloads(text) == by_lines(text.decode().removeprefix("\ufeff"))


@given(st.binary(max_size=200), st.integers(1, 20))
def test_no_bytes_break_it_and_no_cut_matters(text, size):
    chunks = [text[at : at + size] for at in range(0, len(text), size)]
    assert payloads(*chunks) == payloads(text)


@given(st.lists(st.dictionaries(st.text(), st.text()), max_size=5), st.integers(1, 30))
def test_json_comes_out_as_it_went_in(values, size):
    text = b"".join(b"data: %b\n\n" % json.dumps(value).encode() for value in values)
    chunks = [text[at : at + size] for at in range(0, len(text), size)]
    assert [json.loads(payload) for payload in payloads(*chunks)] == values
