"""The commands that go on with a session, as a shell reads them."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from agentkit.cli.safe_text import one_line

_AGENT = {
    "agent": "-a",
    "tools": "-t",
    "model": "-m",
    "base_url": "--base-url",
    "key_variable": "--key-variable",
    "instructions": "--instructions",
    "schema": "--schema",
    "setting": "--setting",
    "approve": "--approve",
    "max_turns": "--max-turns",
    "max_tool_calls": "--max-tool-calls",
    "max_tokens": "--max-tokens",
    "timeout": "--timeout",
}
_OUTPUT = {"json": "--json", "jsonl": "--jsonl", "stream": "--stream", "quiet": "-q"}
_URLS = ("base_url", "db")
_SECRET = re.compile(r"auth|key|token|secret|password|sig", re.IGNORECASE)


@dataclass(frozen=True)
class Again:
    """The commands for one session."""

    session: str
    place: tuple[str, ...] = ()
    """The options that say where its log is."""
    agent: tuple[str, ...] = ()
    """Those that make the same agent."""
    output: tuple[str, ...] = ()
    """Those that say what is printed."""

    def resume(self) -> str:
        """The command that goes on with the run."""
        return _line("resume", [self.session], [*self.agent, *self.place, *self.output])

    def approve(self, call_id: str) -> str:
        """The command that lets a call run."""
        return _line("approve", [self.session, one_line(call_id)], self.place)

    def reject(self, call_id: str) -> str:
        """The command that lets a call not run."""
        return _line("reject", [self.session, one_line(call_id)], self.place)

    def chat(self) -> str:
        """The command that goes on with the conversation."""
        session = _option("--session", self.session)
        return _line("chat", [], [*session, *self.agent, *self.place])


def again(arguments: argparse.Namespace, session: str, *, is_agents_own: bool = False) -> Again:
    """The commands for a session that was run with these arguments.

    Keys and passwords in URLs are left out; no other option holds any. Where the log is in the
    agent's own store, `-a` says where that is.
    """
    agent, place = tuple(_said(arguments, _AGENT)), tuple(_said(arguments, {"db": "--db"}))
    if is_agents_own:
        place = tuple(_said(arguments, {"agent": "-a"}))
        agent = agent[len(place) :]
    output = tuple(_said(arguments, _OUTPUT))
    if getattr(arguments, "stream", None) is False:
        output += ("--no-stream",)
    return Again(session, place, agent, output)


def _said(arguments: argparse.Namespace, options: dict[str, str]) -> Iterator[str]:
    for name, option in options.items():
        value = getattr(arguments, name, None)
        if value is True:
            yield option
        elif value is not None and value is not False:
            for each in value if isinstance(value, list) else [value]:
                yield from _option(option, _without_password(each) if name in _URLS else str(each))


def _option(option: str, value: str) -> Iterable[str]:
    if not value.startswith("-"):
        return option, value
    # behind a long option's equals sign it is not taken for an option
    return (f"{option}={value}",) if option.startswith("--") else (f"{option}{value}",)


def _without_password(place: str) -> str:
    """A path or a URL, the latter without what nobody else may read."""
    if "://" not in place:
        return place
    parts = urlsplit(place)
    user, at, host = parts.netloc.rpartition("@")
    query = [pair for pair in parse_qsl(parts.query) if not _SECRET.search(pair[0])]
    netloc = f"{user.partition(':')[0]}{at}{host}"
    return urlunsplit(parts._replace(netloc=netloc, query=urlencode(query)))


def _line(command: str, names: Iterable[str], options: Iterable[str]) -> str:
    names, options = list(names), list(options)
    if any(name.startswith("-") for name in names):  # a server chooses the ids of calls
        return shlex.join(["agentkit", command, *options, "--", *names])
    return shlex.join(["agentkit", command, *names, *options])
