"""`agentkit run`: one question, one answer."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agentkit.agent import Agent
from agentkit.cli.answer import AnswerWriter, JsonLinesWriter, JsonWriter, TextWriter
from agentkit.cli.errors import EXIT_CODES, say, told
from agentkit.cli.leaving import die_of_the_next_interrupt, drive
from agentkit.cli.loading import load_agent, load_tools
from agentkit.cli.options import Commands, add_command, at_least_one, seconds
from agentkit.cli.question import question_of, with_parts
from agentkit.cli.schema_words import read_schema
from agentkit.cli.show import Progress, screen_for
from agentkit.errors import AgentkitError, ConfigurationError, ModelError
from agentkit.input import UserInput
from agentkit.middleware import Ask
from agentkit.models import OFFLINE, default_model
from agentkit.responses.encoding import encode
from agentkit.responses.providers import PROVIDERS
from agentkit.responses.response import Request, Response
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
    "tool_calls": "Allow more with --tool-calls.",
    "tokens": "Allow more with --tokens.",
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
    _add_agent_options(parser)
    _add_limits(parser)
    output = parser.add_argument_group("output").add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="one JSON object at the end")
    output.add_argument("--jsonl", action="store_true", help="a JSON object for every event")
    output.add_argument(
        "--stream",
        action=argparse.BooleanOptionalAction,
        help="text as it arrives; if not given, unless it may not be the answer yet in a pipe",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="nothing on stderr but errors")


def _add_agent_options(parser: argparse.ArgumentParser) -> None:
    agent = parser.add_argument_group("agent")
    add = agent.add_argument
    add("-a", "--agent", metavar="SPEC", help="an agent: bot.py:name or module:name")
    add(
        "-t",
        "--tools",
        metavar="SPEC",
        action="append",
        default=[],
        help="tools: tools.py, tools.py:name or module:name; may be repeated",
    )
    add("-m", "--model", metavar="MODEL", help="gpt-5-mini, cometapi:gpt-4.1, ollama:qwen3, …")
    add("--base-url", metavar="URL", help="the server, such as http://localhost:1234/v1")
    add("--key-variable", metavar="NAME", help="the environment variable with the server's key")
    add("--instructions", metavar="TEXT", help="what the model is told before the question")
    add("--schema", metavar="SCHEMA", help="the answer's form: 'name str, age int', JSON or a file")
    add("--image", metavar="PATH", action="append", default=[], help="an image to look at, or URL")
    add("--file", metavar="PATH", action="append", default=[], help="a file to read, or its URL")
    add(
        "--setting",
        metavar="KEY=JSON",
        action="append",
        default=[],
        help="a field of the request, such as temperature=0; may be repeated",
    )


def _add_limits(parser: argparse.ArgumentParser) -> None:
    limits = parser.add_argument_group("limits")
    add = limits.add_argument
    add("--max-turns", metavar="N", type=at_least_one, help="requests to the model")
    add("--tool-calls", metavar="N", type=at_least_one, help="tool calls that may run")
    add("--tokens", metavar="N", type=at_least_one, help="input and output tokens")
    add("--timeout", metavar="SECONDS", type=seconds, help="time for all of it")


def command(arguments: argparse.Namespace) -> int:
    """Run the agent on the question; the exit code."""
    agent = _agent(arguments)
    question = question_of(arguments.question, sys.stdin)
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
    error: AgentkitError | None = None


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
        return _Ending(stream.result)
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


def _agent(arguments: argparse.Namespace) -> Agent:
    """The agent that is named, or one made of the options, with all options applied."""
    if arguments.base_url and not arguments.model:
        raise ConfigurationError("--base-url: name the model at that server too, with -m.")
    server = _server(arguments)
    if arguments.agent:
        agent = load_agent(arguments.agent).replace(**server)
    else:
        agent = Agent(**{"model": arguments.model or default_model(), **server})
    return agent.replace(**_changes(agent, arguments))


def _server(arguments: argparse.Namespace) -> dict[str, Any]:
    """Which model at which server. A key of the agent's own is not sent to another server."""
    server: dict[str, Any] = {}
    model = arguments.model
    if model:
        server["model"] = model
    names_server = model and model.partition(":")[0] in (*PROVIDERS, OFFLINE)
    if arguments.base_url or names_server:
        server |= {"base_url": arguments.base_url, "api_key": None}
    if arguments.key_variable:
        server["api_key"] = os.environ.get(arguments.key_variable)
        if not server["api_key"]:
            raise ConfigurationError(f"--key-variable: {arguments.key_variable} is not set.")
    return server


def _changes(agent: Agent, arguments: argparse.Namespace) -> dict[str, Any]:
    bounds = {
        "turns": arguments.max_turns,
        "tool_calls": arguments.tool_calls,
        "tokens": arguments.tokens,
        "seconds": arguments.timeout,
    }
    given = {name: bound for name, bound in bounds.items() if bound is not None}
    tools = [tool for spec in arguments.tools for tool in load_tools(spec)]
    changes: dict[str, Any] = {
        "limits": replace(agent.limits, **given),
        "settings": {**agent.settings, **_settings(arguments.setting)},
        "tools": [*agent.tools.values(), *agent.hosted_tools, *tools],
    }
    if arguments.instructions is not None:
        changes["instructions"] = arguments.instructions
    if arguments.schema is not None:
        changes["output"] = read_schema(arguments.schema)
    if arguments.stream is False:
        changes["middleware"] = [*agent.middleware, _unstreamed]
    return changes


def _settings(said: Sequence[str]) -> Mapping[str, Any]:
    settings = {}
    for each in said:
        key, equals, text = each.partition("=")
        if not equals or not key:
            raise ConfigurationError(f"--setting {each!r}: write KEY=JSON, such as temperature=0.")
        try:
            settings[key] = json.loads(text)
        except ValueError as error:
            raise ConfigurationError(
                f"--setting {each!r}: the value is not JSON ({error}). "
                f"For text, write {key}='\"{text}\"'."
            ) from error
    return settings


async def _unstreamed(request: Request, proceed: Ask) -> Response:
    return await proceed(replace(request, stream=False))
