"""What a job works on, made and checked before anything is spent."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from os import PathLike
from typing import cast

from agentkit.ages import ANY_AGE
from agentkit.budget import Budget
from agentkit.conversation import Hosted
from agentkit.errors import ConfigurationError
from agentkit.jobs.asking import Asker, Asking, Policy
from agentkit.jobs.memory import MemoryLogs
from agentkit.jobs.options import Plan
from agentkit.jobs.results import Launch
from agentkit.jobs.selecting import Selection
from agentkit.jobs.surveying import Survey
from agentkit.limits import Limits
from agentkit.stores.protocol import Logs
from agentkit.tables.columns import Columns, columns_of
from agentkit.tables.sources import checked, source_from
from agentkit.tables.table import AsyncSource, Rows, Source, TableWriter
from agentkit.tables.template import Prompt
from agentkit.tables.writing import table_for

Clock = Callable[[], float]


@dataclass(frozen=True)
class Prepared:
    """The rows, whom they are asked of, where their logs are, and what is written."""

    asker: Asker
    plan: Plan
    prompt: Prompt
    selection: Selection
    columns: Columns
    logs: Logs
    policy: Policy

    def asking(self, limits: Limits, clock: Clock) -> Asking:
        """What asks its rows, each run within the limits."""
        return Asking(self.asker, self.logs, self.prompt, self.policy, limits, clock)

    def writer(self) -> TableWriter | None:
        """The table that is written; None where the rows stay in memory."""
        out, names = self.plan.out, self.columns.names
        if out is None:
            return None
        origins = self.selection.source.origins
        if isinstance(out, str | PathLike):
            return table_for(out, names, origins=origins)
        return out(names, origins=origins)

    async def launched(self, clock: Clock) -> Launch:
        """What the store has of the rows. Raises ConfigurationError where none can look ahead."""
        source = self.selection.source
        if source.is_once:
            raise ConfigurationError(
                f"rows: {source.name} can be read only once, so nobody can look ahead. Give a list "
                "or a file."
            )
        session_of = self.asking(self.asker.limits, clock).session_of
        survey = Survey(self.logs, session_of, self.asker.output, self.policy)
        return await survey.launched(self.selection.rows())

    async def limits(self, clock: Clock) -> Limits:
        """The limits of each row's run, with the budget of the job.

        What the table has cost before counts; of rows that can be read only once, it is not known.
        """
        own, budget = self.asker.limits, self.plan.budget
        if budget is None:
            return own
        if own.budget is not None:
            raise ConfigurationError("budget: the limits have one already. Give it in one place.")
        if not isinstance(budget, Budget):
            is_once = self.selection.source.is_once
            spent = 0.0 if is_once else (await self.launched(clock)).cost
            budget = Budget(budget, spent=spent)
        return replace(own, budget=budget)


async def prepared(
    asker: Asker, rows: Rows | Source | AsyncSource, prompt: Prompt, plan: Plan, now: datetime
) -> Prepared:
    """What a job works on. Raises ConfigurationError for what cannot work."""
    if isinstance(asker.conversation, Hosted):
        raise ConfigurationError(
            f"state: every row would go on with {asker.conversation.conversation}, and hear of the "
            "others. Use state='replay'."
        )
    source = await _source(rows, prompt)
    schema = asker.output.schema if asker.output else None
    # where no table is written, a row and its answer stand apart and may have the same names
    given = () if plan.out is None else source.columns
    columns = columns_of(given, schema, with_evidence=asker.with_evidence)
    return Prepared(
        asker,
        plan,
        prompt,
        Selection(source, plan.limit, plan.sample),
        columns,
        MemoryLogs() if asker.store is None else asker.store,
        Policy(plan.only, _stale(plan, now), None if plan.refresh == ANY_AGE else plan.refresh),
    )


async def _source(rows: Rows | Source | AsyncSource, prompt: Prompt) -> Source | AsyncSource:
    """The table to read, looked through once where it can be read again."""
    is_made = all(hasattr(rows, name) for name in ("columns", "count", "is_once", "origins"))
    source = cast("Source", rows) if is_made else await source_from(rows)
    if isinstance(source, AsyncIterable):
        prompt.check(source.columns)
        return source
    return checked(source, prompt)


def _stale(plan: Plan, now: datetime) -> datetime | None:
    """The moment from which on answers are fresh enough."""
    if plan.refresh is None or plan.refresh == ANY_AGE:
        return None
    try:
        return now - plan.refresh
    except OverflowError:  # older than the calendar: nothing is
        return None
