"""One request on the wire and its answer, as events.

Knows HTTP and the shapes of answers; nothing of attempts, and nothing of what is asked.
"""

from __future__ import annotations

from collections.abc import Mapping

from agentkit.errors import ModelError, StreamTruncatedError, TransportError
from agentkit.responses.endpoint import Endpoint
from agentkit.responses.events import OtherEvent, Snapshot, StreamEvent
from agentkit.responses.failures import read_error, request_id
from agentkit.responses.limiter import Limiter, Turn
from agentkit.responses.reply import Reader, is_event_stream, next_chunk, read_reply
from agentkit.responses.response import Request
from agentkit.responses.retry import TRANSIENT_CODES
from agentkit.responses.transport import HTTPAnswer, Pool

_JSON: Mapping[str, str] = {"Content-Type": "application/json", "Accept": "application/json"}
_STREAM: Mapping[str, str] = {"Content-Type": "application/json", "Accept": "text/event-stream"}


class Exchange:
    """A request and its answer: the events that came first, then those that follow."""

    def __init__(
        self,
        pool: Pool,
        endpoint: Endpoint,
        request: Request,
        limiter: Limiter,
        turn: Turn | None = None,
        *,
        method: str = "POST",
    ) -> None:
        self.first: list[StreamEvent] = []
        """The events up to the first that a caller may see, and what came in one piece with it."""
        self._pool = pool
        self._endpoint = endpoint
        self._request = request
        self._limiter = limiter
        self._turn = turn
        self._method = method
        self._answer: HTTPAnswer | None = None
        self._reader: Reader | None = None

    @property
    def number(self) -> int | None:
        """The `sequence_number` of the last event, None where the server gives none."""
        number = self._reader.number if self._reader else None
        return number if isinstance(number, int) else None

    @property
    def failed_for_now(self) -> bool:
        """Whether the answer is nothing but a failure that may not happen again."""
        last = self.first[-1] if self.first else None
        if not isinstance(last, Snapshot) or last.type != "response.failed":
            return False
        error = last.response.get("error")
        is_all = all(map(_is_preliminary, self.first[:-1]))
        return is_all and isinstance(error, dict) and error.get("code") in TRANSIENT_CODES

    async def begin(self) -> None:
        """Send the request and read up to the first event of the answer. Raises ModelError."""
        request, endpoint = self._request, self._endpoint
        headers = _STREAM if request.stream else _JSON
        body = request.body() if self._method == "POST" else b""
        try:
            answer = await self._pool.send(self._method, endpoint.url, endpoint, body, headers)
            self._answer = answer
            self._limiter.took(answer.status, answer.headers, self._turn)
            if answer.status >= 300:
                raise read_error(answer.status, await answer.content(), answer.headers)
            if is_event_stream(answer.headers):
                self._reader = Reader(answer.headers)
                await self._read_first()
            else:
                self.first = read_reply(answer.status, await answer.content(), answer.headers)
                await self.close()
        except BaseException as error:
            await self._give_up(error)
            raise

    async def more(self) -> list[StreamEvent]:
        """The next events, none at the end. Raises ModelError."""
        try:
            return await self._more()
        except BaseException as error:
            await self._give_up(error)
            raise

    async def close(self) -> None:
        """Give the connection back, or close it where the answer has not been read whole."""
        answer, self._answer = self._answer, None
        if answer is not None:
            await answer.close()

    async def _read_first(self) -> None:
        while all(map(_is_preliminary, self.first)) and (events := await self._more()):
            self.first += events

    async def _more(self) -> list[StreamEvent]:
        reader, answer = self._reader, self._answer
        while reader is not None and answer is not None and not reader.is_over:
            try:
                chunk = await next_chunk(answer.chunks, reader)
            except TransportError as error:
                raise _broken(error, answer) from error
            events = reader.end() if chunk is None else reader.feed(chunk)
            if reader.is_over or chunk is None:
                await answer.drain()
                await self.close()
            if events:
                return events
        return []

    async def _give_up(self, error: BaseException) -> None:
        if isinstance(error, ModelError) and self._answer is not None:
            error.status = error.status or self._answer.status
            error.request_id = error.request_id or request_id(self._answer.headers)
        self._limiter.failed(error, self._turn)
        if isinstance(error, Exception):  # of whatever kind it is, the key must not be in it
            hidden = self._answer.hidden if self._answer else self._endpoint.hidden
            hidden.redact(error)
        await self.close()


def _broken(error: TransportError, answer: HTTPAnswer) -> StreamTruncatedError:
    return StreamTruncatedError(
        f"{error.message} The answer is not complete.",
        status=answer.status,
        request_id=request_id(answer.headers),
    )


def _is_preliminary(event: StreamEvent) -> bool:
    """Whether nothing of the answer has come with it, so that a failure can still be hidden."""
    if isinstance(event, Snapshot):
        return not event.is_terminal
    return isinstance(event, OtherEvent)
