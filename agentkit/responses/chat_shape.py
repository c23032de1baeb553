"""chat.completion replies and chunks as responses.

Some gateways answer `POST /responses` in the shape of chat completions; a page of CometAPI's
documentation shows one. What arrives here leaves as a response body or as stream events, and
nothing behind this module knows the difference.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from agentkit.encoding import Wire, encode
from agentkit.responses.events import (
    ARGUMENTS_DELTA,
    REASONING_DELTA,
    REFUSAL_DELTA,
    TEXT_DELTA,
    Delta,
    Snapshot,
    StreamEvent,
)

_STATUS = {"error": "failed"}
_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


def is_completion(body: Wire) -> bool:
    """Whether a body is a chat.completion."""
    return body.get("object") == "chat.completion" or (
        isinstance(body.get("choices"), list) and "output" not in body
    )


def is_chunk(payload: Wire) -> bool:
    """Whether a stream payload is a chat.completion.chunk."""
    if payload.get("error"):
        return False
    return payload.get("object") == "chat.completion.chunk" or (
        isinstance(payload.get("choices"), list) and "type" not in payload
    )


def response_of(completion: Wire) -> Wire:
    """The response body that says what a chat.completion says; of several choices the first."""
    choice = _first_choice(completion)
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    finish = str(choice.get("finish_reason"))
    reason = _INCOMPLETE.get(finish)
    return {
        "id": completion.get("id"),
        "object": "response",
        "created_at": completion.get("created"),
        "model": completion.get("model"),
        "status": "incomplete" if reason else _STATUS.get(finish, "completed"),
        "incomplete_details": {"reason": reason} if reason else None,
        "error": completion.get("error"),
        "output": [*_reasoning(message), *_messages(message), *_calls(message)],
        "usage": _usage(completion.get("usage")),
    }


class ChatStream:
    """Takes the chunks of one stream in order and gives the events they mean."""

    def __init__(self) -> None:
        self._completion: Wire = {}
        self._pieces: dict[str, list[str]] = {"content": [], "refusal": [], "reasoning": []}
        self._calls: list[_Call] = []
        self._finish: str | None = None

    def add(self, chunk: Wire) -> list[StreamEvent]:
        """The deltas of one chunk."""
        known = {key: chunk[key] for key in ("id", "created", "model", "usage") if chunk.get(key)}
        self._completion |= known
        choice = _first_choice(chunk)
        self._finish = choice.get("finish_reason") or self._finish
        # a chunk may carry the whole message instead
        delta = choice.get("delta") or choice.get("message")
        return self._deltas(delta) if isinstance(delta, dict) else []

    def end(self) -> Snapshot | None:
        """The terminal event, None where the chunks never said that they had finished."""
        if self._finish is None:
            return None
        message: Wire = {key: "".join(pieces) for key, pieces in self._pieces.items()}
        message["tool_calls"] = [call.wire() for call in self._calls]
        choice = {"message": message, "finish_reason": self._finish}
        response = response_of({**self._completion, "choices": [choice]})
        return Snapshot(f"response.{response['status']}", response)

    def _deltas(self, delta: Wire) -> list[StreamEvent]:
        said = {
            TEXT_DELTA: ("content", _text(delta.get("content"))),
            REFUSAL_DELTA: ("refusal", _text(delta.get("refusal"))),
            REASONING_DELTA: ("reasoning", _thought(delta)),
        }
        events: list[StreamEvent] = []
        for kind, (key, text) in said.items():
            if text:
                self._pieces[key].append(text)
                events.append(Delta(kind, text))
        return events + [self._call_delta(piece) for piece in _objects(delta.get("tool_calls"))]

    def _call_delta(self, piece: Wire) -> StreamEvent:
        call = self._call_of(piece)
        function = _object(piece.get("function"))
        text = _arguments(function.get("arguments"))
        call.id = _name(piece.get("id")) or call.id
        call.name = _name(function.get("name")) or call.name
        call.arguments.append(text)
        return Delta(ARGUMENTS_DELTA, text, call.id)

    def _call_of(self, piece: Wire) -> _Call:
        """The latest call of that index and id; a piece without either goes on with the last."""
        index, call_id = piece.get("index"), piece.get("id")
        is_first = bool(call_id) and bool(_object(piece.get("function")).get("name"))
        for call in reversed(self._calls):
            # Gemini gives each of several whole calls the index 0
            is_here = index is None or call.index == index
            if is_here and (call.id == call_id or not is_first):
                return call
        self._calls.append(_Call(index))
        return self._calls[-1]


@dataclass(slots=True)
class _Call:
    """A tool call while its pieces arrive."""

    index: int | None
    id: str | None = None
    name: str = ""
    arguments: list[str] = field(default_factory=list)

    def wire(self) -> Wire:
        function = {"name": self.name, "arguments": "".join(self.arguments)}
        return {"id": self.id, "function": function}


def _messages(message: Wire) -> list[Wire]:
    text, refusal = _text(message.get("content")), _text(message.get("refusal"))
    parts: list[Wire] = []
    if text:
        parts.append({"type": "output_text", "text": text, "annotations": []})
    if refusal:
        parts.append({"type": "refusal", "refusal": refusal})
    if not parts:
        return []
    return [{"type": "message", "role": "assistant", "status": "completed", "content": parts}]


def _calls(message: Wire) -> list[Wire]:
    calls: list[Wire] = []
    for position, call in enumerate(_objects(message.get("tool_calls"))):
        function = _object(call.get("function"))
        calls.append(
            {
                "type": "function_call",
                "call_id": _name(call.get("id")) or f"call_{position}",
                "name": _name(function.get("name")),
                "arguments": _arguments(function.get("arguments")),
            }
        )
    return calls


def _reasoning(message: Wire) -> list[Wire]:
    text = _thought(message)
    part = {"type": "reasoning_text", "text": text}
    return [{"type": "reasoning", "summary": [], "content": [part]}] if text else []


def _thought(message: Wire) -> str:
    """`reasoning` (OpenRouter, Groq) or `reasoning_content` (DeepSeek, vLLM)."""
    text = message.get("reasoning_content") or message.get("reasoning")
    if isinstance(text, str):
        return text
    thoughts = (part.get("thinking") for part in _objects(message.get("content")))
    return "".join(_text(thought) for thought in thoughts)


def _arguments(value: Any) -> str:
    """JSON text; a few servers send the object itself."""
    if isinstance(value, dict):
        return encode(value).decode()
    return value if isinstance(value, str) else ""


def _text(content: Any) -> str:
    """Text, or the text of parts as Mistral sends them."""
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text") or "") for part in _objects(content))


def _first_choice(completion: Wire) -> Wire:
    choices = _objects(completion.get("choices"))
    return next((choice for choice in choices if not choice.get("index")), {})


def _name(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _object(value: Any) -> Wire:
    return value if isinstance(value, dict) else {}


def _objects(values: Any) -> list[Wire]:
    return [each for each in values if isinstance(each, dict)] if isinstance(values, list) else []


def _usage(usage: Any) -> Wire | None:
    if not isinstance(usage, dict):
        return None
    read, written = usage.get("prompt_tokens_details"), usage.get("completion_tokens_details")
    return {
        "input_tokens": usage.get("prompt_tokens"),
        "input_tokens_details": {"cached_tokens": _object(read).get("cached_tokens")},
        "output_tokens": usage.get("completion_tokens"),
        "output_tokens_details": {"reasoning_tokens": _object(written).get("reasoning_tokens")},
        "total_tokens": usage.get("total_tokens"),
    }
