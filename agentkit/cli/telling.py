"""A run told while it goes on, what it came to, and what to do next."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from agentkit.agent import Agent
from agentkit.cli.again import MAY_HAVE_RUN, Again
from agentkit.cli.answer import AnswerWriter, JsonLinesWriter, JsonWriter, TextWriter
from agentkit.cli.asking import MOST_OF_A_LINE, question_in
from agentkit.cli.errors import EXIT_CODES, say, say_command, told
from agentkit.cli.leaving import die_of_the_next_interrupt
from agentkit.cli.safe_text import one_line
from agentkit.cli.same_agent import tools_gone
from agentkit.cli.show import MOST, Progress, screen_for
from agentkit.encoding import encode
from agentkit.errors import AgentkitError, ConfigurationError, StoreError
from agentkit.events import Notice
from agentkit.evidence.found import Evidence
from agentkit.log import Log
from agentkit.records import Setup
from agentkit.result import PendingCall, RunResult
from agentkit.stream import Start, Stream

_REMEDIES = {
    "turns": "Allow more with --max-turns.",
    "tool_calls": "Allow more with --max-tool-calls.",
    "tokens": "Allow more with --max-tokens.",
    "cost": "Allow more with --max-cost.",
    "budget": "Allow more in the agent's Budget.",
    "seconds": "Allow more with --timeout.",
    "same_calls": "The model made the same call again and again; ask it differently.",
}
_GOES_ON = ("failed", "limited", "incomplete", "cancelled")
"""How a run ends that can go on as it is."""


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Add what is printed, and how."""
    output = parser.add_argument_group("output").add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="one JSON object at the end")
    output.add_argument("--jsonl", action="store_true", help="a JSON object for every event")
    output.add_argument(
        "--stream",
        action=argparse.BooleanOptionalAction,
        help="text as it arrives; by default, except into a pipe from an agent with tools",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="nothing on stderr but errors")


@dataclass(frozen=True)
class Teller:
    """Where a run is told."""

    answer: AnswerWriter
    progress: Progress

    @classmethod
    def of(cls, arguments: argparse.Namespace, setup: Setup | None, *, is_kept: bool) -> Teller:
        """The one that the options ask for. `setup` is that of the session so far."""
        answer = _answer_writer(arguments, setup)
        progress = Progress(
            screen_for(sys.stderr, is_quiet=arguments.quiet),
            clock=time.monotonic,
            before_line=answer.end_line,
            shows_tracebacks=arguments.traceback,
            is_kept=is_kept,
        )
        return cls(answer, progress)

    def still(self) -> None:
        """Leave both streams in order for something else to be written."""
        self.progress.still()
        self.answer.end_line()


@dataclass(frozen=True)
class Ending:
    """What a run came to, and the error it ended with."""

    result: RunResult
    error: Exception | None = None


def tell_what_is_left_out(log: Log, agent: Agent, progress: Progress, *, is_named: bool) -> None:
    """Say what a session loses as someone goes on in it: calls that are open, and tools."""
    for said, calls in (
        ("not run, since you went on", [call for call in log.open_calls if call.effect is None]),
        (
            "may have run; what it gave is not known",
            [call for call in log.open_calls if call.effect],
        ),
    ):
        if calls:
            progress.hear(Notice(f"{said}: {', '.join(call.name for call in calls)}"))
    gone = tools_gone(log.setup, agent)
    if gone and not is_named:
        progress.hear(Notice(f"without the session's tools {', '.join(gone)}: give -a or -t"))


async def heard(start: Start, teller: Teller) -> Ending:
    """Run to the end and tell of it. What ends a run with an error is its ending too.

    Raises AgentkitError where nothing was run.
    """
    teller.progress.begin()
    try:
        return await _heard(start, teller)
    finally:
        teller.progress.still()


