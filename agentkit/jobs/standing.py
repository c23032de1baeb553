"""What a row's log says of it. Pure: no store, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agentkit.errors import AgentkitError
from agentkit.log import Log
from agentkit.moves import Finish, Wait, next_move
from agentkit.output import OutputFormat
from agentkit.records import Input
from agentkit.result import RunResult, result_of

Way = Literal["begin", "keep", "resume", "anew"]
"""What has a row come to its answer: to begin, nothing at all, to go on, to begin once more."""

NO_ANSWER = "It ended before there was an answer."

BUDGET = "budget"
"""The limit that a row meets with the budget of its job."""


@dataclass(frozen=True)
class Standing:
    """Where a row stands."""

    way: Way
    result: RunResult | None
    """What there is of it; None where it has never run."""

    @property
    def is_new(self) -> bool:
        """Whether it has never run."""
        return self.result is None

    @property
    def is_done(self) -> bool:
        """Whether it has its answer."""
        return self.result is not None and is_done(self.result)


def standing_of(log: Log, session: str, output: OutputFormat | None) -> Standing:
    """Where the row stands whose session has this log."""
    if not any(isinstance(record, Input) for record in log):
        return Standing("begin", None)
    end = next_move(log)
    if not isinstance(end, Finish | Wait):
        error = AgentkitError(NO_ANSWER)
        return Standing("resume", RunResult(None, "failed", log, session, error=error))
    result = result_of(log, end, session, output)
    if is_done(result) or isinstance(end, Wait):
        return Standing("keep", result)
    return Standing("resume" if _goes_on(log, end) else "anew", result)


def is_done(result: RunResult) -> bool:
    """Whether a run has come to an answer; one that a job's budget cut short has not."""
    if result.status == "limited":
        return result.output is not None and result.limit != BUDGET
    return result.status == "completed"


def why(result: RunResult) -> str | None:
    """Why a run has no answer, in one line."""
    match result.status:
        case "completed":
            return None
        case "refused":
            said = f"The model refused: {result.text}"
        case "limited":
            said = f"It met the limit {result.limit!r}."
        case "incomplete":
            answer = result.log.answer
            reason = answer.response.incomplete_reason if answer else None
            said = f"The answer is cut off ({reason or 'no reason given'})."
        case "waiting":
            said = "It waits: " + ", ".join(f"{c.name} {c.reason}" for c in result.pending)
        case "cancelled":
            said = "It was cancelled."
        case "failed":
            said = str(result.error or "It failed.")
    return one_line(said)


def one_line(text: str) -> str:
    """The text in one line."""
    return " ".join(text.split())


def _goes_on(log: Log, end: Finish) -> bool:
    """Whether the same conversation can lead to an answer; one that misled it cannot."""
    if end.status == "limited":
        return True
    return end.status == "failed" and log.answer is not None and log.answer.response.is_failed
