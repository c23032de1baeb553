"""Streams that end otherwise than with an answer, and responses that are no whole answers."""

from __future__ import annotations

from agentkit.encoding import Wire
from agentkit.testing.faults.answers import (
    DONE,
    Answer,
    framed,
    half,
    is_terminal,
    lifecycle,
    on_answers,
    stream_of,
    up_to_a_delta,
    whole,
)
from agentkit.testing.faults.chat import finished
from agentkit.testing.faults.definition import Asked, Effect, Fault
from agentkit.testing.http import Reply
from agentkit.testing.sequence import event_sequence

_MESSAGE = "The server had an error while it answered."


def _flat(code: str) -> Wire:
    return {"type": "error", "code": code, "message": _MESSAGE, "param": None}


def _nested(code: str) -> Wire:
    said = {"type": "server_error", "code": code, "message": _MESSAGE, "param": None}
    return {"type": "error", "error": said}


def _bare(code: str) -> Wire:
    return {"error": {"message": _MESSAGE, "code": code}}


EVENT_SHAPES = {"flat": _flat, "nested": _nested, "bare": _bare}
"""The shapes in which an error may come within a stream."""


def _error_event(asked: Asked) -> Wire:
    return EVENT_SHAPES[asked.options["shape"]](asked.options["code"])


def _error_at_once(answer: Answer, asked: Asked) -> Reply:
    if not answer.is_stream:
        return whole(_bare(asked.options["code"]))
    return stream_of([*lifecycle(answer.pieces), framed(_error_event(asked))])


def _error_mid_stream(answer: Answer, asked: Asked) -> Reply:
    if not answer.is_stream:
        return whole(_bare(asked.options["code"]))
    return stream_of([*up_to_a_delta(answer.pieces), framed(_error_event(asked))])


def _failed(answer: Answer, asked: Asked) -> Reply:
    if answer.is_chat:
        return finished(answer, "error")
    failure = _failure(answer.response, asked.options["code"])
    return stream_of(map(framed, event_sequence(failure))) if answer.is_stream else whole(failure)


def _failed_mid_stream(answer: Answer, asked: Asked) -> Reply:
    if answer.is_chat:
        return finished(answer, "error")
    failure = _failure(answer.response, asked.options["code"])
    if not answer.is_stream:
        return whole(failure)
    ended = framed({"type": "response.failed", "response": failure})
    return stream_of([*up_to_a_delta(answer.pieces), ended])


def _failure(response: Wire, code: str) -> Wire:
    error = {"code": code, "message": _MESSAGE}
    return {**response, "status": "failed", "error": error, "output": [], "usage": None}


def _error_and_answer(answer: Answer, asked: Asked) -> Reply:
    error = {"code": asked.options["code"], "message": _MESSAGE}
    if not answer.is_stream:
        return whole({**answer.response, "error": error})
    ends = [piece for piece in answer.pieces if is_terminal(piece)]
    begun = [piece for piece in answer.pieces if not is_terminal(piece)]
    return stream_of([*begun, framed({"type": "error", "error": error}), *ends])


def _unfinished(answer: Answer, asked: Asked) -> Reply:
    if answer.is_chat:
        return answer.reply(answer.pieces)
    response = {**answer.response, "status": asked.options["status"]}
    if not answer.is_stream:
        return whole(response)
    return stream_of(
        map(framed, [*answer.events[:-1], {**answer.events[-1], "response": response}])
    )


def _incomplete(answer: Answer, asked: Asked) -> Reply:
    reason = asked.options["reason"]
    if answer.is_chat:
        return finished(answer, "length" if reason == "max_output_tokens" else reason)
    output = answer.response["output"]
    broken = {
        **answer.response,
        "status": "incomplete",
        "incomplete_details": {"reason": reason},
        "output": [*output[:-1], *map(_cut_off, output[-1:])],
    }
    return stream_of(map(framed, event_sequence(broken))) if answer.is_stream else whole(broken)


def _cut_off(item: Wire) -> Wire:
    """The first half of what an item says."""
    if isinstance(item.get("arguments"), str):
        return {**item, "status": "incomplete", "arguments": half(item["arguments"])}
    parts = [{**part, "text": half(str(part.get("text")))} for part in item.get("content") or ()]
    return {**item, "status": "incomplete", "content": parts}


def ended_by(*ends: bytes) -> Effect:
    """A stream with something else for its last event; a JSON answer stays as it is."""

    def change(answer: Answer, _: Asked) -> Reply:
        kept = [piece for piece in answer.pieces if not is_terminal(piece)]
        return answer.reply([*kept, *ends] if answer.is_stream else answer.pieces)

    return on_answers(change)


async def _done_alone(asked: Asked) -> Reply:
    return stream_of([DONE]) if asked.is_streamed else await asked.proceed()


_ERROR = {"shape": "nested", "code": "server_error"}
_CODE = {"code": "server_error"}

STREAMS = [
    Fault(
        "error-event",
        "begins, then sends an error event",
        on_answers(_error_at_once),
        _ERROR,
        loses=True,
    ),
    Fault(
        "error-mid-stream",
        "sends an error event after the first piece of the answer",
        on_answers(_error_mid_stream),
        _ERROR,
        loses=True,
    ),
    Fault(
        "response-failed",
        "begins, then says that it failed",
        on_answers(_failed),
        _CODE,
        loses=True,
    ),
    Fault(
        "failed-mid-stream",
        "says that it failed after the first piece of the answer",
        on_answers(_failed_mid_stream),
        _CODE,
        loses=True,
    ),
    Fault(
        "error-and-answer",
        "names an error and says that the answer is complete",
        on_answers(_error_and_answer),
        _CODE,
        loses=True,
    ),
    Fault(
        "unfinished",
        "ends with a response that is still being made",
        on_answers(_unfinished),
        {"status": "in_progress"},
        loses=True,
    ),
    Fault(
        "incomplete",
        "breaks the answer off and says so",
        on_answers(_incomplete),
        {"reason": "max_output_tokens"},
        loses=True,
    ),
    Fault("no-terminal-event", "ends a stream without its last event", ended_by(), loses=True),
    Fault("done-instead", "sends `[DONE]` for the last event", ended_by(DONE), loses=True),
    Fault("done-alone", "sends nothing but `[DONE]`", _done_alone),
]
