"""One tool call, run: in time, again where the tool says so, its result cut to size.

Whatever the tool does wrong becomes text for the model, whatever it raises; only the cancellation
of the run passes through, and an interrupt from the keyboard.
"""

from __future__ import annotations

import asyncio
import signal
import threading
import types
from collections.abc import Coroutine, Generator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from math import fsum
from typing import Any, TypeVar, cast

from agentkit.calls import CallState
from agentkit.encoding import JSON, Wire, decode
from agentkit.events import ToolCall, ToolOutput, ToolProgress
from agentkit.limits import NOTE_AT
from agentkit.middleware import CallRequest, wrapped_call
from agentkit.purse import INSIDE, Inside
from agentkit.reading import hint_at
from agentkit.records import Ended, Output
from agentkit.responses.items import FunctionCallOutput
from agentkit.run import Run
from agentkit.schema.problems import words_of
from agentkit.schema.signature import BoundCall
from agentkit.tool_output import (
    DEFAULT_MAX_OUTPUT,
    MOST_KEPT,
    cut,
    json_text,
    to_output,
    whole_text,
)
from agentkit.tools import Final, Retry, Tool, ToolContext

T = TypeVar("T")

GRACE = 4.0
"""Seconds at most that a call has to end once it is told to; one that was not given as long for
its work has less. What goes on behind that goes on unheard. Less than an interrupted synchronous
run is waited for, so that what it came to is known."""

BLOCKED = 1.0
"""Seconds from which on it is told that a call held up the event loop."""


@dataclass(frozen=True)
class Outcome:
    """How a call ended, before the model reads of it."""

    output: str | list[Wire]
    ended: Ended = "ok"
    error: BaseException | None = None
    is_final: bool = False
    value: JSON = None
    was_cancelled: bool = False
    """Whether the run was told to stop meanwhile, which the tool kept to itself."""


async def perform(run: Run, call: CallState, tool: Tool, bound: BoundCall) -> None:
    """Run the call and take its output into the log."""
    if run.listener:
        run.emit(ToolCall(call.call_id, call.name, call.arguments))
    began, inside = run.clock(), Inside()
    around = INSIDE.set((*INSIDE.get(), inside))
    try:
        outcome = await _attempt(run, call, tool, bound)
        for _ in range(tool.retries):
            if run.is_out_of_tool_time or not _may_repeat(tool, outcome):
                break
            outcome = await _attempt(run, call, tool, bound)
    finally:
        with suppress(ValueError):  # a run that was never awaited to its end is closed elsewhere
            INSIDE.reset(around)
    seconds = run.clock() - began
    if outcome.error is not None and run.secrets is not None:
        run.secrets.redact(outcome.error)
    output, whole = _readable(run, call, tool, outcome)
    item = FunctionCallOutput({**call.answer_to, "output": output})
    await run.append(
        Output(
            item,
            outcome.ended,
            seconds,
            is_final=outcome.is_final,
            value=outcome.value,
            cost_inside=fsum(inside.costs),
            whole=whole,
            untrusted=tool.untrusted or inside.untrusted,
        )
    )
    if run.listener:
        ended = (outcome.ended, seconds, outcome.error)
        run.emit(ToolOutput(call.call_id, call.name, output, *ended))
    if outcome.was_cancelled:
        raise asyncio.CancelledError


def _may_repeat(tool: Tool, outcome: Outcome) -> bool:
    """A call that was cut off may have done its work, so only harmless ones run again."""
    if isinstance(outcome.error, Retry) or outcome.was_cancelled:
        return False
    return outcome.ended == "error" or (outcome.ended == "timeout" and tool.effect != "once")


async def _attempt(run: Run, call: CallState, tool: Tool, bound: BoundCall) -> Outcome:
    timeout, left = tool.timeout, run.tool_time_left
    ends_the_run = left is not None and (timeout is None or left < timeout)
    if left is not None and ends_the_run:
        timeout = max(0.0, left)
    # In a task of its own a tool may raise anything, and keep a cancellation to itself. Before
    # Python 3.13 a TaskGroup in it leaves its task looking cancelled.
    task = asyncio.create_task(_outcome(run, call, tool, bound))
    try:
        await asyncio.wait((task,), timeout=timeout)
    except asyncio.CancelledError:
        if (outcome := await _stopped(task, GRACE)) is not None:
            return replace(outcome, was_cancelled=True)
        raise
    if task.done() or timeout is None:
        return task.result()
    text = f"{call.name} timed out after {timeout:.3g} s."
    text += " The time of this run is used up." if ends_the_run else ""
    late = await _stopped(task, min(timeout, GRACE))
    return Outcome(text, "timeout", (late and late.error) or TimeoutError(text))


async def _stopped(task: asyncio.Task[Outcome], seconds: float) -> Outcome | None:
    """What a call comes to that is told to stop; None where it stops, or goes on all the same."""
    task.cancel()
    await asyncio.wait((task,), timeout=seconds)
    if not task.done() or task.cancelled():
        return None
    outcome = task.result()
    return None if isinstance(outcome.error, asyncio.CancelledError) else outcome


