"""However the bytes of a stream are split, delayed or cut, it says the same or is an error."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count, pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agentkit import Agent, ModelError, ResponsesModel, Retries, TextDelta
from agentkit.responses.fold import collect
from agentkit.responses.reply import stream_events
from agentkit.responses.response import Response
from agentkit.testing.sequence import event_sequence

Wire = dict[str, Any]

TEXTS = st.text(
    st.sampled_from('ab \n\r"\\é😀\u2028{}[]:,') | st.sampled_from("data event"),
    min_size=1,
    max_size=12,
)
MESSAGES = st.builds(
    lambda text, at: {
        "type": "message",
        "id": f"msg_{at}",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": []}],
    },
    TEXTS,
    st.integers(0, 99),
)
CALLS = st.builds(
    lambda said, at: {
        "type": "function_call",
        "id": f"fc_{at}",
        "call_id": f"call_{at}",
        "name": "look",
        "arguments": json.dumps({"at": said}, ensure_ascii=False),
        "status": "completed",
    },
    TEXTS,
    st.integers(0, 99),
)
THOUGHTS = st.builds(
    lambda text, at: {
        "type": "reasoning",
        "id": f"rs_{at}",
        "summary": [{"type": "summary_text", "text": text}],
        "encrypted_content": f"sealed {at}",
    },
    TEXTS,
    st.integers(0, 99),
)
OUTPUTS = st.lists(
    MESSAGES | CALLS | THOUGHTS, min_size=1, max_size=4, unique_by=lambda item: item["id"]
)


def response(output: list[Wire]) -> Wire:
    usage = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
    facts = {"id": "resp_1", "object": "response", "model": "m", "error": None}
    return {**facts, "status": "completed", "output": output, "usage": usage}


# The events of a response, in the ways of several servers.


def without_indexes(output: list[Wire]) -> Iterator[Wire]:
    for event in event_sequence(response(output)):
        yield {key: value for key, value in event.items() if not key.endswith("_index")}


def with_rotating_ids(output: list[Wire]) -> Iterator[Wire]:
    numbers = count()
    for event in event_sequence(response(output)):
        for key in ("item", "part"):
            if "id" in event.get(key, {}):
                event = {**event, key: {**event[key], "id": f"x{next(numbers)}"}}
        yield {**event, "item_id": f"x{next(numbers)}"} if "item_id" in event else event


def with_empty_end(output: list[Wire]) -> Iterator[Wire]:
    *events, last = event_sequence(response(output))
    yield from events
    yield {**last, "response": {**last["response"], "output": []}}


def of_a_local_server(output: list[Wire]) -> Iterator[Wire]:
    """Items are given when they are done, and nothing is numbered."""
    events = event_sequence(response(output))
    kept = (each for each in events if "output_item.added" not in each["type"])
    return ({key: each[key] for key in each if key != "sequence_number"} for each in kept)


def as_chat(output: list[Wire]) -> Iterator[Wire]:
    facts = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}

    def chunk(delta: Wire, finish: str | None = None) -> Wire:
        return {**facts, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    calls = 0
    yield chunk({"role": "assistant", "content": ""})
    for item in output:
        for part in item.get("content", ()):
            yield from (chunk({"content": each}) for each in in_threes(part["text"]))
        if item["type"] == "function_call":
            named = {"name": item["name"], "arguments": ""}
            begun = {"index": calls, "id": item["call_id"], "type": "function", "function": named}
            yield chunk({"tool_calls": [begun]})
            for piece in in_threes(item["arguments"]):
                yield chunk({"tool_calls": [{"index": calls, "function": {"arguments": piece}}]})
            calls += 1
    yield chunk({}, "tool_calls" if calls else "stop")


def in_threes(text: str) -> list[str]:
    return [text[at : at + 3] for at in range(0, len(text), 3)]


# The bytes of events, in the ways of several servers.


def dumped(event: Wire) -> bytes:
    return json.dumps(event, ensure_ascii=False).encode()


def named(event: Wire) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (str(event.get("type")).encode(), dumped(event))


def unnamed(event: Wire) -> bytes:
    return b"data:%b\n\n" % dumped(event)


def with_crlf(event: Wire) -> bytes:
    return b"event: x\r\ndata: %b\r\n\r\n" % dumped(event)


def with_cr(event: Wire) -> bytes:
    return b"data: %b\r\r" % dumped(event)


def on_lines(event: Wire) -> bytes:
    lines = json.dumps(event, ensure_ascii=False, indent=1).encode().split(b"\n")
    return b"\n".join(b"data: " + line for line in lines) + b"\n\n"


def on_lines_with_crlf(event: Wire) -> bytes:
    return on_lines(event).replace(b"\n", b"\r\n")


def kept_alive(event: Wire) -> bytes:
    alive = b'data: {"type":"keepalive","sequence_number":1}\n\n'
    return b": keepalive\n\nid: 1\nretry: 5\n\n%b:\ndata: %b\n: x\n\n" % (alive, dumped(event))


EVENTS = st.sampled_from(
    [
        lambda output: event_sequence(response(output)),
        without_indexes,
        with_rotating_ids,
        with_empty_end,
        of_a_local_server,
        as_chat,
    ]
)
FRAMES = st.sampled_from(
    [named, unnamed, with_crlf, with_cr, on_lines, on_lines_with_crlf, kept_alive]
)
ENDS = st.sampled_from([b"", b"data: [DONE]\n\n", b": bye\n\n"])


@st.composite
def streams(draw: Callable[..., Any]) -> bytes:
    frame, events = draw(FRAMES), draw(EVENTS)(draw(OUTPUTS))
    return b"".join(map(frame, events)) + draw(ENDS)


def split(content: bytes, cuts: list[int]) -> list[bytes]:
    """The bytes in pieces, cut where each of `cuts` falls; some may be empty."""
    places = sorted(cut % (len(content) + 1) for cut in cuts)
    return [content[at:to] for at, to in pairwise([0, *places, len(content)])]


async def delayed(pieces: list[bytes], delays: list[int]) -> AsyncIterator[bytes]:
    """The pieces, before each of which others may run so many times."""
    for at, piece in enumerate(pieces):
        for _ in range(delays[at % len(delays)] if delays else 0):
            await asyncio.sleep(0)
        yield piece


def folded(pieces: list[bytes], delays: list[int]) -> Response:
    headers = {"content-type": "text/event-stream"}
    return asyncio.run(collect(stream_events(delayed(pieces, delays), headers)))


CUTS = st.lists(st.integers(0, 10**6), max_size=12)
DELAYS = st.lists(st.integers(0, 3), max_size=4)


@given(OUTPUTS, EVENTS, FRAMES, ENDS)
def test_whatever_its_shape_a_stream_says_what_it_says(output, events, frame, end):
    read = folded([b"".join(map(frame, events(output))) + end], [])
    said = [item["content"][0]["text"] for item in output if item["type"] == "message"]
    assert read.text == "".join(said)
    assert [(call.call_id, call.arguments) for call in read.calls] == [
        (item["call_id"], item["arguments"]) for item in output if item["type"] == "function_call"
    ]
    assert read.status == "completed"


@settings(max_examples=300)
@given(streams(), CUTS, DELAYS)
def test_however_a_stream_is_split_and_delayed_it_says_the_same(content, cuts, delays):
    assert folded(split(content, cuts), delays) == folded([content], [])


@given(streams())
def test_a_stream_may_come_byte_by_byte(content):
    assert folded([content[at : at + 1] for at in range(len(content))], []) == folded([content], [])


@settings(max_examples=300)
@given(streams(), st.integers(0, 10**6), CUTS)
def test_wherever_a_stream_is_cut_off_it_is_whole_or_an_error(content, end, cuts):
    begun = content[: end % (len(content) + 1)]
    try:
        read = folded(split(begun, cuts), [])
    except ModelError as error:
        assert str(error)
    else:
        assert read == folded([content], [])


def chunked(pieces: list[bytes]) -> bytes:
    chunks = (b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return b"transfer-encoding: chunked\r\n\r\n" + b"".join(chunks) + b"0\r\n\r\n"


def measured(pieces: list[bytes]) -> bytes:
    content = b"".join(pieces)
    return b"content-length: %d\r\n\r\n%b" % (len(content), content)


def until_the_close(pieces: list[bytes]) -> bytes:
    return b"connection: close\r\n\r\n" + b"".join(pieces)


@st.composite
def replies(draw: Callable[..., Any]) -> tuple[bytes, str]:
    """The bytes of a reply over HTTP, and what it says."""
    output = draw(st.lists(MESSAGES, min_size=1, max_size=2, unique_by=lambda item: item["id"]))
    pieces, kind = [dumped(response(output))], b"application/json"
    if draw(st.booleans()):
        pieces = list(map(draw(FRAMES), draw(EVENTS)(output)))
        kind = b"text/event-stream"
    frame = draw(st.sampled_from([chunked, measured, until_the_close]))
    head = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\n" % kind
    return head + frame(pieces), "".join(item["content"][0]["text"] for item in output)


async def run_at(pieces: list[bytes], *, is_reset: bool) -> tuple[str, str, list[str]]:
    """The end of a run whose server sends these bytes: its status, text, and what was heard."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split()[0]))
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0)
        if is_reset:
            reset = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        writer.close()

    heard: list[str] = []

    def listen(event: object) -> None:
        if isinstance(event, TextDelta):
            heard.append(event.text)

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        model = ResponsesModel("m", f"http://127.0.0.1:{port}/v1", retries=Retries(attempts=1))
        try:
            result = await Agent(model).run("go", on_event=listen)
        except ModelError as error:
            result = error.result
    return result.status, result.text, heard


@settings(max_examples=150)
@given(replies(), st.integers(0, 10**6), CUTS, st.booleans())
def test_a_run_over_a_cut_connection_is_whole_or_failed(reply, end, cuts, is_reset):
    content, said = reply
    begun = content[: end % (len(content) + 1)]
    status, text, heard = asyncio.run(run_at(split(begun, cuts), is_reset=is_reset))
    assert (status, text) in (("completed", said), ("failed", ""))
    assert said.startswith("".join(heard))


@settings(max_examples=50)
@given(replies(), CUTS)
def test_a_run_over_a_connection_that_comes_in_pieces_is_whole(reply, cuts):
    content, said = reply
    status, text, heard = asyncio.run(run_at(split(content, cuts), is_reset=False))
    assert (status, text) == ("completed", said)
    assert "".join(heard) in (said, "")
