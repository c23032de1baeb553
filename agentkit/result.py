"""RunResult: what a run came to, read from its log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from agentkit.calls import CallState
from agentkit.cost import cost_of
from agentkit.encoding import JSON
from agentkit.errors import AgentkitError, OutputError
from agentkit.log import Log
from agentkit.moves import Finish, Status, Wait
from agentkit.output import OutputFormat
from agentkit.responses.failures import model_error
from agentkit.responses.items import Item
from agentkit.responses.response import Usage
from agentkit.schema.decoding import read_json

if TYPE_CHECKING:
    from agentkit.evidence.found import Evidence


@dataclass(frozen=True)
class PendingCall:
    """A call that waits for a person's word."""

    call_id: str
    name: str
    arguments: JSON
    """The decoded arguments, or their text where it is no JSON or can be read in two ways."""
    reason: str
    """`needs approval`, with a word on it where something from outside has been read; `may have
    run` for one that was interrupted, or `its tool is gone`."""
    digest: str = ""
    """What a decision is about: the name and the arguments, as a fingerprint."""


@dataclass(frozen=True)
class RunResult:
    """The end of a run, and all there is to know of it.

    Everything but the output's own type is computed from the log.
    """

    output: Any
    """The answer as the agent's output type; None where the run ended without one."""
    status: Status
    log: Log = field(repr=False)
    session: str
    limit: str | None = None
    """The limit it met: a field of `Limits`, or `same_calls`."""
    error: Exception | None = None
    """Why it failed."""
    evidence: Mapping[str, Evidence] = field(default_factory=dict, repr=False)
    """Where each field of the output was found; empty unless the agent asks for evidence."""

    def __str__(self) -> str:
        return self.text

    @property
    def text(self) -> str:
        """What the model last said; of a refusal, its words."""
        answer = self.log.last_answer
        return "" if answer is None else answer.response.text or answer.response.refusal

    @property
    def usage(self) -> Usage:
        """Tokens of this run."""
        return self.log.trip.usage

    @property
    def cost(self) -> float | None:
        """US dollars of this run, None unless every answer's are known."""
        return cost_of(self.log)

    @property
    def turns(self) -> int:
        """Requests of this run that were answered."""
        return self.log.trip.turns

    @property
    def items(self) -> list[Item]:
        """The whole conversation, as the next request would carry it."""
        return list(self.log.items)

    @cached_property
    def pending(self) -> list[PendingCall]:
        """The calls that wait for a person's word, in order."""
        calls: Sequence[CallState] = self.log.waiting_calls if self.status == "waiting" else ()
        return [
            PendingCall(
                call.call_id,
                call.name,
                _decoded(call.arguments),
                _reason(call, self.log),
                call.arguments_digest,
            )
            for call in calls
        ]


def result_of(log: Log, end: Finish | Wait, session: str, output: OutputFormat | None) -> RunResult:
    """The result of a run that came to this end."""
    limit = log.answer.limit if log.answer else None
    value, error = _value(log, end.status, output)
    status = "failed" if error and end.status == "completed" else end.status
    evidence = _evidence(log, end.status, output)
    return RunResult(value, status, log, session, limit, error, evidence)


def broken_off(log: Log, error: BaseException, session: str) -> RunResult:
    """The result of a run that an exception ended; one that is no Exception cancelled it."""
    if isinstance(error, Exception):
        return RunResult(None, "failed", log, session, error=error)
    return RunResult(None, "cancelled", log, session)


def _value(
    log: Log, status: Status, output: OutputFormat | None
) -> tuple[Any, AgentkitError | None]:
    answer = log.answer.response if log.answer else None
    if answer is None or status not in ("completed", "limited", "failed"):
        return None, None
    if answer.is_failed:
        return None, model_error(None, {"error": answer.error or {"message": "no reason given"}})
    try:
        return _output(log, answer.text, status, output), None
    except OutputError as error:
        return None, error


def _output(log: Log, text: str, status: Status, output: OutputFormat | None) -> Any:
    if log.trip.final is not None:
        value = log.trip.final.value
        return value if output is None else output.validate(value)
    if not text and status == "limited":
        return None
    return text if output is None else output.read(text, log.records)


def _evidence(log: Log, status: Status, output: OutputFormat | None) -> Mapping[str, Evidence]:
    answer = log.answer
    if output is None or answer is None or status not in ("completed", "limited", "failed"):
        return {}
    return {} if answer.response.is_failed else output.evidence(log)


def _reason(call: CallState, log: Log) -> str:
    if call.is_orphan:
        return "its tool is gone"
    if call.may_have_run:
        return "may have run"
    # whoever decides should know that others may have had a say in it
    outside = "; something from outside has been read" if log.untrusted else ""
    return f"needs approval{outside}"


def _decoded(text: str) -> JSON:
    try:
        return read_json(text)
    except ValueError:
        return text
