"""Right answers in the shape of chat completions, as some gateways give them."""

from __future__ import annotations

from collections.abc import Iterable

from agentkit.encoding import Wire, encode
from agentkit.testing.chat_answer import Chunks, completion
from agentkit.testing.faults.answers import (
    DONE,
    Answer,
    half,
    is_terminal,
    on_answers,
    stream_of,
    up_to_a_delta,
    whole,
)
from agentkit.testing.faults.definition import Asked, Fault
from agentkit.testing.http import Reply


def finished(answer: Answer, reason: str) -> Reply:
    """A chat completion that broke off for that `finish_reason`."""
    if answer.is_stream:
        choice = {"index": 0, "delta": {}, "finish_reason": reason}
        last = {"object": "chat.completion.chunk", "choices": [choice]}
        return stream_of([*up_to_a_delta(answer.pieces), _frame(last), DONE])
    choice = answer.response["choices"][0]
    broken = {**choice, "message": _cut_off(choice["message"]), "finish_reason": reason}
    return whole({**answer.response, "choices": [broken]})


def _cut_off(message: Wire) -> Wire:
    """The first half of what a message says."""
    said = {**message, "content": half(message.get("content") or "")}
    if "tool_calls" in message:
        said["tool_calls"] = [_cut_off_call(call) for call in message["tool_calls"]]
    return said


def _cut_off_call(call: Wire) -> Wire:
    function = call["function"]
    return {**call, "function": {**function, "arguments": half(function["arguments"])}}


def _as_chat(answer: Answer, _: Asked) -> Reply:
    if answer.is_chat:
        return answer.reply(answer.pieces)
    if not answer.is_stream:
        return whole(completion(answer.response))
    return stream_of([*_chunks(answer), DONE])


def _without_finish(answer: Answer, _: Asked) -> Reply:
    if not answer.is_stream:
        return whole(answer.response if answer.is_chat else completion(answer.response))
    chunks: Iterable[bytes] = answer.pieces if answer.is_chat else _chunks(answer)
    return stream_of([chunk for chunk in chunks if not is_terminal(chunk)])


def _chunks(answer: Answer) -> list[bytes]:
    made = Chunks(answer.response, wants_usage=True)
    return [_frame(chunk) for event in answer.events for chunk in made.of(event)]


def _frame(chunk: Wire) -> bytes:
    return b"data: %b\n\n" % encode(chunk)


CHATS = [
    Fault("chat-shape", "answers as a chat completion, or its chunks", on_answers(_as_chat)),
    Fault(
        "chat-cut",
        "ends the chunks of a chat completion without a `finish_reason`",
        on_answers(_without_finish),
        loses=True,
    ),
]
