"""The first effect: a request to the model, and what its answer means for the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from agentkit.approval import words_on
from agentkit.cache import AnswerCache, key_of, may_be_given_again, must_not_run_twice
from agentkit.calls import plain_calls
from agentkit.compact import shorten
from agentkit.encoding import JSON
from agentkit.errors import ModelError
from agentkit.events import Event, ReasoningDelta, TextDelta
from agentkit.hiding import hidden_response
from agentkit.log import wants_calls
from agentkit.middleware import wrapped_ask
from agentkit.moves import is_on_the_way
from agentkit.output import OutputFormat, repair_message
from agentkit.pairing import paired_calls
from agentkit.paying import OUT_OF_TIME, Send, Sent, as_last, paid
from agentkit.reading import NAME, reader_schema
from agentkit.records import Answer, Input, Record
from agentkit.responses.events import (
    REASONING_DELTA,
    REFUSAL_DELTA,
    SUMMARY_DELTA,
    TEXT_DELTA,
    Delta,
    Notice,
    PartDone,
    StreamEvent,
)
from agentkit.responses.fold import Fold
from agentkit.responses.items import Message
from agentkit.responses.response import Model, Request, Response
from agentkit.run import Run
from agentkit.secrets import HidingStream

Said = TextDelta | ReasoningDelta

_SAID_BY: dict[str, type[Said]] = {
    TEXT_DELTA: TextDelta,
    REFUSAL_DELTA: TextDelta,
    REASONING_DELTA: ReasoningDelta,
    SUMMARY_DELTA: ReasoningDelta,
}
"""What a listener hears of a stream event."""

# What a response repeats of its request, which Setup holds once; its output is kept as items.
_ECHO = frozenset(
    (  # noqa: SIM905 - a word a line would fill a screen
        "instructions tools tool_choice text input output background frequency_penalty "
        "max_output_tokens max_tool_calls metadata parallel_tool_calls presence_penalty reasoning "
        "safety_identifier store temperature top_logprobs top_p truncation user"
    ).split()
)


async def ask(run: Run) -> None:
    """Ask the model for its next answer and take it into the log. Raises ModelError.

    It is kept together with what follows from it, so that calls that it lets run have started.
    """
    await run.append()
    if (policy := run.conversation.shortened_by) is not None:
        await shorten(run, policy)
    # a limit only matters where the run could go on: with tools, or after mere commentary
    limit = run.limits.landing(run.log, run.clock()) if run.may_go_on else None
    request = next_request(run, limit)
    response, met = await _answered(run, request, limit)
    if met and _has_ignored_tool_choice(response) and not run.conversation.keeps_answers:
        last = request if limit else as_last(request)
        bare = replace(last, extra={**last.extra, "tools": None, "tool_choice": None})
        await run.append()
        # the run has landed, if without an answer; a second one that fails takes nothing away
        with suppress(ModelError):
            await _answered(run, bare, met)


async def _answered(run: Run, request: Request, limit: str | None) -> tuple[Response, str | None]:
    """The answer, taken into the log, and the limit that makes it the run's last."""
    began, sent = run.clock(), Sent(limit)
    send = partial(paid, run, sent, partial(_receive, run, sent.heard))
    if run.cache is not None:
        send = partial(_known_or_sent, run, run.cache, sent, send)
    if run.middleware:
        response = await wrapped_ask(run.middleware, send)(request)
    else:
        response = await send(request)
    if run.secrets is not None:  # first: a decision is bound to the arguments that the log has
        response = hidden_response(response, run.secrets)
    if run.listener is not None and TextDelta not in sent.heard and response.text:
        run.emit(TextDelta(response.text))
    if response.incomplete_reason == OUT_OF_TIME:
        sent.limit = "seconds"
    answer, *others = _records(run, response, sent, run.clock() - began)
    run.take(answer)  # made of a response that has been cleaned
    run.hold(*others)
    if run.cache is not None:
        await _keep(run, run.cache, sent)
    return response, sent.limit


