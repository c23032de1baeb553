"""What a server does differently, as a value, and the one place where a request heeds it.

Knows nothing of HTTP.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from agentkit.errors import BadRequestError
from agentkit.responses.response import Model, Request

# Settings without which an answer is still an answer.
_OPTIONAL = frozenset(
    {
        "context_management",
        "include",
        "max_tool_calls",
        "metadata",
        "parallel_tool_calls",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning",
        "safety_identifier",
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
_UNKNOWN_TEXT = re.compile(
    r"(unsupported|unknown|unrecognized|unexpected) (request )?(parameter|field|argument)"
    r"|(is|are) (not (supported|permitted|allowed)|unsupported)",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"['\"`]([A-Za-z_]+)")


@dataclass(frozen=True)
class Dialect:
    """What a server does differently from `POST /responses` as OpenAI documents it."""

    encrypted_reasoning: bool = False
    """Gives reasoning back encrypted when asked by `include`, so that it can be replayed."""
    text_format: bool = True
    """Holds the answer to the JSON schema in `text.format`."""
    tool_choice: bool = True
    """Heeds `tool_choice`; where not, tools are switched off by leaving them out."""
    lists_in_outputs: bool = True
    """Reads a call's output as a list of content parts; where not, as text alone."""


def dialect_of(model: Model) -> Dialect:
    """The dialect that a model says its server has, else the documented one."""
    return getattr(model, "dialect", None) or Dialect()


def spoken(request: Request, dialect: Dialect, refused: Collection[str] = ()) -> Request:
    """The request as the server wants it, without the settings it has refused."""
    extra = dict(request.extra)
    if dialect.encrypted_reasoning and "include" not in request.fields.values:
        extra["include"] = ["reasoning.encrypted_content"]
    if not dialect.tool_choice and extra.get("tool_choice") == "none":
        extra |= {"tool_choice": None, "tools": None}
    return replace(request, extra=extra | dict.fromkeys(refused))


def refused_setting(error: BadRequestError) -> str | None:
    """The setting that the server does not know, where the answer can do without it.

    A value the server knows and does not like is the caller's to mend, so it is no refusal.
    """
    if error.code == "unsupported_value" or "nsupported value" in error.message:
        return None
    if error.code not in _UNKNOWN_CODES and not _UNKNOWN_TEXT.search(error.message):
        return None
    # a server that fills no `param` still quotes the field
    names = [error.param] if error.param else _QUOTED.findall(error.message)
    name = re.split(r"[.\[]", names[0])[0] if names else None
    return name if name in _OPTIONAL else None
