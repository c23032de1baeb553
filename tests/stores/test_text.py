"""What of a record is searched, and by which words it is found."""

from __future__ import annotations

import pytest

from agentkit.responses.items import read_item
from agentkit.stores.text import MOST_WORDS, lexemes, searchable, wanted, words
from agentkit.testing.stores.said import called, raises, said


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Mean_temperature, 3.5 °C", ["mean", "temperature", "3", "5", "c"]),
        ("CAFE\u0301 Größe CAFÉ", ["cafe", "grosse"]),
        ("東京都", ["東", "東京", "京", "京都", "都"]),
        ("東京Tokyo", ["東", "東京", "京", "tokyo"]),
        ("ｶﾞ ガ 가", ["ガ", "가"]),
        ("ที่", ["ท", "ที", "ี", "ี่", "่"]),
        ("हिन्दी", ["हिन्दी"]),
        ("\0 -- _ * \ud800 👍", []),
        ("x" * 300, ["x" * 80]),
    ],
)
def test_a_text_is_found_by_its_words_without_case_and_accents(text, found):
    assert lexemes(text) == found


def test_words_are_as_they_are_written():
    assert words("Où est l'ÉTÉ?") == ["Où", "est", "l", "ÉTÉ"]


def test_the_last_word_that_is_wanted_stays_the_last():
    assert wanted("june mean June") == ["june", "mean", "june"]
    assert wanted("--") == []
    assert len(wanted("東京" * 2_000)) <= MOST_WORDS


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        ({"type": "function_call", "name": "now", "arguments": ""}, "now"),
        (
            {"type": "function_call", "name": "now", "arguments": {"zone": ["UTC", None]}},
            "now\nUTC",
        ),
        ({"type": "custom_tool_call", "name": "sql", "input": '{"a": 1}'}, 'sql\n{"a": 1}'),
        ({"type": "function_call", "name": "deep", "arguments": "[" * 150 + "7" + "]" * 150}, "7"),
        ({"type": "file_search_call", "queries": ["a b", "c"]}, "file_search\na b\nc"),
        ({"type": "code_interpreter_call", "code": "1 + 1"}, "code_interpreter\n1 + 1"),
        ({"type": "mcp_approval_request", "name": "rm", "arguments": "{}"}, "rm"),
        ({"type": "reasoning", "summary": []}, ""),
    ],
)
def test_of_a_call_its_name_and_the_values_of_its_arguments_are_searched(wire, text):
    assert searchable(called(wire)).removeprefix("deep\n") == text


def test_items_that_a_caller_sends_back_are_searched_alike():
    call = read_item({"type": "function_call", "name": "pay", "arguments": '{"to": "Ada"}'})
    assert searchable(type(said(""))((call,))) == "pay\nAda"


async def test_a_check_that_fails_says_by_which_method():
    async def kept() -> None:
        pass

    async def lost() -> None:
        raise KeyError("s")

    with pytest.raises(AssertionError, match="^expected ValueError from append: no name$"):
        await raises(ValueError, "append", kept(), "no name")
    with pytest.raises(AssertionError, match="from fork: no name; KeyError: 's'$"):
        await raises(ValueError, "fork", lost(), "no name")
