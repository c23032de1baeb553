"""`agentkit tools`: what tools there are, and what a model is told of them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from agentkit.cli.answer import write, write_json
from agentkit.cli.loading import load_tools, toolboxes_of
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
        write_tools(tools, {} if arguments.specs else toolboxes_of(READY_MADE))
    return 0


def write_tools(
    tools: Sequence[Tool[..., Any]], toolboxes: Mapping[str, type] | None = None
) -> None:
    """Print the names of the tools, a line each, with what running one again does.

    Behind them, of toolboxes, what each is for: its tools are there once it is made.
    """
    lines = [(tool.name, str(tool.effect), _first_line(tool.description)) for tool in tools]
    for name, kind in (toolboxes or {}).items():
        lines.append((f"{name}(…)", "toolbox", _first_line(kind.__doc__ or "")))
    width = max(len(name) for name, *_ in lines)
    rows = (f"{name:<{width}}  {kind:<10}  {told}".rstrip() for name, kind, told in lines)
    write(sys.stdout, _shown("".join(f"{row}\n" for row in rows)))


def _first_line(text: str) -> str:
    return one_line(text.strip().partition("\n")[0])


def _shown(text: str) -> str:
    return visible(text) if sys.stdout.isatty() else text
