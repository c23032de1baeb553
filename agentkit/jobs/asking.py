"""One row: its session, and what is done in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from agentkit.context import context_wire
from agentkit.conversation import Conversation, Replay
from agentkit.errors import AgentkitError, Conflict
from agentkit.input import UserInput, input_items
from agentkit.jobs.keys import Keys
from agentkit.jobs.options import Only
from agentkit.jobs.results import MapRow
from agentkit.jobs.standing import NO_ANSWER, Standing, Way, is_done, one_line, standing_of, why
from agentkit.jobs.trying import Asked, Failures
from agentkit.journal import Journal, LateJournal, summary_of
from agentkit.limits import Limits
from agentkit.log import Log
from agentkit.output import OutputFormat
from agentkit.records import Answer, Compaction
from agentkit.responses.response import Model, Usage
from agentkit.result import RunResult, broken_off
from agentkit.resuming import Opening, begun, check_run, go_on, resumed
from agentkit.run import Run
from agentkit.secrets import Secrets
from agentkit.sessions import Place, opened
from agentkit.stores.protocol import Kept, Logs, Store
from agentkit.tables.table import Row
from agentkit.tables.template import Prompt
from agentkit.tools import Tool


@dataclass(frozen=True)
class Asker:
    """Who is asked: an agent, as far as a job has to know it."""

    models: Sequence[Model]
    asked: Mapping[str, Any]
    """Its instructions, tools and settings, as its requests have them."""
    conversation: Conversation
    output: OutputFormat | None
    tools: Mapping[str, Tool]
    secrets: Secrets
    store: Store | None
    limits: Limits
    run: Callable[[Place, Limits], Run]
    """The run that goes on at a place, so far."""
    with_evidence: bool = False
    """Whether it says where each field of an answer was found."""

    @property
    def keys(self) -> Keys:
        """Names the sessions of its rows."""
        state = "" if isinstance(self.conversation, Replay) else type(self.conversation).__name__
        rest = {
            "output": self.output.schema if self.output else None,
            "state": state,
            "context": context_wire(getattr(self.conversation, "context", None)),
            "evidence": self.with_evidence,
        }
        own = {key: value for key, value in rest.items() if value}
        return Keys.of(self.models, self.asked, own, self.secrets)


@dataclass(frozen=True)
class Policy:
    """Which rows are asked."""

    only: Only | None = None
    stale: datetime | None = None
    """Answers from before this moment are asked anew."""
    refresh: timedelta | None = None
    """How old an answer of the cache may be then; None for any age."""

    def way(self, standing: Standing, kept: Kept) -> Way | None:
        """What is done about a row; None where nothing is, and nothing is known of it."""
        was_tried = not standing.is_new or kept.parent is not None
        if self.only == "new" and was_tried:
            return "keep"
        if self.only == "failed" and not was_tried:
            return None
        if self.only is None and standing.is_done and self._is_stale(kept):
            return "anew"
        return standing.way

    def heeded(self, run: Run, way: Way) -> Run:
        """The run, with a cache that gives no answer which the row is not to have."""
        within = timedelta() if way == "anew" else self.refresh
        if run.cache is None or within is None:
            return run
        return replace(run, cache=run.cache.fresher(within))

    def _is_stale(self, kept: Kept) -> bool:
        return self.stale is not None and bool(kept.at) and kept.at[-1] < self.stale


class Asking:
    """Asks rows, each in the session that its question has."""

    def __init__(
        self,
        asker: Asker,
        logs: Logs,
        prompt: Prompt,
        policy: Policy,
        limits: Limits,
        clock: Callable[[], float],
    ) -> None:
        self._asker, self._logs, self._prompt, self._policy = asker, logs, prompt, policy
        self._limits, self._clock = limits, clock
        self._keys = asker.keys
        self._failures = Failures()
        self.is_closed = False
        """Whether no row begins or goes on any more; those that are there are still told."""

    def check(self) -> None:
        """Raise ConfigurationError for what no row could begin with."""
        nowhere = Place(Log(), "", Journal(self._logs, "", 0))
        check_run(self._asker.run(nowhere, self._limits))

    def session_of(self, row: Row) -> str:
        """The name of the session of a row. Raises what the prompt does."""
        return self._keys.session_of(input_items(self._prompt.said(row)))

    async def ask(self, index: int, row: Row, tries: int = 1) -> Asked | None:
        """What comes of a row, which may be there already; None where it has not run.

        Its question is not asked more than so many times, for whichever rows.
        No error of its run is raised, nor that it was cancelled: they are in what is given.
        """
        session = ""
        try:
            said = self._prompt.said(row)
            session = self._keys.session_of(input_items(said))
            async with opened(session, self._logs, "wait") as place:
                return await self._in(place, _Question(index, row, said, tries))
        except Exception as error:  # noqa: BLE001 - the prompt may be the caller's own code
            told = self._asker.secrets.hide(one_line(f"{type(error).__name__}: {error}"))
            failed = MapRow(index, row, None, "failed", False, told, None, 0, session, False)
            return Asked(failed, error=error if session else None)

    async def _in(self, place: Place, question: _Question) -> Asked | None:
        standing = standing_of(place.log, place.session, self._asker.output)
        way = self._policy.way(standing, place.kept)
        if self.is_closed and way is not None:
            way = None if standing.is_new else "keep"
        if way is None:
            return None
        if way == "keep" or self._failures.has(place.session, question.tries):
            return await self._kept(question, standing, place)
        asked = await self._asked(question, place, way)
        self._failures.add(asked, question.tries)
        return asked

    async def _kept(self, question: _Question, standing: Standing, place: Place) -> Asked:
        lost = broken_off(place.log, AgentkitError(NO_ANSWER), place.session)
        result = standing.result or lost
        if (
            result.status == "waiting" and place.journal is not None
        ):  # a process that was killed could not have it listed
            await place.journal.end(place.log)
        return self._failures.shared(map_row(question, place, result, is_kept=True))

    async def _asked(self, question: _Question, place: Place, way: Way) -> Asked:
        if way == "anew":
            place = await set_aside(self._logs, place)
        log, began, before = place.log, self._clock(), len(place.log)
        # what a row asks is said again by the same job again
        late = LateJournal(self._logs, place.session, before)
        place, error = replace(place, journal=late), None
        try:
            run = self._policy.heeded(self._asker.run(place, self._limits), way)
            result = await go_on(run, place, self._opening(question.said, way))
        except (Exception, asyncio.CancelledError) as caught:  # noqa: BLE001 - whoever lands it
            error = caught
            result = getattr(caught, "result", None) or broken_off(log, caught, place.session)
        spent = [each for each in log.records[before:] if isinstance(each, Answer | Compaction)]
        costs = [each.cost for each in spent]
        return Asked(
            map_row(question, place, result),
            None if None in costs else sum(cost for cost in costs if cost),
            sum((usage_of(each) for each in spent), Usage()),
            self._clock() - began,
            error,
        )

    def _opening(self, said: UserInput, way: Way) -> Opening:
        return resumed((), self._asker.tools) if way == "resume" else begun(said)


@dataclass(frozen=True)
class _Question:
    index: int
    row: Row
    said: UserInput
    tries: int


def usage_of(record: Answer | Compaction) -> Usage:
    """The tokens that it took."""
    return record.usage if isinstance(record, Compaction) else record.response.usage


def map_row(
    question: _Question, place: Place, result: RunResult, *, is_kept: bool = False
) -> MapRow:
    """The row with what its run came to."""
    log = result.log
    cost = None if log.unpriced else log.cost
    return MapRow(
        question.index,
        question.row,
        result.output,
        result.status,
        is_done(result),
        why(result),
        cost,
        tried_before(place.kept.parent) + 1,
        place.session,
        is_kept,
        result,
    )


async def set_aside(logs: Logs, place: Place) -> Place:
    """The place to begin anew in a session; what it has come to is kept under another name.

    That is its name with a number behind it, and the parent of the new one: so what it cost stays
    in the ledger, once, and how often it was tried is known.
    """
    old = await _kept_under_a_number(logs, place)
    await logs.append(old, len(place.log), (), summary_of(place.log))
    await logs.delete(place.session)
    await logs.fork(old, 0, place.session)
    return Place(Log(), place.session, Journal(logs, place.session, 0), Kept(parent=old))


async def _kept_under_a_number(logs: Logs, place: Place) -> str:
    number = tried_before(place.kept.parent)
    while True:
        number += 1
        name = f"{place.session}.{number}"
        try:
            await logs.fork(place.session, len(place.log), name)
        except Conflict:  # one that was left by a process that ended in between
            continue
        return name


def tried_before(parent: str | None) -> int:
    """How often a row was begun before it was begun anew, by the parent of its session."""
    number = (parent or "").rpartition(".")[2]
    return int(number) if number.isdecimal() else 0
