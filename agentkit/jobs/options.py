"""What a caller may say of a job, and what is made of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from agentkit.ages import ANY_AGE, Age, checked_age
from agentkit.budget import Budget
from agentkit.errors import ConfigurationError
from agentkit.prices import is_dollars
from agentkit.schema.problems import did_you_mean

if TYPE_CHECKING:
    from datetime import timedelta

    from agentkit.input import UserInput
    from agentkit.jobs.results import MapRow
    from agentkit.limits import Limits
    from agentkit.stores.opened import Where
    from agentkit.tables.table import TableWriter

    Ask = str | Callable[[Mapping[str, Any]], UserInput]
    """A text with `{column}` in it, or a function from a row to what `Agent.run` takes."""

Only = Literal["failed", "new"]


GRACE = 5.0
"""Seconds that running rows have to end."""


class MapOptions(TypedDict, total=False):
    """What a caller may say of a job; each may be left out."""

    out: str | PathLike[str] | Callable[..., TableWriter]
    """Where the table goes: a `.csv`, `.tsv` or `.jsonl` file, `db.sqlite::table`, or `-`.

    Or a function of (columns, origins=…) that gives its writer, such as a `partial` of
    `agentkit.tables.writing.table_for`. Without it the rows are in the result, all in memory.
    """
    store: Where
    """Where the logs of the rows are kept: instead of the agent's own store.

    Without either they are kept in memory while the job runs, and nothing is left of it.
    """
    concurrency: Literal["auto"] | int
    """How many rows run at once. `"auto"`, the default: as many as the server answers well."""
    budget: float | Budget
    """US dollars that the table may cost, earlier jobs of it included; or a Budget as it is."""
    limit: int
    """Only so many rows, the first ones."""
    sample: int
    """Only so many rows, drawn from all over the table, the same each time."""
    only: Only | None
    """Ask only rows that were tried and have no answer, or only those that have never run.

    The others are written as they stand.
    """
    retry: int
    """How often more a row is tried that fails, at the end of the job. 0 unless given."""
    refresh: bool | Age
    """Ask rows anew that have their answer: all, or those whose answer is older than an age.

    The age is a timedelta, seconds, or a text such as `"7d"`.
    """
    deps: Any
    """What the rows' tools find in `ToolContext.deps`."""
    limits: Limits
    """How far the run of each row may go: instead of the agent's own."""
    on_row: Callable[[MapRow], object]
    """Hears of each row when nothing more is done about it in this job."""
    grace: float
    """Seconds that running rows have to end where the job is cancelled. 5 unless given."""


@dataclass(frozen=True)
class Plan:
    """What a caller has said of a job, checked."""

    out: str | PathLike[str] | Callable[..., TableWriter] | None = None
    concurrency: Literal["auto"] | int = "auto"
    budget: float | Budget | None = None
    limit: int | None = None
    sample: int | None = None
    only: Only | None = None
    retry: int = 0
    refresh: timedelta | None = None
    """How old an answer may be, nothing at all for zero; None for any age."""
    on_row: Callable[[MapRow], object] | None = None
    grace: float = GRACE


_OF_THE_RUN = frozenset({"store", "deps", "limits"})
"""Options that the agent heeds, and not the job."""


def plan_of(options: Mapping[str, Any]) -> Plan:
    """The options of a job. Raises ConfigurationError for one that cannot be."""
    for name in options:
        if name not in MapOptions.__annotations__:
            known = list(MapOptions.__annotations__)
            raise ConfigurationError(
                f"map() has no option {name!r}.{did_you_mean(name, known)} "
                f"Options: {', '.join(known)}."
            )
    said = {name: value for name, value in options.items() if name not in _OF_THE_RUN}
    said["refresh"] = _refresh(said.get("refresh", False))
    plan = Plan(**said)
    for name, least in (("limit", 1), ("sample", 1), ("retry", 0)):
        _check_count(name, getattr(plan, name), least)
    if plan.concurrency != "auto":
        _check_count("concurrency", plan.concurrency, 1)
    _check_rest(plan)
    return plan


def _check_rest(plan: Plan) -> None:
    if plan.only not in (None, "failed", "new"):
        raise ConfigurationError(f"only: {plan.only!r:.80} is neither 'failed' nor 'new'.")
    if plan.only and plan.refresh is not None:
        raise ConfigurationError("only: rows that have their answer are not asked, so no refresh.")
    if isinstance(plan.grace, bool) or not isinstance(plan.grace, int | float) or plan.grace < 0:
        raise ConfigurationError(f"grace: expected seconds, 0 or more, got {plan.grace!r:.80}.")
    if plan.on_row is not None and not callable(plan.on_row):
        raise ConfigurationError(f"on_row: expected a function, got {plan.on_row!r:.80}.")
    budget = plan.budget
    if not (budget is None or isinstance(budget, Budget) or (is_dollars(budget) and budget)):
        raise ConfigurationError(f"budget: expected US dollars above 0, got {budget!r:.80}.")


def _check_count(name: str, value: object, least: int) -> None:
    if value is None and name in ("limit", "sample"):
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        more = " or 'auto'" if name == "concurrency" else ""
        raise ConfigurationError(
            f"{name}: expected a number of {least} or more{more}, got {value!r:.80}."
        )


def _refresh(given: bool | Age | None) -> timedelta | None:
    if given is None or given is False:
        return None
    # all of them are older than this
    return ANY_AGE - ANY_AGE if given is True else checked_age(given, "refresh")
