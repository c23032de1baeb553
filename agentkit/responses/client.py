"""ResponsesModel: `POST {base_url}/responses` and `/responses/compact`, sent until answered.

Knows requests, responses and events; has never heard of tools, runs or logs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

import tenacity

from agentkit.errors import (
    BadRequestError,
    ModelError,
    StreamTruncatedError,
    TransportError,
)
from agentkit.responses.compaction import CompactEndpoint, CompactRequest, has_no_endpoint
from agentkit.responses.dialect import refused_setting, spoken
from agentkit.responses.endpoint import Endpoint
from agentkit.responses.events import Notice, OtherEvent, Snapshot, StreamEvent
from agentkit.responses.failures import read_error, request_id, was_sent
from agentkit.responses.fold import Fold
from agentkit.responses.providers import endpoint_at
from agentkit.responses.reply import is_event_stream, read_reply, stream_events
from agentkit.responses.response import Request, Response
from agentkit.responses.retry import TRANSIENT_CODES, Retries
from agentkit.responses.transport import HTTPAnswer, HTTPClient, Pool, Timeouts

__all__ = ["Endpoint", "HTTPClient", "ResponsesModel", "Timeouts"]

Sleep = Callable[[float], Awaitable[None]]


class ResponsesModel:
    """A model behind a Responses server, where a name and the defaults of `Agent` do not do.

    `endpoint` is a base URL, or an Endpoint where the server needs other headers or a dialect.
    """

    def __init__(
        self,
        name: str,
        endpoint: Endpoint | str,
        *,
        api_key: str | None = None,
        http_client: HTTPClient | None = None,
        retries: Retries | None = None,
        timeouts: Timeouts | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.name = name
        self.endpoint = endpoint_at(endpoint, api_key) if isinstance(endpoint, str) else endpoint
        self.dialect = self.endpoint.dialect
        self.can_compact = True
        """Whether the server has not yet turned out to have no `POST /responses/compact`."""
        self._retries = retries or Retries()
        self._pool = Pool(http_client, timeouts)
        self._sleep = sleep
        self._refused: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return f"ResponsesModel({self.name!r}, {self.endpoint.shown!r})"

    async def stream(self, request: Request) -> AsyncIterator[StreamEvent]:
        """The events of the answer; raises ModelError.

        What failed before its first event is sent again as `Retries` says. A field that the
        server does not know is left out from then on, with a `Notice`.
        """
        reply = None
        while reply is None:
            left_out = self._refused
            try:
                reply = await self._send_until_answered(spoken(request, self.dialect, left_out))
            except BadRequestError as error:
                refused = refused_setting(error)
                if refused is None or refused in left_out:
                    raise
                self._refused |= {refused}
                yield Notice(f"The server does not take `{refused}`; sent without. ({error})")
        async with aclosing(reply.events):
            for event in reply.first:
                yield event
            async for event in reply.events:
                yield event

    async def compact(self, request: CompactRequest) -> Response:
        """What stands for the input from here on, as `output`. Raises ModelError.

        Where the server has no such endpoint, `can_compact` says so from then on.
        """
        try:
            reply = await self._send_until_answered(request)
        except ModelError as error:
            self.can_compact = not has_no_endpoint(error)
            raise
        fold = Fold()
        async with aclosing(reply.events):
            for event in reply.first:
                fold.add(event)
            async for event in reply.events:
                fold.add(event)
        return fold.response()

    async def _send_until_answered(self, request: Request) -> _Reply:
        retrying = tenacity.AsyncRetrying(
            sleep=self._sleep,
            stop=tenacity.stop_after_attempt(self._retries.attempts),
            retry=lambda state: self._may_be_sent_again(request, state),
            wait=lambda state: self._retries.wait(state.attempt_number, _failure(state)),
            retry_error_callback=lambda state: state.outcome and state.outcome.result(),
        )
        try:
            reply: _Reply = await retrying(self._send, request)
        except ModelError as error:
            error.attempts = retrying.statistics.get("attempt_number", 1)
            raise
        return reply

    def _may_be_sent_again(self, request: Request, state: tenacity.RetryCallState) -> bool:
        error = _failure(state)
        if error is None:
            reply: _Reply | None = state.outcome.result() if state.outcome else None
            return reply is not None and reply.failed_for_now and not _adds_to_state(request)
        if not self._retries.allows(error) or not isinstance(error, ModelError):
            return False
        # a conversation that may have taken the input must not get it twice
        return not (_adds_to_state(request) and _is_in_doubt(error))

    async def _send(self, request: Request) -> _Reply:
        """One attempt, up to the first event that a caller may see."""
        events = self._exchange(request)
        try:
            first: list[StreamEvent] = []
            async for event in events:
                first.append(event)
                if not _is_preliminary(event):
                    break
        except BaseException:
            await events.aclose()
            raise
        reply = _Reply(first, events)
        if reply.failed_for_now:
            await events.aclose()
        return reply

    async def _exchange(self, request: Request) -> AsyncGenerator[StreamEvent]:
        accept = "text/event-stream" if request.stream else "application/json"
        headers = {"Content-Type": "application/json", "Accept": accept}
        async with self._pool.post(self._place_of(request), request.body(), headers) as answer:
            if answer.status >= 300:
                raise read_error(answer.status, await answer.content(), answer.headers)
            if not is_event_stream(answer.headers):
                for event in read_reply(answer.status, await answer.content(), answer.headers):
                    yield event
                return
            async for event in _streamed(answer):
                yield event
            await answer.drain()

    def _place_of(self, request: Request) -> Endpoint:
        if isinstance(request, CompactRequest):
            where = self.endpoint
            return CompactEndpoint(where.base_url, where.headers, where.dialect)
        return self.endpoint


async def _streamed(answer: HTTPAnswer) -> AsyncIterator[StreamEvent]:
    try:
        async for event in stream_events(answer.chunks, answer.headers):
            yield event
    except TransportError as error:
        raise StreamTruncatedError(
            f"{error.message} The answer is not complete.",
            status=answer.status,
            request_id=request_id(answer.headers),
        ) from error


@dataclass(frozen=True)
class _Reply:
    """An answer that has begun: nothing of it is asked for again."""

    first: list[StreamEvent]
    events: AsyncGenerator[StreamEvent]

    @property
    def failed_for_now(self) -> bool:
        """Whether it is nothing but a failure that may not happen again."""
        last = self.first[-1] if self.first else None
        if not isinstance(last, Snapshot) or last.type != "response.failed":
            return False
        error = last.response.get("error")
        return isinstance(error, dict) and error.get("code") in TRANSIENT_CODES


def _failure(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _is_preliminary(event: StreamEvent) -> bool:
    """Whether nothing of the answer has come with it, so that a failure can still be hidden."""
    if isinstance(event, Snapshot):
        return not event.is_terminal
    return isinstance(event, OtherEvent)


def _adds_to_state(request: Request) -> bool:
    """Whether the server appends the input to a conversation that it keeps."""
    return any(fields.get("conversation") for fields in (request.extra, request.fields.values))


def _is_in_doubt(error: ModelError) -> bool:
    """Whether the server may have acted on a request that it has not refused."""
    return (error.status is None or error.status < 400) and was_sent(error)
