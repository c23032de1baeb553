"""`agentkit doctor`: what a server can do, and what to mend first where it does not answer."""

from __future__ import annotations

import argparse

from agentkit.cli.agent_options import add_model_options
from agentkit.cli.leaving import drive
from agentkit.cli.options import Commands, add_command, seconds
from agentkit.responses.probing.probes import PROBES

PATIENCE = 60.0
"""Seconds that a request may take."""

EXAMPLES = """\
  agentkit doctor
  agentkit doctor -m ollama:qwen3
  agentkit doctor --base-url http://localhost:1234/v1
  agentkit doctor -m cometapi:gpt-4.1 --only tools --only structured
  agentkit doctor -m offline --json | jq -r .python

exit codes:
  0 all works that agents need, or that --only names   1 something of it does not   2 wrong use
"""


def add(commands: Commands) -> None:
    """Add the command's parser."""
    summary = "find out what a server can do, and what to mend where it does not answer"
    parser = add_command(commands, "doctor", summary, EXAMPLES)
    parser.set_defaults(command=command)
    add_model_options(parser)
    parser.add_argument(
        "--only",
        metavar="NAME",
        action="append",
        default=[],
        choices=[probe.name for probe in PROBES],
        help="only this, and what it needs; may be repeated: %(choices)s",
    )
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=seconds,
        default=PATIENCE,
        help="how long a request may take (default: %(default)g)",
    )
    parser.add_argument("--json", action="store_true", help="a JSON object with all that was found")
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="every request and what came back, too"
    )


def command(arguments: argparse.Namespace) -> int:
    """Print what was found; the exit code."""
    # what it takes to ask a server takes longer to load than all other commands
    from agentkit.cli.doctor_visit import visit

    return drive(visit(arguments))
