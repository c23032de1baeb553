"""chat.completion replies as responses.

Servers without Responses answer so, and some gateways do at `POST /responses`; a page of
CometAPI's documentation shows one. What arrives here leaves as a response body, and nothing behind
this module and `stream` knows the difference. Other choices than the first, audio and
log probabilities are not read.
"""

from __future__ import annotations

from typing import Any

from agentkit.encoding import Wire, encode

_CUT = "max_output_tokens"
_FILTERED = "content_filter"
_INCOMPLETE = {
    "length": _CUT,
    "max_tokens": _CUT,
    "max_output_tokens": _CUT,
    "model_length": _CUT,
    "blocklist": _FILTERED,
    "content_filter": _FILTERED,
    "guardrail_intervened": _FILTERED,
    "prohibited_content": _FILTERED,
    "recitation": _FILTERED,
    "safety": _FILTERED,
    "sensitive": _FILTERED,
}
"""Why an answer is not whole, by the finish reason in lower case."""
_FAILED = frozenset(
    {
        "abort",
        "aborted",
        "cancelled",
        "engine_overloaded",
        "error",
        "insufficient_system_resource",
        "malformed_function_call",
        "network_error",
        "timeout",
    }
)
"""Finish reasons of an answer that the server gave up. Any other word ends a whole one."""

_COUNTS = frozenset(
    {
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "prompt_tokens_details",
        "completion_tokens_details",
    }
)


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
    """The response body that says what a chat.completion says; of several choices the first.

    One without a choice failed: it is no answer.
    """
    choice = first_choice(completion)
    message = as_object(choice.get("message"))
    finish = str(choice.get("finish_reason")).lower()
    reason, error = _INCOMPLETE.get(finish), completion.get("error") or choice.get("error")
    has_failed = bool(error) or finish in _FAILED or not choice
    if has_failed and not error:
        why = f"The server ended its answer with {finish!r}." if choice else "No choice was given."
        error = {"code": "server_error", "message": why}
    whole = "failed" if has_failed else "completed"
    return {
        "id": completion.get("id"),
        "object": "response",
        "created_at": completion.get("created"),
        "model": completion.get("model"),
        "status": "incomplete" if reason and not error else whole,
        "incomplete_details": {"reason": reason} if reason else None,
        "error": error,
        "output": [*_reasoning(message), *_messages(message), *_calls(message)],
        "usage": usage_of(completion),
    }


def first_choice(completion: Wire) -> Wire:
    """The choice that is read, empty where there is none."""
    for choice in as_objects(completion.get("choices")):
        if not choice.get("index"):
            return choice
    return {}


def text_of(content: Any) -> str:
    """Text, or the text of parts as Mistral sends them."""
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text") or "") for part in as_objects(content))


def refusal_of(message: Wire) -> str:
    """What is said in the place of an answer, as a field or as a part."""
    parts = as_objects(message.get("content"))
    return text_of(message.get("refusal")) + "".join(text_of(p.get("refusal")) for p in parts)


def thought_of(message: Wire) -> str:
    """The thoughts, under whichever name: the same ones may stand under several.

    `reasoning_content` (DeepSeek, vLLM), `reasoning` (OpenRouter, Groq), `reasoning_details`
    (OpenRouter), or parts of the content (Mistral).
    """
    for name in ("reasoning_content", "reasoning"):
        thought = message.get(name)
        if isinstance(thought, str) and thought:
            return thought
    details = as_objects(message.get("reasoning_details"))
    told = "".join(text_of(each.get("text") or each.get("summary")) for each in details)
    thoughts = (part.get("thinking") for part in as_objects(message.get("content")))
    return told or "".join(text_of(thought) for thought in thoughts)


def arguments_of(value: Any) -> str:
    """JSON text; a few servers send the object itself."""
    if isinstance(value, dict):
        return encode(value).decode()
    return value if isinstance(value, str) else ""


def called(message: Wire) -> list[Wire]:
    """The calls of a message, or the one that it has in the older shape."""
    calls = as_objects(message.get("tool_calls"))
    older = message.get("function_call")
    return calls or ([{"function": older}] if isinstance(older, dict) else [])


def as_object(value: Any) -> Wire:
    """The value where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_objects(values: Any) -> list[Wire]:
    """What is an object of a list, in order."""
    return [each for each in values if isinstance(each, dict)] if isinstance(values, list) else []


def name_of(value: Any) -> str | None:
    """The value where it can be a name."""
    return value if isinstance(value, str) else None


def usage_of(completion: Wire) -> Wire | None:
    """The usage in the words of a response; what it says besides, such as `cost`, is kept.

    Groq tells it in a stream under `x_groq`, DeepSeek counts what was cached beside the details.
    """
    usage = completion.get("usage") or as_object(completion.get("x_groq")).get("usage")
    if not isinstance(usage, dict):
        return None
    read = as_object(usage.get("prompt_tokens_details"))
    written = as_object(usage.get("completion_tokens_details"))
    cached = read.get("cached_tokens", usage.get("prompt_cache_hit_tokens"))
    return {
        **{name: value for name, value in usage.items() if name not in _COUNTS},
        "input_tokens": usage.get("prompt_tokens"),
        "input_tokens_details": {"cached_tokens": cached},
        "output_tokens": usage.get("completion_tokens"),
        "output_tokens_details": {"reasoning_tokens": written.get("reasoning_tokens")},
        "total_tokens": usage.get("total_tokens"),
    }


def _messages(message: Wire) -> list[Wire]:
    text, refusal = text_of(message.get("content")), refusal_of(message)
    parts: list[Wire] = []
    if text:
        annotations = [_annotation(each) for each in as_objects(message.get("annotations"))]
        parts.append({"type": "output_text", "text": text, "annotations": annotations})
    if refusal:
        parts.append({"type": "refusal", "refusal": refusal})
    if not parts:
        return []
    return [{"type": "message", "role": "assistant", "status": "completed", "content": parts}]


def _annotation(annotation: Wire) -> Wire:
    """`url_citation` has its fields one level deeper in chat."""
    kind = str(annotation.get("type"))
    inner = annotation.get(kind)
    return {"type": kind, **inner} if isinstance(inner, dict) else annotation


def _calls(message: Wire) -> list[Wire]:
    return [_call(call, position) for position, call in enumerate(called(message))]


def _call(call: Wire, position: int) -> Wire:
    call_id = name_of(call.get("id")) or f"call_{position}"
    if isinstance(custom := call.get("custom"), dict):
        said = {"name": name_of(custom.get("name")), "input": text_of(custom.get("input"))}
        return {"type": "custom_tool_call", "call_id": call_id, **said}
    function = as_object(call.get("function"))
    item = {
        "type": "function_call",
        "call_id": call_id,
        "name": name_of(function.get("name")),
        "arguments": arguments_of(function.get("arguments")),
    }
    # a signature that its server wants back with the call
    extra = call.get("extra_content")
    return {**item, "extra_content": extra} if extra else item


def _reasoning(message: Wire) -> list[Wire]:
    text = thought_of(message)
    part = {"type": "reasoning_text", "text": text}
    return [{"type": "reasoning", "summary": [], "content": [part]}] if text else []