async def _heard(start: Start, teller: Teller) -> Ending:
    stream = Stream(start)
    try:
        async with stream:
            try:
                async for event in stream:
                    teller.progress.hear(event)
                    teller.answer.hear(event)
            except asyncio.CancelledError:
                teller.progress.still()
                die_of_the_next_interrupt()
                raise
    except asyncio.CancelledError:
        with contextlib.suppress(ConfigurationError):  # interrupted before it began
            return Ending(stream.result)
        raise
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the model may be the caller's own
        known = error if isinstance(error, AgentkitError) else _in_words(error)
        result = getattr(error, "result", None)
        if not isinstance(result, RunResult) or isinstance(error, ConfigurationError):
            raise known from known.__cause__
        return Ending(result, known)
    return Ending(stream.result, stream.result.error)


def _in_words(error: Exception) -> AgentkitError:
    """The error of a model or a middleware of the caller's own."""
    said = AgentkitError(f"The run failed: {type(error).__name__}: {error}")
    said.__cause__ = error
    return said


def tell_end(ending: Ending, teller: Teller, again: Again | None) -> int:
    """Print the answer, sum up, and say what to do next; the exit code.

    `again` has the commands that go on, None where nothing was kept.
    """
    result, progress = ending.result, teller.progress
    teller.answer.end(result, ending.error)
    progress.trace(ending.error)
    if result.status == "cancelled":
        say(f"Interrupted. {progress.summary(result)}{progress.unfinished()}.")
    else:
        progress.end(result)
    tell_remarks(ending, again)
    for name, found in result.evidence.items():
        progress.note(evidence_line(name, found))
    # of a run whose first record could not be kept there is nothing to go on with
    is_nowhere = isinstance(ending.error, StoreError) and not result.log.turns
    if again is not None and result.status in _GOES_ON and not is_nowhere:
        progress.note(f"go on: {again.resume()}")
    return EXIT_CODES[result.status]


def evidence_line(name: str, found: Evidence) -> str:
    """Where a field of the answer was found, in one line."""
    is_shown = found.status == "verified"
    said = f"{found.source} {found.reason}".strip() if is_shown else found.reason
    return one_line(f"{name}: {found.status.replace('_', ' ')}{said and f', {said}'}", MOST)


def tell_remarks(ending: Ending, again: Again | None) -> None:
    """Say what a person has to know of a run that did not simply answer, a line each."""
    for line in _remarks(ending):
        say(line)
    if ending.result.status == "waiting":
        tell_waiting(ending.result.pending, again)
        if again is not None:
            say_command("Then go on:", again.resume())


def _remarks(ending: Ending) -> list[str]:
    result = ending.result
    match result.status:
        case "failed":
            return [told(ending.error) if ending.error else "The model gave no answer."]
        case "limited":
            remedy = _REMEDIES.get(result.limit or "", "")
            return [f"The run met its limit on {result.limit}. {remedy}"]
        case "incomplete":
            return ["The answer is not complete. Ask for less, or set max_output_tokens higher."]
        case "refused":
            return ["The model declined to answer."]
        case _:
            return []


def tell_waiting(calls: Sequence[PendingCall], again: Again | None) -> None:
    """Say which calls wait, and with what command each can be decided on."""
    for call in calls:
        arguments = one_line(encode(call.arguments).decode(), MOST_OF_A_LINE)
        what = f"Waiting: {one_line(call.name)}({arguments}): {call.reason}."
        if again is None:
            say(f"{what} It was not run, and nothing was kept to go on with (--no-log).")
            continue
        if (question := question_in(call)) is not None:
            asked = f"Waiting for your answer to {one_line(question, MOST_OF_A_LINE)!r}. Give it:"
            say_command(asked, again.approve(call.call_id, "--answer", "TEXT"))
            continue
        (first, command), *others = again.words_on(call)
        say_command(f"{what} {first}:", command)
        for word, command in others if call.reason == MAY_HAVE_RUN else ():
            say_command(f"Or {word[0].lower()}{word[1:]}:", command)


def _answer_writer(arguments: argparse.Namespace, setup: Setup | None) -> AnswerWriter:
    if arguments.json:
        return JsonWriter(sys.stdout)
    if arguments.jsonl:
        return JsonLinesWriter(sys.stdout)
    return TextWriter(sys.stdout, streams=arguments.stream, setup=setup)
