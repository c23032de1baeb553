"""What becomes of rows: each one, all of them, and as it stands while they run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentkit.jobs.estimates import Costs, Estimate
from agentkit.moves import Status
from agentkit.responses.response import Usage
from agentkit.result import RunResult


@dataclass(frozen=True)
class MapRow:
    """A row of the table, and what became of it."""

    index: int
    """Its place in the table; the first row is 0."""
    row: Mapping[str, Any]
    """The cells that it came with."""
    output: Any
    """The answer as the agent's output type; None where there is none."""
    status: Status
    """How its run ended; `completed` for an answer."""
    is_done: bool
    """Whether it has its answer, so that the same job again does not ask it."""
    error: str | None
    """Why there is no answer, in one line."""
    cost: float | None
    """US dollars of its session, None where they are not known."""
    attempts: int
    """How often it was begun; to go on behind an error of the server is the same attempt."""
    session: str
    """The name of its log in the store."""
    is_kept: bool
    """Whether it was there before, so that nothing was asked."""
    result: RunResult | None = field(repr=False, default=None)
    """The run and its log; None where no run could begin."""


@dataclass(frozen=True)
class Launch:
    """What a store has of a table before a job begins."""

    total: int
    """Rows that are selected."""
    done: int
    failed: int
    """Rows that were tried and have no answer: failed, interrupted, or waiting for a person."""
    stale: int
    """Rows whose answer is older than `refresh` says."""
    cost: float
    """US dollars that earlier jobs have spent on them, as far as they are known."""
    waiting: int = 0
    """Rows among the failed ones that wait for a person's word."""
    to_ask: int = 0
    """Questions that the job asks, as its `only` says: rows with the same prompt are one."""

    @property
    def new(self) -> int:
        """Rows that have never run."""
        return self.total - self.done - self.failed - self.stale


@dataclass
class Progress:
    """Where a job stands. Only the job changes it."""

    total: int | None = None
    """Rows that are selected, None as long as that is not known."""
    done: int = 0
    """Rows that have their answer, those that had it before among them."""
    failed: int = 0
    """Rows that were tried and have no answer."""
    kept: int = 0
    """Rows, done or failed, that are as they were before: nothing was asked."""
    running: int = 0
    spent: float = 0.0
    """US dollars that this job has spent, as far as they are known."""
    usage: Usage = field(default_factory=Usage)
    """Tokens that this job has used."""
    level: int = 0
    """How many rows may run at once now."""
    refusals: int = 0
    """Requests that a server has refused because there were too many of them (429)."""
    began: float | None = None
    """When the job began, in seconds of `time.monotonic`; None before."""
    where: str = ""
    """Where the results are written."""

    @property
    def left(self) -> int | None:
        """Rows that have not been looked at yet, None where that is not known."""
        return None if self.total is None else self.total - self.done - self.failed


@dataclass(frozen=True)
class MapResult:
    """What a job came to. An error that ends one carries it as `.result`."""

    rows: Sequence[MapRow]
    """All rows whose state is known, in the order of the table; empty where `out` was given."""
    total: int
    """Rows that are selected, as far as they were read where an error or a cancel ended the job."""
    done: int
    """Rows that have their answer."""
    failed: int
    """Rows that were tried and have none."""
    kept: int
    """Rows among these for which nothing was asked, since they were there before."""
    left: int
    """Rows that have not run, and those that a budget or a cancel cut short."""
    waiting: int
    """Rows among the failed ones that wait for a person's word."""
    cost: float | None
    """US dollars that this job has spent, None where that is not known of every answer."""
    seconds: float
    out: str | None
    """Where the results were written, None where they are in `rows`."""
    is_out_of_budget: bool = False
    """Whether rows are left because the budget is used up."""
    costs: Costs = field(repr=False, default_factory=Costs)
    """What the rows that were asked took."""

    def estimate(self, rows: int) -> Estimate:
        """What so many rows more would take, from those that this job asked.

        The sum, and the 95 % prediction interval of it by Student's t.
        """
        return self.costs.estimate(rows)
