"""A person's word on calls: which calls need it, and what it says.

A decision is about a call as it was shown: it is bound to the call's id and to the digest of its
arguments, and used up when the call starts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from agentkit.encoding import JSON, encode
from agentkit.errors import ConfigurationError, ToolArgumentError
from agentkit.log import CallState, Log
from agentkit.records import Decision as DecisionRecord
from agentkit.records import Verdict
from agentkit.tool_output import to_output
from agentkit.tools import Tool

Word = Literal["allow", "ask", "reject"]

Rule = Callable[[str, Mapping[str, Any]], Word | bool]
"""Given a tool's name and the arguments: whether the call may run, or a person is to be asked."""


@dataclass(frozen=True)
class Approve:
    """The call may run, once, with the arguments it was shown with."""

    call_id: str


@dataclass(frozen=True)
class Reject:
    """The call does not run; the model reads why."""

    call_id: str
    reason: str = ""


@dataclass(frozen=True)
class Edit:
    """The call may run, once, with these arguments in place of the model's."""

    call_id: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """The call does not run; this is its result."""

    call_id: str
    value: Any


Decision = Approve | Reject | Edit | Answer


def decision_records(
    log: Log, decisions: Sequence[Decision], tools: Mapping[str, Tool]
) -> list[DecisionRecord]:
    """The records of what was decided.

    Raises ConfigurationError for a call that does not wait, and for edited arguments that do not
    fit the tool.
    """
    if not isinstance(decisions, Sequence):
        raise ConfigurationError(f"decisions: expected a list, got {decisions!r:.80}.")
    waiting = {call.call_id: call for call in log.waiting_calls}
    records = []
    for decision in decisions:
        call = waiting.pop(decision.call_id, None)
        if call is None:
            ids = ", ".join(c.call_id for c in log.waiting_calls) or "none"
            raise ConfigurationError(
                f"No call {decision.call_id!r} waits for a decision. Calls that wait: {ids}."
            )
        _check(call, decision, tools)
        records.append(_record(call, decision))
    return records


def _check(call: CallState, decision: Decision, tools: Mapping[str, Tool]) -> None:
    if call.is_the_servers_own and isinstance(decision, (Edit, Answer)):
        raise ConfigurationError(
            f"{call.call_id!r} is a call of the server's own tool: Approve or Reject it."
        )
    tool = tools.get(call.name)
    if tool is None or not isinstance(decision, Edit):
        return
    try:
        tool.bind(_text(decision.arguments))
    except ToolArgumentError as error:
        problems = "; ".join(error.problems)
        raise ConfigurationError(
            f"The edit of {call.call_id!r} does not fit: {problems}"
        ) from error


def _record(call: CallState, decision: Decision) -> DecisionRecord:
    verdict, value = _said(decision)
    return DecisionRecord(call.call_id, verdict, call.arguments_digest, value)


def _said(decision: Decision) -> tuple[Verdict, JSON]:
    match decision:
        case Approve():
            return "approve", None
        case Reject(reason=reason):
            return "reject", reason
        case Edit(arguments=arguments):
            return "edit", _text(arguments)
        case Answer(value=value):
            return "answer", to_output(value)


def _text(arguments: Mapping[str, Any]) -> str:
    return encode(dict(arguments)).decode()


def word_on(tool: Tool, arguments: str, rule: Rule | None) -> Word:
    """Whether a call may run, is rejected, or needs a person's word. The agent's rule goes first.

    A call whose arguments do not validate never runs, so nobody is asked about it. A rule that
    fails to answer leaves the call to a person.
    """
    if rule is None and not tool.approval:
        return "allow"
    try:
        values = tool.bind(arguments).values
    except ToolArgumentError:
        return "allow"
    try:
        if rule is not None:
            return _word(rule(tool.name, values))
        needs_word = tool.approval if isinstance(tool.approval, bool) else tool.approval(values)
    except Exception:  # noqa: BLE001 - the caller's own code, and the safe answer is to ask
        return "ask"
    return "ask" if needs_word else "allow"


def _word(said: Word | bool) -> Word:
    if isinstance(said, bool):
        return "allow" if said else "ask"
    return said if said in ("allow", "reject") else "ask"
