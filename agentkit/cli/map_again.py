"""The commands that go on with a table, as a shell reads them."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from typing import Any

from agentkit.agent import Agent
from agentkit.cli.again import AGENT, said, shell_line
from agentkit.cli.map_options import ALL
from agentkit.stores.protocol import Store
from agentkit.tables.places import STANDARD

_BEFORE = {"prompt": "-p", "out": "-o", "replace": "--replace", "kind": "--kind"}
_BEHIND = {
    "wire": "--wire",
    "fallback": "--fallback",
    "cache": "--cache",
    "evidence": "--evidence",
    "require_evidence": "--require-evidence",
    "limit": "--limit",
    "sample": "--sample",
    "only": "--only",
    "retry": "--retry",
    "jobs": "-j",
    "budget": "--budget",
    "pilot": "--pilot",
    "yes": "--yes",
    "db": "--db",
    "no_log": "--no-log",
    "json": "--json",
    "quiet": "-q",
}
_USUAL = {"out": STANDARD, "jobs": "auto"}
"""What need not be said."""


def map_again(arguments: argparse.Namespace, **changes: Any) -> str:
    """The same command, with some of its options changed; None leaves one out.

    Keys and passwords in URLs are left out.
    """
    given = {**vars(arguments), **changes}
    told = {key: _plain(given[key]) for key in given if given[key] != _USUAL.get(key)}
    refresh = told.pop("refresh", None)
    known = argparse.Namespace(**told)
    options = [*said(known, {**_BEFORE, **AGENT, **_BEHIND})]
    if refresh is not None:
        options += ["--refresh"] if refresh == ALL else ["--refresh", refresh]
    if told.get("stream") is False:
        options.append("--no-stream")
    return shell_line("map", [arguments.rows], options)


def _plain(value: Any) -> Any:
    """The value, a whole number of dollars without its decimals."""
    return f"{value:.10g}" if isinstance(value, float) else value


def show_row(
    session: str, arguments: argparse.Namespace, store: Store | None, agent: Agent | None
) -> str:
    """The command that shows what happened in a row's run."""
    return shell_line("show", [session], _place(arguments, store, agent))


def list_waiting(arguments: argparse.Namespace, store: Store | None, agent: Agent | None) -> str:
    """The command that lists the rows that wait for a person's word."""
    return shell_line("runs", [], ["--rows", "--waiting", *_place(arguments, store, agent)])


def _place(
    arguments: argparse.Namespace, store: Store | None, agent: Agent | None
) -> Iterator[str]:
    """The option that says where the log is."""
    is_agents_own = agent is not None and store is agent.store and not arguments.db
    place = getattr(store, "path", None) if is_agents_own else arguments.db
    return said(argparse.Namespace(db=None if place is None else str(place)), {"db": "--db"})


def more_dollars(budget: float, missing: float | None) -> str:
    """A budget that is enough for what is missing, as it is written, rounded up to two digits."""
    wanted = budget + (missing or budget)
    digit = 10 ** (math.floor(math.log10(wanted)) - 1)
    return f"{math.ceil(wanted / digit) * digit:.10g}"
