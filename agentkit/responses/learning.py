"""What a refused request teaches about the server: a dialect that does without what it named.

A value that the server knows and does not like is the caller's to mend, so it teaches nothing.
Knows errors and dialects; sends nothing. Source: error bodies of the known servers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from agentkit.errors import BadRequestError, ModelError
from agentkit.responses.dialect import STATE, Dialect
from agentkit.responses.items import Reasoning
from agentkit.responses.response import Request

# Settings without which an answer is still an answer.
_OPTIONAL = frozenset(
    {
        "context_management",
        "frequency_penalty",
        "include",
        "max_tool_calls",
        "metadata",
        "moderation",
        "parallel_tool_calls",
        "presence_penalty",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning",
        "safety_identifier",
        "seed",
        "service_tier",
        "store",
        "stream_options",
        "temperature",
        "top_logprobs",
        "top_p",
        "truncation",
        "user",
    }
)
_UNKNOWN_CODES = ("unsupported_parameter", "unknown_parameter", "extra_forbidden")
_UNKNOWN = re.compile(
    r"(unsupported|unknown|unrecognized|unexpected) (request )?(parameter|field|argument|key)"
    r"|(is|are) (not (supported|permitted|allowed|implemented)|unsupported)"
    r"|(does|do) not support|not (yet )?supported|extra inputs",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"['\"`]([A-Za-z_]+)")
_TOOL_AT = re.compile(r"tools(?:\[|\.)(\d+)")
_BAD_SCHEMA = re.compile(
    r"invalid schema for (function|tool|response_format)|strict (mode|schema|tools?)|"
    r"\bstrict\b.*(not supported|unsupported|unknown)|invalid_function_parameters",
    re.IGNORECASE,
)
_OF_TOOL = re.compile(r"for (?:function|tool) ['\"`]([\w-]+)")
_REASONING = re.compile(
    r"'?reasoning'?.{0,40} was provided without its required"
    r"|without its required '?reasoning'? item"
    r"|item (with id )?['\"`]?rs_[^ ]* (was )?not found"
    r"|encrypted[ _]content.{0,80}(verif|decrypt|invalid|pars)"
    r"|invalid_encrypted_content",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True)
class Lesson:
    """What a server has refused, and how to speak to it from then on."""

    refused: str
    """The field, the type of tool, the schema or the state, in words."""
    dialect: Dialect


def lesson_of(error: BadRequestError, request: Request, dialect: Dialect) -> Lesson | None:
    """What the refusal of a request teaches, None where the answer cannot do without it.

    Only what the request had can be learnt, and nothing twice.
    """
    if error.code == "unsupported_value" or "nsupported value" in error.message:
        return _of_tool_type(error, request, dialect)
    for read in (_of_state, _of_tool_type, _of_schema, _of_setting):
        lesson = read(error, request, dialect)
        if lesson is not None and lesson.dialect != dialect:
            return lesson
    return None


def refuses_reasoning(error: ModelError) -> bool:
    """Whether a server will not take back what the model thought."""
    return bool(_REASONING.search(f"{error.code} {error.message}"))


def reasoning_in(request: Request) -> frozenset[bytes]:
    """The reasoning of a request's input, as it is sent."""
    return frozenset(item.encoded for item in request.input if isinstance(item, Reasoning))


def has_lost_state(error: ModelError, request: Request) -> bool:
    """Whether the server does not know the response that a request goes on from."""
    if not request.value_of("previous_response_id"):
        return False
    if error.code == "previous_response_not_found":
        return True
    return error.status in (400, 404) and _names(error, "previous_response_id", "previous response")


Reading = Callable[[BadRequestError, Request, Dialect], Lesson | None]


def _of_state(error: BadRequestError, request: Request, dialect: Dialect) -> Lesson | None:
    if not request.value_of("previous_response_id") or not _is_unknown(error):
        return None
    if not _names(error, "previous_response_id", "previous response", "stateful"):
        return None
    return Lesson("previous_response_id", replace(dialect, state=False))


