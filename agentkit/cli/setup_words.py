"""What a Setup says: all of it at first, later what it changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from agentkit.cli.safe_text import one_line
from agentkit.encoding import Wire, encode
from agentkit.records import Setup

_MOST = 500
"""Characters of a setting that are shown."""

_TOLD_APART = ("model", "tools")


def told_setup(setup: Setup, before: Setup | None) -> tuple[str, list[str]]:
    """What a setup is in a few words, and what it sets beside what was set before, line by line."""
    known = _settings(before) if before else {}
    now = _settings(setup)
    lines = [line for line in _tools(_tools_of(before), _tools_of(setup)) if line]
    for name in [*now, *(name for name in known if name not in now)]:
        if now.get(name) != known.get(name):
            lines.append(f"{name}: {now.get(name, 'no longer set')}")
    if before is None:
        return _model(setup), lines
    fact = "changed" if _model(setup) == _model(before) else f"changed: {_model(setup)}"
    return fact, lines


def _model(setup: Setup) -> str:
    server, model = setup.model
    where = f" at {one_line(server)}" if server else ""
    return f"{one_line(model) or 'a model without a name'}{where}"


def _settings(setup: Setup) -> dict[str, str]:
    """All that a setup sets but the model and the tools, as text."""
    said: dict[str, Any] = {
        "tool_choice": setup.tool_choice,
        "conversation": setup.conversation,
        "context": setup.context,
        **{name: value for name, value in setup.fields.values.items() if name not in _TOLD_APART},
    }
    known = {name: value for name, value in said.items() if value not in (None, "")}
    return {one_line(name): _shown(value) for name, value in known.items()}


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else one_line(encode(value).decode(), _MOST)


def _tools(before: Mapping[str, Wire], now: Mapping[str, Wire]) -> Iterator[str]:
    if not before:
        yield f"tools: {', '.join(now)}" if now else ""
        return
    changed = [name for name in now if name in before and now[name] != before[name]]
    yield from _named("added", [name for name in now if name not in before])
    yield from _named("removed", [name for name in before if name not in now])
    yield from _named("changed", changed)


def _named(how: str, names: list[str]) -> Iterator[str]:
    if names:
        yield f"tools {how}: {', '.join(names)}"


def _tools_of(setup: Setup | None) -> dict[str, Wire]:
    """The tools by name; those that the server runs by their kind."""
    tools = setup.fields.values.get("tools") if setup else None
    return {_name_of(tool): tool for tool in tools or ()}


def _name_of(tool: Wire) -> str:
    label = f" {tool['server_label']}" if tool.get("server_label") else ""
    return one_line(str(tool.get("name") or f"{tool.get('type')}{label}"))
