"""`agentkit run`: one question, one answer."""

from __future__ import annotations

import argparse
import asyncio
import sys
from functools import partial

from agentkit.cli.agent_options import (
    add_agent_options,
    add_limit_options,
    agent_of,
    named_agent,
)
from agentkit.cli.beginning import (
    add_session_options,
    add_wait_option,
    beginning_of,
    closed_at_the_end,
    commands_for,
    when_busy,
)
from agentkit.cli.kept import add_store_options, store_for
from agentkit.cli.leaving import drive_with
from agentkit.cli.options import Commands, add_command
from agentkit.cli.question import add_question_options, question_of, with_parts
from agentkit.cli.telling import Teller, add_output_options, tell_end, tell_what_is_left_out
from agentkit.cli.terminal import terminal_for
from agentkit.cli.trip import Trips

EXAMPLES = """\
  agentkit run "What time is it now in Europe/Oslo?" -t agentkit_tools:now
  agentkit run "And now in Asia/Tokyo?" -c -t agentkit_tools:now
  agentkit run "Which is larger, Chad or Niger?" -a bot.py:agent --session geography
  agentkit run "The largest city of Chad" --schema 'name str, population int'
  agentkit run "Say in one sentence what this is about" < notes.txt
  agentkit run "What is on this picture?" --image cat.png -m openai:gpt-5-mini
  agentkit run "Hello" -m qwen3 --base-url http://localhost:1234/v1 --json --no-log
"""


def add(commands: Commands) -> None:
    """Add the command's parser."""
    parser = add_command(commands, "run", "ask a question and print the answer", EXAMPLES)
    parser.set_defaults(command=command)
    add_question_options(parser)
    add_agent_options(parser)
    add_limit_options(parser)
    add_session_options(parser)
    add_wait_option(parser)
    add_store_options(parser)
    add_output_options(parser)


def command(arguments: argparse.Namespace) -> int:
    """Run the agent on the question; the exit code."""
    question = question_of(arguments.question, sys.stdin)
    return drive_with(partial(_command, arguments, question))


def _command(arguments: argparse.Namespace, question: str, runner: asyncio.Runner) -> int:
    named = named_agent(arguments)
    store = store_for(arguments, named)
    with closed_at_the_end(store, runner):
        beginning = runner.run(beginning_of(arguments, store))
        agent = agent_of(arguments, beginning.setup)
        said = with_parts(question, arguments.image, arguments.file)
        teller = Teller.of(arguments, beginning.setup, is_kept=store is not None)
        tell_what_is_left_out(beginning.log, agent, teller.progress, is_named=named is not None)
        trips = Trips(agent, store, runner, terminal_for(arguments), when_busy(arguments))
        ending = trips.say(said, beginning.session, teller)
        commands = commands_for(arguments, ending.result.session, store, named)
        return tell_end(ending, teller, commands)