async def _outcome(run: Run, call: CallState, tool: Tool, bound: BoundCall) -> Outcome:
    work = _call(run, call, tool, bound)
    try:
        value = await (_steps(run, call.name, work) if tool.is_async else work)
        return _final(value) if isinstance(value, Final) else Outcome(to_output(value))
    except Retry as error:
        return Outcome(words_of(error), "error", error)
    except BaseException as error:  # the caller's own code may raise anything
        if tool.is_async and _is_from_the_keyboard(error):
            raise
        return Outcome(failed_text(call.name, error), "error", error)


def _is_from_the_keyboard(error: BaseException) -> bool:
    """Whether a person may have pressed Ctrl-C.

    Where nobody else looks after that, as `asyncio.run` does, Python raises it in whatever the
    main thread is doing.
    """
    is_main = threading.current_thread() is threading.main_thread()
    is_unattended = is_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    return is_unattended and isinstance(error, KeyboardInterrupt)


@types.coroutine
def _steps(run: Run, name: str, work: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
    """What the work gives. A step of it that holds up the event loop for long is told of.

    A watch over the loop itself could tell that it was held up, but not by whom.
    """
    step = partial(work.send, None)
    while True:
        began = run.clock()
        try:
            awaited = step()
        except StopIteration as end:
            return cast(T, end.value)
        finally:
            if (seconds := run.clock() - began) >= BLOCKED:
                run.notify(_blocked_text(name, seconds))
        try:
            yield awaited
            step = partial(work.send, None)
        except BaseException as error:  # noqa: BLE001 - passed on
            step = partial(work.throw, error)


def _blocked_text(name: str, seconds: float) -> str:
    return (
        f"{name} held up the event loop for {seconds:.1f} s, and with it every other call and "
        "every timeout. Make it a function that is not async, which runs in a thread."
    )


def _final(said: Final) -> Outcome:
    text = json_text(said.value)
    if text is None:
        raise ValueError("the value of Final cannot be written as JSON")
    return Outcome(to_output(said.value), is_final=True, value=decode(text))


async def _call(run: Run, call: CallState, tool: Tool, bound: BoundCall) -> object:
    context = ToolContext(
        deps=run.deps,
        session=run.session,
        call_id=call.call_id,
        usage=run.log.trip.usage,
        on_progress=lambda value: _report(run, call, value),
    )
    if not run.middleware:
        return await tool.call(bound, context)
    request = CallRequest(call.call_id, call.name, call.arguments)

    async def proceed(passed: CallRequest) -> object:
        same = passed.arguments == call.arguments
        return await tool.call(bound if same else tool.bind(passed.arguments), context)

    return await wrapped_call(run.middleware, proceed)(request)


def _report(run: Run, call: CallState, value: Any) -> None:
    if run.listener is not None and call.output is None:  # a thread may go on behind it
        value = value if run.secrets is None else run.secrets.hide_any(value)
        run.emit(ToolProgress(call.call_id, value))


def _readable(
    run: Run, call: CallState, tool: Tool, outcome: Outcome
) -> tuple[str | list[Wire], str | None]:
    """What the model reads, and all of it where that is cut."""
    output, whole = outcome.output, None
    if run.secrets is not None:
        output = run.secrets.hide_json(output)  # before it is cut, which could be within one
    most = tool.max_output or DEFAULT_MAX_OUTPUT
    if not isinstance(output, str) or len(output) > most:
        text = whole_text(output)
        whole = text[:MOST_KEPT] if len(text) > most else None
        output = cut(output, most, partial(hint_at, call.call_id))
    if call.edited is None and call.repeat < NOTE_AT:
        return output, whole
    return with_notes(output, call), whole


def with_notes(output: str | list[Wire], call: CallState) -> str | list[Wire]:
    """The output, with what the model should know of the call beside it."""
    notes = []
    if call.edited is not None:
        notes.append(f"[A person changed the arguments of this call to {call.edited}]")
    if call.repeat >= NOTE_AT:
        notes.append(f"[This same call was made {call.repeat} times in this run.]")
    if isinstance(output, str):
        return "\n\n".join([output, *notes])
    return [*output, *({"type": "input_text", "text": note} for note in notes)]


def failed_text(name: str, error: BaseException) -> str:
    """What the model reads of a tool that raised: the error's own words, no traceback."""
    return f"{name} failed: {type(error).__name__}: {words_of(error)}".removesuffix(": ")


def rejected_text(call: CallState, reason: Any) -> str:
    """What the model reads of a call that a person rejected."""
    text = f"{call.name} was not run: the call was rejected."
    if call.may_have_run:
        text = f"{call.name} was interrupted and may have run; it is not run again."
    return f"{text} {reason}" if reason else text
