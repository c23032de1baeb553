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
from agentkit.responses.dialect import ALL, STATE, Dialect
from agentkit.responses.fitting import schema_name, spoken
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
# What chat's own fields are made of.
_IN_RESPONSES = {
    "logprobs": "top_logprobs",
    "max_completion_tokens": "max_output_tokens",
    "max_tokens": "max_output_tokens",
    "reasoning_effort": "reasoning",
    "strict": "tools",
    "verbosity": "text",
}
_UNKNOWN_CODES = ("unsupported_parameter", "unknown_parameter", "extra_forbidden")
_UNKNOWN = re.compile(
    r"(unsupported|unknown|unrecognized|unexpected) (request )?(parameter|field|argument|key)"
    r"|(is|are) (not (supported|permitted|allowed|implemented)|unsupported)"
    r"|(does|do) not support|not (yet )?supported|extra inputs",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"['\"`]([A-Za-z_][\w.\[\]]*)"
    r"|(?:supplied|support|parameter|argument)(?: this| the| parameter| supplied)*:? ([a-z_]+)\b"
    r"|\b([a-z_]+)(?:=\w+)? (?:is|are) (?:not|unsupported)"
)
_TOOL_AT = re.compile(r"tools(?:\[|\.)(\d+)")
_WHOLE_TOOL = re.compile(r"tools(?:\[|\.)(\d+)\]?(?:\.type)?(?![\w.\[])")
"""A tool as such, and none of its fields."""
_BAD_SCHEMA = re.compile(
    r"invalid schema for (function|tool|response_format)|strict (mode|schema|tools?)|"
    r"\bstrict\b.*(not supported|unsupported|unknown)|invalid_function_parameters",
    re.IGNORECASE,
)
_MUST_STREAM = re.compile(r"stream\W+(must|has to|needs to) be (set to )?true", re.IGNORECASE)
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
    for read in (_of_state, _of_streams, _of_tool_type, _of_schema, _of_setting):
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


def _of_streams(error: BadRequestError, request: Request, dialect: Dialect) -> Lesson | None:
    if request.stream or not _MUST_STREAM.search(error.message):
        return None
    return Lesson("whole answers", replace(dialect, streams="always"))


def _of_tool_type(error: BadRequestError, request: Request, dialect: Dialect) -> Lesson | None:
    """A hosted tool that the server does not have; functions are no such tools."""
    tools = request.value_of("tools") or []
    types = {str(tool.get("type")) for tool in tools if isinstance(tool, dict)} - {"function"}
    at = _WHOLE_TOOL.search(error.param or "") or _WHOLE_TOOL.search(error.message)
    named = next((each for each in sorted(types) if _is_refused(each, error.message)), None)
    if named is None and at and int(at[1]) < len(tools):
        own = str(tools[int(at[1])].get("type"))
        named = own if own in types and _is_unknown(error) else None
    is_about_tools = "tool" in f"{error.param} {error.message}".lower()
    if named is None or not is_about_tools:
        return None
    taught = replace(dialect, lacks_tools=dialect.lacks_tools | {named})
    return Lesson(f"tools of the type {named}", taught)


def _is_refused(kind: str, message: str) -> bool:
    """Whether a message is about a type of tool as such, not about how one is used."""
    before = r"(?:un(?:supported|known|recognized|expected)|not support)\W+(?:\w+\W+){0,3}"
    value = r"invalid (?:value|type|tool(?: type)?)\W+"
    behind = r"\W+(?:tool\W+)?(?:is |are )?(?:not (?:yet )?(?:supported|available|implemented))"
    word = rf"\b{re.escape(kind)}\b"
    shape = rf"(?:{before}|{value}){word}|{word}{behind}"
    return re.search(shape, message, re.IGNORECASE) is not None


def _of_schema(error: BadRequestError, request: Request, dialect: Dialect) -> Lesson | None:
    """A strict schema that the server does not take; others of that model stay as they are."""
    said = f"{error.code} {error.param} {error.message}"
    if not _BAD_SCHEMA.search(said):
        return None
    if re.search(r"response_format|text\.format", said):
        form = (request.value_of("text") or {}).get("format") or {}
        strict = {"text.format": schema_name("text.format", form.get("schema"))}
        name = "text.format" if form.get("strict") else None
    else:
        tools = request.value_of("tools") or []
        own = [tool for tool in tools if tool.get("strict")]
        strict = {each["name"]: schema_name(each["name"], each.get("parameters")) for each in own}
        name = _named_tool(error, tools) or ALL
    if not strict or (name != ALL and name not in strict):
        return None
    what = "strict schemas" if name == ALL else f"the strict schema of {name}"
    refused = strict.get(str(name), ALL)
    return Lesson(what, replace(dialect, not_strict=dialect.not_strict | {refused}))


def _named_tool(error: BadRequestError, tools: list[Any]) -> str | None:
    """The name of the tool whose schema is refused, None where it is not said."""
    if named := _OF_TOOL.search(error.message):
        return named[1]
    at = _TOOL_AT.search(error.param or "")
    return str(tools[int(at[1])].get("name")) if at and int(at[1]) < len(tools) else None


def _of_setting(error: BadRequestError, request: Request, dialect: Dialect) -> Lesson | None:
    if not _is_unknown(error):
        return None
    sent = spoken(request, dialect)  # the dialect adds fields of its own, refused like any other
    whole = error.param or _named_in(error.message, sent, dialect)
    name = re.split(r"[.\[]", whole)[0]
    chat = dialect.chat.without(whole) if _is_in_chat(whole, sent, dialect) else None
    if chat is not None:
        return Lesson(f"`{whole}`", replace(dialect, chat=chat))
    if name == "tool_choice":
        return _of_choice(request, dialect)
    if whole.startswith("text.format") or name == "response_format":
        return Lesson("text.format", replace(dialect, text_format=False))
    if whole.startswith("text.verbosity"):
        return None
    if name in STATE[:2] or name not in _OPTIONAL or sent.value_of(name) is None:
        return None
    return Lesson(f"`{name}`", replace(dialect, lacks=dialect.lacks | {name}))


def _named_in(message: str, sent: Request, dialect: Dialect) -> str:
    """The first field of the request that a message names: servers name the model, too."""
    for match in _NAMED.finditer(message):
        whole: str = next(filter(None, match.groups()))
        name = re.split(r"[.\[]", whole)[0]
        if name in ("input", "messages") or sent.value_of(name) is not None:
            return whole
        if _is_in_chat(whole, sent, dialect):
            return whole
    return ""


def _is_in_chat(whole: str, sent: Request, dialect: Dialect) -> bool:
    """Whether a field of chat's own goes out with a request; those of a tool are no such fields."""
    if dialect.wire != "chat" or "properties" in whole:
        return False
    name = re.split(r"[.\[\]]+", whole)[-1]
    if name == "stream_options":
        return sent.stream
    if name == dialect.chat.thought_field:
        return True
    return sent.value_of(_IN_RESPONSES.get(name, name)) is not None


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
