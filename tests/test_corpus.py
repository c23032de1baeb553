"""Every recorded answer of a real server is read, and says what it said.

Read against recorded traffic, where it lies beside the project. Every row is counted as one of
the kinds below; a row that is none of them is a failure.
"""

from __future__ import annotations

import gzip
import json
import os
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from agentkit import (
    AuthenticationError,
    BadRequestError,
    ContextLengthError,
    ModelError,
    QuotaError,
    RateLimitError,
    ServerError,
)
from agentkit.responses.failures import read_error
from agentkit.responses.fold import collect
from agentkit.responses.items import Reasoning, read_item, sent_back
from agentkit.responses.reply import is_event_stream, read_reply, stream_events
from agentkit.responses.response import Response, Usage

CORPUS = Path(os.environ.get("AGENTKIT_CORPUS", Path(__file__).parents[2] / "shared" / "corpus"))
FILE = CORPUS / "responses.jsonl.gz"
CHAT_FILE = CORPUS / "chat_shaped.jsonl"
ERRORS_FILE = CORPUS / "errors_other_endpoints.jsonl"

CHECKED: dict[str, int] = {}
"""What the tests of this file have checked, and how often."""

pytestmark = pytest.mark.skipif(
    not FILE.exists(), reason="the recorded traffic is not beside the project"
)

Wire = dict[str, Any]
Count = Callable[[Counter[str]], None]

OTHER_ENDPOINTS = {
    r".*/responses/input_tokens": "token counts",
    r".*/responses/compact": "compactions",
    r".*/responses/[^/]+/input_items": "lists of input items",
    r".*/conversations": "conversations",
    r".*/conversations/[^/]+": "conversations",
    r".*/conversations/[^/]+/items(/[^/]+)?": "items of conversations",
}
TERMINAL = ("response.completed", "response.incomplete", "response.failed")
TAKEN_AWAY = {"id", "status", "metadata", "internal_chat_message_metadata_passthrough"}
"""Fields of an item that a server does not need back."""


@pytest.fixture
def count(record_property: Callable[[str, object], None]) -> Count:
    """Keeps what a test has checked, prints it and has it told in the summary."""

    def counted(counter: Counter[str]) -> None:
        CHECKED.update(counter)
        told = ", ".join(f"{number} {what}" for what, number in counter.items())
        record_property("checked", told)
        print(f"checked: {told}")

    return counted


def recorded() -> list[Wire]:
    with gzip.open(FILE, "rt") as lines:
        return [json.loads(line) for line in lines]


def kind_of(row: Wire) -> str:
    """What a row is: an answer, or something of another endpoint. Raises for one that is neither."""
    request, path = row["request"], row["request"]["path"].partition("?")[0].rstrip("/")
    if row["response"]["status"] != 200:
        return "errors"
    for pattern, name in OTHER_ENDPOINTS.items():
        if re.fullmatch(pattern, path):
            return name
    is_answer = path.endswith("/responses") and request["method"] == "POST"
    is_fetched = re.fullmatch(r".*/responses/[^/]+", path)
    if is_fetched and request["method"] == "DELETE":
        return "deletions"
    if not (is_answer or (is_fetched and request["method"] == "GET")):
        raise AssertionError(f"{row['id']}: {request['method']} {path} is not known")
    return "streams" if "sse" in row["response"] else "bodies"


def rows_of(*kinds: str) -> list[Wire]:
    return [row for row in recorded() if kind_of(row) in kinds]


