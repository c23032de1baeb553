"""`agentkit run`: one question, one answer."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import time
from dataclasses import dataclass

from agentkit.agent import Agent
from agentkit.cli.agent_options import add_agent_options, add_limit_options, agent_of
from agentkit.cli.answer import AnswerWriter, JsonLinesWriter, JsonWriter, TextWriter
from agentkit.cli.errors import EXIT_CODES, say, told
from agentkit.cli.leaving import die_of_the_next_interrupt, drive
from agentkit.cli.options import Commands, add_command
from agentkit.cli.question import question_of, with_parts
from agentkit.cli.show import Progress, screen_for
from agentkit.encoding import encode
from agentkit.errors import AgentkitError, ConfigurationError, ModelError
from agentkit.input import UserInput
from agentkit.result import RunResult

EXAMPLES = """\
  agentkit run "What time is it in Oslo?" -t agentkit_tools:now
  agentkit run "Which is larger, Chad or Niger?" -a bot.py:agent
  agentkit run "The largest city of Chad" --schema 'name str, population int'
  agentkit run "Say in one sentence what this is about" < notes.txt
  agentkit run "What is on this picture?" --image cat.png -m openai:gpt-5-mini
  agentkit run "Hello" -m qwen3 --base-url http://localhost:1234/v1 --json
"""

_REMEDIES = {
    "turns": "Allow more with --max-turns.",
    "tool_calls": "Allow more with --max-tool-calls.",
    "tokens": "Allow more with --max-tokens.",
    "seconds": "Allow more with --timeout.",
    "same_calls": "The model made the same call again and again; ask it differently.",
}


def add(commands: Commands) -> None:
    """Add the command's parser."""
    parser = add_command(commands, "run", "ask a question and print the answer", EXAMPLES)
    parser.set_defaults(command=command)
    parser.add_argument(
        "question", nargs="?", help="the question; standard input follows it, or is it (-)"
    )
    add_agent_options(parser)
    add_limit_options(parser)
    output = parser.add_argument_group("output").add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="one JSON object at the end")
    output.add_argument("--jsonl", action="store_true", help="a JSON object for every event")
    output.add_argument(
        "--stream",
        action=argparse.BooleanOptionalAction,
        help="text as it arrives; by default, except into a pipe from an agent with tools",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="nothing on stderr but errors")


def command(arguments: argparse.Namespace) -> int:
    """Run the agent on the question; the exit code."""
    question = question_of(arguments.question, sys.stdin)
    agent = agent_of(arguments)
    said = with_parts(question, arguments.image, arguments.file)
    answer = _answer_writer(arguments)
    progress = Progress(
        screen_for(sys.stderr, is_quiet=arguments.quiet),
        clock=time.monotonic,
        before_line=answer.end_line,
        shows_tracebacks=arguments.traceback,
    )
    return drive(_run(agent, said, answer, progress))


@dataclass(frozen=True)
class _Ending:
    """What a run came to, and the error it ended with."""

    result: RunResult
    error: Exception | None = None


async def _run(agent: Agent, said: UserInput, answer: AnswerWriter, progress: Progress) -> int:
    try:
        ending = await _ending(agent, said, answer, progress)
    finally:
        progress.still()
    result = ending.result
    answer.end(result, ending.error)
    if result.status == "cancelled":
        say(f"Interrupted. {progress.summary(result)}{progress.unfinished()}.")
    else:
        progress.end(result)
        for line in _remarks(ending):
            say(line)
    return EXIT_CODES[result.status]


async def _ending(
    agent: Agent, said: UserInput, answer: AnswerWriter, progress: Progress
) -> _Ending:
    stream = agent.stream(said)
    try:
        async with stream:
            try:
                async for event in stream:
                    progress.hear(event)
                    answer.hear(event)
            except asyncio.CancelledError:
                progress.still()
                die_of_the_next_interrupt()
                raise
    except asyncio.CancelledError:
        with contextlib.suppress(ConfigurationError):  # interrupted before it began
            return _Ending(stream.result)
        raise
    except ModelError as error:
        if error.result is None:
            raise
        return _Ending(error.result, error)
    except (AgentkitError, BrokenPipeError):
        raise
    except Exception as error:  # the model and the middleware may be the caller's own
        raise AgentkitError(f"The run failed: {type(error).__name__}: {error}") from error
    return _Ending(stream.result, stream.result.error)


def _remarks(ending: _Ending) -> list[str]:
    """What a person has to know of a run that did not simply answer, a line each."""
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
        case "waiting":
            return [
                f"Waiting: {call.name}({encode(call.arguments).decode()}) {call.reason}. "
                f"It was not run; let it with agent.resume(…, [Approve({call.call_id!r})])."
                for call in result.pending
            ]
        case _:
            return []


def _answer_writer(arguments: argparse.Namespace) -> AnswerWriter:
    if arguments.json:
        return JsonWriter(sys.stdout)
    if arguments.jsonl:
        return JsonLinesWriter(sys.stdout)
    return TextWriter(sys.stdout, streams=arguments.stream)
