"""A recorded stream that is cut off anywhere is an error, and never an answer."""

# ruff: noqa: F811 - a fixture is imported, and then asked for

from __future__ import annotations

import json
from collections import Counter
from copy import deepcopy

import pytest
from test_corpus import (
    CHAT_FILE,
    FILE,
    TERMINAL,
    Count,
    Wire,
    count,  # noqa: F401 - a fixture
    in_pieces,
    rows_of,
    streamed,
)

from agentkit import ModelError
from agentkit.responses.fold import Fold, collect
from agentkit.responses.reply import Reader, stream_events

pytestmark = pytest.mark.skipif(
    not FILE.exists(), reason="the recorded traffic is not beside the project"
)


def events_of(row: Wire) -> list[bytes]:
    """The events of a stream with their blank lines, as they came."""
    content = row["response"]["sse"].replace("\r\n", "\n").encode()
    return [block + b"\n\n" for block in content.split(b"\n\n") if block.strip()]


def is_terminal(event: bytes) -> bool:
    data = b"".join(line[5:] for line in event.splitlines() if line.startswith(b"data:"))
    return data.lstrip().startswith(b"{") and json.loads(data).get("type") in TERMINAL


def ended(reader: Reader) -> str:
    """What the end of the bytes means here: the class of an error, or that it is none."""
    try:
        deepcopy(reader).end()
    except ModelError as error:
        return type(error).__name__
    return "no error"


def test_a_stream_cut_behind_any_event_before_its_last_is_an_error(count: Count):
    counter: Counter[str] = Counter()
    for row in rows_of("streams"):
        reader, fold = Reader(row["response"]["headers"] or {}), Fold()
        for event in events_of(row):
            if is_terminal(event):
                break
            for each in reader.feed(event):
                fold.add(each)
            how = ended(reader)
            assert how != "no error", row["id"]
            counter[f"cuts between events that are a {how}"] += 1
        with pytest.raises(ModelError):
            fold.response()
        assert fold.so_far("cut").status == "incomplete"
    assert sum(counter.values()) > 10_000
    count(counter)


async def test_a_stream_cut_behind_its_last_event_is_whole(count: Count):
    counter: Counter[str] = Counter()
    for row in rows_of("streams"):
        events = events_of(row)
        last = next(at for at, event in enumerate(events) if is_terminal(event))
        headers = row["response"]["headers"] or {}
        kept = b"".join(events[: last + 1])
        assert await collect(stream_events(in_pieces(kept, 1 << 20), headers)) == await streamed(
            row
        )
        counter["streams without what comes behind their last event"] += 1
    count(counter)


async def test_a_stream_cut_amid_an_event_is_an_error(count: Count):
    counter: Counter[str] = Counter()
    for number, row in enumerate(rows_of("streams")):
        events = events_of(row)
        last = next(at for at, event in enumerate(events) if is_terminal(event))
        cut = number % last
        content = b"".join(events[:cut]) + events[cut][: len(events[cut]) // 2]
        headers = row["response"]["headers"] or {}
        with pytest.raises(ModelError):
            await collect(stream_events(in_pieces(content, 1 << 20), headers))
        counter["cuts amid an event"] += 1
    count(counter)


async def test_chunks_of_a_chat_completion_that_are_cut_off_are_an_error(count: Count):
    counter: Counter[str] = Counter()
    rows = [json.loads(line) for line in CHAT_FILE.read_text().splitlines()]
    for row in (row for row in rows if "sse" in row["response"]):
        reader, has_finished = Reader(row["response"]["headers"] or {}), False
        for event in events_of(row):
            reader.feed(event)
            has_finished = has_finished or b'"finish_reason":"' in event.replace(b" ", b"")
            assert (ended(reader) == "no error") is has_finished, (row["id"], event)
            counter["cuts between chunks"] += 1
    count(counter)
