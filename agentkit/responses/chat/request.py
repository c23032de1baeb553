"""A request as `POST {base_url}/chat/completions` takes it, for servers without Responses.

What chat has another word for is said in that word, what it can do without is left out, and what
would mean something else without is refused before anything is sent.
Source: the reference of POST /chat/completions, and the documentation of servers that have it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import partial
from typing import Any

from agentkit.encoding import Wire, encode
from agentkit.errors import ConfigurationError
from agentkit.responses.chat.dialect import BOUNDS, ChatDialect
from agentkit.responses.chat.messages import chat_messages
from agentkit.responses.chat.tools import (
    chat_tool_choice,
    chat_tools,
    is_allowed_tools,
    response_format,
)
from agentkit.responses.response import Request

_REFUSED = {
    "background": "Leave it out.",
    "conversation": "Use state='replay'.",
    "previous_response_id": "Use state='replay'.",
    "prompt": "Write it as instructions.",
}
_OTHERWISE = frozenset(
    {
        "input",
        "instructions",
        "max_output_tokens",
        "messages",
        "parallel_tool_calls",
        "reasoning",
        "stream",
        "stream_options",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
    }
)
"""Fields that are sent under another name or in another shape."""
_LEFT_OUT = frozenset({"context_management", "include", "max_tool_calls", "truncation"})


@dataclass(frozen=True)
class ChatRequest(Request):
    """One `POST /chat/completions`, made of a request whose fields it keeps."""

    encoded: bytes = field(default=b"", repr=False)

    def body(self) -> bytes:
        """The whole body as JSON bytes."""
        return self.encoded


def chat_request(request: Request, dialect: ChatDialect | None = None) -> ChatRequest:
    """The request in chat's words; the last thing to be done to it, since its body is fixed here.

    Raises ConfigurationError for a tool, a field or an item that cannot be said in them.
    """
    given, dialect = {**request.fields.values, **request.extra}, dialect or ChatDialect()
    if taken := frozenset(name for name, value in request.extra.items() if value is None):
        dialect = replace(dialect, lacks=dialect.lacks | taken)
    _check(given)
    told = str(given.get("instructions") or "")
    messages = chat_messages(told, request.input, dialect.system_role, dialect.thought_field)
    known = _known(given, dialect)
    known["stream"] = request.stream
    if request.stream:
        known["stream_options"] = {"include_usage": True, **(given.get("stream_options") or {})}
    left = {name: value for name, value in known.items() if name not in dialect.lacks}
    parts = [encode(left)[1:-1], *_encoded_once(request, dialect, given)]
    body = b'{%b,"messages":[%b]}' % (b",".join(parts), messages)
    kept = {each.name: getattr(request, each.name) for each in fields(Request)}
    return ChatRequest(**kept, encoded=body)


def _check(given: Mapping[str, Any]) -> None:
    for name, remedy in _REFUSED.items():
        if given.get(name):
            raise ConfigurationError(
                f"{name}: a server of chat completions keeps nothing, so it cannot be sent to "
                f"one. {remedy} Or use a model behind POST /responses."
            )


def _known(given: Mapping[str, Any], dialect: ChatDialect) -> Wire:
    """What chat knows of a request, but for its messages, tools and schema."""
    skipped = _OTHERWISE | _LEFT_OUT | _REFUSED.keys()
    known = {k: v for k, v in given.items() if k not in skipped and v is not None}
    reasoning, text = given.get("reasoning") or {}, given.get("text") or {}
    bound, logprobs = given.get("max_output_tokens"), given.get("top_logprobs")
    if bound is not None:
        name = next((each for each in BOUNDS if each not in dialect.lacks), BOUNDS[0])
        known.setdefault(name, bound)
    if effort := reasoning.get("effort"):
        known.setdefault("reasoning_effort", effort)
    if verbosity := text.get("verbosity"):
        known.setdefault("verbosity", verbosity)
    if text.get("format"):
        known.pop("response_format", None)
    if logprobs is not None:
        known |= {"logprobs": True, "top_logprobs": logprobs}
    if given.get("tools"):
        known |= _tool_fields(given)
    return known


def _tool_fields(given: Mapping[str, Any]) -> Wire:
    """What is said about tools, which some servers refuse where there are none."""
    choice = chat_tool_choice(given.get("tool_choice"))
    parallel = given.get("parallel_tool_calls")
    said = {"tool_choice": choice, "parallel_tool_calls": parallel}
    return {name: value for name, value in said.items() if value is not None}


def _encoded_once(request: Request, dialect: ChatDialect, given: Mapping[str, Any]) -> list[bytes]:
    """Tools and schema: large, and the same in every request of a run."""
    own, kept, parts = request.extra, vars(request.fields), []
    wanted, choice = (given.get("text") or {}).get("format"), given.get("tool_choice")
    if wanted and wanted.get("type") != "text":
        shape = partial(_encoded, "response_format", response_format, wanted)
        parts.append(shape() if "text" in own else _once(kept, "_chat_format", shape))
    if tools := given.get("tools"):
        is_strict = "strict" not in dialect.lacks
        make = partial(chat_tools, choice=choice, is_strict=is_strict)
        listed = partial(_encoded, "tools", make, tools)
        # a choice among some of the tools is the request's own
        is_own = "tools" in own or is_allowed_tools(choice)
        key = f"_chat_tools_{is_strict}"
        parts.append(listed() if is_own else _once(kept, key, listed))
    return parts


def _encoded(name: str, make: Callable[[Any], Any], value: Any) -> bytes:
    return encode({name: make(value)})[1:-1]


def _once(kept: dict[str, Any], key: str, make: Callable[[], bytes]) -> bytes:
    """What is made at its first use and kept with the fields, as their own encoding is."""
    if key not in kept:
        kept[key] = make()
    made: bytes = kept[key]
    return made
