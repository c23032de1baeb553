"""`agentkit tools`: what tools there are, and what a model is told of them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from agentkit.cli.answer import write, write_json
from agentkit.cli.loading import load_tools
from agentkit.cli.options import Commands, add_command
from agentkit.cli.safe_text import one_line, visible
from agentkit.tools import Tool

READY_MADE = "agentkit_tools"

EXAMPLES = """\
  agentkit tools                        the ready-made ones
  agentkit tools tools.py               those of a file
  agentkit tools tools.py:population    all that a model is told of one
  agentkit tools agentkit_tools --json  as a request carries them
"""


def add(commands: Commands) -> None:
    """Add the command's parser."""
    parser = add_command(commands, "tools", "list tools, or explain one", EXAMPLES)
    parser.set_defaults(command=command)
    parser.add_argument(
        "specs", metavar="SPEC", nargs="*", help="tools.py, tools.py:name or module:name"
    )
    parser.add_argument("--json", action="store_true", help="the wire's own schemas, as a list")


def command(arguments: argparse.Namespace) -> int:
    """Print the tools; the exit code."""
    tools = [tool for spec in arguments.specs or [READY_MADE] for tool in load_tools(spec)]
    if arguments.json:
        write_json(sys.stdout, [tool.schema() for tool in tools])
    elif arguments.specs and len(tools) == 1:
        write(sys.stdout, _shown(f"{tools[0].explain()}\n"))
    else:
        write_tools(tools)
    return 0


def write_tools(tools: Sequence[Tool[..., Any]]) -> None:
    """Print the names of the tools, a line each, with what running one again does."""
    write(sys.stdout, _shown(_table(tools)))


def _table(tools: Sequence[Tool[..., Any]]) -> str:
    width = max(len(tool.name) for tool in tools)
    return "".join(
        f"{tool.name:<{width}}  {tool.effect:<10}  {_first_line(tool.description)}".rstrip() + "\n"
        for tool in tools
    )


def _first_line(text: str) -> str:
    return one_line(text.strip().partition("\n")[0])


def _shown(text: str) -> str:
    return visible(text) if sys.stdout.isatty() else text
