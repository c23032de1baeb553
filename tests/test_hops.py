"""One tool call passes few rooms: the budget between an answer and the next request."""

from __future__ import annotations

import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from types import FrameType
from typing import Any

from agentkit.encoding import encode

from agentkit import Agent, ResponsesModel, tool
from agentkit.responses.client import Endpoint
from agentkit.testing.sequence import event_sequence

MOST_FUNCTIONS, MOST_FILES = 45, 16
PACKAGE = str(Path(__file__).parents[1] / "agentkit")


class Entered:
    """The functions of agentkit that are entered while it listens."""

    def __init__(self) -> None:
        self.functions: set[tuple[str, str, int]] = set()
        self.is_listening = False
        self.has_heard = False

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if self.is_listening and event == "call" and code.co_filename.startswith(PACKAGE):
            self.functions.add((code.co_filename, code.co_qualname, code.co_firstlineno))


class Reply:
    """A streamed answer, as an HTTP client gives it."""

    status_code = 200
    headers = {"content-type": "text/event-stream"}

    def __init__(self, body: bytes, entered: Entered) -> None:
        self._body, self._entered = body, entered

    async def aiter_bytes(self) -> AsyncIterator[bytes]:
        self._entered.is_listening = not self._entered.has_heard
        yield self._body

    async def aclose(self) -> None: ...


class Client:
    """An HTTP client that answers from a list."""

    def __init__(self, replies: list[bytes], entered: Entered) -> None:
        self._replies, self._entered = replies, entered

    def build_request(self, *_: Any, **__: Any) -> None:
        self._entered.has_heard = self._entered.is_listening
        self._entered.is_listening = False

    async def send(self, _: Any, *, stream: bool = False) -> Reply:
        return Reply(self._replies.pop(0), self._entered)


def streamed(response: dict[str, Any]) -> bytes:
    """A response as the bytes of its stream."""
    return b"".join(b"data: %b\n\n" % encode(event) for event in event_sequence(response))


def response_with(*output: dict[str, Any]) -> dict[str, Any]:
    return {"id": "resp_1", "object": "response", "status": "completed", "output": list(output)}


@tool
async def add(a: int, b: int = 1) -> int:
    """The sum of two numbers."""
    return a + b


async def test_one_tool_call_enters_few_functions_in_few_files():
    entered = Entered()
    asks = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "add"}
    says = {"type": "output_text", "text": "3", "annotations": []}
    replies = [
        streamed(response_with({**asks, "arguments": '{"a": 1, "b": 2}'})),
        streamed(response_with({"type": "message", "role": "assistant", "content": [says]})),
    ]
    model = ResponsesModel("m", Endpoint("http://x/v1"), http_client=Client(replies, entered))
    agent = Agent(model, tools=[add])
    sys.setprofile(entered)
    threading.setprofile(entered)
    try:
        result = await agent.run("1 + 2", on_event=lambda event: None)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    assert result.output == "3"
    functions = {(file, name) for file, name, _ in entered.functions if "<locals>.<" not in name}
    files = {file for file, _ in functions}
    listed = "\n".join(sorted(f"{file[len(PACKAGE) :]} {name}" for file, name in functions))
    assert len(functions) <= MOST_FUNCTIONS, f"{len(functions)} functions:\n{listed}"
    assert len(files) <= MOST_FILES, f"{len(files)} files:\n{listed}"
