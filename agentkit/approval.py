"""A word on calls: which need a person's, what it says, and where rules have spoken instead.

A decision is about a call as it was shown: it is bound to the call's id and to the digest of its
arguments, and used up when the call starts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from agentkit.calls import CallState
from agentkit.encoding import JSON, encode
from agentkit.errors import ConfigurationError, Conflict, ToolArgumentError
from agentkit.log import Log, calls_in
from agentkit.reading import is_reader
from agentkit.records import Decision as DecisionRecord
from agentkit.records import Verdict
from agentkit.responses.response import Response
from agentkit.rules import ApprovalRule, Rules, Ruling, Word
from agentkit.schema.decoding import read_json
from agentkit.tool_output import to_output
from agentkit.tools import Tool

NOT_ALLOWED = "The rules of this run do not allow it."
"""The reason of a rejection that gives none of its own."""

_OUTSIDE = (
    "The rules of this run do not allow it once something from outside has been read, where others "
    "may have written it."
)

_ALLOW, _ASK = Ruling("allow"), Ruling("ask")


@dataclass(frozen=True)
class Approve:
    """The call may run, once, with the arguments it was shown with."""

    call_id: str
    again: bool = field(default=False, kw_only=True)
    """Whether it may also run if it may have run before; without it such a call is not approved."""
    digest: str | None = field(default=None, kw_only=True)
    """`PendingCall.digest` of what was looked at: the call is refused with other arguments."""


@dataclass(frozen=True)
class Reject:
    """The call does not run; the model reads why."""

    call_id: str
    reason: str = ""
    digest: str | None = field(default=None, kw_only=True)
    """`PendingCall.digest` of what was looked at."""


@dataclass(frozen=True)
class Edit:
    """The call may run, once, with these arguments in place of the model's."""

    call_id: str
    arguments: Mapping[str, Any]
    again: bool = field(default=False, kw_only=True)
    """Whether it may also run if it may have run before."""
    digest: str | None = field(default=None, kw_only=True)
    """`PendingCall.digest` of what was looked at."""


@dataclass(frozen=True)
class Answer:
    """The call does not run; this is its result."""

    call_id: str
    value: Any
    digest: str | None = field(default=None, kw_only=True)
    """`PendingCall.digest` of what was looked at."""


Decision = Approve | Reject | Edit | Answer


def decision_records(
    log: Log, decisions: Sequence[Decision], tools: Mapping[str, Tool]
) -> list[DecisionRecord]:
    """The records of what was decided. Until a call starts, the last word on it counts.

    Raises ConfigurationError for a call that does not wait, for one that may have run and is
    approved without `again`, and for edited arguments that do not fit the tool; Conflict for a
    call whose arguments are not those that were looked at.
    """
    if not isinstance(decisions, Sequence):
        raise ConfigurationError(f"decisions: expected a list, got {decisions!r:.80}.")
    waiting = {call.call_id: call for call in log.open_calls if call.waits or call.decision}
    records: dict[str, DecisionRecord] = {}
    for decision in decisions:
        call = _call_of(decision, waiting)
        if call.call_id in records:
            raise ConfigurationError(f"decisions: {call.call_id!r} is decided on twice.")
        _check(call, decision, tools)
        records[call.call_id] = _record(call, decision)
    return list(records.values())


def _call_of(decision: Decision, waiting: Mapping[str, CallState]) -> CallState:
    if not isinstance(decision, (Approve, Reject, Edit, Answer)):
        kind = type(decision).__name__
        raise ConfigurationError(
            f"decisions: expected Approve, Reject, Edit or Answer, got {kind}. "
            "Write Approve(call.call_id)."
        )
    call = waiting.get(str(decision.call_id))
    if call is None:
        ids = ", ".join(waiting) or "none"
        raise ConfigurationError(
            f"No call {decision.call_id!r} waits for a decision. Calls that wait: {ids}."
        )
    if decision.digest not in (None, call.arguments_digest):
        raise Conflict(
            f"The call {call.call_id!r} has other arguments now than those that were decided on. "
            "Look at it again."
        )
    return call


