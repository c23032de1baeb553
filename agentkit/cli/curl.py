"""A request of a stored run as a curl command, to be pasted into a POSIX shell.

It is made from the log as the run made it, through the policy that chose what was sent. What a log
does not hold cannot be known: middleware that changed the request, settings that the server refused
and that were left out, a bound on the answer's length that a budget set, headers and a query of the
server's own, the secrets of hosted tools, whether it was streamed, requests that failed. The
command asks for the whole answer as one JSON object.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import replace

from agentkit.ask import next_request
from agentkit.cli.safe_text import safe_json
from agentkit.cli.show import counted
from agentkit.compact import shortening_request
from agentkit.context import Compacted, Summarized, context_of
from agentkit.conversation import Chained, Conversation, Hosted, Replay
from agentkit.encoding import decode
from agentkit.errors import ConfigurationError
from agentkit.limits import Limits
from agentkit.log import Log
from agentkit.moves import AskModel, next_move
from agentkit.paying import OUT_OF_TIME
from agentkit.records import Answer, Compaction, Record, Setup
from agentkit.responses.chat.request import chat_request
from agentkit.responses.compaction import CompactEndpoint, CompactRequest
from agentkit.responses.dialect import Dialect
from agentkit.responses.endpoint import Endpoint
from agentkit.responses.fitting import spoken
from agentkit.responses.providers import PROVIDERS, Provider, provider_of
from agentkit.responses.response import Request
from agentkit.run import Run
from agentkit.testing.offline import OfflineModel

END = "JSON"
"""Ends the body; no line of the body can be equal to it."""


def curl_command(records: Sequence[Record], number: int) -> str:
    """The command for the `number`-th request of a run, the first being 1.

    Those that shortened its conversation are counted. The last one may be one that was never
    answered. Raises ConfigurationError where there is no such request, and where no server was
    asked.
    """
    log, answer = _asked(records, number)
    if log.setup is None or not log.setup.server:
        raise ConfigurationError("--curl: this run's model is no server, so nothing was sent.")
    setup, server = log.setup, log.setup.server
    if isinstance(answer, Compaction):
        request = _shortening(log, setup)
    else:
        request = _request(log, setup, answer)
    dialect = _dialect_at(server, setup.wire)
    endpoint = CompactEndpoint if isinstance(request, CompactRequest) else Endpoint
    said = spoken(request, dialect)
    if dialect.wire == "chat":
        said = chat_request(said, dialect.chat)
    sent = decode(said.body())
    # in lines, since a plain terminal takes no more than 4,096 bytes of one that is pasted
    body = json.dumps(sent, indent=2, ensure_ascii=False)
    lines = [
        f"curl {shlex.quote(endpoint(server, dialect=dialect).url)}",
        "-H 'Content-Type: application/json'",
        *_key_headers(server),
        f"--data-binary @- <<'{END}'",
    ]
    return " \\\n  ".join(lines) + f"\n{safe_json(body)}\n{END}\n"


def _asked(records: Sequence[Record], number: int) -> tuple[Log, Answer | Compaction | None]:
    """The log as it was when the request was made, and what came of it if anything did."""
    answers = [
        (at, each)
        for at, each in enumerate(records)
        if isinstance(each, Answer | Compaction) and each.was_sent
    ]
    if number <= len(answers):
        at, answer = answers[number - 1]
        return Log(records[:at]), answer
    log = Log(records)
    is_asked = log.setup is not None and isinstance(next_move(log), AskModel)
    if is_asked and number == len(answers) + 1:
        return log, None
    raise ConfigurationError(
        f"--curl {number}: this run has {counted(len(answers) + is_asked, 'request')}."
    )


def _request(log: Log, setup: Setup, answer: Answer | None) -> Request:
    limit = answer.limit if answer else log.trip.limit
    if answer and answer.response.incomplete_reason == OUT_OF_TIME:
        limit = None  # it was met while the answer came
    request = next_request(_run(log, setup, answer), limit)
    if limit and log.answer is not None and log.answer.limit:
        # asked once more without tools, where the server had called one against `tool_choice`
        return replace(request, extra={**request.extra, "tools": None, "tool_choice": None})
    return request


def _shortening(log: Log, setup: Setup) -> Request:
    """The request for what stands for the beginning of the conversation."""
    policy = context_of(setup.context)
    if isinstance(policy, Compacted | Summarized) and (beginning := policy.beginning(log)):
        return shortening_request(setup, policy, beginning)
    raise ConfigurationError("--curl: the log does not say how the conversation was shortened.")


def _run(log: Log, setup: Setup, answer: Answer | None) -> Run:
    """The run as far as a request depends on it."""
    return Run(
        log=log,
        journal=None,
        setup=setup,
        model=OfflineModel(),
        tools={},
        conversation=_conversation(log, setup, answer),
        limits=Limits(),
        output=None,
        approve=None,
        middleware=(),
        session="",
        deps=None,
        listener=None,
        clock=lambda: 0.0,
    )


def _conversation(log: Log, setup: Setup, answer: Answer | None) -> Conversation:
    """How the request said what came before it. A server that was told so repeats it."""
    if setup.conversation:
        return Hosted(setup.conversation)
    answers = [answer] if answer else [each for each in log if isinstance(each, Answer)]
    is_chained = any(each.response.wire.get("previous_response_id") for each in answers)
    return Chained() if is_chained else Replay(context_of(setup.context))


def _key_headers(server: str) -> list[str]:
    """The options for the headers with the key, as the shell reads it from its own variable."""
    provider = _provider_at(server)
    if provider.name in PROVIDERS and not provider.key_variable:
        return []
    headers = provider.headers(f"${provider.key_variable or 'API_KEY'}")
    return [f'-H "{name}: {value}"' for name, value in headers.items()]


def _dialect_at(server: str, wire: str) -> Dialect:
    dialect = _provider_at(server).dialect
    return replace(dialect, wire="chat", state=False) if wire == "chat" else dialect


def _provider_at(server: str) -> Provider:
    """The provider at a base URL, also one on this computer that takes no key."""
    known = (each for each in PROVIDERS.values() if each.base_url == server)
    return next(known, None) or provider_of(server)
