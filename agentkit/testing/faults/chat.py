"""Right answers in the shape of chat completions, as some gateways give them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agentkit.encoding import Wire, encode
from agentkit.testing.faults.answers import Answer, on_answers, stream_of, whole
from agentkit.testing.faults.fault import Asked, Fault
from agentkit.testing.faults.streams import DONE
from agentkit.testing.http import Reply


def completion_of(response: Wire) -> Wire:
    """The chat.completion that says what a response says."""
    message: Wire = {"role": "assistant", "content": _text(response), "refusal": None}
    if calls := _calls(response):
        message["tool_calls"] = calls
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}
    return {
        **_facts(response),
        "object": "chat.completion",
        "choices": [choice],
        **_usage(response),
    }


def chunks_of(response: Wire) -> Iterator[Wire]:
    """The chunks of a streamed chat completion that say what a response says."""
    calls = _calls(response)
    yield _chunk(response, {"role": "assistant", "content": ""})
    for word in _text(response).split(" "):
        if word:
            yield _chunk(response, {"content": f"{word} "})
    for call in calls:
        function, arguments = call["function"], call["function"]["arguments"]
        begun = {**call, "function": {**function, "arguments": ""}}
        yield _chunk(response, {"tool_calls": [begun]})
        for piece in (arguments[:5], arguments[5:]):
            more = {"index": call["index"], "function": {"arguments": piece}}
            yield _chunk(response, {"tool_calls": [more]})
    yield _chunk(response, {}, "tool_calls" if calls else "stop")
    yield {**_chunk(response, {}), "choices": [], **_usage(response)}


def _facts(response: Wire) -> Wire:
    facts = {"created": response.get("created_at"), "model": response.get("model")}
    return {"id": f"chatcmpl-{response.get('id')}", **facts}


def _chunk(response: Wire, delta: Wire, finish: str | None = None) -> Wire:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {**_facts(response), "object": "chat.completion.chunk", "choices": [choice]}


def _text(response: Wire) -> str:
    parts = (part for item in response["output"] for part in item.get("content") or ())
    return "".join(str(part.get("text") or "") for part in parts)


def _calls(response: Wire) -> list[Wire]:
    made = [item for item in response["output"] if item["type"] == "function_call"]
    return [
        {
            "index": index,
            "id": item["call_id"],
            "type": "function",
            "function": {"name": item["name"], "arguments": item["arguments"]},
        }
        for index, item in enumerate(made)
    ]


def _usage(response: Wire) -> Wire:
    usage: dict[str, Any] = response.get("usage") or {}
    read, written = usage.get("input_tokens", 0), usage.get("output_tokens", 0)
    counted = {"prompt_tokens": read, "completion_tokens": written}
    return {"usage": {**counted, "total_tokens": read + written}}


def _as_chat(answer: Answer, _: Asked) -> Reply:
    if not answer.is_stream:
        return whole(completion_of(answer.response))
    return stream_of([*(_frame(chunk) for chunk in chunks_of(answer.response)), DONE])


def _without_finish(answer: Answer, _: Asked) -> Reply:
    if not answer.is_stream:
        return whole(completion_of(answer.response))
    chunks = list(chunks_of(answer.response))[:-2]
    return stream_of([*(_frame(chunk) for chunk in chunks), DONE])


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
