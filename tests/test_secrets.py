"""Secrets are hidden in every form: in texts, in JSON, in records, and in errors."""

from __future__ import annotations

import copy
import json
import pickle
import re
import traceback
from base64 import b64encode, encodebytes, urlsafe_b64encode
from dataclasses import asdict, dataclass, replace
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from pydantic import SecretStr
from pydantic_core import PydanticSerializationError

from agentkit import Agent, ConfigurationError, ResponsesModel
from agentkit.encoding import encode
from agentkit.errors import OutputError
from agentkit.hiding import hidden, hidden_response, hosted_secrets
from agentkit.records import Answer, Compaction, Decision, Input, Output, Started
from agentkit.responses.items import read_item, user_message
from agentkit.responses.response import read_response
from agentkit.secrets import MASK, Secrets, secrets_of

KEY = "sk-proj-1234567890abcdef"
ODD = 'sk/"quoted"\\+50% of öü€😀 & more'
LONG = "sk-proj-" + "aB3dE6gH9-_kLmN" * 10


def base64_of(key: bytes, before: bytes = b"", behind: bytes = b"") -> list[str]:
    whole = before + key + behind
    standard, url_safe = b64encode(whole).decode(), urlsafe_b64encode(whole).decode()
    return [standard, url_safe, standard.rstrip("="), url_safe.rstrip("=")]


def forms_of(key: str, before: bytes = b"", behind: bytes = b"") -> list[str]:
    """The key as programs write it, base64 behind and before something else."""
    escaped = [json.dumps(key)[1:-1], json.dumps(key, ensure_ascii=False)[1:-1]]
    quoted = [quote(key), quote(key, safe=""), quote_plus(key)]
    lower = re.sub("%..", lambda escape: escape[0].lower(), quote(key, safe=""))
    nested = [
        json.dumps(json.dumps(key))[3:-3],
        quote(quote(key)),
        encode(escaped[0]).decode()[1:-1],
    ]
    return [key, *escaped, *quoted, lower, *nested, *base64_of(key.encode(), before, behind)]


