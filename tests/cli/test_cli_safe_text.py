"""Text that could act on a terminal."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from agentkit.cli.safe_text import one_line, safe_json, visible

HOSTILE = "\x1b]0;title\x07\x1b[2J\x9b31m\u202eevil\u2066\u200f\x7f\x00\b"


def test_what_acts_on_a_terminal_is_shown_instead():
    assert visible(HOSTILE) == (r"\x1b]0;title\x07\x1b[2J\x9b31m\u202eevil\u2066\u200f\x7f\x00\x08")


def test_harmless_text_stays_as_it_is():
    text = "Ålesund\t→ 日本 👩‍👩‍👧\nend"
    assert visible(text) == text


def test_a_line_end_of_another_system_is_a_line_end():
    assert visible("a\r\nb\rc") == "a\nb\\x0dc"


def test_one_line_is_one_line_of_bounded_length():
    assert one_line("a\n\n b\t c\u2028d") == "a b c d"
    assert one_line("abcdef", 4) == "abc…"


@given(st.text())
def test_nothing_but_line_ends_and_tabs_is_left_of_control_characters(text):
    assert not [c for c in visible(text) if (c < " " and c not in "\n\t") or "\x7f" <= c < "\xa0"]
    assert "\n" not in one_line(text)


@given(st.recursive(st.text(st.characters(codec=None)), st.lists))
def test_safe_json_is_the_same_value(value):
    text = safe_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(text) == value
    assert visible(text) == text
    text.encode()
