"""`agentkit fork`: a new run that begins as another one did."""

from __future__ import annotations

import argparse

from agentkit.cli.errors import FAILED, say
from agentkit.cli.kept import add_db_option, in_use, nothing_yet, session_named, store_to_look_at
from agentkit.cli.leaving import drive
from agentkit.cli.options import Commands, add_command, at_least_one, not_empty
from agentkit.sessions import fork
from agentkit.stores.protocol import Store

EXAMPLES = """\
  agentkit fork run_4f2a --at 3        with the records 1 to 3 of `agentkit show run_4f2a`
  agentkit fork run_4f2a --name other
  agentkit resume "$(agentkit fork run_4f2a --at 3)"
"""


def add(commands: Commands) -> None:
    """Add the command's parser."""
    summary = "begin a new run with the first records of another, and print its id"
    parser = add_command(commands, "fork", summary, EXAMPLES)
    parser.set_defaults(command=command)
    parser.add_argument("session", metavar="ID", help="a run, by its id or the beginning of it")
    parser.add_argument(
        "--at",
        metavar="N",
        type=at_least_one,
        help="the last record to keep, as `agentkit show` numbers them (default: all)",
    )
    parser.add_argument("--name", metavar="NEW", type=not_empty, help="the id of the new run")
    add_db_option(parser)


def command(arguments: argparse.Namespace) -> int:
    """Fork the run and print the new id; the exit code."""
    store = store_to_look_at(arguments)
    if store is None:
        say(nothing_yet(arguments))
        return FAILED
    return drive(_fork(store, arguments))


async def _fork(store: Store, arguments: argparse.Namespace) -> int:
    async with in_use(store):
        session = await session_named(store, arguments.session)
        print(await fork(store, session, arguments.at, arguments.name))
    return 0
