"""The second effect: a batch of tool calls, each answered with an output.

First every call is decided on, with values: it runs, or words say why not. What will run is
written down before it does; then all of it runs together.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from agentkit.calls import WRAPPERS, CallState
from agentkit.encoding import Wire
from agentkit.errors import ToolArgumentError
from agentkit.events import ToolOutput
from agentkit.log import Log
from agentkit.perform import perform, rejected_text, with_notes
from agentkit.records import Ended, Output, Started
from agentkit.responses.items import FunctionCallOutput, Item, OtherItem
from agentkit.run import Run
from agentkit.schema.problems import did_you_mean
from agentkit.schema.signature import BoundCall
from agentkit.tools import Tool


@dataclass(frozen=True)
class Ready:
    """A call that will run."""

    call: CallState
    tool: Tool
    bound: BoundCall


@dataclass(frozen=True)
class Refused:
    """A call that will not run, and what the model reads instead."""

    call: CallState
    text: str
    ended: Ended = "error"
    limit: str | None = None
    error: Exception | None = None


async def dispatch(run: Run, calls: Sequence[CallState]) -> None:
    """Give every call an output: of the tool, or words why it did not run.

    What is going to run is kept as started, together with what allowed it, before it does.
    """
    decided = decide(run, calls)
    ready = [each for each in decided if isinstance(each, Ready)]
    outputs = [_output(each) for each in decided if not isinstance(each, Ready)]
    started = [Started({each.call.call_id: each.tool.effect for each in ready})] if ready else []
    await run.append(*outputs, *started)
    for each in decided:
        if isinstance(each, Refused):
            _tell(run, each)
    if len(ready) == 1:  # a group of tasks costs more than most tools
        await perform(run, ready[0].call, ready[0].tool, ready[0].bound)
    elif ready:
        await _perform_together(run, ready)


async def _perform_together(run: Run, ready: Sequence[Ready]) -> None:
    """Run them all to their ends, also where the log of one cannot be kept; then raise that."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_performed(run, each)) for each in ready]
    for task in tasks:
        if (error := task.result()) is not None:
            raise error


async def _performed(run: Run, ready: Ready) -> Exception | None:
    try:
        await perform(run, ready.call, ready.tool, ready.bound)
    except Exception as error:  # noqa: BLE001 - raised again when all have ended
        return error
    return None


def closing_outputs(log: Log) -> list[Output]:
    """Outputs for the calls that are open, where the caller speaks on instead of deciding."""
    return [_closed(call) for call in log.open_calls]


def decide(run: Run, calls: Sequence[CallState]) -> list[Ready | Refused | Output]:
    """What becomes of each call, in order."""
    decided: list[Ready | Refused | Output] = []
    planned: Counter[str] = Counter()
    for call in calls:
        each = _decided(run, call, planned)
        if isinstance(each, Ready) and call.effect is None:
            planned[call.name] += 1
        decided.append(each)
    return decided


def _decided(run: Run, call: CallState, planned: Counter[str]) -> Ready | Refused | Output:
    if call.is_decided_by_hand:
        return _by_hand(call, run.tools.get(call.name))
    # what was interrupted had been let through, and counted, before
    refusal = None if call.effect else run.limits.refusal(run.log, planned.total(), call.repeat)
    if refusal is not None:
        return Refused(call, refusal[1], "skipped", limit=refusal[0])
    tool = run.tools.get(call.name)
    if tool is None:
        return Refused(call, unknown_tool(call.name, run.tool_names))
    if call.item.wire.get("status") == "incomplete":
        return Refused(call, f"{call.name} was not run: its arguments were cut off.", "skipped")
    if run.is_out_of_tool_time:
        text = f"{call.name} was not run: the time of this run is used up."
        return Refused(call, text, "skipped", limit="seconds")
    if tool.max_calls is not None and call.effect is None:
        used = run.log.trip.calls[call.name] + planned[call.name]
        if used >= tool.max_calls:
            return Refused(call, _used_up(tool.name, tool.max_calls), "skipped")
    try:
        return Ready(call, tool, tool.bind(call.arguments))
    except ToolArgumentError as error:
        return Refused(call, str(error), error=error)


def _output(decided: Refused | Output) -> Output:
    if isinstance(decided, Output):
        return decided
    call, text = decided.call, decided.text
    said = text if decided.limit else with_notes(text, call)
    return Output(_item(call, said), decided.ended, limit=decided.limit)


def _tell(run: Run, refused: Refused) -> None:
    call, said = refused.call, (refused.text, refused.ended)
    run.emit(ToolOutput(call.call_id, call.name, *said, error=refused.error))


def _by_hand(call: CallState, tool: Tool | None) -> Refused | Output:
    """What a person's word makes of a call that it does not let run."""
    decision = call.decision
    if decision is None or call.is_the_servers_own:
        return Output(_mcp_answer(call), "ok")
    if decision.verdict == "reject":
        return Refused(call, rejected_text(call, decision.value), "rejected")
    # a person who stands in for such a tool most likely gives what it would have given
    is_from_outside = tool is not None and tool.untrusted
    return Output(_item(call, decision.value), "ok", untrusted=is_from_outside)


def _closed(call: CallState) -> Output:
    if call.is_the_servers_own:
        return Output(_mcp_answer(call), "skipped")
    text = f"{call.name} was not run: the user went on."
    if call.effect is not None:
        text = f"{call.name} was interrupted and may have run; what it gave is not known."
    return Output(_item(call, text), "skipped")


def _item(call: CallState, output: str | list[Wire]) -> FunctionCallOutput:
    return FunctionCallOutput({**call.answer_to, "output": output})


def _used_up(name: str, most: int) -> str:
    times = "once" if most == 1 else f"{most} times"
    return f"{name} was not run: it may be called {times} in a run."


def unknown_tool(name: str, names: Sequence[str]) -> str:
    """What the model reads when it calls a tool that there is not."""
    said = f"There is no tool named {name!r}."
    if not names:
        return f"{said} There are no tools; answer without."
    if name in WRAPPERS:
        said += " Call each tool by itself: the calls of one answer run together."
    return f"{said}{did_you_mean(name, names)} Tools: {', '.join(sorted(names))}."


def _mcp_answer(call: CallState) -> Item:
    """A server runs its own tools, but asks first; this is the answer."""
    decision = call.decision
    approve = decision is not None and decision.verdict == "approve"
    answer = {
        "type": "mcp_approval_response",
        "approval_request_id": call.call_id,
        "approve": approve,
    }
    reason = decision.value if decision and not approve else None
    return OtherItem({**answer, "reason": str(reason)} if reason else answer)
