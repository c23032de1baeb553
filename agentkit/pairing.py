"""Calls and their outputs among items that someone has put together."""

from __future__ import annotations

from collections.abc import Sequence, Set

from agentkit.errors import ConfigurationError
from agentkit.responses.items import FunctionCall, FunctionCallOutput, Item


def paired_calls(items: Sequence[Item], said_by: str = "input") -> Set[str]:
    """The ids of the calls among the items that someone has put together.

    Raises ConfigurationError unless each has one output behind it: servers answer 400 otherwise.
    """
    called: set[str] = set()
    open_ids: list[str] = []
    for item in items:
        if isinstance(item, FunctionCall):
            called.add(item.call_id)
            open_ids.append(item.call_id)
        elif isinstance(item, FunctionCallOutput):
            if item.call_id not in open_ids:
                raise ConfigurationError(
                    f"{said_by}: the output for {item.call_id!r} has no call before it."
                )
            open_ids.remove(item.call_id)
    if open_ids:
        raise ConfigurationError(
            f"{said_by}: the call {open_ids[0]!r} has no output. Add a function_call_output."
        )
    return called
