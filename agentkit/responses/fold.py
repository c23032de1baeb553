"""Stream events to a response.

Servers rotate item ids, leave out indexes, share them between items, skip events and end with
an empty output, so an event finds its item by whatever it does carry, and no item is lost.
How the stream's items and those of the terminal event become one list stands in `merge`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from agentkit.errors import StreamTruncatedError
from agentkit.responses.encoding import Wire
from agentkit.responses.events import Delta, ErrorEvent, ItemEvent, PartDone, Snapshot, StreamEvent
from agentkit.responses.failures import model_error
from agentkit.responses.merge import merged
from agentkit.responses.response import Response, read_response
from agentkit.responses.slots import Slots


class Fold:
    """Takes the events of one stream in order; `response` is what they add up to."""

    def __init__(self) -> None:
        self._slots = Slots()
        self._terminal: Wire | None = None
        self._error: Wire | None = None

    @property
    def is_complete(self) -> bool:
        """Whether the terminal event has come."""
        return self._terminal is not None

    @property
    def error(self) -> Wire | None:
        """What an error event said, None where there was none."""
        return self._error

    def add(self, event: StreamEvent) -> None:
        """Take the next event."""
        if isinstance(event, Delta):
            self._slots.add_piece(event)
        elif isinstance(event, PartDone):
            self._slots.end_part(event)
        elif isinstance(event, ItemEvent):
            self._slots.take_item(event)
        elif isinstance(event, Snapshot) and event.is_terminal:
            self._terminal = event.response
        elif isinstance(event, ErrorEvent):
            self._error = event.error

    def response(self) -> Response:
        """The response. Raises ModelError where no terminal event has come."""
        if self._terminal is None and self._error:
            raise model_error(None, {"error": self._error})
        if self._terminal is None:
            raise StreamTruncatedError("The stream ended before its terminal event.")
        output = merged(self._terminal.get("output"), self._slots.streamed())
        response = {**self._terminal, "output": output}
        if self._error and not response.get("error"):
            response["error"] = self._error
        return read_response(response)

    def so_far(self, reason: str) -> Response:
        """What has come of it, as an incomplete response with that reason."""
        output = [each.item for each in self._slots.streamed() if each.is_an_item]
        details = {"reason": reason}
        return read_response(
            {"status": "incomplete", "incomplete_details": details, "output": output}
        )


async def collect(events: AsyncIterator[StreamEvent]) -> Response:
    """The response that a model's events add up to. Raises ModelError where there is none."""
    fold = Fold()
    async for event in events:
        fold.add(event)
    return fold.response()
