"""ResponsesModel: `POST {base_url}/responses` and `/responses/compact`, sent until answered.

Knows requests, responses and events; has never heard of tools, runs or logs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace

from agentkit.errors import BadRequestError, ConfigurationError, ModelError
from agentkit.responses.chat.request import chat_request
from agentkit.responses.compaction import CompactEndpoint, CompactRequest, has_no_endpoint
from agentkit.responses.dialect import Dialect, WireName
from agentkit.responses.endpoint import Endpoint
from agentkit.responses.events import Notice, StreamEvent
from agentkit.responses.exchange import Exchange
from agentkit.responses.fitting import left_out, spoken
from agentkit.responses.fold import Fold
from agentkit.responses.items import with_own_call_ids
from agentkit.responses.known import Known, known_of, lessons_between, limiter_of, taught
from agentkit.responses.learning import (
    has_lost_state,
    lesson_of,
    reasoning_in,
    refuses_reasoning,
)
from agentkit.responses.limiter import Limiter
from agentkit.responses.providers import endpoint_at
from agentkit.responses.recovery import Kept
from agentkit.responses.response import Request, Response
from agentkit.responses.retry import Retries
from agentkit.responses.sending import Sending, Sleep
from agentkit.responses.transport import HTTPClient, Pool, Timeouts

__all__ = ["Endpoint", "HTTPClient", "ResponsesModel", "Timeouts"]


class ResponsesModel:
    """A model behind a Responses server, where a name and the defaults of `Agent` do not do.

    `endpoint` is a base URL, or an Endpoint where the server needs other headers or a dialect.
    `wire` is "chat" for a server that has `POST /chat/completions` and no Responses.
    """

    def __init__(
        self,
        name: str,
        endpoint: Endpoint | str,
        *,
        api_key: str | None = None,
        wire: WireName | None = None,
        http_client: HTTPClient | None = None,
        retries: Retries | None = None,
        timeouts: Timeouts | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.name = name
        self.endpoint = endpoint_at(endpoint, api_key) if isinstance(endpoint, str) else endpoint
        if (wire or self.endpoint.dialect.wire) == "chat":
            dialect = replace(self.endpoint.dialect, wire="chat", state=False)
            self.endpoint = replace(self.endpoint, dialect=dialect)
        elif wire is not None:
            self.endpoint = replace(
                self.endpoint, dialect=replace(self.endpoint.dialect, wire=wire)
            )
        self._known = known_of(self.endpoint, name)
        self.can_compact = self.dialect.wire == "responses"
        """Whether the server has not yet turned out to have no `POST /responses/compact`."""
        retries = retries or Retries()
        # what waits in another way than time passes is not for others to wait with
        is_usual = sleep is asyncio.sleep and retries.longest_wait == Retries.longest_wait
        limiter = (
            limiter_of(self.endpoint, name)
            if is_usual
            else Limiter(sleep=sleep, jitter=retries.jitter, longest_wait=retries.longest_wait)
        )
        self._sending = Sending(Pool(http_client, timeouts), retries, limiter, sleep)

    def __repr__(self) -> str:
        return f"ResponsesModel({self.name!r}, {self.endpoint.shown!r})"

    @property
    def dialect(self) -> Dialect:
        """What the server does differently, as far as is known by now."""
        return self._known.dialect

    @property
    def limiter(self) -> Limiter:
        """Who has to wait here, and what the server has said about it."""
        return self._sending.limiter

    async def stream(self, request: Request) -> AsyncIterator[StreamEvent]:
        """The events of the answer; raises ModelError.

        What failed before its first event is sent again as `Retries` says. What the server
        refuses and the answer can do without is left out from then on, with a `Notice`.
        """
        async with aclosing(self.batches(request)) as batches:
            async for events in batches:
                for event in events:
                    yield event

    async def batches(self, request: Request) -> AsyncGenerator[list[StreamEvent]]:
        """`stream`, with what came together in one piece: one by one, many cost more."""
        if told := self._untold(request):
            yield [Notice(told)]
        exchange = None
        while exchange is None:
            known = replace(self._known)
            try:
                exchange = await self._answered(request, known)
            except BadRequestError as error:
                request, told = self._without_what_it_refuses(request, known, error)
                yield [Notice(f"{told} ({error})")]
        try:
            events = exchange.first
            while events:
                yield events
                events = await exchange.more()
        finally:
            await exchange.close()

    async def compact(self, request: CompactRequest) -> Response:
        """What stands for the input from here on, as `output`. Raises ModelError.

        Where the server has no such endpoint, `can_compact` says so from then on.
        """
        where = self.endpoint
        endpoint = CompactEndpoint(where.base_url, where.headers, where.dialect)
        try:
            said = spoken(request, self._known.dialect, self._known.refused)
            exchange = await self._sending.answered(endpoint, said)
        except ModelError as error:
            self.can_compact = not has_no_endpoint(error)
            raise
        fold = Fold()
        events = exchange.first
        while events:
            for event in events:
                fold.add(event)
            events = await exchange.more()
        return fold.response()

    def _untold(self, request: Request) -> str:
        """What of a run's settings the server is not asked for; said with its first request."""
        dialect = self._known.dialect
        if dialect in request.fields.spoken:
            return ""
        lost = left_out(request, dialect)
        return f"{self.endpoint.shown} is not asked for {', '.join(lost)}." if lost else ""

    async def _answered(self, request: Request, known: Known) -> Exchange | Kept:
        if not known.dialect.state and request.value_of("conversation"):
            raise ConfigurationError(
                f"{self.endpoint.shown} keeps no conversations. Use state='replay'."
            )
        said = spoken(request, known.dialect, known.refused)
        if known.dialect.wire == "chat":
            said = chat_request(said, known.dialect.chat)
        return await self._sending.answered(self.endpoint, said)

    def _without_what_it_refuses(
        self, request: Request, then: Known, error: BadRequestError
    ) -> tuple[Request, str]:
        """The request to send instead, and what is different. Raises the error where none is.

        `then` is what was known when it was sent; others may have learnt more meanwhile.
        """
        thoughts = reasoning_in(request) - then.refused
        if thoughts and then.dialect.takes_reasoning and refuses_reasoning(error):
            if then.refused:  # not for the first time
                taught_so = replace(self._known.dialect, takes_reasoning=False)
                self._known.dialect, self._known.refused = taught_so, frozenset()
            else:
                self._known.refused = thoughts
            return request, "The server does not take its reasoning back; sent without."
        lesson = lesson_of(error, request, then.dialect)
        if lesson is None:
            return self._with_the_conversation(request, error)
        # read against what was sent: the refusal says nothing of what was learnt since
        learnt = lessons_between(then.dialect, lesson.dialect)
        is_alone = self._known.dialect == then.dialect
        self._known.dialect = lesson.dialect if is_alone else taught(self._known.dialect, learnt)
        return request, f"The server does not take {lesson.refused}; sent without."

    def _with_the_conversation(
        self, request: Request, error: BadRequestError
    ) -> tuple[Request, str]:
        """The request with all that went before it, where the server has forgotten that."""
        if not request.before or not has_lost_state(error, request):
            raise error
        extra = {**request.extra, "previous_response_id": None}
        whole = tuple(with_own_call_ids((*request.before, *request.input)))
        bare = replace(request, input=whole, before=(), extra=extra)
        return bare, "The server does not know the response before; sent the conversation."
