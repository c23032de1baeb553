"""`agentkit resume`: going on with a run where it stands."""

from __future__ import annotations

import argparse
import asyncio
from functools import partial

from agentkit.agent import Agent
from agentkit.cli.agent_options import add_agent_options, add_limit_options, agent_of, named_agent
from agentkit.cli.beginning import (
    add_wait_option,
    closed_at_the_end,
    commands_for,
    kept_session,
    store_with_sessions,
    when_busy,
)
from agentkit.cli.kept import add_db_option
from agentkit.cli.leaving import drive_with
from agentkit.cli.options import Commands, add_command
from agentkit.cli.same_agent import tools_gone
from agentkit.cli.telling import Teller, add_output_options, tell_end
from agentkit.cli.terminal import terminal_for
from agentkit.cli.trip import Trips
from agentkit.errors import ConfigurationError
from agentkit.records import Setup

EXAMPLES = """\
  agentkit resume run_4f2a
  agentkit resume run_4f2a -a bot.py:agent --max-turns 50
"""


def add(commands: Commands) -> None:
    """Add the command's parser."""
    summary = "go on with a run: after a crash, a limit, an error, an interrupt, an approval"
    parser = add_command(commands, "resume", summary, EXAMPLES)
    parser.set_defaults(command=command)
    parser.add_argument("session", metavar="ID", help="a run, by its id or the beginning of it")
    add_agent_options(parser)
    add_limit_options(parser)
    add_wait_option(parser)
    add_db_option(parser)
    add_output_options(parser)


def command(arguments: argparse.Namespace) -> int:
    """Go on with the run; the exit code."""
    return drive_with(partial(_command, arguments))


def _command(arguments: argparse.Namespace, runner: asyncio.Runner) -> int:
    named = named_agent(arguments)
    store = store_with_sessions(arguments, named)
    with closed_at_the_end(store, runner):
        beginning = runner.run(kept_session(arguments, store))
        agent = agent_of(arguments, beginning.setup, keeps_form=True)
        _check_has_tools(agent, beginning.setup, arguments)
        teller = Teller.of(arguments, beginning.setup, is_kept=True)
        trips = Trips(agent, store, runner, terminal_for(arguments), when_busy(arguments))
        ending = trips.resume(beginning.session, teller)
        commands = commands_for(arguments, ending.result.session, store, named)
        return tell_end(ending, teller, commands)


def _check_has_tools(agent: Agent, setup: Setup | None, arguments: argparse.Namespace) -> None:
    """Whoever names no agent and no tools has forgotten them, and calls would wait for nothing."""
    gone = tools_gone(setup, agent)
    if gone and not (arguments.agent or arguments.tools):
        names = ", ".join(gone)
        raise ConfigurationError(
            f"The run has the tools {names}, which are in no log. Name its agent with -a, "
            "or its tools with -t."
        )
