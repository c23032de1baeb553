"""What a Responses server refuses, in the words OpenAI's uses.

Only what would surely be refused there: wrong types of the fields everybody sends, and calls and
outputs that do not pair. Unknown fields and item types pass.
Source: recorded error bodies of POST /responses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agentkit.encoding import JSON, Wire

MIN_OUTPUT_TOKENS = 16

_TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "model": ((str,), "a string"),
    "input": ((str, list), "one of a string or array of items"),
    "instructions": ((str,), "a string"),
    "tools": ((list,), "an array of objects"),
    "tool_choice": ((str, dict), "one of a string or an object"),
    "text": ((dict,), "an object"),
    "reasoning": ((dict,), "an object"),
    "metadata": ((dict,), "an object"),
    "include": ((list,), "an array of strings"),
    "stream": ((bool,), "a boolean"),
    "store": ((bool,), "a boolean"),
    "parallel_tool_calls": ((bool,), "a boolean"),
    "temperature": ((int, float), "a decimal"),
    "top_p": ((int, float), "a decimal"),
    "max_output_tokens": ((int,), "an integer"),
    "previous_response_id": ((str,), "a string"),
    "conversation": ((str, dict), "one of a string or an object"),
}
_NAMES = {
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    str: "a string",
    list: "an array",
    dict: "an object",
    type(None): "null",
}
_OUTPUT_OF = {
    "function_call_output": "function call",
    "custom_tool_call_output": "custom tool call",
}
_CALLS = {"function_call": "function call", "custom_tool_call": "custom tool call"}


class RejectionError(Exception):
    """The request is refused with this status; `envelope` is the body that says why."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        code: str | None = None,
        param: str | None = None,
        kind: str = "invalid_request_error",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})
        self.envelope: Wire = {
            "error": {"message": message, "type": kind, "param": param, "code": code}
        }


def check_body(body: JSON) -> Wire:
    """The request body, its fields of the right types. Raises RejectionError."""
    if not isinstance(body, dict):
        raise RejectionError(f"Invalid body: expected an object, but got {_named(body)} instead.")
    for field in ("model", "input"):
        if body.get(field) is None:
            message = f"Missing required parameter: '{field}'."
            raise RejectionError(message, code="missing_required_parameter", param=field)
    for field, (types, expected) in _TYPES.items():
        _check_type(body.get(field), types, expected, field)
    if "previous_response_id" in body and body.get("conversation") and body["previous_response_id"]:
        message = "Mutually exclusive parameters: ensure you are only providing one of:"
        raise RejectionError(
            f"{message} 'previous_response_id' or 'conversation'.",
            code="mutually_exclusive_parameters",
        )
    _check_bounds(body)
    _check_type((body.get("text") or {}).get("format"), (dict,), "an object", "text.format")
    _check_tools(body.get("tools") or ())
    _check_items(body["input"])
    return body


def check_pairs(items: Sequence[Wire]) -> None:
    """Every call has its output, every output its call before it. Raises RejectionError."""
    called: dict[str, str] = {}
    answered = set()
    for item in items:
        kind, call_id = item.get("type"), str(item.get("call_id"))
        if kind in _CALLS:
            called[call_id] = _CALLS[kind]
        elif kind in _OUTPUT_OF:
            answered.add(call_id)
            if call_id not in called:
                named = _OUTPUT_OF[kind]
                message = f"No tool call found for {named} output with call_id {call_id}."
                raise RejectionError(message, param="input")
    for call_id, named in called.items():
        if call_id not in answered:
            raise RejectionError(f"No tool output found for {named} {call_id}.", param="input")


def check_new_ids(new: Sequence[Wire], earlier: Sequence[Wire]) -> None:
    """No item of the input is one that the server has already. Raises RejectionError."""
    known = {item["id"] for item in earlier if item.get("id")}
    for item in new:
        if item.get("id") in known:
            raise RejectionError(
                f"Duplicate item found with id {item['id']}. "
                "Remove duplicate items from your input and try again.",
                param="input",
            )


def _check_type(value: Any, types: tuple[type, ...], expected: str, param: str) -> None:
    # a boolean is an integer to Python, not to JSON
    fits = isinstance(value, types) and (bool in types or not isinstance(value, bool))
    if value is not None and not fits:
        raise _wrong_type(value, expected, param)


def _wrong_type(value: Any, expected: str, param: str) -> RejectionError:
    message = f"Invalid type for '{param}': expected {expected}, but got {_named(value)} instead."
    return RejectionError(message, code="invalid_type", param=param)


def _check_bounds(body: Mapping[str, Any]) -> None:
    tokens = body.get("max_output_tokens")
    if tokens is not None and tokens < MIN_OUTPUT_TOKENS:
        raise RejectionError(
            f"Invalid 'max_output_tokens': integer below minimum value. Expected a value >= "
            f"{MIN_OUTPUT_TOKENS}, but got {tokens} instead.",
            code="integer_below_min_value",
            param="max_output_tokens",
        )
    for key, value in (body.get("metadata") or {}).items():
        _check_type(value, (str,), "a string", f"metadata.{key}")


def _check_tools(tools: Sequence[Any]) -> None:
    for index, tool in enumerate(tools):
        where = f"tools[{index}]"
        _check_object(tool, where)
        if tool.get("type") == "function":
            _require(tool, ("name",), (str,), "a string", where)


def _check_items(items: str | list[Any]) -> None:
    for index, item in enumerate(items if isinstance(items, list) else ()):
        where = f"input[{index}]"
        _check_object(item, where)
        parts = item.get("content")
        for at, part in enumerate(parts if isinstance(parts, list) else ()):
            _check_object(part, f"{where}.content[{at}]")
        match item.get("type"):
            case "function_call":
                _require(item, ("call_id", "name", "arguments"), (str,), "a string", where)
            case "function_call_output":
                _require(item, ("call_id",), (str,), "a string", where)
                either = "one of a string or array of objects"
                _require(item, ("output",), (str, list), either, where)


def _check_object(value: Any, param: str) -> None:
    if not isinstance(value, dict):
        raise _wrong_type(value, "an object", param)


def _require(
    item: Wire, fields: Sequence[str], types: tuple[type, ...], expected: str, where: str
) -> None:
    for field in fields:
        param = f"{where}.{field}"
        if item.get(field) is None:
            message = f"Missing required parameter: '{param}'."
            raise RejectionError(message, code="missing_required_parameter", param=param)
        _check_type(item[field], types, expected, param)


def _named(value: Any) -> str:
    return _NAMES.get(type(value), type(value).__name__)
