"""One tool call, run: in time, again where the tool says so, its result cut to size.

Whatever the tool does wrong becomes text for the model; only a cancelled run passes through.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from math import fsum
from typing import Any

from agentkit.calls import CallState
from agentkit.encoding import JSON, Wire, decode
from agentkit.events import ToolCall, ToolOutput, ToolProgress
from agentkit.limits import NOTE_AT
from agentkit.middleware import CallRequest, wrapped_call
from agentkit.purse import INSIDE
from agentkit.records import Ended, Output
from agentkit.responses.items import FunctionCallOutput
from agentkit.run import Run
from agentkit.schema.signature import BoundCall
from agentkit.tool_output import DEFAULT_MAX_OUTPUT, cut, json_text, to_output
from agentkit.tools import Final, Retry, Tool, ToolContext


@dataclass(frozen=True)
class Outcome:
    """How a call ended, before the model reads of it."""

    output: str | list[Wire]
    ended: Ended = "ok"
    error: BaseException | None = None
    is_final: bool = False
    value: JSON = None


async def perform(run: Run, call: CallState, tool: Tool, bound: BoundCall) -> None:
    """Run the call and take its output into the log."""
    if run.listener:
        run.emit(ToolCall(call.call_id, call.name, call.arguments))
    began, cancels, inside = run.clock(), _cancels(), list[float]()
    around = INSIDE.set((*INSIDE.get(), inside))
    try:
        outcome = await _attempt(run, call, tool, bound)
        for _ in range(tool.retries):
            if _cancels() > cancels or run.is_out_of_tool_time or not _may_repeat(tool, outcome):
                break
            outcome = await _attempt(run, call, tool, bound)
    finally:
        with suppress(ValueError):  # a run that was never awaited to its end is closed elsewhere
            INSIDE.reset(around)
    seconds = run.clock() - began
    if outcome.error is not None and run.secrets is not None:
        run.secrets.redact(outcome.error)
    output = _readable(run, call, tool, outcome)
    item = FunctionCallOutput({**call.answer_to, "output": output})
    await run.append(
        Output(
            item,
            outcome.ended,
            seconds,
            is_final=outcome.is_final,
            value=outcome.value,
            cost_inside=fsum(inside),
        )
    )
    if run.listener:
        ended = (outcome.ended, seconds, outcome.error)
        run.emit(ToolOutput(call.call_id, call.name, output, *ended))
    if _cancels() > cancels:  # the tool kept the cancellation to itself
        raise asyncio.CancelledError


def _may_repeat(tool: Tool, outcome: Outcome) -> bool:
    """A call that was cut off may have done its work, so only harmless ones run again."""
    if isinstance(outcome.error, Retry):
        return False
    return outcome.ended == "error" or (outcome.ended == "timeout" and tool.effect != "once")


async def _attempt(run: Run, call: CallState, tool: Tool, bound: BoundCall) -> Outcome:
    timeout, left, cancels = tool.timeout, run.tool_time_left, _cancels()
    ends_the_run = left is not None and (timeout is None or left < timeout)
    if left is not None and ends_the_run:
        timeout = max(0.0, left)
    attempt = _outcome(run, call, tool, bound)
    scope = asyncio.timeout(timeout)
    try:
        async with scope:
            # Before Python 3.13 a TaskGroup in a tool leaves its task looking cancelled, so the
            # tool has a task of its own.
            outcome = await (asyncio.create_task(attempt) if tool.is_async else attempt)
    except (TimeoutError, asyncio.CancelledError) as error:
        if _cancels() > cancels:
            raise
        outcome = Outcome(failed_text(call.name, error), "error", error)
    if scope.expired():
        text = f"{call.name} timed out after {timeout:.3g} s."
        text += " The time of this run is used up." if ends_the_run else ""
        return Outcome(text, "timeout", outcome.error or TimeoutError(text))
    return outcome


async def _outcome(run: Run, call: CallState, tool: Tool, bound: BoundCall) -> Outcome:
    try:
        value = await _call(run, call, tool, bound)
        return _final(value) if isinstance(value, Final) else Outcome(to_output(value))
    except Retry as error:
        return Outcome(_said(error), "error", error)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the caller's own code
        return Outcome(failed_text(call.name, error), "error", error)


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
        on_progress=lambda value: _report(run, call.call_id, value),
    )
    if not run.middleware:
        return await tool.call(bound, context)
    request = CallRequest(call.call_id, call.name, call.arguments)

    async def proceed(passed: CallRequest) -> object:
        same = passed.arguments == call.arguments
        return await tool.call(bound if same else tool.bind(passed.arguments), context)

    return await wrapped_call(run.middleware, proceed)(request)


def _report(run: Run, call_id: str, value: Any) -> None:
    if run.listener is not None:
        value = value if run.secrets is None else run.secrets.hide_any(value)
        run.emit(ToolProgress(call_id, value))


def _readable(run: Run, call: CallState, tool: Tool, outcome: Outcome) -> str | list[Wire]:
    output = outcome.output
    if run.secrets is not None:
        output = run.secrets.hide_json(output)  # before it is cut, which could be within one
    if isinstance(output, list) and not run.dialect.lists_in_outputs:
        output = _in_words(output)
    most = tool.max_output or DEFAULT_MAX_OUTPUT
    if not isinstance(output, str) or len(output) > most:
        output = cut(output, most)
    return output if call.edited is None and call.repeat < NOTE_AT else with_notes(output, call)


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


def _in_words(parts: list[Wire]) -> str:
    """For a server that reads outputs as text alone."""
    return "\n".join(
        part["text"] if part.get("type") == "input_text" else "[an image or a file, left out]"
        for part in parts
    )


def failed_text(name: str, error: BaseException) -> str:
    """What the model reads of a tool that raised: the error's own words, no traceback."""
    return f"{name} failed: {type(error).__name__}: {_said(error)}".removesuffix(": ")


def rejected_text(call: CallState, reason: Any) -> str:
    """What the model reads of a call that a person rejected."""
    text = f"{call.name} was not run: the call was rejected."
    if call.may_have_run:
        text = f"{call.name} was interrupted and may have run; it is not run again."
    return f"{text} {reason}" if reason else text


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - an exception of the caller's that cannot be printed
        return "(its message cannot be read)"


def _cancels() -> int:
    """How often the running task was asked to stop; a tool may raise CancelledError unasked."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()
