"""A response with every field that the wire's specification requires.

What is there stays as it is; what is missing is filled with what the request says, and else with
the server's defaults. Knows nothing of models or HTTP.
Source: the response object of POST /responses, OpenAI's and Open Responses'.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentkit.encoding import Wire
from agentkit.responses.response import Usage
from agentkit.testing.usage import usage_wire

_ECHOED: Wire = {
    "background": False,
    "frequency_penalty": 0.0,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "presence_penalty": 0.0,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": "default",
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
}
"""Fields of a response that repeat the request's, each with the server's default."""

_ID_PREFIX = {
    "message": "msg",
    "function_call": "fc",
    "custom_tool_call": "ctc",
    "reasoning": "rs",
}

_ITEM_FIELDS: dict[str, Wire] = {
    "message": {"role": "assistant", "status": "completed", "content": []},
    "function_call": {"status": "completed", "name": "", "arguments": "{}"},
    "custom_tool_call": {"status": "completed", "name": "", "input": ""},
    "reasoning": {"summary": []},
}

_PART_FIELDS: dict[str, Wire] = {"output_text": {"text": "", "annotations": [], "logprobs": []}}

_FUNCTION_FIELDS: Wire = {"description": None, "parameters": None, "strict": None}


def complete_response(
    wire: Wire, request: Mapping[str, Any], *, new_id: str = "resp_1", now: float = 0
) -> Wire:
    """The response with every required field; `new_id` and `now` (Unix seconds) are used where
    it names none of its own.
    """
    response_id = str(wire.get("id") or new_id)
    status = wire.get("status") or "completed"
    created = wire.get("created_at") or int(now)
    return {
        **{key: _given(request, key, default) for key, default in _ECHOED.items()},
        "object": "response",
        "model": request.get("model") or "",
        "error": None,
        "incomplete_details": None,
        "usage": usage_wire(Usage()),
        **wire,
        "id": response_id,
        "created_at": created,
        "completed_at": wire.get("completed_at") or (created if status == "completed" else None),
        "status": status,
        "tools": [_tool(tool) for tool in request.get("tools") or ()],
        "output": _output(wire.get("output") or (), response_id, status),
    }


def _given(request: Mapping[str, Any], key: str, default: Any) -> Any:
    value = request.get(key)
    return default if value is None else value


def _tool(tool: Wire) -> Wire:
    return {**_FUNCTION_FIELDS, **tool} if tool.get("type") == "function" else tool


def _output(items: Any, response_id: str, status: str) -> list[Wire]:
    suffix = response_id.partition("_")[2] or response_id
    output = [_item(item, f"{suffix}_{index}") for index, item in enumerate(items)]
    if status == "incomplete" and output and "status" in output[-1]:
        output[-1]["status"] = "incomplete"
    return output


def _item(item: Wire, suffix: str) -> Wire:
    kind = item.get("type") or "message"
    prefix = _ID_PREFIX.get(kind, "item")
    whole = {"id": f"{prefix}_{suffix}", "type": kind, **_ITEM_FIELDS.get(kind, {}), **item}
    if kind in ("function_call", "custom_tool_call"):
        whole.setdefault("call_id", f"call_{suffix}")
    if kind == "message":
        whole["content"] = [_part(part) for part in whole["content"] or ()]
    return whole


def _part(part: Wire) -> Wire:
    kind = part.get("type") or "output_text"
    return {"type": kind, **_PART_FIELDS.get(kind, {}), **part}
