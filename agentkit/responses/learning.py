"""What a refused request teaches about the server: a dialect that does without what it named.

A value that the server knows and does not like is the caller's to mend, so it teaches nothing.
Knows errors and dialects; sends nothing. Source: error bodies of the known servers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from agentkit.errors import BadRequestError, ModelError
from agentkit.responses.dialect import ALL, Dialect
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
_SAYS_LITTLE = frozenset({"400", "422", "bad_request", "invalid-argument", "invalid_request_error"})
"""Codes of errors whose text says what is wrong. Any other says that something else is."""
_UNKNOWN = re.compile(
    r"(unsupported|unknown|unrecognized|unexpected) (request )?(parameter|field|argument|key)"
    r"|(is|are) (not (yet )?(supported|permitted|allowed|implemented)|unsupported)"
    r"|(does|do) not support|not (yet )?supported|extra inputs",
    re.IGNORECASE,
)
# A sentence about a field as such: between it and the verb stands no value.
_OF_FIELD = (
    r"(?:unsupported|unknown|unrecognized|unexpected) (?:request )?"
    r"(?:parameter|field|argument|key)s?(?: supplied)?\W{{1,3}}{name}\b",
    r"(?<![\w.]){name}['\"`]?(?: parameter| field| argument)? (?:is|are) "
    r"(?:not (?:yet )?(?:supported|permitted|allowed|implemented|available)|unsupported)",
    r"(?:does|do) not support (?:the |this )?(?:parameter |field |argument )?['\"`]?{name}\b"
    r"(?!['\"`]?[ =:]+['\"`\d])",
)
_OF_A_FIELD = re.compile(
    r"(unsupported|unknown|unrecognized|unexpected) (request )?(parameter|field|argument|key)"
    r"|extra inputs|th(is|e) (parameter|field|argument) is (not (yet )?supported|unsupported)",
    re.IGNORECASE,
)
_TOOL_AT = re.compile(r"tools(?:\[|\.)(\d+)")
_WHOLE_TOOL = re.compile(r"tools(?:\[|\.)(\d+)\]?(?:\.type)?(?![\w.\[])")
"""A tool as such, and none of its fields."""
_BAD_SCHEMA = re.compile(
    r"invalid schema for (function|tool|response_format)|strict (mode|schema|tools?)|"
    r"\bstrict\b.{0,80}(not supported|unsupported|unknown)|invalid_function_parameters",
    re.IGNORECASE,
)
_MUST_STREAM = re.compile(r"stream\W+(must|has to|needs to) be (set to )?true", re.IGNORECASE)
_STRICT_FIELD = re.compile(r"(?:tools(?:\[|\.)\d+\]?(?:\.function)?|text\.format)\.strict\b")
_NO_FORM = re.compile(
    r"(?:response_format|text\.format|json_schema)\b.{0,60}"
    r"(?:not (?:yet )?(?:supported|available)|unsupported|unavailable)",
    re.IGNORECASE,
)
_ROLE = re.compile(r"role.{0,60}does not support ['\"`](system|developer)", re.IGNORECASE)
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
        return _of_role(error, request, dialect) or _of_tool_type(error, request, dialect)
    for read in READINGS:
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
    if error.code and error.code not in (*_UNKNOWN_CODES, *_SAYS_LITTLE):
        return None
    sent = spoken(request, dialect)  # the dialect adds fields of its own, refused like any other
    whole = next(
        (each for each in _sent(sent, dialect) if _is_refused_field(error, each, sent)), ""
    )
    name = whole.partition(".")[0]
    chat = dialect.chat.without(whole) if dialect.wire == "chat" else None
    if chat is not None:
        return Lesson(f"`{whole}`", replace(dialect, chat=chat))
    if name == "tool_choice":
        return _of_choice(request, dialect)
    if whole in ("text.format", "response_format"):
        return Lesson("text.format", replace(dialect, text_format=False))
    if name not in _OPTIONAL:
        return None
    return Lesson(f"`{whole}`", replace(dialect, lacks=dialect.lacks | {whole}))


def _sent(sent: Request, dialect: Dialect) -> list[str]:
    """The fields of a request that may be refused, parts before the whole."""
    names: list[str] = []
    for name in (*sent.fields.values, *sent.extra):
        value = sent.value_of(name)
        if name == "tools" or value is None:
            continue
        parts = value if isinstance(value, dict) and name != "metadata" else ()
        names += [*(f"{name}.{part}" for part in parts), name]
    if dialect.wire == "chat":
        own = {"stream_options", *_IN_RESPONSES}
        ours = [each for each in sorted(own) if _is_in_chat(each, sent)]
        names = [*ours, *filter(None, [dialect.chat.thought_field]), *names]
    return names


def _is_in_chat(name: str, sent: Request) -> bool:
    """Whether a field of chat's own goes out with a request."""
    if name == "stream_options":
        return sent.stream
    return sent.value_of(_IN_RESPONSES[name]) is not None


def _is_refused_field(error: BadRequestError, name: str, sent: Request) -> bool:
    """Whether an error says that the server does not know a field; of a value it says nothing."""
    param, message = error.param or "", error.message
    if "properties" in param:  # of a tool
        return False
    is_it = param == name or re.split(r"[.\[\]]+", param)[-1] == name
    if is_it and (error.code in _UNKNOWN_CODES or _OF_A_FIELD.search(message)):
        return True
    if is_it and _UNKNOWN.search(message) and not _quotes_value(message, name, sent):
        return True
    if param and not is_it:
        return False
    shapes = (shape.format(name=re.escape(name)) for shape in _OF_FIELD)
    return any(re.search(shape, message, re.IGNORECASE) for shape in shapes)


def _quotes_value(message: str, name: str, sent: Request) -> bool:
    """Whether a message is about what a field says, and not about the field."""
    whole, _, part = name.partition(".")
    value = sent.value_of(whole)
    value = value.get(part) if part and isinstance(value, dict) else value
    values = value.values() if isinstance(value, dict) else value
    said = values if isinstance(values, Iterable) and not isinstance(values, str) else [values]
    return any(str(each).lower() in message.lower() for each in said)


def _of_strict(error: BadRequestError, _: Request, dialect: Dialect) -> Lesson | None:
    """A server that does not know the word; one that knows it may refuse a schema."""
    said = f"{error.param} {error.message}"
    is_unknown = error.code in _UNKNOWN_CODES or _OF_A_FIELD.search(error.message)
    if dialect.wire == "chat" or not is_unknown or not _STRICT_FIELD.search(said):
        return None
    return Lesson("`strict`", replace(dialect, lacks=dialect.lacks | {"strict"}))


def _of_form(error: BadRequestError, request: Request, dialect: Dialect) -> Lesson | None:
    form = (request.value_of("text") or {}).get("format") or {}
    if form.get("type") != "json_schema" or not _NO_FORM.search(error.message):
        return None
    return Lesson("text.format", replace(dialect, text_format=False))


def _of_role(error: BadRequestError, _: Request, dialect: Dialect) -> Lesson | None:
    named = _ROLE.search(error.message) if dialect.wire == "chat" else None
    if named is None or named[1] != dialect.chat.system_role:
        return None
    role = "system" if named[1] == "developer" else "user"
    chat = replace(dialect.chat, system_role=role)
    return Lesson(f"the role {named[1]}", replace(dialect, chat=chat))


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


READINGS: tuple[Reading, ...] = (
    _of_state,
    _of_streams,
    _of_tool_type,
    _of_strict,
    _of_schema,
    _of_role,
    _of_setting,
    _of_form,
)
"""What an error is read for, in order."""