def _of_tool_type(error: BadRequestError, request: Request, dialect: Dialect) -> Lesson | None:
    """A hosted tool that the server does not have; functions are no such tools."""
    tools = request.value_of("tools") or []
    types = {str(tool.get("type")) for tool in tools if isinstance(tool, dict)} - {"function"}
    at = _TOOL_AT.search(error.param or "") or _TOOL_AT.search(error.message)
    said = set(re.findall(r"[a-z_0-9]+", error.message))
    named = next((each for each in sorted(types) if each in said), None)
    if named is None and at and int(at[1]) < len(tools):
        own = str(tools[int(at[1])].get("type"))
        named = own if own in types and _is_unknown(error) else None
    is_about_tools = "tool" in f"{error.param} {error.message}".lower()
    if named is None or not is_about_tools:
        return None
    taught = replace(dialect, lacks_tools=dialect.lacks_tools | {named})
    return Lesson(f"tools of the type {named}", taught)


def _of_schema(error: BadRequestError, request: Request, dialect: Dialect) -> Lesson | None:
    said = f"{error.code} {error.param} {error.message}"
    if not _BAD_SCHEMA.search(said):
        return None
    if re.search(r"response_format|text\.format", said):
        form = (request.value_of("text") or {}).get("format") or {}
        name = "text.format" if form.get("strict") else None
    else:
        name = _strict_tool(error, request)
    if name is None:
        return None
    what = "strict schemas" if name == "*" else f"the strict schema of {name}"
    return Lesson(what, replace(dialect, not_strict=dialect.not_strict | {name}))


def _strict_tool(error: BadRequestError, request: Request) -> str | None:
    """The name of the tool whose schema is refused, `*` where it is not said."""
    strict = [tool for tool in request.value_of("tools") or [] if tool.get("strict")]
    named = _OF_TOOL.search(error.message)
    at = _TOOL_AT.search(error.param or "")
    tools = request.value_of("tools") or []
    name = named[1] if named else None
    if name is None and at and int(at[1]) < len(tools):
        name = tools[int(at[1])].get("name")
    if name is None:
        return "*" if strict else None
    return name if any(tool.get("name") == name for tool in strict) else None


def _of_setting(error: BadRequestError, request: Request, dialect: Dialect) -> Lesson | None:
    if not _is_unknown(error):
        return None
    # a server that fills no `param` still quotes the field
    names = [error.param] if error.param else _QUOTED.findall(error.message)
    whole = str(names[0]) if names else ""
    name = re.split(r"[.\[]", whole)[0]
    if dialect.wire == "chat" and (chat := dialect.chat.without(whole)) is not None:
        return Lesson(f"`{whole}`", replace(dialect, chat=chat))
    if name == "tool_choice" or _names(error, "tool_choice"):
        return _of_choice(request, dialect)
    if whole.startswith("text.format") or name == "response_format":
        return Lesson("text.format", replace(dialect, text_format=False))
    if whole.startswith("text.verbosity"):
        return None
    if name in STATE[:2] or name not in _OPTIONAL or request.value_of(name) is None:
        return None
    return Lesson(f"`{name}`", replace(dialect, lacks=dialect.lacks | {name}))


def _of_choice(request: Request, dialect: Dialect) -> Lesson | None:
    choice = request.value_of("tool_choice")
    if choice is None:
        return None
    if choice not in ("none", "auto") and dialect.forced_choice:
        return Lesson("a forced `tool_choice`", replace(dialect, forced_choice=False))
    return Lesson("`tool_choice`", replace(dialect, tool_choice=False))


def _is_unknown(error: ModelError) -> bool:
    return error.code in _UNKNOWN_CODES or bool(_UNKNOWN.search(error.message))


def _names(error: ModelError, *words: str) -> bool:
    said: Any = f"{error.param} {error.message}".lower()
    return any(word in said for word in words)
