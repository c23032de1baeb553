"""The dialect that follows from what was found, starting from the one that is known.

What a probe could not tell stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

from agentkit.responses.dialect import Dialect
from agentkit.responses.items import Reasoning
from agentkit.responses.probing.asking import Report
from agentkit.responses.probing.judges import Result

Follows = Callable[[Report], Any]
"""What a report says of a field of the dialect, None where it says nothing."""


def dialect_from(report: Report, known: Dialect) -> Dialect:
    """The known dialect, with all that was found otherwise."""
    found = {name: follows(report) for name, follows in _FOLLOWS.items()}
    told = {name: value for name, value in found.items() if value is not None}
    if report.refused and known.wire == "chat":
        chat = replace(known.chat, lacks=known.chat.lacks | report.refused)
        return replace(known, **told, chat=chat)
    return replace(known, **told, lacks=known.lacks | report.refused)


def written(dialect: Dialect) -> str:
    """The Python that makes a dialect, with what differs from the documented one."""
    plain = Dialect()
    differing = [
        f"{each.name}={value!r}"
        for each in fields(dialect)
        if (value := getattr(dialect, each.name)) != getattr(plain, each.name)
    ]
    return f"Dialect({', '.join(differing)})"


# what a result says of whether a server does it, and of whether it takes it
_DONE: dict[Result, bool] = {"works": True, "ignored": False, "fails": False}
_TAKEN: dict[Result, bool] = {"works": True, "ignored": True, "fails": False}


def _holds_to_format(report: Report) -> bool | None:
    result = report.verdict("structured").result
    if result == "fails" and report.verdict("strict").result == "fails":
        return None  # it may be the strictness that it refuses
    return _DONE.get(result)


def _heeds_tool_choice(report: Report) -> bool | None:
    if report.verdict("tools").result != "works":
        return None
    off, forced = (report.verdict(name).result for name in ("tools-off", "forced"))
    if off in ("ignored", "fails") or forced == "ignored":
        return False
    return True if off == "works" else None


def _reads_lists(report: Report) -> bool | None:
    if report.verdict("tool-output").result != "works":
        return None
    return _DONE.get(report.verdict("list-output").result)


def _encrypts_reasoning(report: Report) -> bool | None:
    # a model that does not reason says nothing of its server
    return True if any(item.wire.get("encrypted_content") for item in _reasoning(report)) else None


def _takes_empty_reasoning(report: Report) -> bool | None:
    if any(item.text for item in _reasoning(report)):
        return None
    return _TAKEN.get(report.verdict("reasoning-back").result)


def _reasoning(report: Report) -> list[Reasoning]:
    response = report.heard("reasoning").response
    return [item for item in response.output if isinstance(item, Reasoning)] if response else []


def _not_strict(report: Report) -> frozenset[str] | None:
    taken = _TAKEN.get(report.verdict("strict").result)
    return None if taken is None else frozenset() if taken else frozenset({"*"})


_FOLLOWS: dict[str, Follows] = {
    "encrypted_reasoning": _encrypts_reasoning,
    "text_format": _holds_to_format,
    "tool_choice": _heeds_tool_choice,
    "forced_choice": lambda report: _TAKEN.get(report.verdict("forced").result),
    "lists_in_outputs": _reads_lists,
    "state": lambda report: _DONE.get(report.verdict("previous-response-id").result),
    "keeps_responses": lambda report: _DONE.get(report.verdict("fetch").result),
    "calls_apart": lambda report: _TAKEN.get(report.verdict("calls-apart").result),
    "empty_reasoning": _takes_empty_reasoning,
    "not_strict": _not_strict,
}
