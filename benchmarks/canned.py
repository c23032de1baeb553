"""A server on loopback that answers with bytes made in advance, so that it is no bottleneck.

    python benchmarks/canned.py

It prints its address and ends when its standard input does. The first word of a path says what the
model at it does: `/turns/10/4/…` calls the tool `add` four times in each of ten turns and then
answers; `/deltas/2000/…` streams an answer of so many deltas, 64 in a chunk; `/row/…` says who
leads a country.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from functools import cache
from typing import Any

OUTPUT = b'"function_call_output"'
WAIT = 0.5
"""Seconds that a model at a path beginning with `/slow/` thinks."""
BURST = 64
"""Deltas in one chunk."""
DELTA = "response.output_text.delta"


def response(*output: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A response body with the fields that the Responses API documents."""
    details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {}}
    return {
        "id": "resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b",
        "object": "response",
        "created_at": 1741476542,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": "Add what you are told to add.",
        "max_output_tokens": None,
        "model": "gpt-5-mini",
        "output": list(output),
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": {"input_tokens": 120, "output_tokens": 20, "total_tokens": 140, **details},
        "user": None,
        "metadata": {},
        **fields,
    }


def message(text: str) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": []}
    name = "msg_67ccd2bf17f0819081ff3bb2cf6508e60bb6a6b452d3795b"
    head = {"type": "message", "id": name, "status": "completed", "role": "assistant"}
    return {**head, "content": [part]}


def call(turn: int, place: int) -> dict[str, Any]:
    return {
        "type": "function_call",
        "id": f"fc_67ccd2bf17f0819081ff3bb2{turn:08}{place:04}",
        "call_id": f"call_unDEm3hWyoQ3S3xe{turn:04}{place:02}",
        "name": "add",
        "arguments": json.dumps({"a": turn, "b": place}),
        "status": "completed",
    }


def head(kind: str, **fields: object) -> bytes:
    """What stands before a body, with the headers that servers are wont to send."""
    named = {
        "date": "Thu, 01 Jan 1970 00:00:00 GMT",
        "content-type": kind,
        "x-request-id": "req_0123456789abcdef0123456789abcdef",
        "openai-processing-ms": 41,
        "x-ratelimit-limit-requests": 10000,
        "x-ratelimit-remaining-requests": 9999,
        **fields,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 200 OK\r\n{lines}\r\n".encode()


@cache
def turn(number: int, turns: int, calls: int) -> bytes:
    """The answer number so and so of a run."""
    output = [message("That is all there is to say.")]
    if number < turns:
        output = [call(number, place) for place in range(calls)]
    body = json.dumps(response(*output)).encode()
    return head("application/json", **{"content-length": len(body)}) + body


@cache
def row() -> bytes:
    """The answer about one row of a table."""
    body = json.dumps(response(message('{"leader":"Sanna Example","since":2019}'))).encode()
    return head("application/json", **{"content-length": len(body)}) + body


@cache
def deltas(count: int) -> bytes:
    """A stream whose text comes in so many deltas."""
    chunks = [b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in bursts(count)]
    start = head("text/event-stream; charset=utf-8", **{"transfer-encoding": "chunked"})
    return start + b"".join(chunks) + b"0\r\n\r\n"


def bursts(count: int) -> list[bytes]:
    """The events of such a stream, as they come together."""
    words = [f"word {number} " for number in range(count)]
    whole = message("".join(words))
    item = {**whole, "status": "in_progress", "content": []}
    place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": "", "annotations": []}
    begin = [
        {"type": "response.created", "response": response(status="in_progress", usage=None)},
        {"type": "response.in_progress", "response": response(status="in_progress", usage=None)},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.content_part.added", **place, "part": part},
    ]
    more = [{"type": DELTA, **place, "delta": word, "logprobs": []} for word in words]
    text = whole["content"][0]["text"]
    end = [
        {"type": "response.output_text.done", **place, "text": text},
        {"type": "response.content_part.done", **place, "part": whole["content"][0]},
        {"type": "response.output_item.done", "output_index": 0, "item": whole},
        {"type": "response.completed", "response": response(whole)},
    ]
    numbered = enumerate([*begin, *more, *end])
    events = [event({**each, "sequence_number": number}) for number, each in numbered]
    return [b"".join(events[at : at + BURST]) for at in range(0, len(events), BURST)]


def event(wire: dict[str, Any]) -> bytes:
    return f"event: {wire['type']}\ndata: {json.dumps(wire)}\n\n".encode()


def answer(path: str, body: bytes) -> bytes:
    kind, count, *rest = path.strip("/").split("/")
    if kind == "row":
        return row()
    if kind == "deltas":
        return deltas(int(count))
    calls = int(rest[0])
    return turn(body.count(OUTPUT) // calls, int(count), calls)


class Connection(asyncio.Protocol):
    """One connection: every whole request in what has come is answered at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._come = bytearray()

    def data_received(self, data: bytes) -> None:
        self._come += data
        while (end := self._come.find(b"\r\n\r\n")) >= 0:
            top = bytes(self._come[:end]).lower()
            size = int(top.partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
            whole = end + 4 + size
            if len(self._come) < whole:
                return
            body = bytes(self._come[end + 4 : whole])
            del self._come[:whole]
            path = top.split(b" ")[1].decode()
            wait = WAIT if path.startswith("/slow/") else 0.0
            said = answer(path.removeprefix("/slow"), body)
            if wait:
                asyncio.get_running_loop().call_later(wait, self._transport.write, said)
            else:
                self._transport.write(said)


async def serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", 0, backlog=2000)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(serve())
