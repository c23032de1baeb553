"""What every command's parser has in common, and kinds of option values."""

from __future__ import annotations

import argparse
import math
import re
import sys
import textwrap
from collections.abc import Iterable
from typing import TypeAlias

from agentkit.ages import checked_age
from agentkit.errors import ConfigurationError

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""The parsers of the commands, which a command adds its own to."""

_IN_BRACKETS = re.compile(r"\[.*?\]+(?=\s|$)")


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Writes what Python 3.11 does, on every later one.

    From 3.13 on, Python has `-a, --agent SPEC` for `-a SPEC, --agent SPEC`, and breaks the
    lines of a usage within `[--json | --jsonl]`.
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
        if len(whole) > width:
            name = begun[: begun.index(self._prog) + len(self._prog)]
            lines = begun.removeprefix(name), whole.removeprefix(begun)
            whole = _broken(name, [line for line in lines if line], width)
        return f"{whole}\n\n"

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, self._get_default_metavar_for_optional(action))
        return ", ".join(f"{option} {value}" for option in action.option_strings)


def _broken(name: str, lines: Iterable[str], width: int) -> str:
    """The name and what follows it, in lines that are none of them broken within brackets."""
    fits = len(name) <= 0.75 * width
    indent = " " * (len(name) + 1 if fits else len("usage: "))
    kept = (_IN_BRACKETS.sub(lambda part: part[0].replace(" ", "\xa0"), line) for line in lines)
    below = "\n".join(
        textwrap.fill(
            line.strip(),
            width,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in kept
    ).replace("\xa0", " ")
    return name + below[len(name) :] if fits else f"{name}\n{below}"


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


def age(text: str) -> str:
    """An option's value that says how old something may be."""
    try:
        checked_age(text, "the age")
    except ConfigurationError as error:
        raise argparse.ArgumentTypeError(str(error).removesuffix(".")) from error
    return text


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
