"""What happens next in a run: one pure question to its log.

Running, resuming, approving and recovering all ask it, so they are one path. No clock, no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agentkit.calls import CallState
from agentkit.log import Log
from agentkit.records import Answer
from agentkit.responses.items import Message
from agentkit.responses.response import Response

Status = Literal["completed", "limited", "waiting", "incomplete", "refused", "cancelled", "failed"]


@dataclass(frozen=True)
class AskModel:
    """The model is to be asked."""


@dataclass(frozen=True)
class CallTools:
    """These calls are to be answered: run, or refused in words."""

    calls: tuple[CallState, ...]


@dataclass(frozen=True)
class Wait:
    """These calls need a person's word; the process may end meanwhile."""

    calls: tuple[CallState, ...]
    status: Status = "waiting"


@dataclass(frozen=True)
class Finish:
    """The run is over."""

    status: Status


Move = AskModel | CallTools | Wait | Finish


def next_move(log: Log) -> Move:
    """What follows from the log as it stands."""
    answer = log.answer
    if answer is None:
        return AskModel()
    if answer.response.is_failed:
        return Finish("failed")
    if answer.limit:
        return Finish("limited")
    if not answer.response.is_complete:
        return Finish("incomplete")
    if log.all_calls:
        return _after_calls(log)
    return _after_text(answer)


def _after_calls(log: Log) -> Move:
    ready = tuple(call for call in log.open_calls if not call.waits)
    if ready:
        return CallTools(ready)
    if waiting := log.waiting_calls:
        return Wait(tuple(waiting))
    return Finish("completed") if log.trip.final else AskModel()


def _after_text(answer: Answer) -> Move:
    if answer.response.refusal:
        return Finish("refused")
    if answer.problems:
        return Finish("failed")
    return AskModel() if is_on_the_way(answer.response) else Finish("completed")


def is_on_the_way(response: Response) -> bool:
    """Whether the model has only commented so far: its answer is still to come."""
    said = [item for item in response.output if isinstance(item, Message)]
    return bool(said) and all(message.phase == "commentary" for message in said)
