"""Stdout: the answer of a run as text, as one JSON object, or as a line for every event."""

from __future__ import annotations

from dataclasses import asdict
from typing import Protocol, TextIO

from agentkit.cli.safe_text import safe_json, visible
from agentkit.encoding import JSON, Wire, encode
from agentkit.errors import ModelError
from agentkit.events import (
    Event,
    Notice,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    ToolOutput,
    ToolProgress,
)
from agentkit.records import Answer, Setup, dump_record
from agentkit.result import RunResult
from agentkit.tool_output import plain


class AnswerWriter(Protocol):
    """What becomes of a run on stdout."""

    def hear(self, event: Event) -> None: ...

    def end_line(self) -> None:
        """Let the next line on the same screen begin at its left."""
        ...

    def end(self, result: RunResult, error: Exception | None) -> None: ...


class TextWriter:
    """The answer alone, as it arrives where it is known to be the answer.

    Text before a tool call is not the answer, and a pipe cannot take it back: with tools, only a
    terminal sees text at once, unless `streams` says otherwise. `setup` is that of the session so
    far, which a run does not say again where it goes on with the same.
    """

    def __init__(
        self, stream: TextIO, *, streams: bool | None = None, setup: Setup | None = None
    ) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._streams = streams
        self._is_live = False
        self._is_typed = False
        if setup is not None:
            self._decide(setup)
        self._turn = ""
        """What of this turn has been written."""
        self._turn_is_over = False
        self._is_inside_line = False

    def hear(self, event: Event) -> None:
        if isinstance(event, Setup):
            self._decide(event)
        elif isinstance(event, TextDelta) and self._is_live:
            self._begin_turn()
            self._turn += event.text
            self._write(event.text)
        elif isinstance(event, Answer):
            self._turn_is_over = True

    def end_line(self) -> None:
        if self._is_terminal:
            self._finish_line()

    def end(self, result: RunResult, error: Exception | None) -> None:  # noqa: ARG002
        text = self._wanted(result)
        if text and not self._turn.endswith(text):
            self._finish_line()
            self._write(text)
        self._finish_line()

    def _decide(self, setup: Setup) -> None:
        fields = setup.fields.values
        self._is_typed = is_typed(setup)
        streams = self._streams
        if streams is None:
            streams = self._is_terminal or not fields.get("tools")
        self._is_live = streams and not self._is_typed

    def _begin_turn(self) -> None:
        if self._turn_is_over:
            self._finish_line()
            self._turn, self._turn_is_over = "", False

    def _wanted(self, result: RunResult) -> str:
        if result.output is None:
            return said_at_the_end(result)
        if isinstance(result.output, str) and not self._is_typed:
            return result.output
        return safe_json(encode(plain(result.output)).decode())

    def _write(self, text: str) -> None:
        if text:
            write(self._stream, visible(text) if self._is_terminal else text)
            self._is_inside_line = not text.endswith("\n")

    def _finish_line(self) -> None:
        if self._is_inside_line:
            self._write("\n")


class JsonWriter:
    """One JSON object at the end."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def hear(self, event: Event) -> None:
        pass

    def end_line(self) -> None:
        pass

    def end(self, result: RunResult, error: Exception | None) -> None:
        write_json(self._stream, result_wire(result, error))


class JsonLinesWriter:
    """A JSON object a line for every event, each with its `kind`; the last is the result."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def hear(self, event: Event) -> None:
        write_json(self._stream, event_wire(event))

    def end_line(self) -> None:
        pass

    def end(self, result: RunResult, error: Exception | None) -> None:
        write_json(self._stream, {"kind": "result", **result_wire(result, error)})


def is_typed(setup: Setup) -> bool:
    """Whether the answers to such requests are values rather than text."""
    text = setup.fields.values.get("text") or {}
    return (text.get("format") or {}).get("type") == "json_schema"


def said_at_the_end(result: RunResult) -> str:
    """The model's last words, unless they led up to calls that the run did not get past."""
    answer = result.log.answer
    if answer is None or (answer.response.calls and result.status not in ("limited", "incomplete")):
        return ""
    return result.text


def result_wire(result: RunResult, error: Exception | None) -> Wire:
    """The end of a run as a JSON object."""
    return {
        "status": result.status,
        "output": plain(result.output),
        "text": result.text,
        "usage": asdict(result.usage),
        "cost": result.cost,
        "turns": result.turns,
        "session": result.session,
        "limit": result.limit,
        "error": None if error is None else _error_wire(error),
        **({"evidence": _evidence_wire(result)} if result.evidence else {}),
        "pending": [asdict(call) for call in result.pending],
        "items": [item.wire for item in result.items],
    }


def _evidence_wire(result: RunResult) -> Wire:
    return {name: asdict(each) for name, each in result.evidence.items()}


def event_wire(event: Event) -> Wire:
    """An event as a JSON object; a record as a log dumps it."""
    match event:
        case TextDelta(text):
            return {"kind": "text_delta", "text": text}
        case ReasoningDelta(text):
            return {"kind": "reasoning_delta", "text": text}
        case Notice(text):
            return {"kind": "notice", "text": text}
        case ToolCall():
            return {"kind": "tool_call", **asdict(event)}
        case ToolProgress(call_id, value):
            return {"kind": "tool_progress", "call_id": call_id, "value": plain(value)}
        case ToolOutput():
            return {
                "kind": "tool_output",
                "call_id": event.call_id,
                "name": event.name,
                "output": event.output,
                "ended": event.ended,
                "seconds": event.seconds,
                "error": None if event.error is None else type(event.error).__name__,
            }
        case _:
            return dump_record(event)


def write(stream: TextIO, text: str) -> None:
    """Write at once."""
    stream.write(text)
    stream.flush()


def write_json(stream: TextIO, value: JSON) -> None:
    """Write a value as one line of JSON that a terminal shows and does not obey."""
    write(stream, safe_json(encode(value).decode()) + "\n")


def _error_wire(error: Exception) -> Wire:
    said: Wire = {"type": type(error).__name__, "message": str(error)}
    if isinstance(error, ModelError):
        said = {**said, "status": error.status, "code": error.code, "request_id": error.request_id}
    return said
