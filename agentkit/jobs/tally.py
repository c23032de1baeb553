"""What has come of the rows so far: counted, written, and told."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import to_jsonable_python

from agentkit.errors import (
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ContextLengthError,
    QuotaError,
    StoreError,
)
from agentkit.jobs.estimates import Costs
from agentkit.jobs.results import MapResult, MapRow, Progress
from agentkit.jobs.trying import Asked, is_cut_short
from agentkit.secrets import Secrets, told_of
from agentkit.tables.columns import Columns, Evidence
from agentkit.tables.table import TableWriter

FIRST = 5
"""So many rows, and no other before them, have to be refused before all are taken to be."""

_OF_ALL = (ConfigurationError, QuotaError, StoreError)
"""Errors that the next row would meet as well."""

Hear = Callable[[MapRow], Awaitable[None]]

logger = logging.getLogger("agentkit")


@dataclass
class Tally:
    """Takes in rows as they land."""

    progress: Progress
    columns: Columns
    writer: TableWriter | None
    hear: Hear | None
    """Is told each row, and may have it wait."""
    on_row: Callable[[MapRow], object] | None
    is_collecting: bool
    secrets: Secrets
    rows: list[MapRow] = field(default_factory=list)
    costs: Costs = field(default_factory=Costs)
    waiting: int = 0
    seen: int = 0
    """Rows that were read."""
    unpriced: int = 0
    refused: int = 0
    """Rows that the server refused, before any came to something else."""
    is_out_of_budget: bool = False
    is_written: bool = True
    """Whether the rows so far could be written."""
    failure: Exception | None = None
    """What no row can do anything about."""

    async def land(self, asked: Asked, *, is_last: bool) -> None:
        """Take in what came of a row; nothing more is done about it where it `is_last`."""
        row = asked.row
        self._count(asked, is_last=is_last)
        if self.is_written:
            unwritten = self._written(row)
            self.is_written = unwritten is None
            self.failure = self.failure or unwritten
        self.failure = self.failure or self._concern(asked)
        if not is_last:
            return
        if self.is_collecting:
            self.rows.append(row)
        if self.on_row is not None:
            self._tell(self.on_row, row)
        if self.hear is not None:
            await self.hear(row)

    @property
    def may_add(self) -> bool:
        """Whether a former table is written anew, and nothing keeps it from having all rows."""
        was_there = getattr(self.writer, "was_there", False)
        return was_there and self.is_written and not isinstance(self.failure, StoreError)

    def again(self) -> None:
        """A row that has failed is tried once more."""
        self.progress.failed -= 1

    def result(self, seconds: float) -> MapResult:
        """What the rows have come to by now."""
        progress = self.progress
        known = progress.done + progress.failed
        total = self.seen if progress.total is None else progress.total
        self.costs.span = seconds
        return MapResult(
            rows=sorted(self.rows, key=lambda row: row.index),
            total=total,
            done=progress.done,
            failed=progress.failed,
            kept=progress.kept,
            left=total - known,
            waiting=self.waiting,
            cost=None if self.unpriced else progress.spent,
            seconds=seconds,
            out=None if self.writer is None else self.writer.name,
            is_out_of_budget=self.is_out_of_budget,
            costs=self.costs,
        )

    def _count(self, asked: Asked, *, is_last: bool) -> None:
        row, progress = asked.row, self.progress
        progress.done += row.is_done
        if is_cut_short(row):
            self.is_out_of_budget = self.is_out_of_budget or not row.is_kept
        elif row.is_kept or row.status != "cancelled":
            progress.failed += not row.is_done
            progress.kept += row.is_kept and is_last
        self.waiting += row.status == "waiting"
        progress.spent += asked.cost or 0.0
        self.unpriced += asked.cost is None
        progress.usage += asked.usage
        if row.attempts and not row.is_kept:
            self.costs.add(asked.cost, asked.seconds)

    def _tell(self, on_row: Callable[[MapRow], object], row: MapRow) -> None:
        """One who fails changes nothing but the program's log."""
        try:
            on_row(row)
        except Exception as error:  # noqa: BLE001 - the caller's own code
            logger.error("A listener failed on row %d\n%s", row.index, told_of(error, self.secrets))

    def _written(self, row: MapRow) -> Exception | None:
        """Why the row could not be written."""
        try:
            if self.writer is not None:
                self.writer.write(row.index, self._cells(row))
        except Exception as error:  # noqa: BLE001 - the writer may be the caller's own
            return error
        return None

    def _concern(self, asked: Asked) -> Exception | None:
        """The error of a row, where it concerns all of them."""
        error = asked.error if isinstance(asked.error, Exception) else None
        if isinstance(error, _OF_ALL):
            return error
        if isinstance(error, AuthenticationError) and error.status != 403:
            return error
        is_refusal = isinstance(error, AuthenticationError | BadRequestError)
        if not is_refusal or isinstance(error, ContextLengthError):
            self.refused = FIRST + 1  # too late to be the first
            return None
        self.refused += 1
        return error if self.refused == FIRST else None

    def _cells(self, row: MapRow) -> Sequence[Any]:
        ending = (row.status, row.error, row.cost, row.attempts, row.session)
        answer = to_jsonable_python(row.output, by_alias=True, inf_nan_mode="null")
        return self.columns.cells(row.row, answer, ending, _evidence(row))


def _evidence(row: MapRow) -> dict[str, Evidence]:
    """Where the fields of the answer were found, as far as the run says so."""
    found = row.result.evidence if row.result else {}
    return {name: Evidence(each.source, each.status) for name, each in found.items()}
