"""The commands that go on with a session, as a shell reads them."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from agentkit.cli.asking import question_in
from agentkit.cli.passwords import without_password, without_passwords
from agentkit.cli.safe_text import one_line
from agentkit.cli.same_agent import needs_agent
from agentkit.records import Setup
from agentkit.result import PendingCall

AGENT = {
    "agent": "-a",
    "tools": "-t",
    "model": "-m",
    "base_url": "--base-url",
    "key_variable": "--key-variable",
    "instructions": "--instructions",
    "schema": "--schema",
    "setting": "--setting",
    "approve": "--approve",
    "cache": "--cache",
    "max_turns": "--max-turns",
    "max_tool_calls": "--max-tool-calls",
    "max_tokens": "--max-tokens",
    "max_cost": "--max-cost",
    "timeout": "--timeout",
}
YOURS = "BOT.py:AGENT"
"""What stands for an agent that only the reader knows."""
MAY_HAVE_RUN, GONE = "may have run", "its tool is gone"
"""Reasons for which a call waits."""

_OUTPUT = {"json": "--json", "jsonl": "--jsonl", "stream": "--stream", "quiet": "-q"}
_UNSAID = {"base_url": without_password, "db": without_password, "tools": without_passwords}
"""What is left out of the values of some options."""


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
        return shell_line("resume", [self.session], [*self.agent, *self.place, *self.output])

    def approve(self, call_id: str, *instead: str) -> str:
        """The command that lets a call run, or says what to do instead."""
        return shell_line("approve", [self.session, one_line(call_id)], [*instead, *self.place])

    def words_on(self, call: PendingCall) -> Iterator[tuple[str, str]]:
        """What can be said about a call that waits, each with its command."""
        approve, reject = partial(self.approve, call.call_id), self.reject(call.call_id)
        if question_in(call) is not None:
            yield "Answer it", approve("--answer", "TEXT")
        elif call.reason == MAY_HAVE_RUN:
            yield "Run it once more", approve("--again")
            yield "Say what it gave", approve("--answer", "TEXT")
        elif call.reason != GONE:
            yield "Let it run", approve()
        yield "Leave it", reject

    def naming_what(self, setup: Setup | None) -> Again:
        """The same commands with an agent's place to fill in, where the session needs one."""
        is_named = {"-a", "-t"} & {*self.agent, *self.place}
        return self if is_named or not needs_agent(setup) else replace(self, agent=("-a", YOURS))

    @property
    def note(self) -> str:
        """What to say before a command, of what there is to fill in; mostly nothing."""
        return f", with your agent for {YOURS}" if YOURS in self.agent else ""

    def reject(self, call_id: str) -> str:
        """The command that lets a call not run."""
        return shell_line("reject", [self.session, one_line(call_id)], self.place)

    def chat(self) -> str:
        """The command that goes on with the conversation."""
        session = _option("--session", self.session)
        return shell_line("chat", [], [*session, *self.agent, *self.place])


def again(arguments: argparse.Namespace, session: str, *, is_agents_own: bool = False) -> Again:
    """The commands for a session that was run with these arguments.

    Keys and passwords in URLs and toolboxes are left out; no other option holds any. Where the log
    is in the agent's own store, `-a` says where that is.
    """
    agent, place = tuple(said(arguments, AGENT)), tuple(said(arguments, {"db": "--db"}))
    if is_agents_own:
        place = tuple(said(arguments, {"agent": "-a"}))
        agent = agent[len(place) :]
    output = tuple(said(arguments, _OUTPUT))
    if getattr(arguments, "stream", None) is False:
        output += ("--no-stream",)
    return Again(session, place, agent, output)


def said(arguments: argparse.Namespace, options: Mapping[str, str]) -> Iterator[str]:
    """These options as they were given, by where their values are."""
    for name, option in options.items():
        value = getattr(arguments, name, None)
        if value is True:
            yield option
        elif value is not None and value is not False:
            for each in value if isinstance(value, list) else [value]:
                yield from _option(option, _UNSAID.get(name, str)(each))


def _option(option: str, value: str) -> Iterable[str]:
    if not value.startswith("-"):
        return option, value
    # behind a long option's equals sign it is not taken for an option
    return (f"{option}={value}",) if option.startswith("--") else (f"{option}{value}",)


def shell_line(command: str, names: Iterable[str], options: Iterable[str]) -> str:
    """A command with its names and options, as a shell reads it."""
    names, options = list(names), list(options)
    if any(name.startswith("-") for name in names):  # a server chooses the ids of calls
        return shlex.join(["agentkit", command, *options, "--", *names])
    return shlex.join(["agentkit", command, *names, *options])