def is_shown(key: str, text: str) -> bool:
    """Whether any form of the key is in the text, in base64 what is the same in any surrounding."""
    middles = [
        whole[(0, 2, 3)[offset] : (offset + len(key.encode())) * 8 // 6]
        for offset in range(3)
        for whole in base64_of(key.encode(), bytes(offset))
    ]
    return any(form in text for form in [*forms_of(key)[:-4], *middles])


printable = st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"])
special = st.sampled_from("\"\\/+%'&<>=~ ?#:_.-äé€😀aZ09")
keys = st.text(printable | special, min_size=8, max_size=60).filter(
    lambda key: len(key.strip()) >= 8 and MASK not in key
)
surroundings = st.text(printable | special | st.sampled_from("\n\t\x00"), max_size=30)


@given(key=keys, before=surroundings, behind=surroundings, data=st.data())
@example('"\\"\\"\\"\\"', "\\", "\\", None)
@example("\\\\\\\\\\\\\\\\", "", '"', None)
@example("%25%2525", "%", "25", None)
def test_no_form_of_a_key_is_left_in_a_text(key, before, behind, data):
    key = key.strip()
    forms = forms_of(key, before.encode(), behind.encode())
    for form in forms if data is None else [data.draw(st.sampled_from(forms))]:
        text = Secrets.of(key).hide(f"{before}{form}{behind}")
        assert MASK in text
        assert not is_shown(key, text)


@given(key=keys, before=surroundings, behind=surroundings)
def test_no_form_of_a_key_is_left_in_json(key, before, behind):
    secrets, key = Secrets.of(key), key.strip()
    arguments = json.dumps({"url": f"{before}{key}{behind}", "n": 1})
    value = {"arguments": arguments, key: [1, None, {"deep": json.dumps([arguments])}]}
    assert secrets.is_in(encode(value))
    assert not is_shown(key, encode(secrets.hide_json(value)).decode())
    assert not secrets.is_in(encode(secrets.hide_json(value)))


@given(end=keys, text=surroundings)
def test_what_has_no_key_in_it_is_the_same_object(end, text):
    assume("kQ7" not in text)
    secrets, value = Secrets.of("kQ7-xZ" + end), {"a": [text, 1, None], text: {"b": text}}
    assert secrets.hide(text) is text
    assert secrets.hide_json(value) is value
    assert not secrets.is_in(encode(value))


@given(st.lists(keys.map(str.strip), max_size=4), surroundings)
@example([":000000\\", ":000000\\"], "")
@example([":000000\\", ":000000\\"], "\\")
def test_keys_that_overlap_are_hidden_together(several, between):
    text = between.join(several)
    hidden_text = Secrets.of(*several).hide(text)
    assert not any(key in hidden_text for key in several)


@pytest.mark.parametrize("key", [KEY, ODD, LONG])
def test_what_stands_around_a_key_stays(key):
    secrets = Secrets.of(key)
    assert secrets.hide(f"Bad key {key}, and {quote(key)}!") == "Bad key [secret], and [secret]!"
    told = json.loads(secrets.hide(json.dumps({"key": key, "a\\b": [f'"{key}"\n']})))
    assert told == {"key": "[secret]", "a\\b": ['"[secret]"\n']}
    basic = b64encode(f"user:{key}".encode()).decode()
    assert secrets.hide(f"Authorization: Basic {basic}\n") == "Authorization: Basic [secret]\n"
    assert secrets.hide_json({"a": f'{{"header": "{basic}"}}'}) == {"a": '{"header": "[secret]"}'}


@pytest.mark.parametrize("key", ['"quoted"', "\\\\share\\", 'ends in \\"', "/a/path/", "äöüäöüäöü"])
@pytest.mark.parametrize("around", ["", "\\", '"', '\\"', "\n", "ä"])
def test_json_stays_json_whatever_a_key_begins_and_ends_with(key, around):
    value = {"a": f"{around}{key}{around}", "b": key, "c": json.dumps([key])}
    told = json.loads(Secrets.of(key).hide(json.dumps(value)))
    assert told["b"] == MASK
    assert told["a"].strip('\\"\nä') == MASK
    assert json.loads(told["c"]) == [MASK]


@pytest.mark.parametrize("offset", range(60))
def test_base64_in_lines_is_hidden(offset):
    lines = encodebytes(b"x" * offset + LONG.encode() + b"y" * 50).decode()
    assert lines.count("\n") > 2
    for text in (lines, json.dumps(lines), lines.replace("\n", "\r\n"), quote(lines)):
        assert not is_shown(LONG[:40], Secrets.of(LONG).hide(text).replace("\n", ""))
        assert MASK in Secrets.of(LONG).hide(text)


def test_bytes_need_not_be_utf_8():
    assert Secrets.of(KEY).hide_bytes(b"\xff" + KEY.encode() + b"\xfe") == b"\xff[secret]\xfe"
    assert Secrets.of(KEY).hide(f"\ud800{KEY}") == "\ud800[secret]"


def test_what_is_no_secret_is_not_registered():
    assert not Secrets.of(None, "", "short", "       x       ")
    assert Secrets.of(f" {KEY}\n", KEY.encode(), SecretStr(KEY)) == Secrets.of(KEY)
    assert Secrets.of(f"{KEY}\n").hide(KEY) == "[secret]"


def test_secrets_do_not_show_what_they_are():
    @dataclass
    class Holder:
        secrets: Secrets

    secrets = Secrets.of(KEY) | Secrets.of(LONG)
    assert repr(secrets) == "Secrets(2 values)"
    assert repr(Secrets.of(KEY)) == "Secrets(1 value)"
    assert secrets == Secrets.of(LONG, KEY) != Secrets.of(KEY)
    assert copy.deepcopy(secrets) is copy.copy(secrets) is secrets
    assert KEY.encode() not in pickle.dumps(secrets)
    assert pickle.loads(pickle.dumps(secrets)) == Secrets()
    assert KEY not in str(asdict(Holder(secrets)))
    with pytest.raises(PydanticSerializationError):
        encode(secrets)


def test_a_models_own_key_is_a_secret():
    model = ResponsesModel("m", "https://api.openai.com/v1", api_key=KEY)
    secrets = secrets_of([model], [LONG])
    assert secrets.hide(f"{KEY} {LONG}") == "[secret] [secret]"
    assert not secrets_of([object()], [])


@pytest.mark.parametrize(
    ("secrets", "problem"),
    [
        (KEY, "secrets: expected a list of texts"),
        (7, "secrets: expected a list of texts"),
        ([KEY, "hush"], "secrets: number 2 has fewer than 8 characters.*or leave it out"),
    ],
)
def test_what_cannot_be_hidden_is_the_callers_mistake(secrets, problem):
    with pytest.raises(ConfigurationError, match=problem) as raised:
        Agent("offline", secrets=secrets)
    assert not {KEY, "hush"} & set(re.findall("[a-z0-9-]+", str(raised.value)))


def test_a_secret_that_is_not_set_hides_nothing():
    assert Agent("offline", secrets=[None, "", KEY]).secrets == Secrets.of(KEY)


def test_what_hosted_tools_take_is_a_secret():
    tool = {
        "type": "mcp",
        "server_url": f"https://host/mcp?token={KEY}1&page=12345678",
        "authorization": f"Bearer {KEY}2",
        "headers": {"X-Api-Key": f"{KEY}3", "Accept": "application/json"},
    }
    assert sorted(hosted_secrets([tool, {"type": "web_search"}])) == [f"{KEY}{n}" for n in "123"]


def message(text: str) -> dict:
    part = {"type": "output_text", "text": text, "annotations": []}
    return {"type": "message", "role": "assistant", "content": [part]}


def call(text: str) -> dict:
    arguments = json.dumps({"url": text})
    return {"type": "function_call", "call_id": "call_1", "name": "get", "arguments": arguments}


def records_with(text: str) -> list:
    reasoning = {"type": "reasoning", "encrypted_content": text, "summary": []}
    response = read_response({"id": text, "error": None, "output": [call(text), reasoning]})
    output = {"type": "function_call_output", "call_id": text, "output": f"see {text}"}
    return [
        Input((user_message(text), read_item(message(text)))),
        Answer(response, waits=("call_1",), problems=(f"not {text}",), seconds=1.0),
        Output(read_item(output), is_final=True, value={"a": [text]}),
        Decision("call_1", "edit", "digest", json.dumps({"url": text})),
        Compaction((user_message(text),), 3),
    ]


def test_records_are_cleaned_and_their_ids_stay():
    secrets = Secrets.of(KEY)
    said, answer, output, decision, compaction = (hidden(r, secrets) for r in records_with(KEY))
    assert [item.text for item in said.items] == [MASK, MASK]
    assert answer.response.calls[0].arguments == '{"url": "[secret]"}'
    assert answer.response.output[1].wire["encrypted_content"] == KEY
    assert (answer.response.id, answer.problems) == (KEY, ("not [secret]",))
    assert answer.response.wire["output"] == [item.wire for item in answer.response.output]
    assert (output.item.output, output.value) == ("see [secret]", {"a": [MASK]})
    assert output.call_id == KEY
    assert decision.value == '{"url": "[secret]"}'
    assert compaction.items[0].text == MASK


def test_records_without_a_secret_are_the_same_objects():
    others = [Started({KEY: "once"})]
    for record in [*records_with("nothing"), *others]:
        assert hidden(record, Secrets.of(KEY)) is record
        assert hidden(record, Secrets()) is record
    response = read_response({"id": KEY, "output": [call("x")], "error": {"message": "no"}})
    assert hidden_response(response, Secrets.of(KEY)) is response
    response = replace(response, wire={**response.wire, "error": {"message": KEY}})
    assert hidden_response(response, Secrets.of(KEY)).error == {"message": MASK}


class Odd(Exception):
    """Refuses to be changed, and cannot be shown."""

    args = property(lambda self: (KEY,))
    reason = property(lambda self: 1 / 0)

    def __repr__(self):
        raise ValueError


def raised(error: Exception, cause: Exception | None = None, context: Exception | None = None):
    try:
        try:
            raise context or ValueError("nothing")
        except Exception:
            raise error from cause
    except Exception as caught:
        return caught


def test_an_error_its_notes_and_its_causes_show_no_key():
    inner = raised(OSError(2, f"No {KEY}", f"/tmp/{KEY}"), context=KeyError(KEY))
    group = ExceptionGroup("both", [ValueError(KEY), UnicodeError(KEY.encode())])
    error = raised(OutputError(f"Bad {quote(KEY)}", [f"a: {KEY}"]), cause=group, context=inner)
    error.add_note(f"the key was {b64encode(KEY.encode()).decode()}")
    group.exceptions[0].__cause__ = ValueError(ValueError(f"inside, {KEY}"))
    Secrets.of(KEY).redact(error)
    told = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
    told += "".join(traceback.format_exception(inner)) + repr(group.exceptions)
    assert not is_shown(KEY, told)
    assert str(error) == "Bad [secret]"
    assert error.problems == ["a: [secret]"]
    assert inner.filename == "/tmp/[secret]"


def test_what_is_left_of_a_key_in_a_text_that_was_cut_is_hidden():
    error = ValueError(f"It begins: {KEY[:-1]}", f"It begins: {KEY[:8]}", f"no key: {KEY[:7]}")
    Secrets.of(KEY).redact(error)
    assert error.args == ("It begins: [secret]", "It begins: [secret]", f"no key: {KEY[:7]}")


def test_an_error_that_cannot_be_changed_hinders_nothing():
    error = raised(ValueError(KEY), cause=Odd())
    Secrets.of(KEY).redact(error)
    assert error.args == (MASK,)


def test_what_is_no_key_is_left_alone_in_an_error():
    result = object()
    error = ConfigurationError("A sentence.", 3)
    error.result = result
    Secrets.of(KEY).redact(error)
    assert error.args == ("A sentence.", 3)
    assert error.result is result


def test_a_run_of_backslashes_takes_no_time():
    text = "\\" * 300_000
    for key in ('"\\"\\"\\"\\"', "\\\\\\\\\\\\\\\\\\x", "\n\t\n\t\n\t\n\tx", "/////////"):
        assert Secrets((key,)).hide(text) == text
