"""A chat stream says the same however its bytes are cut, or it is no answer."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit import ModelError, Response
from agentkit.responses.fold import Fold
from agentkit.responses.reply import stream_events

Wire = dict[str, Any]


def call(text: str, call_id: str | None = None, name: str | None = None, at: int = 0) -> Wire:
    function = {"name": name, "arguments": text} if name else {"arguments": text}
    piece = {"index": at, "function": function}
    return {"tool_calls": [{**piece, "id": call_id, "type": "function"} if call_id else piece]}


SAID: Sequence[Sequence[Wire]] = [
    [{"role": "assistant", "content": ""}, {"content": "Größe: "}, {"content": "5 €\n"}, {}],
    [
        {"role": "assistant", "content": None, "reasoning_content": "Hm."},
        {"reasoning_content": " So."},
        call("", "c1", "add"),
        call('{"a":'),
        call("", "c2", "sub", 1),
        call('{"b": "ü"}', at=1),
        call("1}"),
        {},
    ],
    [{"refusal": "No"}, {"refusal": "."}, {}],
]
USAGE = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}


def stream(deltas: Sequence[Wire], line_end: bytes = b"\n", is_done: bool = True) -> bytes:
    choices: list[Wire] = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices[-1]["finish_reason"] = "tool_calls" if "tool_calls" in str(deltas) else "stop"
    chunks = [*({"id": "c", "choices": [choice], "usage": None} for choice in choices), USAGE]
    texts = [json.dumps(each, ensure_ascii=False).encode() for each in chunks]
    payloads = [*texts, *([b"[DONE]"] if is_done else [])]
    return b"".join(b"data: %b%b%b" % (each, line_end, line_end) for each in payloads)


def read(chunks: Sequence[bytes]) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        for each in chunks:
            yield each

    async def fold() -> Response:
        folded = Fold()
        async for event in stream_events(pieces(), {}):
            folded.add(event)
        return folded.response()

    return asyncio.run(fold())


streams = st.builds(
    stream, st.sampled_from(SAID), st.sampled_from([b"\n", b"\r\n", b"\r"]), st.booleans()
)


@given(streams, st.data())
def test_cut_anywhere_it_says_the_same(whole: bytes, data: st.DataObject):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=30)))
    edges = [0, *cuts, len(whole)]
    chunks = [whole[a:b] for a, b in zip(edges, edges[1:], strict=False)]
    assert read(chunks).wire == read([whole]).wire


@pytest.mark.parametrize("deltas", SAID)
def test_broken_off_anywhere_it_is_whole_or_no_answer(deltas: Sequence[Wire]):
    whole = stream(deltas)
    expected = read([whole])
    assert expected.output
    finished = whole.index(b'"finish_reason": "')
    for length in range(len(whole)):
        try:
            said = read([whole[:length]])
        except ModelError:
            continue
        assert said.wire["output"] == expected.wire["output"]
        assert length > finished


SHARED = Path(__file__).parents[3] / "shared" / "corpus"
RECORDED = Path(os.environ.get("AGENTKIT_CORPUS", SHARED)) / "chat_shaped.jsonl"


@pytest.mark.skipif(not RECORDED.exists(), reason="recorded traffic is not beside the project")
def test_recorded_streams_cut_behind_any_event_are_whole_or_no_answer():
    rows = [json.loads(line)["response"].get("sse") for line in RECORDED.read_text().splitlines()]
    streams = [row.encode() for row in rows if row]
    for whole in streams:
        expected = read([whole])
        events = re.split(rb"(?<=\n\n)", whole)
        for count in range(len(events)):
            try:
                said = read(events[:count])
            except ModelError:
                continue
            assert said.wire["output"] == expected.wire["output"]
        assert read(events).wire == expected.wire
    assert len(streams) >= 5
