"""`agentkit runs rm`: delete logged runs, with all that was said in them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime

from agentkit.cli.errors import FAILED, say
from agentkit.cli.kept import add_db_option, in_use, info_named, nothing_yet, store_to_look_at
from agentkit.cli.leaving import drive
from agentkit.cli.options import Commands, add_command
from agentkit.cli.safe_text import one_line
from agentkit.cli.show import counted
from agentkit.cli.when import moment
from agentkit.errors import ConfigurationError, Conflict
from agentkit.stores.protocol import SessionInfo, Store

EXAMPLES = """\
  agentkit runs rm run_4f2a run_9c01
  agentkit runs rm --before 30d
  agentkit runs rm --before 2026-01-31 --yes
"""


def add(commands: Commands) -> None:
    """Add the command's parser."""
    parser = add_command(commands, "rm", "delete runs, with all that was said in them", EXAMPLES)
    parser.set_defaults(command=command)
    parser.add_argument(
        "sessions", metavar="ID", nargs="*", help="a run, by its id or the beginning of it"
    )
    parser.add_argument(
        "--before",
        metavar="WHEN",
        type=moment,
        help="all that have not gone on since then: 7d (m, h, d, w ago) or 2026-01-31",
    )
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask first")
    add_db_option(parser, default=argparse.SUPPRESS)


def command(arguments: argparse.Namespace) -> int:
    """Delete the runs; the exit code is 1 where one of them is under way and stays."""
    if not arguments.sessions and arguments.before is None:
        raise ConfigurationError("Which runs? Give their ids, or --before 30d.")
    if not arguments.yes and not sys.stdin.isatty():
        raise ConfigurationError("Nobody can be asked here. Say --yes to delete.")
    store = store_to_look_at(arguments)
    if store is None:
        say(nothing_yet(arguments))
        return FAILED if arguments.sessions else 0
    return drive(_remove(store, arguments))


async def _remove(store: Store, arguments: argparse.Namespace) -> int:
    async with in_use(store):
        runs = await _meant(store, arguments.sessions, arguments.before)
        if runs and not arguments.yes and not _is_agreed(runs):
            say("Nothing was deleted.")
            return FAILED
        deleted = [run for run in runs if await _is_deleted(store, run.session)]
    print(f"Deleted {counted(len(deleted), 'run')}.")
    return 0 if len(deleted) == len(runs) else FAILED


async def _meant(
    store: Store, names: Sequence[str], before: datetime | None
) -> Sequence[SessionInfo]:
    runs = [await info_named(store, name) for name in names]
    if before is not None:
        runs += await store.list(before=before, limit=None)
    return list({run.session: run for run in runs}.values())


def _is_agreed(runs: Sequence[SessionInfo]) -> bool:
    waiting = sum(run.summary.status == "waiting" for run in runs)
    those = f", {waiting} of them waiting for a word" if waiting else ""
    for run in runs[:10] if len(runs) > 1 else runs:
        print(f"  {one_line(run.session)}  {one_line(run.summary.title)}", file=sys.stderr)
    print(f"Delete {counted(len(runs), 'run')}{those}? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().casefold() in ("y", "yes")


async def _is_deleted(store: Store, session: str) -> bool:
    try:
        async with store.hold(session):
            return await store.delete(session)
    except Conflict:
        say(f"{session} is under way, and stays.")
        return False
