"""`agentkit runs`: what runs are logged, and which of them said something."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict

from agentkit.cli import runs_rm
from agentkit.cli.answer import write_json
from agentkit.cli.errors import note, say
from agentkit.cli.kept import add_db_option, in_use, nothing_yet, store_to_look_at
from agentkit.cli.leaving import drive
from agentkit.cli.listed import Listed, listed
from agentkit.cli.options import Commands, add_command, not_empty, not_negative
from agentkit.cli.safe_text import one_line
from agentkit.cli.show import counted
from agentkit.cli.table import Table, dollars, write_rows, write_table
from agentkit.cli.when import exact, short, utc
from agentkit.encoding import Wire
from agentkit.stores.protocol import Found, SessionInfo, Store
from agentkit.stores.text import words

WAITING = frozenset({"waiting"})
FAILED = frozenset({"failed", "cancelled", "refused", "incomplete", "open"})

MOST = 20
AROUND = 60
"""Characters of a record on either side of the word that was found."""

_NO_BOUND = 10**9
_NUMBERS = ("TURNS", "TOKENS", "COST", "RECORD")
_STYLES = {"waiting": "yellow", "failed": "red", "open": "cyan"}

EXAMPLES = """\
  agentkit runs                    the last 20
  agentkit runs --waiting          those with calls that wait for a word
  agentkit runs -q 'invoice Oslo'  where all these words were said
  agentkit runs --json -n 0 | jq -r '.[] | select(.turns > 5) | .session'
  agentkit runs rm run_4f2a run_9c01
  agentkit runs rm --before 30d
"""


def add(commands: Commands) -> None:
    """Add the command's parser."""
    parser = add_command(commands, "runs", "list the logged runs, the newest first", EXAMPLES)
    parser.set_defaults(command=command)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--waiting", action="store_true", help="only those that wait for a word")
    which.add_argument(
        "--failed",
        action="store_true",
        help="only those without an answer: failed, refused, incomplete, cancelled, or open, "
        "which is broken off or still under way",
    )
    which.add_argument(
        "-q",
        "--query",
        metavar="TEXT",
        type=not_empty,
        help="the records in which all these words were said",
    )
    parser.add_argument(
        "-n",
        "--limit",
        metavar="N",
        type=not_negative,
        default=MOST,
        help="how many, 0 for all (default: %(default)s)",
    )
    parser.add_argument(
        "--rows", action="store_true", help="also those of the rows of `agentkit map`"
    )
    parser.add_argument("--json", action="store_true", help="a JSON array, with all that is known")
    add_db_option(parser)
    runs_rm.add(parser.add_subparsers(metavar="COMMAND", title="commands"))


def command(arguments: argparse.Namespace) -> int:
    """Print the runs, or what was found in them; the exit code."""
    store = store_to_look_at(arguments)
    if store is None:
        if arguments.json:
            write_json(sys.stdout, [])
        say(nothing_yet(arguments))
        return 0
    return drive(_found(store, arguments) if arguments.query else _listed(store, arguments))


async def _listed(store: Store, arguments: argparse.Namespace) -> int:
    wanted = WAITING if arguments.waiting else FAILED if arguments.failed else ()
    most = _most(arguments)
    async with in_use(store):
        if arguments.rows:
            found = Listed([*await store.list(status=wanted, limit=most)])
        else:
            found = await listed(store, status=wanted, most=most)
    runs = found.runs
    if arguments.json:
        write_json(sys.stdout, [info_wire(each) for each in runs])
    elif runs:
        _show(runs)
    elif not found.left_out:
        say("There are no such runs." if wanted else nothing_yet(arguments))
    if found.left_out:
        sys.stdout.flush()
        note(f"without {counted(found.left_out, 'row')} of tables; --rows shows them, too")
    return 0


def _show(runs: Sequence[SessionInfo]) -> None:
    if sys.stdout.isatty():
        write_table(sys.stdout, _runs_table(runs))
    else:
        write_rows(sys.stdout, [_exact_row(each) for each in runs])


def _most(arguments: argparse.Namespace) -> int:
    """How many are asked for, as a number that every database takes."""
    return min(arguments.limit or _NO_BOUND, _NO_BOUND)


def info_wire(info: SessionInfo) -> Wire:
    """A run in a list as a JSON object."""
    return {
        "session": info.session,
        "parent": info.parent,
        "created": utc(info.created),
        "updated": utc(info.updated),
        "records": info.records,
        **asdict(info.summary),
    }


def _runs_table(runs: Sequence[SessionInfo]) -> Table:
    head = ("ID", "WHEN", "STATUS", "TURNS", "TOKENS", "COST", "TITLE")
    styles = [_STYLES.get(each.summary.status, "") for each in runs]
    return Table(head, [_short_row(each) for each in runs], styles, _NUMBERS)


def _short_row(info: SessionInfo) -> tuple[str, ...]:
    said = info.summary
    counts = f"{said.turns:,}", f"{said.tokens:,}", dollars(said.cost)
    return info.session, short(info.updated), said.status, *counts, said.title


def _exact_row(info: SessionInfo) -> tuple[str, ...]:
    said = info.summary
    cost = "?" if said.cost is None else str(said.cost)
    counts = str(said.turns), str(said.tokens), cost
    return info.session, exact(info.updated), said.status, *counts, said.title


async def _found(store: Store, arguments: argparse.Namespace) -> int:
    async with in_use(store):
        found = await store.search(arguments.query, limit=_most(arguments))
    if arguments.json:
        write_json(sys.stdout, [{**asdict(each), "at": utc(each.at)} for each in found])
    elif not found:
        say(f"Nothing was found with {arguments.query!r}.")
    elif sys.stdout.isatty():
        rows = [_found_row(each, arguments.query) for each in found]
        write_table(sys.stdout, Table(("ID", "RECORD", "KIND", "TEXT"), rows, numbers=_NUMBERS))
    else:
        write_rows(sys.stdout, [_found_row(each, arguments.query) for each in found])
    return 0


def _found_row(found: Found, query: str) -> tuple[str, ...]:
    return found.session, str(found.seq + 1), found.kind, excerpt(found.text, query)


def excerpt(text: str, query: str) -> str:
    """The part of a text around the first of the words, on one harmless line."""
    looked_for = "|".join(re.escape(word) for word in words(query))
    hit = re.search(looked_for, text, re.IGNORECASE) if looked_for else None
    begin = max(hit.start() - AROUND, 0) if hit else 0
    end = (hit.end() if hit else 0) + AROUND
    before, after = "…" if begin else "", "…" if end < len(text) else ""
    return f"{before}{one_line(text[begin:end])}{after}"
