"""A response as a chat.completion, and its stream events as chunks.

Source: the chat completion objects of POST /chat/completions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agentkit.encoding import Wire
from agentkit.responses.events import (
    ARGUMENTS_DELTA,
    INPUT_DELTA,
    REASONING_DELTA,
    REFUSAL_DELTA,
    SUMMARY_DELTA,
    TERMINAL,
    TEXT_DELTA,
)
from agentkit.responses.items import Message, Reasoning
from agentkit.responses.response import Response, Usage, read_response
from agentkit.testing.rejection import RejectionError

_STATUS = {"rate_limit_exceeded": 429, "insufficient_quota": 429}
"""The status of an answer that failed, by its code; 500 for any other."""
_FINISH = {"max_output_tokens": "length", "content_filter": "content_filter"}
_SAID_AS = {
    TEXT_DELTA: "content",
    REFUSAL_DELTA: "refusal",
    REASONING_DELTA: "reasoning_content",
    SUMMARY_DELTA: "reasoning_content",
}
_CALLS = {"function_call": ("function", "arguments"), "custom_tool_call": ("custom", "input")}


def check_answer(response: Wire) -> None:
    """Raise RejectionError for one that failed: chat has no other word for that."""
    answer = read_response(response)
    if answer.is_failed:
        error = answer.error or {}
        code = str(error.get("code") or "server_error")
        message = str(error.get("message") or "The server could not answer.")
        status = _STATUS.get(code, 500)
        raise RejectionError(message, status=status, code=code, kind="server_error")


def completion(response: Wire) -> Wire:
    """The chat.completion that says what a complete response says."""
    answer = read_response(response)
    calls = [_call(item, {}) for item in response["output"] if item.get("type") in _CALLS]
    thought = "".join(item.text for item in answer.output if isinstance(item, Reasoning))
    message: Wire = {
        "role": "assistant",
        "content": _text(answer) or None,
        "refusal": answer.refusal or None,
        "annotations": [],
    }
    if thought:
        message["reasoning_content"] = thought
    if calls:
        message["tool_calls"] = calls
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(answer)}
    return {
        **_facts(response, "chat.completion"),
        "choices": [choice],
        "usage": usage_of(answer.usage),
    }


class Chunks:
    """Takes the events of one stream in order and gives the chunks they mean."""

    def __init__(self, begun: Wire, *, wants_usage: bool) -> None:
        self._facts = _facts(begun, "chat.completion.chunk")
        self._wants_usage = wants_usage
        self._has_begun = False
        self._calls: list[Any] = []
        """The place in the output of each call that has begun."""
        self._told: Any = None
        """The place of the message whose text came last."""

    def of(self, event: Wire) -> Iterator[Wire]:
        """The chunks of one event. Raises RejectionError where it says that the answer failed."""
        kind = event["type"]
        if kind in _SAID_AS:
            yield self._said({_SAID_AS[kind]: self._gap(event) + event["delta"]})
        elif kind == "response.output_item.added" and event["item"].get("type") in _CALLS:
            self._calls.append(event["output_index"])
            call = _call(
                {**event["item"], "arguments": "", "input": ""}, self._place(event["output_index"])
            )
            yield self._said({"tool_calls": [call]})
        elif kind in (ARGUMENTS_DELTA, INPUT_DELTA) and event["output_index"] in self._calls:
            shape, key = _CALLS["function_call" if kind == ARGUMENTS_DELTA else "custom_tool_call"]
            piece = {**self._place(event["output_index"]), shape: {key: event["delta"]}}
            yield self._said({"tool_calls": [piece]})
        elif kind == "error":
            raise RejectionError(str(event.get("message")), status=500, code=event.get("code"))
        elif kind in TERMINAL:
            yield from self._end(event["response"])

    def _gap(self, event: Wire) -> str:
        """What stands before a text that is another message's than the one before it."""
        if event["type"] != TEXT_DELTA:
            return ""
        place, self._told = self._told, (event["output_index"],)
        return "\n\n" if place not in (None, self._told) else ""

    def _said(self, delta: Wire, finish: str | None = None) -> Wire:
        if not self._has_begun:
            delta = {"role": "assistant", "content": None, **delta}
            self._has_begun = True
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return self._chunk([choice])

    def _end(self, response: Wire) -> Iterator[Wire]:
        check_answer(response)
        answer = read_response(response)
        if untold := self._untold(answer):
            yield self._said(untold)
        yield self._said({}, _finish(answer))
        if self._wants_usage:
            yield {**self._chunk([]), "usage": usage_of(answer.usage)}

    def _untold(self, answer: Response) -> Wire:
        """What a model gave with its last event alone."""
        calls = [item.wire for item in answer.output if item.type in _CALLS]
        rest = list(enumerate(calls))[len(self._calls) :]
        text = "" if self._told else _text(answer)
        made = [_call(call, {"index": index}) for index, call in rest]
        untold = {"content": text, "tool_calls": made}
        return {name: value for name, value in untold.items() if value}

    def _chunk(self, choices: list[Wire]) -> Wire:
        usage: Wire = {"usage": None} if self._wants_usage else {}
        return {**self._facts, "choices": choices, **usage}

    def _place(self, output_index: Any) -> Wire:
        return {"index": self._calls.index(output_index)}


def usage_of(usage: Usage) -> Wire:
    """The usage object of a chat.completion."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


def _facts(response: Wire, kind: str) -> Wire:
    kept = {key: response[key] for key in ("id", "model", "service_tier")}
    return {**kept, "object": kind, "created": response["created_at"], "system_fingerprint": None}


def _text(answer: Response) -> str:
    """All that was said, since chat does not tell commentary from the answer."""
    texts = [item.text for item in answer.output if isinstance(item, Message)]
    return "\n\n".join(text for text in texts if text)


def _finish(answer: Response) -> str:
    if answer.incomplete_reason:
        return _FINISH.get(answer.incomplete_reason, "length")
    return "tool_calls" if answer.calls else "stop"


def _call(item: Wire, place: Wire) -> Wire:
    shape, key = _CALLS[item["type"]]
    said = {"name": item.get("name"), key: item.get(key) or ""}
    return {**place, "id": item.get("call_id"), "type": shape, shape: said}
