"""The options of an agent, checked when it is made. Each mistake is a ConfigurationError."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agentkit.errors import ConfigurationError
from agentkit.limits import Limits
from agentkit.tools import Tool, as_tool

# Fields of a request that have an argument of their own, or that the loop sets.
_OWN_PLACE = {
    "model": "pass the model as the first argument",
    "instructions": "pass instructions=",
    "tools": "pass tools=",
    "input": "pass it to run()",
    "stream": "use agent.stream()",
    "background": "it is not supported",
    "previous_response_id": "pass state='chained'",
    "conversation": "pass state='conv_…'",
}


def tools_by_name(tools: Sequence[Any]) -> dict[str, Tool]:
    """The tools that run here, by name; wire objects of hosted ones are left to the server."""
    if not isinstance(tools, Sequence) or isinstance(tools, str):
        raise ConfigurationError(f"tools: expected a list, got {tools!r:.80}.")
    by_name: dict[str, Tool] = {}
    for each in tools:
        if isinstance(each, dict):
            if not each.get("type"):
                raise ConfigurationError(f"tools: a hosted tool needs a type, got {each!r:.80}.")
            if each["type"] == "function":
                raise ConfigurationError(
                    f"tools: nothing runs {each.get('name')!r}. Use Tool.from_schema, which takes "
                    "the function too."
                )
            continue
        made = as_tool(each)
        if made.name in by_name:
            raise ConfigurationError(
                f"tools: two are named {made.name!r}. Rename one: @tool(name=…)."
            )
        by_name[made.name] = made
    return by_name


def checked_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Request fields that may be passed on as they are."""
    if not isinstance(settings, Mapping):
        raise ConfigurationError(f"settings: expected a dict, got {settings!r:.80}.")
    for key, remedy in _OWN_PLACE.items():
        if key in settings:
            raise ConfigurationError(f"settings: {key!r} has no place there; {remedy}.")
    for key, value in (settings.get("metadata") or {}).items():
        if not isinstance(value, str):
            raise ConfigurationError(
                f"settings: metadata[{key!r}] is {value!r}; the wire takes strings only."
            )
    return dict(settings)


def checked_limits(limits: Limits | None) -> Limits | None:
    """The limits themselves."""
    if limits is None or isinstance(limits, Limits):
        return limits
    raise ConfigurationError(f"limits: expected Limits(turns=…), got {limits!r:.80}.")
