"""The body of `POST /chat/completions`: what is refused, and what it says in items and fields.

Refused is what OpenAI's server surely refuses: wrong types of the fields everybody sends, and
calls and tool messages that do not pair. Unknown fields pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from agentkit.encoding import JSON, Wire
from agentkit.testing.rejection import RejectionError, check_body

_NAMES: dict[type, str] = {list: "an array of objects", dict: "an object"}
_TYPES = {"messages": list, "tools": list, "response_format": dict, "stream_options": dict}
_ROLES = ("system", "developer", "user", "assistant", "tool")
_IN_OTHER_WORDS = frozenset(
    {
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "reasoning_effort",
        "response_format",
        "stream",
        "stream_options",
        "tool_choice",
        "tools",
        "verbosity",
    }
)


def check_chat_body(body: JSON) -> Wire:
    """The body, its fields of the right types. Raises RejectionError."""
    if not isinstance(body, dict):
        raise RejectionError("Invalid body: expected an object.")
    for name, kind in _TYPES.items():
        _check_type(body.get(name), kind, name)
    messages = body.get("messages")
    if not messages:
        message = "Missing required parameter: 'messages'."
        raise RejectionError(message, code="missing_required_parameter", param="messages")
    for at, tool in enumerate(body.get("tools") or ()):
        _check_type(tool, dict, f"tools[{at}]")
        _check_tool(tool, f"tools[{at}]")
    for at, each in enumerate(messages):
        _check_message(each, f"messages[{at}]")
    _check_pairs(messages)
    # what both wires have in common is checked as the other one's
    common = {name: value for name, value in body.items() if name not in _IN_OTHER_WORDS}
    check_body({**common, "input": [], "stream": body.get("stream")})
    return body


def fields_of(body: Wire) -> Wire:
    """The fields of a request that say what the body's say, without its messages.

    What the developer says at the beginning is the instructions.
    """
    fields = {k: v for k, v in body.items() if k not in _IN_OTHER_WORDS and v is not None}
    text = {"verbosity": body.get("verbosity"), "format": _format(body.get("response_format"))}
    said = {
        "instructions": "\n\n".join(_text(each) for each in body["messages"][: _told(body)]),
        "max_output_tokens": body.get("max_completion_tokens") or body.get("max_tokens"),
        "reasoning": _given(effort=body.get("reasoning_effort")),
        "text": _given(**text),
        "tool_choice": _tool_choice(body.get("tool_choice")),
        "tools": [_tool(tool) for tool in body.get("tools") or ()],
    }
    return fields | {name: value for name, value in said.items() if value}


def items_of(body: Wire) -> Iterator[Wire]:
    """The messages as items, without those that are the instructions."""
    for message in body["messages"][_told(body) :]:
        match message["role"]:
            case "assistant":
                yield from _said(message)
            case "tool":
                output = {"call_id": message["tool_call_id"], "output": _text(message)}
                yield {"type": "function_call_output", **output}
            case role:
                yield {"type": "message", "role": role, "content": _content(message)}


def _told(body: Wire) -> int:
    """How many messages the developer begins with."""
    others = (n for n, m in enumerate(body["messages"]) if m["role"] not in _ROLES[:2])
    return next(others, len(body["messages"]))


def _check_type(value: Any, kind: type, param: str) -> None:
    if value is not None and not isinstance(value, kind):
        message = f"Invalid type for '{param}': expected {_NAMES[kind]}."
        raise RejectionError(message, code="invalid_type", param=param)


def _check_tool(tool: Wire, where: str) -> None:
    kind = str(tool.get("type"))
    if kind not in ("function", "custom"):
        raise RejectionError(
            f"Invalid value: '{kind}'. Supported values are: 'function' and 'custom'.",
            code="invalid_value",
            param=f"{where}.type",
        )
    if not isinstance(tool.get(kind), dict) or not tool[kind].get("name"):
        raise _missing(f"{where}.{kind}")


def _check_message(message: Any, where: str) -> None:
    _check_type(message, dict, where)
    role = (message or {}).get("role")
    if role not in _ROLES:
        raise RejectionError(
            f"Invalid value: '{role}'. Supported values are: {', '.join(map(repr, _ROLES))}.",
            code="invalid_value",
            param=f"{where}.role",
        )
    has_calls = role == "assistant" and bool(message.get("tool_calls"))
    if not isinstance(message.get("content"), str | list) and not has_calls:
        raise RejectionError(
            f"Invalid value for 'content': expected a string, got {message.get('content')!r}.",
            param=f"{where}.content",
        )
    if role == "tool" and not message.get("tool_call_id"):
        raise _missing(f"{where}.tool_call_id")
    for at, call in enumerate(message.get("tool_calls") or ()):
        if not (call.get("id") and isinstance(call.get(call.get("type")), dict)):
            raise _missing(f"{where}.tool_calls[{at}].id")


def _missing(param: str) -> RejectionError:
    message = f"Missing required parameter: '{param}'."
    return RejectionError(message, code="missing_required_parameter", param=param)


def _check_pairs(messages: Sequence[Wire]) -> None:
    """The messages of a call's results come right behind its own."""
    waiting: list[str] = []
    for at, message in enumerate([*messages, {"role": "end"}]):
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                raise RejectionError(
                    "Invalid parameter: messages with role 'tool' must be a response to a "
                    "preceding message with 'tool_calls'.",
                    param=f"messages.[{at}].role",
                )
            waiting.remove(message["tool_call_id"])
        elif waiting:
            raise RejectionError(
                "An assistant message with 'tool_calls' must be followed by tool messages "
                "responding to each 'tool_call_id'. The following tool_call_ids did not have "
                f"response messages: {', '.join(waiting)}",
                param="messages",
            )
        else:
            waiting = [call["id"] for call in message.get("tool_calls") or ()]


def _said(message: Wire) -> Iterator[Wire]:
    if thought := message.get("reasoning_content"):
        part = {"type": "reasoning_text", "text": thought}
        yield {"type": "reasoning", "summary": [], "content": [part]}
    text, refusal = _text(message), message.get("refusal")
    parts = [{"type": "output_text", "text": text, "annotations": []}] if text else []
    parts += [{"type": "refusal", "refusal": refusal}] if refusal else []
    if parts:
        yield {"type": "message", "role": "assistant", "content": parts}
    for call in message.get("tool_calls") or ():
        shape = call["type"]
        kind = "function_call" if shape == "function" else "custom_tool_call"
        yield {"type": kind, "call_id": call["id"], **call[shape]}


def _text(message: Wire) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text") or "") for part in content or () if isinstance(part, dict))


def _content(message: Wire) -> str | list[Wire]:
    content = message["content"]
    return content if isinstance(content, str) else [_part(part) for part in content]


def _part(part: Wire) -> Wire:
    match part.get("type"):
        case "text":
            return {"type": "input_text", "text": part.get("text")}
        case "image_url":
            image = dict(part.get("image_url") or {})
            return {"type": "input_image", "image_url": image.pop("url", None), **image}
        case "file":
            return {"type": "input_file", **(part.get("file") or {})}
        case _:
            return part


def _tool(tool: Wire) -> Wire:
    return {"type": tool["type"], **tool[tool["type"]]}


def _tool_choice(choice: Any) -> Any:
    return _tool(choice) if isinstance(choice, dict) and choice.get("type") in choice else choice


def _format(wanted: Wire | None) -> Wire | None:
    if not wanted or wanted.get("type") != "json_schema":
        return wanted
    return {"type": "json_schema", **(wanted.get("json_schema") or {})}


def _given(**values: Any) -> Wire:
    return {name: value for name, value in values.items() if value is not None}
