"""The options that say which agent runs: its model, tools, instructions, output and limits."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from agentkit.agent import Agent
from agentkit.cli.loading import load_agent, load_tools
from agentkit.cli.options import age, at_least_one, dollars, not_empty, seconds
from agentkit.cli.same_agent import check_is_the_same, kept_options, model_before
from agentkit.cli.schema_words import read_schema
from agentkit.errors import ConfigurationError
from agentkit.models import OFFLINE, default_model
from agentkit.records import Setup
from agentkit.responses.events import StreamEvent
from agentkit.responses.providers import PROVIDERS
from agentkit.responses.response import Model, Request


def add_agent_options(parser: argparse.ArgumentParser) -> None:
    """Add what an agent is made of."""
    agent = parser.add_argument_group("agent")
    add = agent.add_argument
    add(
        "-a",
        "--agent",
        metavar="SPEC",
        type=not_empty,
        help="an agent: bot.py:name or module:name",
    )
    add(
        "-t",
        "--tools",
        metavar="SPEC",
        type=not_empty,
        action="append",
        default=[],
        help="tools: tools.py, tools.py:name or module:name; may be repeated",
    )
    add_model_options(agent)
    add(
        "--fallback",
        metavar="MODEL",
        type=not_empty,
        action="append",
        default=[],
        help="the model that goes on where the server fails; may be repeated",
    )
    add("--instructions", metavar="TEXT", help="what the model is told before the question")
    _add_answer_options(agent)


def _add_answer_options(agent: argparse._ActionsContainer) -> None:
    """Add what is asked for, which calls may run for it, and whether it is asked for anew."""
    add = agent.add_argument
    add("--schema", metavar="SCHEMA", help="the answer's form: 'name str, age int', JSON or a file")
    shown = agent.add_mutually_exclusive_group().add_argument
    shown(
        "--evidence",
        action="store_true",
        help="have each field of the answer say where it was found, and check that it stands there",
    )
    shown(
        "--require-evidence",
        action="store_true",
        help="the same, and leave empty what was not found there",
    )
    add(
        "--setting",
        metavar="KEY=JSON",
        action="append",
        default=[],
        help="a field of the request, such as temperature=0; may be repeated",
    )
    add(
        "--approve",
        metavar="FILE",
        type=not_empty,
        help="rules that allow, ask about or reject calls, such as rules.toml",
    )
    add(
        "--cache",
        metavar="AGE",
        type=age,
        help="take answers to equal requests from the log, up to an age such as 12h or 7d",
    )


def add_model_options(parser: argparse._ActionsContainer) -> None:
    """Add which model answers, at which server, with which key."""
    add = parser.add_argument
    add(
        "-m",
        "--model",
        metavar="MODEL",
        type=not_empty,
        help="such as gpt-5-mini, cometapi:gpt-4.1, ollama:qwen3 or offline",
    )
    add(
        "--base-url",
        metavar="URL",
        type=not_empty,
        help="the server, such as http://localhost:1234/v1",
    )
    add(
        "--key-variable",
        metavar="NAME",
        type=not_empty,
        help="the environment variable with the server's key",
    )
    add(
        "--wire",
        choices=("responses", "chat"),
        help="ask the server at /responses (default) or at /chat/completions",
    )


def add_limit_options(parser: argparse.ArgumentParser, title: str = "limits") -> None:
    """Add how far it may go."""
    limits = parser.add_argument_group(title)
    add = limits.add_argument
    add("--max-turns", metavar="N", type=at_least_one, help="requests to the model")
    add("--max-tool-calls", metavar="N", type=at_least_one, help="tool calls that may run")
    add("--max-tokens", metavar="N", type=at_least_one, help="input and output tokens")
    add("--max-cost", metavar="DOLLARS", type=dollars, help="what all of it may cost")
    add("--timeout", metavar="SECONDS", type=seconds, help="time for all of it")


def named_agent(arguments: argparse.Namespace) -> Agent | None:
    """The agent that `-a` names, as it stands there; None without."""
    return load_agent(arguments.agent) if arguments.agent else None


def agent_of(
    arguments: argparse.Namespace, before: Setup | None = None, *, keeps_form: bool = False
) -> Agent:
    """The agent that is named, or one made of the options, with all options applied.

    Without a name, what the session so far was run with holds where no option says otherwise.
    """
    server = _server(arguments, before)
    named = named_agent(arguments)
    if named is not None:
        agent = named.replace(**server)
    elif before is None:
        agent = Agent(**{"model": server.get("model") or default_model(), **server})
    else:
        agent = Agent(**{**kept_options(before, keeps_form=keeps_form), **server})
        if not arguments.model:
            check_is_the_same(agent.model, before)
    agent = agent.replace(**_changes(agent, arguments))
    if arguments.fallback:
        agent = agent.replace(model=[*agent.models, *arguments.fallback])
    if arguments.stream is False:
        agent = agent.replace(model=[_Unstreamed(model) for model in agent.models])
    return agent


def _server(arguments: argparse.Namespace, before: Setup | None) -> dict[str, Any]:
    """Which model at which server. A key of the agent's own is not sent to another server."""
    server: dict[str, Any] = {}
    model = arguments.model
    if before is not None and not model and not arguments.agent and not arguments.base_url:
        server = model_before(before)
    if arguments.base_url and not model:
        raise ConfigurationError("--base-url: name the model at that server too, with -m.")
    if model:
        server["model"] = model
    provider = (model or "").partition(":")[0]
    if arguments.base_url and provider == OFFLINE:
        raise ConfigurationError("--base-url: the model 'offline' has no server. Name another.")
    if arguments.base_url or provider in (*PROVIDERS, OFFLINE):
        server |= {"base_url": arguments.base_url, "api_key": None}
    if arguments.wire:
        server["wire"] = arguments.wire
    if arguments.key_variable:
        server["api_key"] = os.environ.get(arguments.key_variable)
        if not server["api_key"]:
            raise ConfigurationError(f"--key-variable: {arguments.key_variable} is not set.")
    return server


def _changes(agent: Agent, arguments: argparse.Namespace) -> dict[str, Any]:
    bounds = {
        "turns": arguments.max_turns,
        "tool_calls": arguments.max_tool_calls,
        "tokens": arguments.max_tokens,
        "cost": arguments.max_cost,
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
    if getattr(arguments, "no_log", False):
        changes["store"] = None
    if arguments.approve is not None:
        changes["approve"] = arguments.approve
    if arguments.cache is not None:
        changes["cache"] = arguments.cache
    if arguments.schema is not None:
        changes["output"] = read_schema(arguments.schema)
    if arguments.evidence or arguments.require_evidence:
        changes["evidence"] = "require" if arguments.require_evidence else True
    return changes


def _settings(said: Sequence[str]) -> Mapping[str, Any]:
    settings = {}
    for each in said:
        key, equals, text = each.partition("=")
        if not equals or not key:
            raise ConfigurationError(f"--setting {each!r}: write KEY=JSON, such as temperature=0.")
        try:
            settings[key] = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ConfigurationError(
                f"--setting {each!r}: the value is not JSON ({error}). "
                f"For text, write {key}='\"{text}\"'."
            ) from error
    return settings


class _Unstreamed:
    """A model that is asked for whole answers, and in all else the same."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def stream(self, request: Request) -> AsyncIterator[StreamEvent]:
        return self._model.stream(replace(request, stream=False))