def _check(call: CallState, decision: Decision, tools: Mapping[str, Tool]) -> None:
    if call.is_the_servers_own and isinstance(decision, (Edit, Answer)):
        raise ConfigurationError(
            f"{call.call_id!r} is a call of the server's own tool: Approve or Reject it."
        )
    if call.is_orphan and isinstance(decision, (Approve, Edit)):
        raise ConfigurationError(
            f"There is no tool {call.name!r} any more to run {call.call_id!r}: Reject or Answer it."
        )
    if call.may_have_run and isinstance(decision, (Approve, Edit)) and not decision.again:
        raise ConfigurationError(
            f"The call {call.call_id!r} of {call.name} may have run. To run it once more, say "
            "again=True; or Answer it with what it gave, or Reject it."
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
    try:
        return encode(dict(arguments)).decode()
    except (ValueError, TypeError) as error:
        raise ConfigurationError(
            f"Edit: expected arguments by name that can be written as JSON, got {arguments!r:.80}."
        ) from error


def words_on(
    response: Response, tools: Mapping[str, Tool], rule: ApprovalRule | None, log: Log
) -> dict[str, DecisionRecord | None]:
    """The calls that need a person's word, by id, with the word where the rule has given it.

    `log` is what the model had read when it made them.
    """
    if not response.is_complete:
        return {}
    calls = {call.call_id: call for call in calls_in(response)}
    # a server's own tools may have brought it in within this very answer
    is_after_outside = log.untrusted or any(item.is_from_outside for item in response.output)
    words: dict[str, DecisionRecord | None] = {}
    for call_id, call in calls.items():
        ruling = _ruling_on(call, tools, rule)
        if is_after_outside and isinstance(rule, Rules):
            ruling = _after_outside(ruling, call, tools, rule)
        if ruling.word == "reject":
            words[call_id] = _record(call, Reject(call_id, ruling.reason or NOT_ALLOWED))
        elif call.is_the_servers_own and ruling.word == "allow":
            words[call_id] = _record(call, Approve(call_id))
        elif ruling.word == "ask":
            words[call_id] = None
    return words


def _ruling_on(call: CallState, tools: Mapping[str, Tool], rule: ApprovalRule | None) -> Ruling:
    if call.is_the_servers_own:
        return _on_server_tool(call, rule)
    tool = tools.get(call.name)
    if tool is None or is_reader(tool):
        return _ALLOW
    return ruling_on(tool, call.arguments, rule)


def _after_outside(
    ruling: Ruling, call: CallState, tools: Mapping[str, Tool], rules: Rules
) -> Ruling:
    """The stricter word on a call that would do something, once others may have had a say."""
    tool = tools.get(call.name)
    only_reads = tool.effect != "once" if tool else not call.is_the_servers_own
    if only_reads or ruling.word == "reject" or rules.after_untrusted == "default":
        return ruling
    if tool is not None and not _fits(tool, call.arguments):
        return ruling
    is_asked_anyway = ruling.word == "ask" and rules.after_untrusted == "ask"
    return ruling if is_asked_anyway else Ruling(rules.after_untrusted, _OUTSIDE)


def ruling_on(tool: Tool, arguments: str, rule: ApprovalRule | None) -> Ruling:
    """Whether a call may run, is rejected, or needs a person's word. The agent's rule goes first.

    A call whose arguments do not validate never runs, so nobody is asked about it. A rule that
    fails to answer leaves the call to a person.
    """
    if rule is None and not tool.approval:
        return _ALLOW
    try:
        values = tool.bind(arguments).values
    except ToolArgumentError:
        return _ALLOW
    try:
        ruling = _read(rule(tool.name, values)) if rule is not None else Ruling("default")
        return _by_the_tool(tool, values) if ruling.word == "default" else ruling
    except (Exception, SystemExit):  # noqa: BLE001 - the caller's own; the safe answer is to ask
        return _ASK


def _fits(tool: Tool, arguments: str) -> bool:
    try:
        tool.bind(arguments)
    except ToolArgumentError:
        return False
    return True


def _by_the_tool(tool: Tool, values: Mapping[str, Any]) -> Ruling:
    needs_word = tool.approval if isinstance(tool.approval, bool) else tool.approval(values)
    return _ASK if needs_word else _ALLOW


def _on_server_tool(call: CallState, rule: ApprovalRule | None) -> Ruling:
    """A function's rule knows the tools that run here, and is not asked about others."""
    if not isinstance(rule, Rules):
        return _ASK
    label = str(call.item.wire.get("server_label") or "")
    try:
        arguments = read_json(call.arguments)  # a name that is there twice leaves it to a person
        known = isinstance(arguments, dict)
        ruling = rule.on_server_tool(label, call.name, arguments) if known else _ASK
    except (ValueError, RecursionError):
        return _ASK
    return _ASK if ruling.word == "default" else ruling


def _read(said: Word | bool | Ruling) -> Ruling:
    if isinstance(said, bool):
        return _ALLOW if said else _ASK
    ruling = Ruling(said.word, str(said.reason)) if isinstance(said, Ruling) else Ruling(said)
    return ruling if ruling.word in get_args(Word) else _ASK
