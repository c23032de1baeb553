"""Tools, the choice among them and the answer's schema, as chat completions have them.

Source: the reference of POST /chat/completions, `tools`, `tool_choice` and `response_format`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from agentkit.encoding import Wire
from agentkit.errors import ConfigurationError


def chat_tools(tools: Iterable[Wire], choice: Any, *, is_strict: bool) -> list[Wire]:
    """The tools that may be called. Raises ConfigurationError for one that is no function.

    Where the choice is among some of them only these are there, which every server understands.
    """
    made = [_tool(tool, is_strict=is_strict) for tool in tools]
    if not is_allowed_tools(choice):
        return made
    named = [tool for tool in choice.get("tools") or () if isinstance(tool, dict)]
    allowed = {tool.get("name") for tool in named}
    return [tool for tool in made if tool.get("function", {}).get("name") in allowed]


def chat_tool_choice(choice: Any) -> Any:
    """The choice in chat's words. Raises ConfigurationError for a tool that is no function."""
    if not isinstance(choice, dict) or isinstance(choice.get("function"), dict):
        return choice
    if is_allowed_tools(choice):
        return choice.get("mode") or "auto"
    if choice.get("type") != "function":
        raise ConfigurationError(_no_function("tool_choice", choice))
    return {"type": "function", "function": {"name": choice.get("name")}}


def is_allowed_tools(choice: Any) -> bool:
    """Whether a choice is one among some of the tools."""
    return isinstance(choice, dict) and choice.get("type") == "allowed_tools"


def response_format(wanted: Wire) -> Wire:
    """`text.format` as `response_format`."""
    if wanted.get("type") != "json_schema" or "json_schema" in wanted:
        return wanted
    schema = {k: v for k, v in wanted.items() if k != "type" and v is not None}
    return {"type": "json_schema", "json_schema": schema}


def _tool(tool: Wire, *, is_strict: bool) -> Wire:
    kind = str(tool.get("type"))
    # what a gateway takes beyond functions, written in its own words
    if isinstance(tool.get(kind), dict) or isinstance(tool.get("function"), dict):
        return tool
    if kind != "function":
        raise ConfigurationError(_no_function("tools", tool))
    names = ("name", "description", "parameters", *(("strict",) if is_strict else ()))
    function = {name: tool[name] for name in names if tool.get(name) is not None}
    return {"type": "function", "function": function}


def _no_function(argument: str, tool: Wire) -> str:
    named = next((str(tool[key]) for key in ("name", "server_label") if tool.get(key)), "")
    shown = f"{tool.get('type')} {named!r}" if named else repr(tool.get("type"))
    return (
        f"{argument}: {shown} is no function, and a server of chat completions runs no tools of "
        "its own. Leave it out, or use a model behind POST /responses."
    )
