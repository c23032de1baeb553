"""`agentkit map`: a prompt asked for each row of a table, the answers as a table."""

from __future__ import annotations

import argparse
import asyncio
from functools import partial

from agentkit.cli.agent_options import agent_of, named_agent
from agentkit.cli.beginning import closed_at_the_end
from agentkit.cli.kept import store_for
from agentkit.cli.leaving import drive_with
from agentkit.cli.map_options import add_map_options, check_options, prompt_of_option
from agentkit.cli.map_words import in_the_command
from agentkit.cli.options import Commands, add_command
from agentkit.errors import ConfigurationError

EXAMPLES = """\
  agentkit map rows.csv -p "Who leads {company}?" --schema 'leader, since int' -o out.csv
  agentkit map rows.csv -p @prompt.txt -o out.csv --pilot 10 --budget 5.00
  agentkit map "crm.sqlite::select company from accounts" -p "Who leads {company}?" \\
    -o "crm.sqlite::leaders" -a bot.py:agent
  agentkit map rows.csv -p "Who leads {company}?" -o out.csv --only failed --retry 2
  cat names.csv | agentkit map - -p "Where is {city}?" -o out.jsonl --json

exit codes:
  0 every row has its answer   1 failed   2 wrong use   3 the budget is used up
  4 a pilot waits for your word   5 some rows have no answer   130 interrupted
"""


def add(commands: Commands) -> None:
    """Add the command's parser."""
    summary = "ask a question for each row of a table"
    parser = add_command(commands, "map", summary, EXAMPLES)
    parser.description = f"{parser.description} The same again asks only what is missing."
    parser.set_defaults(command=command)
    add_map_options(parser)


def command(arguments: argparse.Namespace) -> int:
    """Ask the rows that are missing, and write the table; the exit code."""
    check_options(arguments)
    prompt = prompt_of_option(arguments.prompt)
    try:
        return drive_with(partial(_command, arguments, prompt))
    except ConfigurationError as error:
        raise in_the_command(error) from error


def _command(arguments: argparse.Namespace, prompt: str, runner: asyncio.Runner) -> int:
    # tables and what shows them take longer to load than the other commands
    from agentkit.cli.map_end import Following, Seen
    from agentkit.cli.map_out import out_for, source_for
    from agentkit.cli.map_work import TableWork, Work

    named = named_agent(arguments)
    agent = agent_of(arguments)
    store = store_for(arguments, named)
    with closed_at_the_end(store, runner):
        out = out_for(arguments)
        work = TableWork(arguments, agent, prompt, source_for(arguments), out, store)
        return Work(work, Following(arguments, Seen(), store, named), runner).done()
