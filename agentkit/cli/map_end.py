"""What a job over a table came to: its exit code, the failed rows, and the last line."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field

from agentkit.agent import Agent
from agentkit.cli.errors import EXIT_CODES, INTERRUPTED, ROWS_FAILED, exit_code, say, say_command
from agentkit.cli.errors import told as in_words
from agentkit.cli.map_again import list_waiting, map_again, more_dollars, show_row
from agentkit.cli.map_block import span
from agentkit.cli.safe_text import one_line
from agentkit.cli.show import counted
from agentkit.cli.table import dollars
from agentkit.encoding import Wire
from agentkit.jobs.results import MapResult, MapRow
from agentkit.jobs.trying import is_cut_short
from agentkit.stores.protocol import Store

MOST_NAMED = 3
"""Failed rows that are told one by one."""
MOST_OF_A_REASON = 200


@dataclass(frozen=True)
class RowSeen:
    """What is told of a row."""

    number: int
    """The first row is 1."""
    session: str
    error: str | None


@dataclass
class Seen:
    """A few of the rows that went by."""

    failed: list[RowSeen] = field(default_factory=list)
    answered: RowSeen | None = None
    cached: int = 0
    """Rows whose answer came from the cache."""

    def hear(self, row: MapRow) -> None:
        """Keep the first of each kind."""
        self.cached += _is_cached(row)
        seen = RowSeen(row.index + 1, row.session, row.error)
        if row.is_done:
            self.answered = self.answered or seen
        elif len(self.failed) < MOST_NAMED and not _is_cut_off(row):
            self.failed.append(seen)


def _is_cut_off(row: MapRow) -> bool:
    """Whether it was the job that did not let the row end, which is told once for all."""
    return is_cut_short(row) or (row.status == "cancelled" and not row.is_kept)


def _is_cached(row: MapRow) -> bool:
    answer = None if row.is_kept or row.result is None else row.result.log.last_answer
    return answer is not None and answer.is_cached


@dataclass(frozen=True)
class End:
    """How a job ended."""

    result: MapResult | None
    """None where it was interrupted before it began."""
    error: Exception | None = None
    is_interrupted: bool = False
    is_pilot: bool = False
    """Whether it stopped behind the pilot for somebody's word."""

    @property
    def code(self) -> int:
        """The exit code."""
        if self.is_interrupted or self.result is None:
            return INTERRUPTED
        if self.error is not None:
            return exit_code(self.error)
        if self.is_pilot:
            return EXIT_CODES["waiting"]
        if self.result.is_out_of_budget:
            return EXIT_CODES["limited"]
        return ROWS_FAILED if self.result.failed else 0


@dataclass(frozen=True)
class Following:
    """What to do behind a job, by how it ended."""

    arguments: argparse.Namespace
    seen: Seen
    store: Store | None
    """Where the rows' logs are, None where none are kept."""
    named: Agent | None
    """The agent that `-a` names."""

    def of(self, end: End) -> tuple[str, str]:
        """What it is called, and its command."""
        result = end.result
        if self.store is None:
            return self._anew(end)
        if result is not None and result.is_out_of_budget:
            rest = result.estimate(result.left)
            more = more_dollars(self.arguments.budget or result.cost or 1.0, rest.high_cost)
            return "Go on with more", self._again(budget=more)
        if end.code in (0, ROWS_FAILED) and result is not None:
            if result.left:  # as `--only` said
                return "Ask the others", self._again(only=None)
            return self._again_or_show(result)
        return "Go on", self._again()

    def _again(self, **changes: object) -> str:
        return map_again(self.arguments, **{"pilot": None, "yes": None, **changes})

    def _again_or_show(self, result: MapResult) -> tuple[str, str]:
        if result.failed and result.failed == result.waiting:
            return "Decide on them", list_waiting(self.arguments, self.store, self.named)
        if result.failed:
            return "Try them again", self._again(only="failed", refresh=None)
        if self.seen.answered is None:
            return "", ""
        return "See how one came about", self.show(self.seen.answered)

    def _anew(self, end: End) -> tuple[str, str]:
        """Without a log there is nothing to go on with."""
        if end.code == 0:
            return "", ""
        return "Nothing was kept to go on with; with a log", self._again(no_log=None)

    def show(self, row: RowSeen) -> str:
        """The command that shows what happened to a row."""
        return show_row(row.session, self.arguments, self.store, self.named)


def tell_failures(end: End, following: Following) -> None:
    """Say what went wrong: with the first rows that failed, and with all of it."""
    result = end.result
    for row in following.seen.failed:
        reason = one_line(row.error or "no answer", MOST_OF_A_REASON)
        text = f"Row {row.number:,}: {reason}{'' if reason.endswith(('.', '!', '?')) else '.'}"
        if following.store is None:
            say(text)
        else:
            say_command(f"{text} See:", following.show(row))
    if result is not None and 0 < result.waiting < result.failed:
        waiting = counted(result.waiting, "row")
        say(f"{waiting} waiting for a person's word: `agentkit runs --rows --waiting` lists them.")
    if end.error is not None:
        say(in_words(end.error))


def last_line(end: End, where: str, *, is_piped: bool) -> str:
    """Where the results are, and what they took."""
    result = end.result
    if result is None:
        return "Interrupted before any row was asked."
    whole = counted(result.total, "row")
    rows = f"{result.total - result.left:,} of {whole}" if result.left else whole
    again = " Pipe the same rows in again." if is_piped and end.code else ""
    return f"{rows} {one_line(where)}: {', '.join(_counts(result))}.{again}"


def _counts(result: MapResult) -> Iterator[str]:
    yield f"{result.done:,} done"
    if failed := result.failed - result.waiting:
        yield f"{failed:,} failed"
    if result.waiting:
        yield f"{result.waiting:,} {'waits' if result.waiting == 1 else 'wait'}"
    if result.left:
        yield f"{result.left:,} left"
    if result.kept:
        yield f"{result.kept:,} of these from before"
    yield "cost unknown" if result.cost is None else dollars(result.cost)
    yield span(result.seconds)


def end_wire(end: End, where: str, command: str, estimate: Wire | None) -> Wire:
    """The end of a job as a JSON object."""
    result = end.result
    counts = ("total", "done", "failed", "kept", "left", "waiting", "cost", "seconds")
    error = end.error
    return {
        "kind": "done",
        **{("rows" if name == "total" else name): getattr(result, name, None) for name in counts},
        "out": where,
        "exit_code": end.code,
        "error": error and {"type": type(error).__name__, "message": str(error)},
        "estimate": estimate,
        "next": command or None,
    }
