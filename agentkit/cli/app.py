"""The command: its parser, and what becomes of an error that a command ends with."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from importlib import metadata
from typing import Any, NoReturn

from agentkit.cli import (
    cache,
    chat,
    cost,
    doctor,
    fork,
    map_run,
    resume,
    run,
    runs,
    serve,
    show_run,
    tools,
    word,
)
from agentkit.cli.errors import BROKEN_PIPE, FAILED, INTERRUPTED, MISUSED, complain, say
from agentkit.cli.options import HelpFormatter
from agentkit.cli.safe_text import one_line
from agentkit.cli.streams import give_up_what_cannot_be_written, prepare_streams
from agentkit.errors import AgentkitError

COMMANDS = (
    run,
    map_run,
    chat,
    runs,
    show_run,
    resume,
    word,
    fork,
    cost,
    cache,
    tools,
    serve,
    doctor,
)
"""One module a command: its `add` takes the parsers to add its own to, in the order of the help."""

EXAMPLES = """\
examples:
  agentkit run "What time is it now in Europe/Oslo?" -t agentkit_tools:now
  agentkit run "Which is larger, Chad or Niger?" -a bot.py:agent
  agentkit map rows.csv -p "Who leads {company}?" -o out.csv --pilot 10
  agentkit chat -c -a bot.py:agent
  agentkit runs --waiting
  agentkit tools tools.py
  agentkit serve -m offline

exit codes:
  0 answered   1 failed   2 wrong use   3 a limit was met   4 a word is waited for
  5 some rows of a table have no answer   130 interrupted
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that `argv` (or the process's own arguments) names; its exit code."""
    prepare_streams()
    try:
        code = _run(parser().parse_args(argv))
        sys.stdout.flush()
    except BrokenPipeError:
        code = BROKEN_PIPE
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        say(f"{place}{error.strerror or error}")
        code = FAILED
    give_up_what_cannot_be_written()
    return code


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command; each command's own leaves its function in `command`."""
    whole = _Parser(
        prog="agentkit",
        description="Run agents that call tools, over the Responses wire.",
        epilog=EXAMPLES,
    )
    whole.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    whole.set_defaults(command=partial(_help, whole))
    commands = whole.add_subparsers(metavar="COMMAND", title="commands")
    for command in COMMANDS:
        command.add(commands)
    return whole


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line, and whose help is the same on every Python."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, formatter_class=HelpFormatter, allow_abbrev=False)
        self.color = False
        """Python 3.14 has colours by default."""

    def error(self, message: str) -> NoReturn:
        text = one_line(message).removesuffix(".")
        self.exit(MISUSED, f"agentkit: {text}. See `{self.prog} --help`.\n")


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        try:
            version = metadata.version("agentkit")
        except metadata.PackageNotFoundError:
            version = "(not installed)"
        print(f"agentkit {version}")
        parser.exit()


def _help(whole: argparse.ArgumentParser, _: argparse.Namespace) -> int:
    whole.print_help()
    return 0


def _run(arguments: argparse.Namespace) -> int:
    try:
        code: int = arguments.command(arguments)
    except KeyboardInterrupt:
        say("Interrupted.")
        return INTERRUPTED
    except AgentkitError as error:
        return complain(error, shows_traceback=arguments.traceback)
    return code
