"""The first effect: a request to the model, and what its answer means for the log."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

from agentkit.approval import word_on
from agentkit.events import ReasoningDelta, TextDelta
from agentkit.limits import LANDING
from agentkit.log import CallState, with_unique_calls
from agentkit.middleware import wrapped_ask
from agentkit.output import repair_message
from agentkit.records import Answer, Decision, Input, Record, without_echo
from agentkit.responses.encoding import JSON
from agentkit.responses.events import (
    REASONING_DELTA,
    REFUSAL_DELTA,
    SUMMARY_DELTA,
    TEXT_DELTA,
    Delta,
    Notice,
    StreamEvent,
)
from agentkit.responses.fold import Fold
from agentkit.responses.items import FunctionCall
from agentkit.responses.response import Fields, Request, Response
from agentkit.run import Run


async def ask(run: Run) -> None:
    """Ask the model for its next answer and take it into the log. Raises ModelError."""
    limit = _landing(run)
    began = run.clock()
    response = await wrapped_ask(run.middleware, partial(_receive, run))(next_request(run, limit))
    if response.incomplete_reason == OUT_OF_TIME:
        limit = "seconds"
    await run.append(*_records(run, response, limit, run.clock() - began))


OUT_OF_TIME = "seconds"
"""The reason of an answer that was cut off by the run's own bound on time."""


def next_request(run: Run, limit: str | None = None) -> Request:
    """The request that the log asks for; the last one, with tools switched off, for a limit."""
    setup = run.log.setup
    values: Mapping[str, Any] = setup.fields.values if setup else {}
    items, extra = run.conversation.next_input(run.log)
    choice = _tool_choice(setup.tool_choice if setup else None, run.log.trip.turns)
    if choice is not None:
        extra["tool_choice"] = choice
    if limit:
        told = f"{values.get('instructions') or ''}\n\n{LANDING}".strip()
        extra |= {"tool_choice": "none", "instructions": told}
    fields = setup.fields if setup else Fields({})
    return Request(fields, items, extra, stream=run.listener is not None)


def _landing(run: Run) -> str | None:
    """A limit only matters where there are tools to switch off."""
    setup = run.log.setup
    if setup is None or not setup.fields.values.get("tools"):
        return None
    return run.limits.landing(run.log, run.clock())


def _tool_choice(choice: JSON, turns: int) -> JSON:
    """A forced choice is let go after the first turn, or the run would never end."""
    if turns == 0 or choice in (None, "auto", "none"):
        return choice
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        return {**choice, "mode": "auto"}
    return "auto"


async def _receive(run: Run, request: Request) -> Response:
    fold, heard = Fold(), False
    try:
        async with asyncio.timeout(run.time_left):
            async for event in run.model.stream(request):
                fold.add(event)
                heard = _hear(run, event) or heard
    except TimeoutError:
        if run.time_left is None or run.time_left > 0:
            raise
        return fold.so_far(OUT_OF_TIME)
    response = fold.response()
    if not heard and response.text:
        run.emit(TextDelta(response.text))
    return response


def _hear(run: Run, event: StreamEvent) -> bool:
    """Pass a delta on; whether it was one of the answer's text."""
    if isinstance(event, Delta) and event.delta:
        if event.type in (TEXT_DELTA, REFUSAL_DELTA):
            run.emit(TextDelta(event.delta))
            return True
        if event.type in (REASONING_DELTA, SUMMARY_DELTA):
            run.emit(ReasoningDelta(event.delta))
    elif isinstance(event, Notice):
        run.emit(event)
    return False


def _records(run: Run, response: Response, limit: str | None, seconds: float) -> list[Record]:
    response = without_echo(with_unique_calls(response, run.log))
    problems = _problems(run, response)
    words = {} if limit else _words(run, response)
    answer = Answer(response, tuple(words), tuple(problems), limit, seconds)
    if problems and not limit and not run.log.trip.was_repaired:
        return [answer, Input((repair_message(problems),), is_repair=True)]
    return [answer, *(decision for decision in words.values() if decision)]


def _problems(run: Run, response: Response) -> list[str]:
    """Why the answer does not fit the output type, where it is an answer."""
    is_answer = response.is_complete and not response.calls and response.text
    if run.output is None or not is_answer or response.refusal:
        return []
    return run.output.problems(response.text)


def _words(run: Run, response: Response) -> dict[str, Decision | None]:
    """The calls that need a person's word, by id, with the word where a rule has given it."""
    words: dict[str, Decision | None] = {}
    for item in response.calls if response.is_complete else []:
        word = _word_on(run, item)
        if word == "ask":
            words[item.call_id] = None
        elif word == "reject":
            call = CallState(item, item.call_id)
            reason = "The rules of this run do not allow it."
            words[item.call_id] = Decision(call.call_id, "reject", call.arguments_digest, reason)
    return words


def _word_on(run: Run, call: FunctionCall) -> str:
    tool = run.tools.get(call.name)
    return "allow" if tool is None else word_on(tool, call.arguments, run.approve)
