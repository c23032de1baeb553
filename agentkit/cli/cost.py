"""`agentkit cost`: what the logged runs took, by day, model or session."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict

from agentkit.cli.answer import write_json
from agentkit.cli.errors import say
from agentkit.cli.kept import add_db_option, in_use, nothing_yet, store_to_look_at
from agentkit.cli.leaving import drive
from agentkit.cli.options import Commands, add_command
from agentkit.cli.table import Table, write_rows, write_table
from agentkit.cli.when import LocalTime, moment
from agentkit.cost import Column, Cost, Line, by
from agentkit.encoding import Wire
from agentkit.responses.response import Usage
from agentkit.stores.protocol import Store

COLUMNS: tuple[Column, ...] = ("day", "model", "session")

_NUMBERS = ("ANSWERS", "TOKENS", "IN", "OUT")

EXAMPLES = """\
  agentkit cost                        by day
  agentkit cost --by model --since 7d
  agentkit cost --by session --since 2026-01-01 --json
"""


def add(commands: Commands) -> None:
    """Add the command's parser."""
    summary = "sum up what the logged runs cost, as far as prices are known"
    parser = add_command(commands, "cost", summary, EXAMPLES)
    parser.set_defaults(command=command)
    parser.add_argument(
        "--by", choices=COLUMNS, default="day", help="a line for each (default: %(default)s)"
    )
    parser.add_argument(
        "--since",
        metavar="WHEN",
        type=moment,
        help="only answers since then: 7d (m, h, d, w ago) or 2026-01-31",
    )
    parser.add_argument("--json", action="store_true", help="a JSON array, an object for each")
    add_db_option(parser)


def command(arguments: argparse.Namespace) -> int:
    """Print the sums; the exit code."""
    store = store_to_look_at(arguments)
    if store is None:
        if arguments.json:
            write_json(sys.stdout, [])
        say(nothing_yet(arguments))
        return 0
    return drive(_cost(store, arguments))


async def _cost(store: Store, arguments: argparse.Namespace) -> int:
    async with in_use(store):
        spent = await store.spent(arguments.since)
    lines = by(spent, arguments.by, LocalTime())
    if arguments.json:
        write_json(sys.stdout, [_wire(line, arguments.by) for line in lines])
    elif not lines:
        say("No answers were logged since then." if arguments.since else nothing_yet(arguments))
    elif sys.stdout.isatty():
        write_table(sys.stdout, _table(lines, arguments.by))
    else:
        write_rows(sys.stdout, [_exact_row(line) for line in lines])
    return 0


def _wire(line: Line, column: Column) -> Wire:
    return {
        column: line.key,
        "answers": line.answers,
        **asdict(line.usage),
        "cost": line.cost.known if line.cost.priced else None,
        "unpriced": line.cost.unpriced,
    }


def _table(lines: Sequence[Line], column: Column) -> Table:
    usage, cost = Usage(), Cost()
    for line in lines:
        usage, cost = usage + line.usage, cost + line.cost
    total = Line("all", sum(line.answers for line in lines), usage, cost)
    head = (column.upper(), "ANSWERS", "TOKENS", "IN", "OUT", "COST")
    styles = [*[""] * len(lines), "bold"]
    return Table(head, [_row(line) for line in (*lines, total)], styles, _NUMBERS)


def _row(line: Line) -> tuple[str, ...]:
    usage = line.usage
    counts = (line.answers, usage.total_tokens, usage.input_tokens, usage.output_tokens)
    return line.key or "(no name)", *(f"{count:,}" for count in counts), str(line.cost)


def _exact_row(line: Line) -> tuple[str, ...]:
    usage, cost = line.usage, line.cost
    counts = (line.answers, usage.total_tokens, usage.input_tokens, usage.output_tokens)
    known = str(cost.known) if cost.priced else "?"
    return line.key, *map(str, counts), known, str(cost.unpriced)
