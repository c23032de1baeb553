"""The dialect that follows from what was found, starting from the one that is known.

What a probe could not tell stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

from agentkit.responses.dialect import Dialect
from agentkit.responses.items import Reasoning
from agentkit.responses.probes_asking import Report

Follows = Callable[[Report], Any]
"""What a report says of a field of the dialect, None where it says nothing."""


def dialect_from(report: Report, known: Dialect) -> Dialect:
    """The known dialect, with all that was found otherwise."""
    found = {name: follows(report) for name, follows in _FOLLOWS.items()}
    return replace(known, **{name: value for name, value in found.items() if value is not None})


def written(dialect: Dialect) -> str:
    """The Python that makes a dialect, with what differs from the documented one."""
    plain = Dialect()
    differing = [
        f"{each.name}={value!r}"
        for each in fields(dialect)
        if (value := getattr(dialect, each.name)) != getattr(plain, each.name)
    ]
    return f"Dialect({', '.join(differing)})"


def _does(name: str) -> Follows:
    """Whether a server does what a probe asked; unknown counts for neither."""
    return lambda report: {"works": True, "unknown": None}.get(report.verdict(name).result, False)


def _takes(name: str) -> Follows:
    """Whether a server takes what a probe sent, whatever it made of it."""
    taken = {"works": True, "ignored": True, "fails": False}
    return lambda report: taken.get(report.verdict(name).result)


def _heeds_tool_choice(report: Report) -> bool | None:
    off, forced = (report.verdict(name).result for name in ("tools-off", "forced"))
    if off in ("ignored", "fails") or forced == "ignored":
        return False
    return True if off == "works" else None


def _reads_lists(report: Report) -> bool | None:
    reads = {"works": True, "ignored": False, "fails": False}
    if report.verdict("tool-output").result != "works":
        return None
    return reads.get(report.verdict("list-output").result)


def _encrypts_reasoning(report: Report) -> bool | None:
    # a model that does not reason says nothing of its server
    return True if any(item.wire.get("encrypted_content") for item in _reasoning(report)) else None


def _takes_empty_reasoning(report: Report) -> bool | None:
    if any(item.text for item in _reasoning(report)):
        return None
    return {"works": True, "fails": False}.get(report.verdict("reasoning-back").result)


def _reasoning(report: Report) -> list[Reasoning]:
    response = report.heard("reasoning").response
    return [item for item in response.output if isinstance(item, Reasoning)] if response else []


def _not_strict(report: Report) -> frozenset[str] | None:
    return {"works": frozenset[str](), "fails": frozenset({"*"})}.get(
        report.verdict("strict").result
    )


_FOLLOWS: dict[str, Follows] = {
    "encrypted_reasoning": _encrypts_reasoning,
    "text_format": _does("structured"),
    "tool_choice": _heeds_tool_choice,
    "forced_choice": _takes("forced"),
    "lists_in_outputs": _reads_lists,
    "state": _does("previous-response-id"),
    "calls_apart": _takes("calls-apart"),
    "empty_reasoning": _takes_empty_reasoning,
    "not_strict": _not_strict,
}
