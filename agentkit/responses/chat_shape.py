"""chat.completion replies and chunks as responses.

Some gateways answer `POST /responses` in the shape of chat completions; a page of CometAPI's
documentation shows one. What arrives here leaves as a response body or as stream events, and
nothing behind this module knows the difference.
"""

from __future__ import annotations

from typing import Any

from agentkit.responses.encoding import Wire
from agentkit.responses.events import (
    ARGUMENTS_DELTA,
    REASONING_DELTA,
    REFUSAL_DELTA,
    TEXT_DELTA,
    Delta,
    Snapshot,
    StreamEvent,
)

_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


def is_completion(body: Wire) -> bool:
    """Whether a body is a chat.completion."""
    return body.get("object") == "chat.completion" or (
        isinstance(body.get("choices"), list) and "output" not in body
    )


def is_chunk(payload: Wire) -> bool:
    """Whether a stream payload is a chat.completion.chunk."""
    return payload.get("object") == "chat.completion.chunk" or (
        isinstance(payload.get("choices"), list) and "type" not in payload
    )


def response_of(completion: Wire) -> Wire:
    """The response body that says what a chat.completion says."""
    choice = next((c for c in completion.get("choices") or [] if isinstance(c, dict)), {})
    message = choice.get("message") or {}
    reason = _INCOMPLETE.get(str(choice.get("finish_reason")))
    return {
        "id": completion.get("id"),
        "object": "response",
        "created_at": completion.get("created"),
        "model": completion.get("model"),
        "status": "incomplete" if reason else "completed",
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
        self._calls: dict[int, Wire] = {}
        self._finish: str | None = None

    def add(self, chunk: Wire) -> list[StreamEvent]:
        """The deltas of one chunk."""
        known = {key: chunk[key] for key in ("id", "created", "model", "usage") if chunk.get(key)}
        self._completion |= known
        events: list[StreamEvent] = []
        for choice in chunk.get("choices") or []:
            self._finish = choice.get("finish_reason") or self._finish
            events += self._deltas(choice.get("delta") or {})
        return events

    def end(self) -> Snapshot | None:
        """The terminal event, None where the chunks never said that they had finished."""
        if self._finish is None:
            return None
        message: Wire = {key: "".join(pieces) for key, pieces in self._pieces.items()}
        message["tool_calls"] = [self._calls[index] for index in sorted(self._calls)]
        choice = {"message": message, "finish_reason": self._finish}
        response = response_of({**self._completion, "choices": [choice]})
        return Snapshot(f"response.{response['status']}", response)

    def _deltas(self, delta: Wire) -> list[StreamEvent]:
        said = {
            TEXT_DELTA: ("content", _text(delta.get("content"))),
            REFUSAL_DELTA: ("refusal", delta.get("refusal") or ""),
            REASONING_DELTA: ("reasoning", _thought(delta)),
        }
        events: list[StreamEvent] = []
        for kind, (key, text) in said.items():
            if text:
                self._pieces[key].append(text)
                events.append(Delta(kind, text))
        return events + [self._call_delta(call) for call in delta.get("tool_calls") or []]

    def _call_delta(self, piece: Wire) -> StreamEvent:
        index = piece.get("index")
        # Mistral sends no index and each call whole
        index = index if isinstance(index, int) else len(self._calls)
        call = self._calls.setdefault(index, {"function": {"name": "", "arguments": ""}})
        call["id"] = piece.get("id") or call.get("id")
        function = piece.get("function") or {}
        text = _arguments(function.get("arguments"))
        call["function"]["name"] = function.get("name") or call["function"]["name"]
        call["function"]["arguments"] += text
        return Delta(ARGUMENTS_DELTA, text, call["id"], None)


def _messages(message: Wire) -> list[Wire]:
    text, refusal = _text(message.get("content")), message.get("refusal")
    parts: list[Wire] = []
    if text:
        parts.append({"type": "output_text", "text": text, "annotations": []})
    if refusal:
        parts.append({"type": "refusal", "refusal": refusal})
    if not parts:
        return []
    return [{"type": "message", "role": "assistant", "status": "completed", "content": parts}]


def _calls(message: Wire) -> list[Wire]:
    return [
        {
            "type": "function_call",
            "call_id": call.get("id") or f"call_{position}",
            "name": (call.get("function") or {}).get("name"),
            "arguments": _arguments((call.get("function") or {}).get("arguments")),
        }
        for position, call in enumerate(message.get("tool_calls") or [])
    ]


def _reasoning(message: Wire) -> list[Wire]:
    text = _thought(message)
    part = {"type": "reasoning_text", "text": text}
    return [{"type": "reasoning", "summary": [], "content": [part]}] if text else []


def _thought(message: Wire) -> str:
    """`reasoning` (OpenRouter, Groq) or `reasoning_content` (DeepSeek, vLLM)."""
    text = message.get("reasoning_content") or message.get("reasoning")
    if isinstance(text, str):
        return text
    parts = message.get("content")
    thoughts = (
        [part.get("thinking") for part in parts if isinstance(part, dict)]
        if isinstance(parts, list)
        else []
    )
    return "".join(_text(thought) for thought in thoughts)


def _arguments(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _text(content: Any) -> str:
    """Text, or the text of parts as Mistral sends them."""
    if isinstance(content, list):
        return "".join(part.get("text") or "" for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _usage(usage: Wire | None) -> Wire | None:
    if not usage:
        return None
    prompt, completion = usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    reasoning = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": cached},
        "output_tokens": completion,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": usage.get("total_tokens") or prompt + completion,
    }
