"""How a run begins and goes on in a log: what is added to it first, and what it comes to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import partial
from typing import Any

from agentkit.approval import Decision, decision_records
from agentkit.context import context_wire
from agentkit.conversation import Conversation
from agentkit.dispatch import closing_outputs
from agentkit.errors import ConfigurationError, Conflict, ModelError, StoreError, carry
from agentkit.input import UserInput, input_items
from agentkit.log import Log
from agentkit.loop import loop
from agentkit.moves import CallTools, Finish, Wait, next_move
from agentkit.output import OutputFormat
from agentkit.paying import check_prices, purse_behind
from agentkit.records import Input, Record, Setup
from agentkit.responses.dialect import dialect_of
from agentkit.responses.response import Fields, Model
from agentkit.responses.retry import OF_THE_SERVER, failed_by_itself
from agentkit.result import RunResult, broken_off, result_of
from agentkit.run import Run
from agentkit.secrets import Secrets
from agentkit.sessions import Place
from agentkit.steps import GO_ON
from agentkit.stores.lessons import lessons_kept
from agentkit.tools import Tool

Opening = Callable[[Place], Sequence[Record]]
"""The records that have a log go on."""


def begun(said: UserInput) -> Opening:
    """The opening of a run that begins with what the caller says."""
    record = Input(input_items(said))
    return lambda place: [*closing_outputs(place.log), record]


def resumed(decisions: Sequence[Decision], tools: Mapping[str, Tool]) -> Opening:
    """The opening of a run that stands: what was decided, or a word to the model.

    It raises ConfigurationError where there is no run, and for a decision that cannot be taken;
    Conflict where the open calls of a log in memory were taken up before.
    """
    return lambda place: _resumed(place, decisions, tools)


def check_run(run: Run) -> None:
    """Raise ConfigurationError for what it could not begin with, whatever it is asked."""
    for each in (run.setup, *(setup for _, setup in run.others)):
        check_prices(replace(run, setup=each))


async def go_on(run: Run, place: Place, opening: Opening) -> RunResult:
    """Run to the end; what it came to. An exception carries the result so far."""
    check_run(run)
    first = opening(place)
    setup = run.log.setup
    if not setup or (setup.digest, setup.session) != (run.setup.digest, run.session):
        first = [replace(run.setup, session=run.session), *first]
    if purse := purse_behind(run, first):
        run = replace(run, purse=purse)
    try:
        run.hold(*first)
        with purse or nullcontext():
            end = await _ended_with_lessons(run)
        if run.journal is not None:
            await run.journal.end(run.log)
    except (Exception, asyncio.CancelledError, KeyboardInterrupt, SystemExit) as error:
        if run.secrets is not None:
            run.secrets.redact(error)
        result = broken_off(run.log, error, run.session)
        carry(error, result)
        await _kept_so_far(run, error, result)
        raise
    return result_of(run.log, end, run.session, run.output)


async def _ended_with_lessons(run: Run) -> Finish | Wait:
    """What the run comes to; what its servers refuse is known from its store, and kept there."""
    if run.journal is None:
        return await _ended(run)
    models = [run.model, *(model for model, _ in run.others)]
    async with lessons_kept(run.journal.store, models, run.secrets):
        return await _ended(run)


async def _ended(run: Run) -> Finish | Wait:
    """What the run comes to, of the next model where the server of the one before fails."""
    while True:
        try:
            end = await loop(run)
        except ModelError as error:
            if not run.others or error.was_heard or not isinstance(error, OF_THE_SERVER):
                raise
            why = str(error)
        else:
            if not (run.others and _has_failed_by_itself(run.log)):
                return end
            why = "Its answer failed."
        (model, setup), *others = run.others
        run.notify(f"{run.setup.model[1]} failed, so {setup.model[1]} goes on. ({why})")
        run = replace(run, model=model, setup=setup, others=tuple(others))
        run.hold(replace(setup, session=run.session))


def _has_failed_by_itself(log: Log) -> bool:
    """Whether the last answer is a failure of the server's, and nothing else."""
    response = log.answer.response if log.answer else None
    if response is None or not response.is_failed or response.output:
        return False
    return failed_by_itself(response.error)


def setups_for(
    models: Sequence[Model],
    asked: Mapping[str, Any],
    output: OutputFormat | None,
    said: Conversation,
    secrets: Secrets,
) -> list[Setup]:
    """What every request to each model of an agent is made of.

    `asked` is its instructions, tools and settings.
    """
    made = partial(_setup_for, asked=asked, output=output, said=said, secrets=secrets)
    return [made(model, number) for number, model in enumerate(models, 1)]


def _setup_for(
    model: Model,
    number: int,
    *,
    asked: Mapping[str, Any],
    output: OutputFormat | None,
    said: Conversation,
    secrets: Secrets,
) -> Setup:
    dialect, settings = dialect_of(model), dict(asked)
    told, text = settings.pop("instructions"), dict(settings.pop("text", None) or {})
    tools, choice = settings.pop("tools"), settings.pop("tool_choice", None)
    if output is not None and dialect.text_format:
        text["format"] = output.text_format()
    elif output is not None:
        told = f"{told}\n\n{output.instruction()}".strip()
    name, endpoint = getattr(model, "name", None), getattr(model, "endpoint", None)
    server = str(getattr(endpoint, "shown", ""))
    fields = {"model": name, "instructions": told, "tools": tools, "text": text, **settings}
    return Setup(
        Fields({key: value for key, value in fields.items() if value not in (None, "", [], {})}),
        choice,
        # two without a name are not the same, and do not read each other's reasoning
        server=server or (f"model {number}" if number > 1 and not name else ""),
        conversation=getattr(said, "conversation", ""),
        context=context_wire(getattr(said, "context", None)),
        wire=dialect.wire,
        secrets=secrets,
    )


def _resumed(
    place: Place, decisions: Sequence[Decision], tools: Mapping[str, Tool]
) -> Sequence[Record]:
    log = place.log
    if not any(isinstance(record, Input) for record in log.records):
        raise ConfigurationError(
            f"There is no run to go on with in {place.session!r}. Pass its result or its log, or "
            "the store that it is in."
        )
    decided, end = decision_records(log, decisions, tools), next_move(log)
    if decided or isinstance(end, CallTools):
        if place.journal is None:
            log.claim()
        return decided
    if not isinstance(end, Finish) or log.answer is None:
        return []
    if end.status == "failed" or not log.answer.was_sent:  # nothing to go on from
        return [Input(())]
    return [Input((GO_ON,))] if end.status in ("limited", "incomplete") else []


async def _kept_so_far(run: Run, error: BaseException, result: RunResult) -> None:
    """Keep what a run that breaks off has come to, and how it ended; the error goes first."""
    if run.journal is None or isinstance(error, StoreError | Conflict):
        return
    try:
        with suppress(StoreError, Conflict):
            await run.journal.end(run.log, result.status)
    except asyncio.CancelledError as cancelled:
        carry(cancelled, result)
        raise
