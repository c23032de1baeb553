"""`agentkit approve` and `agentkit reject`: a person's word on calls that wait. Runs nothing."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from agentkit.agent import Agent
from agentkit.approval import Answer, Approve, Decision, Edit, Reject, decision_records
from agentkit.calls import CallState
from agentkit.cli.agent_options import named_agent
from agentkit.cli.answer import write
from agentkit.cli.asking import object_of, pretty
from agentkit.cli.beginning import (
    Beginning,
    add_wait_option,
    closed_at_the_end,
    commands_for,
    kept_session,
    store_with_sessions,
    when_busy,
)
from agentkit.cli.kept import add_db_option
from agentkit.cli.leaving import drive_with
from agentkit.cli.options import Commands, add_command, not_empty
from agentkit.cli.safe_text import one_line, visible
from agentkit.cli.same_agent import tools_gone
from agentkit.errors import ConfigurationError
from agentkit.log import Log
from agentkit.schema.problems import did_you_mean
from agentkit.sessions import opened
from agentkit.tools import Tool

APPROVE = """\
  agentkit approve run_4f2a
  agentkit approve run_4f2a call_1 --edit '{"path": "old.txt"}'
  agentkit approve run_4f2a call_1 --answer "it was deleted by hand"
  agentkit approve run_4f2a --all
"""
REJECT = """\
  agentkit reject run_4f2a
  agentkit reject run_4f2a call_1 --reason "Keep the file."
  agentkit reject run_4f2a --all
"""

Word = Callable[[str], Decision]
"""What a person says of a call, by its id."""


def add(commands: Commands) -> None:
    """Add the parsers of both commands."""
    approve = add_command(commands, "approve", "let a call run that waits for a person", APPROVE)
    approve.set_defaults(command=partial(command, _approval))
    _add_calls(approve)
    instead = approve.add_mutually_exclusive_group()
    instead.add_argument(
        "--edit", metavar="JSON", type=not_empty, help="run it with these arguments instead"
    )
    instead.add_argument(
        "--answer", metavar="TEXT", help="do not run it: this is what it would have given"
    )
    reject = add_command(commands, "reject", "keep a call from running that waits", REJECT)
    reject.set_defaults(command=partial(command, _rejection))
    _add_calls(reject)
    reject.add_argument("--reason", metavar="TEXT", default="", help="why, for the model to read")


def _add_calls(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("session", metavar="ID", help="a run, by its id or the beginning of it")
    add(
        "call",
        metavar="CALL",
        nargs="?",
        help="a call, by its id or the beginning of it; not needed where only one waits",
    )
    add("--all", action="store_true", help="all calls of the run that wait")
    add(
        "-a",
        "--agent",
        metavar="SPEC",
        type=not_empty,
        help="the run's agent: an edit is checked by its tools, its own store has the log",
    )
    add_wait_option(parser)
    add_db_option(parser)


def command(word: Callable[[argparse.Namespace], Word], arguments: argparse.Namespace) -> int:
    """Record the word, and print what still waits and the command that goes on; the exit code."""
    if arguments.all and arguments.call:
        raise ConfigurationError("--all is about every call that waits: leave CALL or --all out.")
    return drive_with(partial(_command, arguments, word(arguments)))


def _approval(arguments: argparse.Namespace) -> Word:
    if arguments.all and (arguments.edit is not None or arguments.answer is not None):
        raise ConfigurationError("--edit and --answer are about one call: leave --all out.")
    if arguments.edit is not None:
        edited = object_of(arguments.edit)
        return lambda call_id: Edit(call_id, edited)
    if arguments.answer is not None:
        return lambda call_id: Answer(call_id, arguments.answer)
    return Approve


def _rejection(arguments: argparse.Namespace) -> Word:
    return lambda call_id: Reject(call_id, arguments.reason)


def _command(arguments: argparse.Namespace, word: Word, runner: asyncio.Runner) -> int:
    agent = named_agent(arguments)
    store = store_with_sessions(arguments, agent)
    with closed_at_the_end(store, runner):
        beginning = runner.run(kept_session(arguments, store))
        log, decided = runner.run(_decided(arguments, beginning, word, _tools(agent)))
        for call, verdict in decided:
            _show(f"{verdict}: {one_line(call.name)} ({one_line(call.call_id)})")
            _show(pretty(call.arguments))
        for call in log.waiting_calls:
            _show(f"waits: {one_line(call.name)} ({one_line(call.call_id)})")
        commands = commands_for(arguments, str(beginning.session), store, agent)
        if commands is not None:
            names = ", ".join(() if agent else tools_gone(log.setup))
            given = f" (with -a or -t as before, for its tools {one_line(names)})" if names else ""
            _show(f"go on: {commands.resume()}{given}")
    return 0


def _tools(agent: Agent | None) -> Mapping[str, Tool]:
    return agent.tools if agent else {}


async def _decided(
    arguments: argparse.Namespace, beginning: Beginning, word: Word, tools: Mapping[str, Tool]
) -> tuple[Log, list[tuple[CallState, str]]]:
    """The log with the decisions in it, and the calls they are about, each with the verdict."""
    async with opened(beginning.session, beginning.store, when_busy(arguments)) as place:
        calls = _meant(place.log, arguments.call, takes_all=arguments.all)
        records = decision_records(place.log, [word(call.call_id) for call in calls], tools)
        place.log.append(*records)
        if place.journal is not None:
            await place.journal.write(place.log)
    verdicts = [_SAID[record.verdict] for record in records]
    return place.log, list(zip(calls, verdicts, strict=True))


_SAID = {"approve": "approved", "edit": "approved", "reject": "rejected", "answer": "answered"}


def _meant(log: Log, said: str | None, *, takes_all: bool) -> Sequence[CallState]:
    """The calls that are decided on. Raises ConfigurationError where that is not clear."""
    waiting = log.waiting_calls
    if not waiting:
        raise ConfigurationError("No call of this run waits for a person.")
    if takes_all or (said is None and len(waiting) == 1):
        return waiting
    ids = [call.call_id for call in waiting]
    if said is None:
        raise ConfigurationError(f"{len(ids)} calls wait: {', '.join(ids)}. Name one, or --all.")
    meant = [call for call in waiting if call.call_id == said] or [
        call for call in waiting if call.call_id.startswith(said)
    ]
    if len(meant) == 1:
        return meant
    # one that does not wait any more is not another that does
    is_known = any(call.call_id.startswith(said) for call in log.all_calls)
    hint = "" if is_known else did_you_mean(said, ids)
    which = "More than one call" if meant else "No call"
    raise ConfigurationError(f"{which} {said!r} waits.{hint} Calls that wait: {', '.join(ids)}.")


def _show(text: str) -> None:
    write(sys.stdout, f"{visible(text) if sys.stdout.isatty() else text}\n")