async def in_pieces(content: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def streamed(row: Wire, size: int = 1 << 20) -> Response:
    headers = row["response"]["headers"] or {}
    chunks = in_pieces(row["response"]["sse"].encode(), size)
    return await collect(stream_events(chunks, headers))


async def whole(row: Wire) -> Response:
    content = json.dumps(row["response"]["body"]).encode()

    async def events() -> AsyncIterator[Any]:
        for event in read_reply(200, content, row["response"]["headers"] or {}):
            yield event

    return await collect(events())


def payloads(row: Wire) -> list[Wire]:
    """The events of a stream up to its terminal one, read line by line."""
    lines = row["response"]["sse"].splitlines()
    said = [line[5:].strip() for line in lines if line.startswith("data:")]
    events = [json.loads(text) for text in said if text.startswith("{")]
    end = next(at for at, event in enumerate(events) if event.get("type") in TERMINAL)
    return events[: end + 1]


def how_it_differs(output: list[Wire], done: list[Wire], final: list[Wire]) -> str:
    """How a streamed output stands to the terminal event's; an assertion where it is no better.

    Better is only: all items that came whole where the terminal output is empty, an item more
    that came whole, or in an item the encrypted values and the id as they came whole.
    """
    if output == final:
        return "as the terminal event"
    if not final:
        assert output == done
        return "with an empty terminal output"
    missing = [item for item in output if not any(is_one(item, other) for other in final)]
    assert all(item in done for item in missing)
    rest = [item for item in output if item not in missing]
    assert [without_keys(item) for item in rest] == [without_keys(item) for item in final]
    changed = [item for item, other in zip(rest, final, strict=True) if item != other]
    assert all(item in done for item in changed)
    return "with items that the terminal lacks" if missing else "with keys of the done items"


def is_one(item: Wire, other: Wire) -> bool:
    return without_keys(item) == without_keys(other)


def without_keys(item: Wire) -> Wire:
    keys = ("id", "encrypted_content", "fingerprint")
    return {key: value for key, value in item.items() if key not in keys}


async def test_every_recorded_stream_folds_to_what_its_terminal_event_says_or_better(count: Count):
    counter: Counter[str] = Counter()
    for row in rows_of("streams"):
        response, events = await streamed(row), payloads(row)
        final = events[-1]["response"]
        done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
        output = [item.wire for item in response.output]
        counter[f"streams {how_it_differs(output, done, final.get('output') or [])}"] += 1
        assert response.status == final["status"], row["id"]
        assert response.usage == Usage.read(final.get("usage")), row["id"]
        assert {**response.wire, "output": 0} == {**final, "output": 0}, row["id"]
    assert sum(counter.values()) > 300
    count(counter)


async def test_a_stream_says_the_same_however_it_is_cut_into_chunks(count: Count):
    counter: Counter[str] = Counter()
    for number, row in enumerate(rows_of("streams")):
        once, pieces = await streamed(row), await streamed(row, size=11 + number % 1000)
        assert once == pieces, row["id"]
        counter["streams cut into small chunks"] += 1
    count(counter)


async def test_every_recorded_body_reads_as_it_is(count: Count):
    counter: Counter[str] = Counter()
    for row in rows_of("bodies"):
        response, body = await whole(row), row["response"]["body"]
        if body["object"] == "chat.completion":
            assert response.text == body["choices"][0]["message"]["content"]
            counter["chat completions in the place of a response"] += 1
            continue
        assert response.wire == body, row["id"]
        assert [item.wire for item in response.output] == body["output"], row["id"]
        assert response.status == body["status"], row["id"]
        assert response.usage == Usage.read(body.get("usage")), row["id"]
        counter["whole responses"] += 1
    assert sum(counter.values()) > 800
    count(counter)


async def test_every_recorded_item_is_kept_and_written_as_it_came(count: Count):
    counter: Counter[str] = Counter()
    for row in rows_of("streams", "bodies"):
        response = await (streamed(row) if "sse" in row["response"] else whole(row))
        inputs = (row["request"].get("body") or {}).get("input")
        wires = inputs if isinstance(inputs, list) else []
        items = [
            *response.output,
            *map(read_item, filter(lambda each: isinstance(each, dict), wires)),
        ]
        for item in items:
            assert read_item(item.wire).wire is item.wire
            assert json.loads(item.encoded) == item.wire, row["id"]
            assert all(isinstance(said, str) for said in texts_of(item)), row["id"]
            counter["items written as they came"] += 1
    count(counter)


def texts_of(item: Any) -> list[object]:
    names = ("type", "text", "refusal", "role", "name", "call_id", "arguments")
    return [getattr(item, name) for name in names if hasattr(item, name)]


async def test_what_goes_back_lacks_nothing_but_ids(count: Count):
    counter: Counter[str] = Counter()
    for row in rows_of("streams", "bodies"):
        response = await (streamed(row) if "sse" in row["response"] else whole(row))
        back = sent_back(response.output)
        assert [type(item) for item in back] == [type(item) for item in response.output], row["id"]
        for item, sent in zip(response.output, back, strict=True):
            lost = item.wire.keys() - sent.wire.keys()
            assert lost <= TAKEN_AWAY, (row["id"], item.type, lost)
            assert all(item.wire[key] == value for key, value in sent.wire.items()), row["id"]
            counter[
                "reasoning sent back" if isinstance(item, Reasoning) else "items sent back"
            ] += 1
    count(counter)


async def test_what_other_endpoints_answered_is_known_by_its_path(count: Count):
    counter = Counter(kind_of(row) for row in recorded())
    others = {name: counter[name] for name in {*OTHER_ENDPOINTS.values(), "deletions"}}
    assert all(others.values())
    assert sum(counter.values()) == len(recorded())
    count(Counter({f"{name} (other endpoints)": number for name, number in sorted(others.items())}))


def content_of(response: Wire) -> bytes:
    """The body of an error as it stood on the wire."""
    body = response.get("body", response.get("text", response.get("sse")))
    if body is None:
        return b""
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def class_of(status: int, said: str) -> type[ModelError]:
    """The class of an error, from its status and its words."""
    if "insufficient_quota" in said:
        return QuotaError
    if status in (401, 403):
        return AuthenticationError
    if status == 429:
        return RateLimitError
    if status >= 500:
        return ServerError
    is_too_long = "context" in said and ("exceed" in said or "maximum" in said)
    return ContextLengthError if is_too_long and "tokens" in said else BadRequestError


def test_every_recorded_error_is_of_the_right_class_and_says_why(count: Count):
    counter: Counter[str] = Counter()
    rows = rows_of("errors") + [json.loads(line) for line in ERRORS_FILE.read_text().splitlines()]
    for row in rows:
        status, content = row["response"]["status"], content_of(row["response"])
        error = read_error(status, content, row["response"]["headers"] or {})
        assert type(error) is class_of(status, content.decode()), (row["id"], error)
        assert len(error.message) > 5, row["id"]
        assert not error.message.startswith(("{", "<")), (row["id"], error.message)
        counter[f"{type(error).__name__}s"] += 1
    assert sum(counter.values()) >= 70
    count(counter)


def completion_of(row: Wire) -> Wire:
    """What a chat-shaped answer says, its chunks put together by hand."""
    body = row["response"].get("body")
    if body:
        return {**body["choices"][0]["message"], "usage": body.get("usage")}
    lines = row["response"]["sse"].splitlines()
    chunks = [json.loads(line[5:]) for line in lines if line.startswith("data: {")]
    deltas = [choice["delta"] for chunk in chunks for choice in chunk.get("choices") or []]
    calls: dict[Any, Wire] = {}
    for piece in (piece for delta in deltas for piece in delta.get("tool_calls") or []):
        call = calls.setdefault(piece.get("index"), {"function": {"name": "", "arguments": ""}})
        call["id"] = piece.get("id") or call.get("id")
        for key in ("name", "arguments"):
            call["function"][key] += (piece.get("function") or {}).get(key) or ""
    usages = [chunk["usage"] for chunk in chunks if chunk.get("usage")]
    text = "".join(plain(delta.get("content")) for delta in deltas)
    return {"content": text, "tool_calls": list(calls.values()), "usage": (usages or [None])[-1]}


def plain(content: Any) -> str:
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return content or ""


async def test_every_chat_shaped_answer_says_what_its_completion_says(count: Count):
    counter: Counter[str] = Counter()
    for row in [json.loads(line) for line in CHAT_FILE.read_text().splitlines()]:
        response = await (streamed(row) if "sse" in row["response"] else whole(row))
        body = row["response"].get("body") or {}
        if body.get("object") == "response":
            assert response.wire == body
            counter["responses among them"] += 1
            continue
        said = completion_of(row)
        assert response.text == plain(said["content"]), row["id"]
        calls = [
            (call["id"], call["function"]["name"], call["function"]["arguments"])
            for call in said.get("tool_calls") or []
        ]
        assert [(call.call_id, call.name, call.arguments) for call in response.calls] == calls
        used = said["usage"] or {}
        assert response.usage.input_tokens == used.get("prompt_tokens", 0), row["id"]
        assert response.usage.output_tokens == used.get("completion_tokens", 0), row["id"]
        counter["chat-shaped streams" if "sse" in row["response"] else "chat-shaped bodies"] += 1
    count(counter)


def test_a_stream_is_known_by_its_content_type():
    streams = [row["response"]["headers"] or {} for row in rows_of("streams")]
    assert all(is_event_stream(headers) for headers in streams if "content-type" in headers)
