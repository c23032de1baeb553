"""A server on this computer that answers with raw bytes given in advance."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

CUT = object()
"""In an answer: close the connection here."""

Step = Any
"""What an answer is made of: bytes to send, an event or a barrier to wait for, or CUT."""


@dataclass(frozen=True)
class Received:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class Loopback:
    """Gives its answers in order, the last one again and again, and keeps what it was asked."""

    def __init__(self, *answers: bytes | Sequence[Step]) -> None:
        self.received: list[Received] = []
        self.connections = 0
        self.has_lost_one = asyncio.Event()
        """Set once a client has closed a connection."""
        self._answers = [[answer] if isinstance(answer, bytes) else answer for answer in answers]
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._answer(reader, writer):
                    pass
        finally:
            self._tasks.discard(task)
            self.has_lost_one.set()
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self.received.append(await _request(reader))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        for step in answer:
            if step is CUT:
                return False
            if isinstance(step, (asyncio.Event, asyncio.Barrier)):
                await step.wait()
            else:
                writer.write(step)
                await writer.drain()
        return True


async def _request(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
    method, path, _ = head[0].split(" ")
    pairs = (line.partition(": ") for line in head[1:] if line)
    headers = {name.lower(): value for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Received(method, path, headers, json.loads(body or b"{}"))


def answer(content: bytes | dict[str, Any], status: int = 200, **headers: str) -> bytes:
    """A whole answer; underscores in the names of headers become hyphens."""
    content = content if isinstance(content, bytes) else json.dumps(content).encode()
    named = {"content_type": "application/json", **headers, "content_length": str(len(content))}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + content


STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)
END = b"0\r\n\r\n"
"""The end of a chunked body."""


def chunk(content: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(content), content)


def event(**fields: Any) -> bytes:
    """One server-sent event as a chunk; `type` names it."""
    return chunk(b"event: x\ndata: %b\n\n" % json.dumps(fields).encode())


def stream(*events: dict[str, Any]) -> bytes:
    """A whole stream of events, its end included."""
    return STREAM_HEAD + b"".join(event(**each) for each in events) + END


def message(text: str) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": []}
    return {"type": "message", "id": "msg_1", "role": "assistant", "content": [part]}


def response(*output: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A response body."""
    base = {"id": "resp_1", "object": "response", "status": "completed", "error": None}
    return {**base, "output": list(output), **fields}


def completed(*output: dict[str, Any]) -> dict[str, Any]:
    return {"type": "response.completed", "response": response(*output)}


def failed(code: str) -> dict[str, Any]:
    error = {"code": code, "message": "It did not work."}
    return {"type": "response.failed", "response": response(status="failed", error=error)}


CREATED = {"type": "response.created", "response": response(status="in_progress")}


def delta(text: str) -> dict[str, Any]:
    return {"type": "response.output_text.delta", "output_index": 0, "delta": text}
