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
from agentkit.cli.asking import object_of, pending_in, pretty
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
from agentkit.errors import ConfigurationError
from agentkit.log import Log
from agentkit.result import PendingCall
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
    approve.add_argument(
        "--again", action="store_true", help="run it also if it may have run before"
    )
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
    if arguments.again and arguments.answer is not None:
        raise ConfigurationError("--again runs the call, --answer does not: leave one out.")
    if arguments.edit is not None:
        edited = object_of(arguments.edit)
        return lambda call_id: Edit(call_id, edited, again=arguments.again)
    if arguments.answer is not None:
        return lambda call_id: Answer(call_id, arguments.answer)
    return partial(Approve, again=arguments.again)


def _rejection(arguments: argparse.Namespace) -> Word:
    return partial(Reject, reason=arguments.reason)


def _command(arguments: argparse.Namespace, word: Word, runner: asyncio.Runner) -> int:
    agent = named_agent(arguments)
    store = store_with_sessions(arguments, agent)
    with closed_at_the_end(store, runner):
        beginning = runner.run(kept_session(arguments, store))
        log, decided = runner.run(_decided(arguments, beginning, word, _tools(agent)))
        for call, verdict, before in decided:
            _show(f"{verdict}: {_named(call)}{before}")
            _show(pretty(call.arguments))
        for waits in pending_in(log):
            _show(f"waits: {_named(waits)}: {waits.reason}")
        commands = commands_for(arguments, str(beginning.session), store, agent)
        if commands is not None:
            commands = commands.naming_what(log.setup)
            _show(f"go on{commands.note}: {commands.resume()}")
    return 0


def _named(call: CallState | PendingCall) -> str:
    return one_line(f"{call.name} ({call.call_id})")


def _tools(agent: Agent | None) -> Mapping[str, Tool]:
    return agent.tools if agent else {}


async def _decided(
    arguments: argparse.Namespace, beginning: Beginning, word: Word, tools: Mapping[str, Tool]
) -> tuple[Log, list[tuple[CallState, str, str]]]:
    """The log with the decisions in it; the calls they are about, with verdicts, old ones too."""
    async with opened(beginning.session, beginning.store, when_busy(arguments)) as place:
        calls = _meant(place.log, arguments.call, takes_all=arguments.all)
        decisions = [word(call.call_id) for call in calls]
        for call, decision in zip(calls, decisions, strict=True):
            _check_runs_once(call, decision)
        records = decision_records(place.log, decisions, tools)
        replaced = [_replaced(call) for call in calls]
        place.log.append(*records)
        if place.journal is not None:
            await place.journal.write(place.log)
    verdicts = [_SAID[record.verdict] for record in records]
    return place.log, list(zip(calls, verdicts, replaced, strict=True))


_SAID = {"approve": "approved", "edit": "approved", "reject": "rejected", "answer": "answered"}


def _replaced(call: CallState) -> str:
    """The word that another one takes the place of."""
    return f", which was {_SAID[call.decision.verdict]} before" if call.decision else ""


def _check_runs_once(call: CallState, decision: Decision) -> None:
    if call.may_have_run and isinstance(decision, Approve | Edit) and not decision.again:
        raise ConfigurationError(
            f"{_named(call)} may have run before. To run it once more, give --again; or say with "
            "--answer what it gave, or reject it."
        )


def _meant(log: Log, said: str | None, *, takes_all: bool) -> Sequence[CallState]:
    """The calls that are decided on: such as wait, or one that is named and has not begun.

    Raises ConfigurationError where that is not clear.
    """
    waiting = log.waiting_calls
    if said is None:
        if waiting and (takes_all or len(waiting) == 1):
            return waiting
        raise ConfigurationError(f"{_choice(log)} Name one, or --all." if waiting else _choice(log))
    calls = {call.call_id: call for call in log.open_calls if call.waits or call.decision}
    # one that has run is not another whose id begins like its own, and an empty word is no id
    is_whole = said in log.call_ids or not said
    meant = [each for each in calls if each == said or (not is_whole and each.startswith(said))]
    if len(meant) == 1:
        return [calls[meant[0]]]
    is_known = any(each.startswith(said) for each in log.call_ids)
    hint = "" if is_known else did_you_mean(said, list(calls))
    which = "More than one call" if meant else "No call"
    raise ConfigurationError(f"{which} {said!r} waits.{hint} {_choice(log)}")


def _choice(log: Log) -> str:
    """The calls that there are to decide on."""
    if waiting := pending_in(log):
        return f"Calls that wait: {', '.join(f'{_named(each)} {each.reason}' for each in waiting)}."
    decided = ", ".join(_named(call) for call in log.open_calls if call.decision)
    more = f" To say something else on one, name it: {decided}." if decided else ""
    return f"No call of this run waits for a person.{more}"


def _show(text: str) -> None:
    write(sys.stdout, f"{visible(text) if sys.stdout.isatty() else text}\n")