async def _known_or_sent(
    run: Run, cache: AnswerCache, sent: Sent, send: Send, request: Request
) -> Response:
    """The answer that was kept of an equal request, else the model's.

    Always the model's where the run has done what is not to be done twice: what is said then is
    about this one time.
    """
    has_acted = must_not_run_twice(run.log.trip.calls, run.tools)
    key = None if has_acted else key_of(request, run.setup, run.model, run.secrets)
    known = None
    if key is not None:
        try:
            known = await cache.answer(key)
        except Exception as error:  # noqa: BLE001 - a store may be the caller's own
            run.notify(f"The cache cannot be read, so the model is asked. ({error})")
    if known is not None and may_be_given_again(known, run.tools):
        sent.is_cached = sent.is_cached or not sent.costs
        sent.costs.append(0.0)
        return known
    response = await send(request)
    sent.is_cached, sent.fresh = False, (key, response) if key else None
    return response


async def _keep(run: Run, cache: AnswerCache, sent: Sent) -> None:
    """Keep the model's answer for equal requests to come, where it is one to be given again.

    A run's last is not, where a limit made it that: the model was told to come to an end.
    """
    answer = run.log.last_answer
    if sent.fresh is None or sent.limit or answer is None or answer.problems:
        return
    key, response = sent.fresh
    if not may_be_given_again(response, run.tools):
        return
    if run.secrets is not None:
        response = hidden_response(response, run.secrets)
    try:
        await cache.keep(key, response, run.setup)
    except Exception as error:  # noqa: BLE001 - a store may be the caller's own
        run.notify(f"The answer is not kept in the cache. ({error})")


def _has_ignored_tool_choice(response: Response) -> bool:
    """Whether a server told to call no tool called one all the same, and said nothing else."""
    return response.is_complete and bool(response.calls) and not response.text


def next_request(run: Run, limit: str | None = None) -> Request:
    """The request that the log asks for; the last one, with tools switched off, for a limit."""
    items, extra = run.conversation.next_input(run.log)
    if run.setup.tool_choice is not None:
        extra["tool_choice"] = _tool_choice(run.setup.tool_choice, run.log.trip.turns)
    # an answer that may be cut off is streamed, so that what has come of it is kept
    is_heard = run.listener is not None or run.limits.seconds is not None
    log = run.log
    before = tuple(log.items[: log.known_items]) if "previous_response_id" in extra else ()
    if log.long_outputs and NAME not in run.setup.tool_names and run.setup.tool_names:
        extra["tools"] = [*run.setup.fields.values["tools"], reader_schema()]
    request = Request(run.setup.fields, items, extra, is_heard, before, run.time_left)
    return as_last(request) if limit else request


def _tool_choice(choice: JSON, turns: int) -> JSON:
    """A forced choice is let go after the first turn, or the run would never end."""
    if turns == 0 or choice in ("auto", "none"):
        return choice
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        return {**choice, "mode": "auto"}
    return "auto"


async def _receive(run: Run, heard: set[type[Event]], request: Request) -> Response:
    if run.middleware and not run.conversation.keeps_call_ids:
        paired_calls(request.input, "middleware")
    fold = Fold()
    telling = _Telling(run, heard)
    try:
        async with asyncio.timeout(run.time_left) as scope:
            async for events in _batches(run.model, request):
                for event in events:
                    fold.add(event)
                telling.take(events)
        response = fold.response()
        if run.listener is not None:
            telling.take_rest(response)
        return response
    except TimeoutError:
        if not scope.expired():
            raise
        return fold.so_far(OUT_OF_TIME)
    except ModelError as error:
        error.was_heard = bool(heard) and run.listener is not None
        raise
    finally:
        if run.listener is not None:
            telling.end()


def _batches(model: Model, request: Request) -> AsyncIterator[Sequence[StreamEvent]]:
    """The events of the answer, those that came together in one piece."""
    if "stream" not in getattr(model, "__dict__", ()):
        for kind in type(model).__mro__:
            if "stream" in vars(kind):
                # a class that says anew how to stream means all of its answers
                batches: Any = vars(kind).get("batches")
                if batches is not None:
                    answer: AsyncIterator[Sequence[StreamEvent]] = batches(model, request)
                    return answer
                break
    return _singly(model.stream(request))


async def _singly(events: AsyncIterator[StreamEvent]) -> AsyncIterator[Sequence[StreamEvent]]:
    async for event in events:
        yield (event,)


