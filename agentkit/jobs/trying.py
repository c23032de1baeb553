"""What came of a row, and whether it is tried once more."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from agentkit.errors import ModelError
from agentkit.jobs.results import MapRow
from agentkit.jobs.standing import BUDGET
from agentkit.responses.response import Usage
from agentkit.responses.retry import OF_THE_SERVER


@dataclass(frozen=True)
class Asked:
    """What came of a row now."""

    row: MapRow
    cost: float | None = 0.0
    """US dollars that were spent now, None where that is not known of every answer."""
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0
    error: BaseException | None = None
    """What its run raised."""
    is_shared: bool = False
    """Whether the job tries its question again for another row that asks the same."""


@dataclass(frozen=True)
class _Failure:
    times: int
    told: str | None
    is_tried_again: bool


class Failures:
    """The questions that a job has asked without an answer, so that each counts for all its rows.

    It grows with the questions that fail, not with the table.
    """

    def __init__(self) -> None:
        self._of: dict[str, _Failure] = {}

    def has(self, session: str, tries: int) -> bool:
        """Whether the question was asked as often as that by this job."""
        failure = self._of.get(session)
        return failure is not None and failure.times >= tries

    def add(self, asked: Asked, tries: int) -> None:
        """Take in what came of a question that was asked for the so manieth time."""
        row = asked.row
        if row.is_done:
            self._of.pop(row.session, None)
        else:
            self._of[row.session] = _Failure(tries, row.error, may_try_again(asked))

    def shared(self, row: MapRow) -> Asked:
        """What came of a row for which nothing was asked, with what is known of its question."""
        failure = self._of.get(row.session)
        if failure is None or row.is_done:
            return Asked(row)
        return Asked(replace(row, error=failure.told), is_shared=failure.is_tried_again)


def is_cut_short(row: MapRow) -> bool:
    """Whether the row has no answer because the budget of a job was used up."""
    return not row.is_done and row.result is not None and row.result.limit == BUDGET


def may_try_again(asked: Asked) -> bool:
    """Whether the row may have its answer another time."""
    row = asked.row
    if row.is_kept:
        return asked.is_shared
    if row.is_done or row.status == "waiting" or not row.attempts:
        return False
    if is_cut_short(row) or not isinstance(asked.error, Exception | None):
        return False
    return not isinstance(asked.error, ModelError) or isinstance(asked.error, OF_THE_SERVER)
