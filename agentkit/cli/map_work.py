"""The steps of `agentkit map`: what there is, a pilot, the job, and what it came to."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from agentkit.agent import Agent
from agentkit.cli.answer import write_json
from agentkit.cli.errors import ROWS_FAILED, note
from agentkit.cli.map_display import Display, display_for, is_same_terminal
from agentkit.cli.map_end import End, Following, end_wire, last_line, tell_failures
from agentkit.cli.map_job import Looking, ended
from agentkit.cli.map_options import ALL, job_options
from agentkit.cli.map_out import Out
from agentkit.cli.map_pilot import (
    estimate_line,
    estimate_wire,
    first_missing,
    left_after,
    pilot_table,
)
from agentkit.cli.table import dollars, lines_on
from agentkit.cli.terminal import terminal_for
from agentkit.encoding import Wire
from agentkit.jobs.estimates import Estimate
from agentkit.jobs.job import Job
from agentkit.jobs.results import Launch, MapRow
from agentkit.stores.protocol import Store
from agentkit.tables.places import STANDARD
from agentkit.tables.sources import Source
from agentkit.tables.template import Template


@dataclass(frozen=True)
class TableWork:
    """A table that is worked on, and how."""

    arguments: argparse.Namespace
    agent: Agent
    prompt: str
    source: Source
    out: Out
    store: Store | None

    def job(self, **changes: Any) -> Job:
        """A job over it, some of its options changed."""
        place: dict[str, Any] = {} if self.store is None else {"store": self.store}
        options = {"out": self.out, **job_options(self.arguments), **place, **changes}
        return self.agent.map(self.source, self.prompt, **options)

    async def launch(self, limit: int | None = None) -> Launch:
        """What the log has of it, or of so many first rows of it."""
        return await self.job(**({} if limit is None else {"limit": limit})).launch()

    async def pilot(self, wanted: int, total: int, rows: list[MapRow]) -> Job:
        """A job over so many first rows that so many are asked, which are added to `rows`."""

        async def missing(limit: int) -> int:
            return (await self.launch(limit)).to_ask

        def hear(row: MapRow) -> None:
            if not row.is_kept:
                rows.append(row)

        limit = await first_missing(wanted, total, missing)
        # what is there already is not to be replaced by a few rows
        out = self.out if self.out.is_new else self.out.checked_only
        return self.job(limit=limit, out=out, on_row=hear)


@dataclass
class Work:
    """The command at work. Between two steps nothing runs, so that a person can be asked."""

    table: TableWork
    following: Following
    runner: asyncio.Runner
    display: Display = field(init=False)
    before: float = 0.0
    """US dollars of earlier jobs that count against the budget."""
    estimate: Wire | None = None
    """What the rest would take, where a pilot has shown it."""

    def __post_init__(self) -> None:
        is_shared = self.table.arguments.out == STANDARD and is_same_terminal(
            sys.stdout, sys.stderr
        )
        self.display = display_for(
            sys.stderr, is_quiet=self.table.arguments.quiet, shares_with_rows=is_shared
        )

    def done(self) -> int:
        """All of it; the exit code."""
        arguments, began = self.table.arguments, time.monotonic()
        end = None
        if arguments.json or arguments.pilot or arguments.budget:
            launch = self.runner.run(self.table.launch())
            self.before = launch.cost if arguments.budget else 0.0
            if arguments.json:
                write_json(sys.stdout, self._launch_wire(launch))
            if arguments.pilot:
                end = self._pilot(launch)
        if end is None:
            end = self._ended(self._whole_job(time.monotonic() - began))
        return self._told(end)

    def _whole_job(self, elapsed: float) -> Job:
        """What a pilot has asked anew is not asked anew once more."""
        arguments, changes = self.table.arguments, {}
        if arguments.refresh == ALL and arguments.pilot:
            changes["refresh"] = timedelta(seconds=elapsed)
        return self.table.job(on_row=self.following.seen.hear, **changes)

    def _ended(self, job: Job) -> End:
        seen, budget = self.following.seen, self.table.arguments.budget
        looking = Looking(job.progress, lambda: seen.cached, self.before, budget)
        return self.runner.run(ended(job, self.display, looking))

    def _pilot(self, launch: Launch) -> End | None:
        """The end, where it ends behind the pilot; None where it goes on."""
        arguments, rows = self.table.arguments, list[MapRow]()
        to_do = launch.to_ask
        if to_do <= arguments.pilot:
            return None
        end = self._ended(self.runner.run(self.table.pilot(arguments.pilot, launch.total, rows)))
        if end.result is None or end.code not in (0, ROWS_FAILED):
            return end
        if not rows:  # another process has done them meanwhile
            return None
        left = left_after(to_do, arguments.pilot, rows, arguments.only)
        estimate = end.result.estimate(left)
        self.before += (end.result.cost or 0.0) if arguments.budget else 0.0
        self._show(rows, estimate, left)
        self._warn(estimate)
        try:
            return None if self._is_agreed() else End(end.result, is_pilot=True)
        except KeyboardInterrupt:
            return End(end.result, is_interrupted=True)

    def _show(self, rows: list[MapRow], estimate: Estimate, left: int) -> None:
        self.estimate = estimate_wire(left, estimate)
        columns = Template.of(self.table.prompt).columns_used or self.table.source.columns
        width = shutil.get_terminal_size().columns
        in_order = sorted(rows, key=lambda row: row.index)
        table = pilot_table(in_order, columns, width)
        write = lines_on(sys.stderr)
        for line, style in zip(table.lines(width), ["bold", *table.styles], strict=True):
            write(line, style)
        note(estimate_line(left, estimate))

    def _warn(self, estimate: Estimate) -> None:
        budget, most = self.table.arguments.budget, estimate.high_cost or estimate.cost
        if budget is not None and most is not None and self.before + most > budget:
            note(f"With the {dollars(self.before)} spent, that may be more than the budget.")

    def _is_agreed(self) -> bool:
        if self.table.arguments.yes:
            return True
        terminal = terminal_for(self.table.arguments)
        if terminal is None:
            return False
        try:
            return terminal.ask_anew("Go on? [y/N] ").casefold() in ("y", "yes")
        except EOFError:
            return False

    def _told(self, end: End) -> int:
        arguments = self.table.arguments
        tell_failures(end, self.following)
        word, next_command = self.following.of(end)
        if arguments.json:
            where = self.table.out.place
            write_json(sys.stdout, end_wire(end, where, next_command, self.estimate))
        said = last_line(end, self._where(), is_piped=arguments.rows == STANDARD)
        note(f"{said} {word}: {next_command}" if next_command else said)
        return end.code

    def _where(self) -> str:
        """Where the results are, in words."""
        if not self.table.out.has_rows:
            return "nowhere" if self.table.store is None else "in the log"
        return "on standard output" if self.table.out.is_standard else f"in {self.table.out.place}"

    def _launch_wire(self, launch: Launch) -> Wire:
        arguments = self.table.arguments
        model = self.table.agent.model
        return {
            "kind": "launch",
            "table": self.table.source.name,
            "rows": launch.total,
            "done": launch.done,
            "failed": launch.failed,
            "to_do": launch.to_ask,
            "spent": launch.cost,
            "out": arguments.out,
            "model": getattr(model, "name", type(model).__name__),
            "budget": arguments.budget,
            "pilot": arguments.pilot,
        }