class _Telling:
    """Tells a listener of a response's deltas, with secrets hidden that are in several of them.

    What may be the beginning of one is told with the next delta, and at the latest where that is
    of another kind or the part has ended.
    """

    def __init__(self, run: Run, heard: set[type[Event]]) -> None:
        self._run = run
        self._heard = heard
        self._kind: type[Said] = TextDelta
        self._pieces: list[str] = []
        """The text that deltas brought, as it came."""
        self._text = HidingStream(run.secrets) if run.secrets and run.listener else None

    def take(self, events: Sequence[StreamEvent]) -> None:
        """Tell what stream events bring, as far as it may be told."""
        hiding = None if self._text is None or self._shows_nothing(events) else self._text
        for event in events:
            if isinstance(event, Delta):
                kind = _SAID_BY.get(event.type)
                if kind is TextDelta:
                    self._pieces.append(event.delta)
                if hiding is None:
                    self._tell(event.delta, kind)
                elif event.delta:
                    self._tell_hidden(event.delta, kind, hiding)
            elif isinstance(event, Notice):
                self._run.notify(event.text)
            elif isinstance(event, PartDone):
                self.end()

    def take_rest(self, response: Response) -> None:
        """Tell what of the answer no delta brought, as of a broken stream that was fetched."""
        messages = [item for item in response.output if isinstance(item, Message)]
        text = "".join([message.text + message.refusal for message in messages])
        said = "".join(self._pieces)
        if not said or said == text:
            return
        if text.startswith(said):
            self.take((Delta(TEXT_DELTA, text[len(said) :]),))
        elif text.strip() != said.strip():
            self._run.notify("The text that was heard is not that of the answer, which counts.")

    def end(self) -> None:
        """Tell what has not been told yet."""
        if self._text is not None:
            self._tell(self._text.end(), self._kind)

    def _shows_nothing(self, events: Sequence[StreamEvent]) -> bool:
        """Whether all of it can be told as it is; one look at many deltas takes less than many."""
        deltas = [event for event in events if isinstance(event, Delta)]
        if self._text is None or len({event.type for event in deltas}) != 1:
            return False
        return self._text.passes("".join([event.delta for event in deltas]))

    def _tell_hidden(self, text: str, kind: type[Said] | None, hiding: HidingStream) -> None:
        if kind is not self._kind:
            self.end()
        if kind is not None:
            self._kind = kind
            self._tell(hiding.add(text), kind)

    def _tell(self, text: str, kind: type[Said] | None) -> None:
        if text and kind is not None:
            self._heard.add(kind)
            self._run.emit(kind(text))


def _records(run: Run, response: Response, sent: Sent, seconds: float) -> list[Record]:
    is_kept = run.conversation.keeps_call_ids
    known = frozenset[str]() if is_kept else run.log.call_ids
    response = plain_calls(response, run.tools, known, is_kept=is_kept)
    wire = response.wire.items()
    kept = {key: value for key, value in wire if key not in _ECHO and value is not None}
    response = Response(kept, response.output)
    problems, doubts = _faults(run, run.output, response) if run.output else ([], [])
    is_asked = run.asks_people and not sent.limit
    words = words_on(response, run.tools, run.approve, run.log) if is_asked else {}
    met, cost = sent.limit, sent.cost
    answer = Answer(
        response, tuple(words), tuple(problems), met, seconds, cost, is_cached=sent.is_cached
    )
    if (problems or doubts) and run.output and _may_repair(run, sent.limit):
        return [answer, Input((repair_message(problems, run.output, doubts),), is_repair=True)]
    return [answer, *(decision for decision in words.values() if decision)]


def _may_repair(run: Run, limit: str | None) -> bool:
    """Once a run, where another request fits."""
    has_room = run.limits.has_room(run.log, run.clock())
    return has_room and not limit and not run.log.trip.was_repaired


def _faults(run: Run, output: OutputFormat, response: Response) -> tuple[list[str], list[str]]:
    """Why an answer does not fit the output type, and what of it the tools do not show."""
    if not response.is_complete or response.refusal:
        return [], []
    if wants_calls(response) or is_on_the_way(response):
        return [], []
    records, text = [*run.log.records, Answer(response)], response.text
    problems, doubts = output.problems(text, records), output.doubts(text, records)
    if run.secrets is not None:  # a validator may be the caller's own code
        problems, doubts = run.secrets.hide_json(problems), run.secrets.hide_json(doubts)
    return problems, doubts
