"""A model whose answers are given in advance.

    model = ScriptedModel([call("add", a=2, b=3)], "The sum is 5.")

Knows nothing of what asks it; `.requests` is what it was asked.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from itertools import count

from agentkit.encoding import Wire
from agentkit.responses.compaction import CompactRequest
from agentkit.responses.events import Snapshot, StreamEvent, read_event
from agentkit.responses.items import FunctionCall
from agentkit.responses.response import Request, Response, Usage
from agentkit.testing.answers import Said, Scripted, answer, message
from agentkit.testing.compaction import compacted
from agentkit.testing.complete import complete_response
from agentkit.testing.sequence import event_sequence, terminal_type
from agentkit.testing.usage import allowed, usage_wire, words

Spoken = Said | Sequence[Said] | Scripted | BaseException
"""What one answer may be; a wire object without a `type` is a whole response, given verbatim."""

Entry = Spoken | Callable[[Request], Spoken | Awaitable[Spoken]]


class ScriptedModel:
    """A Model that answers with its script, entry by entry, and keeps what it was asked.

    An entry is a string, an item, a list of both, `incomplete(…)`, `failed(…)`, a whole response
    object, an exception to raise, or a function of the request, async or not, that gives one of
    these. Ids are counted (`resp_1`, `call_1`), and tokens are words of the instructions, the
    input and the output, unless `usage` says otherwise.
    """

    def __init__(self, *script: Entry, usage: Usage | None = None) -> None:
        self.requests: list[Request] = []
        """What the model was asked, in order."""
        self.compactions: list[CompactRequest] = []
        """What it was asked to compact, in order."""
        self._script = script
        self._usage = usage
        self._call_ids = (f"call_{number}" for number in count(1))

    async def stream(self, request: Request) -> AsyncIterator[StreamEvent]:
        """The events of the next answer: all where the request streams, else only the last.

        Raises AssertionError when the script has no answer left.
        """
        self.requests.append(request)
        turn = len(self.requests)
        spoken = await _spoken(self._entry(turn), request)
        wire = self._response(spoken, request, turn)
        if not request.stream:
            yield Snapshot(terminal_type(wire), wire)
            return
        for event in event_sequence(wire):
            yield read_event(event)

    async def compact(self, request: CompactRequest) -> Response:
        """What a server gives for `POST /responses/compact`; takes nothing from the script."""
        self.compactions.append(request)
        return compacted(request)

    def _entry(self, turn: int) -> Entry:
        if turn <= len(self._script):
            return self._script[turn - 1]
        raise AssertionError(
            f"The model was asked for answer {turn}, but its script has {len(self._script)}."
        )

    def _response(
        self, spoken: Said | Sequence[Said] | Scripted, request: Request, turn: int
    ) -> Wire:
        if isinstance(spoken, dict) and "type" not in spoken:
            return spoken
        said = answer(spoken)
        output = [self._item(each, request) for each in said.items]
        usage = usage_wire(allowed(self._usage, request) if self._usage else words(request, output))
        wire = {"usage": usage, **said.fields, "output": output}
        return complete_response(
            wire, {**request.fields.values, **request.extra}, new_id=f"resp_{turn}"
        )

    def _item(self, said: Said, request: Request) -> Wire:
        item = message(said) if isinstance(said, str) else said
        if item["type"] in ("function_call", "custom_tool_call") and "call_id" not in item:
            return {**item, "call_id": self._new_call_id(request)}
        return item

    def _new_call_id(self, request: Request) -> str:
        # a conversation may hold calls of another ScriptedModel, which counted from 1 as well
        taken = {item.call_id for item in request.input if isinstance(item, FunctionCall)}
        return next(call_id for call_id in self._call_ids if call_id not in taken)


async def _spoken(entry: Entry, request: Request) -> Said | Sequence[Said] | Scripted:
    if isinstance(entry, BaseException):
        raise entry
    if not callable(entry):
        return entry
    said = entry(request)
    if inspect.isawaitable(said):
        said = await said
    return await _spoken(said, request)
