"""What every command's parser has in common, and kinds of option values."""

from __future__ import annotations

import argparse
import math
import re
import sys
import textwrap
from collections.abc import Iterable
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""The parsers of the commands, which a command adds its own to."""


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Writes what Python 3.11 does, wherever later ones have ways of their own.

    `-a SPEC, --agent SPEC`, which is `-a, --agent SPEC` from 3.13 on, and a usage whose lines
    break between options only, and from 3.13 on within `[--json | --jsonl]`, too.
    """

    def _format_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[argparse._MutuallyExclusiveGroup],
        prefix: str | None,
    ) -> str:
        actions, groups = list(actions), list(groups)
        options = [action for action in actions if action.option_strings]
        width, self._width = self._width, sys.maxsize
        begun = super()._format_usage(usage, options, groups, prefix).rstrip()
        whole = super()._format_usage(usage, actions, groups, prefix).rstrip()
        self._width = width
        indent = " " * (begun.index(self._prog) + len(self._prog) + 1)
        lines = [begun, indent + whole.removeprefix(begun).lstrip()]
        if len(whole) > width:
            whole = "\n".join(_broken(line.rstrip(), width, indent) for line in lines).rstrip()
        return f"{whole}\n\n"

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, self._get_default_metavar_for_optional(action))
        return ", ".join(f"{option} {value}" for option in action.option_strings)


def _broken(line: str, width: int, indent: str) -> str:
    """The line as many, none broken within brackets."""
    kept = re.sub(r"\[.*?\]+(?=\s|$)", lambda option: option[0].replace(" ", "\xa0"), line)
    wrapped = textwrap.fill(
        kept, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return wrapped.replace("\xa0", " ")


def add_command(
    commands: Commands, name: str, summary: str, examples: str
) -> argparse.ArgumentParser:
    """A parser for a command of that name, its examples at the end of its help."""
    parser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=f"examples:\n{examples}",
    )
    parser.add_argument(
        "--traceback", action="store_true", help="show the whole traceback of what went wrong"
    )
    return parser


def not_empty(text: str) -> str:
    """An option's value that names something, which an unset variable in a script does not."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the value is empty")
    return text


def at_least_one(text: str) -> int:
    """An option's value that counts something."""
    number = _whole(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def not_negative(text: str) -> int:
    """An option's value that counts something, where 0 stands for no bound."""
    number = _whole(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is not 0 or more")
    return number


def seconds(text: str) -> float:
    """An option's value that is a time in seconds."""
    return _above_zero(text, "a number of seconds", "a finite time")


def dollars(text: str) -> float:
    """An option's value that is an amount of US dollars."""
    return _above_zero(text, "a number of dollars", "a finite amount")


def port(text: str) -> int:
    """An option's value that is a TCP port; 0 is any free one."""
    number = _whole(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 65535")
    return number


def _above_zero(text: str, kind: str, finite: str) -> float:
    try:
        number = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is not {kind}") from error
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"{text} is not {finite}")
    if number <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number") from error
