"""What a Responses server answers, endpoint by endpoint. Knows nothing of sockets.

POST   …/responses            a response, whole or as a stream of events
GET    …/responses/{id}       a response given before, or being made in the background, whole or
                              as a stream that goes on        DELETE forgets it
POST   …/responses/{id}/cancel          ends one that is made in the background
GET    …/responses/{id}/input_items     what it was asked
POST   …/responses/compact    what stands for a conversation
POST   …/chat/completions     the same in the words of chat completions
POST   …/conversations        a new conversation
GET    …/models               the one model there is
"""

from __future__ import annotations

import hmac
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

from agentkit.encoding import JSON, Wire, decode, encode
from agentkit.errors import (
    AuthenticationError,
    BadRequestError,
    ModelError,
    ModelTimeoutError,
    QuotaError,
    RateLimitError,
    StreamTruncatedError,
)
from agentkit.responses.compaction import CompactRequest, can_compact
from agentkit.responses.events import TERMINAL, StreamEvent
from agentkit.responses.fold import Fold, collect
from agentkit.responses.items import read_items
from agentkit.responses.response import Fields, Model, Request
from agentkit.testing.background import Jobs, Order, added_to
from agentkit.testing.chat import chat_reply
from agentkit.testing.compaction import compacting, threshold_of
from agentkit.testing.complete import complete_response
from agentkit.testing.faults.plan import Plan
from agentkit.testing.http import HttpRequest, Reply
from agentkit.testing.memory import Memory, conversation_of, page_of
from agentkit.testing.rejection import RejectionError, check_body, check_pairs
from agentkit.testing.relay import Complete, error_event, relayed
from agentkit.testing.strictness import check_strictness

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
KEPT_EXCHANGES = 1000

_OF_THE_SERVER = frozenset({"input", "stream", "previous_response_id", "conversation"})
"""Request fields that the server acts on itself, so that the model does not see them."""

_STREAM = {"content-type": "text/event-stream; charset=utf-8"}

_ASKING = ("/responses", "/responses/compact", "/chat/completions")
"""Where the model is asked, and so a fault may be met."""

_STATUS: tuple[tuple[type[ModelError], int], ...] = (
    (AuthenticationError, 401),
    (BadRequestError, 400),
    (QuotaError, 429),
    (RateLimitError, 429),
    (ModelTimeoutError, 504),
)

Action = Callable[..., Awaitable[Reply]]


@dataclass(frozen=True)
class Exchange:
    """A request that came, with its body read, and the status it was answered with."""

    method: str
    path: str
    status: int
    """0 where a fault left no room for any."""
    headers: dict[str, str] = field(repr=False)
    """Names in lower case."""
    body: JSON = field(repr=False, default=None)
    """The JSON body, None where there was none or it could not be read."""


class ResponsesService:
    """Answers HTTP requests with a model and its own memory."""

    def __init__(
        self,
        model: Model,
        *,
        api_key: str | None,
        only_loopback: bool,
        now: Callable[[], float],
        faults: Plan,
    ) -> None:
        self.exchanges: list[Exchange] = []
        self.requests: list[Wire] = []
        self._model = model
        self._api_key = api_key
        self._only_loopback = only_loopback
        self._now = now
        self._faults = faults
        self._memory = Memory()
        self._jobs = Jobs()
        self._asked = 0
        self._routes: tuple[tuple[str, dict[str, Action]], ...] = (
            (r".*/responses", {"POST": self._create}),
            (r".*/responses/compact", {"POST": self._compact}),
            (r".*/responses/([^/]+)", {"GET": self._retrieve, "DELETE": self._delete}),
            (r".*/responses/([^/]+)/cancel", {"POST": self._cancel}),
            (r".*/responses/([^/]+)/input_items", {"GET": self._input_items}),
            (r".*/chat/completions", {"POST": self._chat}),
            (r".*/conversations", {"POST": self._new_conversation}),
            (r".*/models", {"GET": self._models}),
        )

    async def close(self) -> None:
        """End what is made in the background."""
        await self._jobs.close()

    async def respond(self, request: HttpRequest) -> Reply:
        """The reply to a request; every one carries `x-request-id`."""
        self._asked += 1
        request_id = f"req_{self._asked}"
        try:
            reply = await self._routed(request)
        except Exception as error:  # noqa: BLE001 — whatever the model raises is the reply
            refused = _rejected(error)
            reply = _json(refused.envelope, status=refused.status, headers=refused.headers)
        body = _read_json(request.body)
        exchange = Exchange(request.method, request.path, reply.status, request.headers, body)
        _append(self.exchanges, exchange)
        return replace(reply, headers={**reply.headers, "x-request-id": request_id})

    async def _routed(self, request: HttpRequest) -> Reply:
        self._check_origin(request.headers)
        self._check_key(request.headers)
        if request.is_too_large:
            raise RejectionError("The request body is too large.", status=413)
        path = request.path.rstrip("/")
        for pattern, endpoints in self._routes:
            if match := re.fullmatch(pattern, path):
                answer = partial(_endpoint(endpoints, request), request, *match.groups())
                is_question = request.method == "POST" and path.endswith(_ASKING)
                return await (self._asked_by(request, answer) if is_question else answer())
        raise RejectionError(f"Invalid URL ({request.method} {request.path})", status=404)

    async def _asked_by(
        self, request: HttpRequest, answer: Callable[[], Awaitable[Reply]]
    ) -> Reply:
        """The answer to a question for the model, or the fault in its place."""
        body = _json_body(request)
        if not request.path.endswith("/compact"):
            _append(self.requests, body)
        return await self._faults.reply(request, body, answer)

    def _check_origin(self, headers: dict[str, str]) -> None:
        """Refuse what a web page elsewhere makes a browser send.

        A page may name this server by a host name of its own (DNS rebinding), or send a request
        whose answer it cannot read but which is worked on and may cost money.
        """
        named = [f"//{headers.get('host', '')}", headers.get("origin", "//localhost")]
        if self._only_loopback and not all(_hostname(url) in LOOPBACK for url in named):
            raise RejectionError(
                "Only requests from and for this computer are answered.", status=403
            )

    def _check_key(self, headers: dict[str, str]) -> None:
        if self._api_key is None:
            return
        given = headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self._api_key}".encode()):
            message = "Incorrect API key provided." if given else "You didn't provide an API key."
            raise RejectionError(message, status=401, code="invalid_api_key")

    async def _create(self, request: HttpRequest) -> Reply:
        body = check_body(_json_body(request))
        check_strictness(body)
        items = self._memory.input(body)
        check_pairs(items)
        fields = {key: value for key, value in body.items() if key not in _OF_THE_SERVER}
        asked = Request(Fields(fields), read_items(items), stream=bool(body.get("stream")))
        complete = partial(self._completed, body, f"resp_{self._asked}", self._now())
        answer = _Answer(partial(self._memory.keep, body, items), complete)
        events = self._model.stream(asked)
        if (threshold := threshold_of(body)) is not None:
            events = compacting(events, asked, threshold)
        if body.get("background"):
            is_stored = body.get("store") is not False
            job = self._jobs.begin(Order(events, complete, answer.keep, asked.stream, is_stored))
            return _stream(job.after(-1)) if asked.stream else _json(job.response)
        if not asked.stream:
            return _json(await answer.whole(events))
        payloads = answer.payloads(events)
        await anext(payloads)
        return Reply(200, payloads, _STREAM)

    async def _chat(self, request: HttpRequest) -> Reply:
        body, new_id = _json_body(request), f"chatcmpl-{self._asked}"
        return await chat_reply(self._model, body, new_id, self._now(), _rejected)

    async def _compact(self, request: HttpRequest) -> Reply:
        model = self._model
        if not can_compact(model):
            raise RejectionError(f"Invalid URL (POST {request.path})", status=404)
        body = check_body(_json_body(request))
        items = self._memory.input(body)
        check_pairs(items)
        asked = CompactRequest(Fields(body), read_items(items))
        made = await model.compact(asked)
        facts = {"id": f"resp_{self._asked}", "created_at": int(self._now())}
        return _json({**made.wire, **facts, "object": "response.compaction"})

    def _completed(self, body: Wire, new_id: str, now: float, wire: Wire) -> Wire:
        conversation_id = conversation_of(body)
        return {
            **complete_response(wire, body, new_id=new_id, now=now),
            "previous_response_id": body.get("previous_response_id"),
            "conversation": {"id": conversation_id} if conversation_id else None,
        }

    async def _retrieve(self, request: HttpRequest, response_id: str) -> Reply:
        query = parse_qs(request.query)
        if query.get("stream") == ["true"]:
            self._check_known(response_id)
            after = query.get("starting_after", ["-1"])[-1]
            number = int(after) if after.isdecimal() else -1
            return _stream(self._jobs.stream(response_id, number))
        job = self._jobs.find(response_id)
        return _json(job.response if job else self._memory.response(response_id))

    async def _cancel(self, _: HttpRequest, response_id: str) -> Reply:
        self._check_known(response_id)
        return _json((await self._jobs.cancel(response_id)).response)

    def _check_known(self, response_id: str) -> None:
        if response_id not in self._jobs:
            self._memory.response(response_id)

    async def _input_items(self, request: HttpRequest, response_id: str) -> Reply:
        items = self._memory.input_items(response_id)
        return _json(page_of(items, parse_qs(request.query)))

    async def _delete(self, _: HttpRequest, response_id: str) -> Reply:
        if not self._jobs.forget(response_id) or response_id in self._memory:
            self._memory.forget(response_id)
        return _json({"id": response_id, "object": "response", "deleted": True})

    async def _new_conversation(self, request: HttpRequest) -> Reply:
        body = _json_body(request) if request.body else {}
        fields = body if isinstance(body, dict) else {}
        conversation_id = self._memory.new_conversation(tuple(fields.get("items") or ()))
        created = {"object": "conversation", "created_at": int(self._now())}
        return _json({"id": conversation_id, **created, "metadata": fields.get("metadata") or {}})

    async def _models(self, _: HttpRequest) -> Reply:
        name = getattr(self._model, "name", None) or type(self._model).__name__
        model = {"id": str(name), "object": "model", "created": 0, "owned_by": "agentkit"}
        return _json({"object": "list", "data": [model]})


@dataclass(frozen=True)
class _Answer:
    """A model's answer on its way to the client."""

    keep: Callable[[Wire], None]
    """Remembers the response; called before the client can have the whole of it."""
    complete: Complete

    async def whole(self, events: AsyncIterator[StreamEvent]) -> Wire:
        async with _closing(events):
            response = self.complete((await collect(events)).wire)
        self.keep(response)
        return response

    async def payloads(self, events: AsyncIterator[StreamEvent]) -> AsyncGenerator[bytes, None]:
        """Server-sent events. The first payload is empty and says that the answer has begun:
        until then the model's error can still become the status of the reply.
        """
        fold, number, has_ended = Fold(), -1, False
        async with _closing(events):
            wires = relayed(added_to(fold, events), self.complete)
            wire = await anext(wires, None)
            yield b""
            try:
                while wire:
                    number, kind = wire["sequence_number"], wire["type"]
                    has_ended = has_ended or kind in TERMINAL or kind == "error"
                    if kind in TERMINAL:
                        wire["response"] = self.complete(fold.response().wire)
                        self.keep(wire["response"])
                    yield _payload(wire)
                    wire = await anext(wires, None)
                if not has_ended:
                    raise StreamTruncatedError("The model's stream ended before its answer did.")
            except Exception as error:  # noqa: BLE001 — whatever the model raises ends the stream
                said = _rejected(error).envelope["error"]
                yield _payload(error_event(said, number + 1))


@asynccontextmanager
async def _closing(events: AsyncIterator[Any]) -> AsyncIterator[None]:
    try:
        yield
    finally:
        if isinstance(events, AsyncGenerator):
            await events.aclose()


def _endpoint(endpoints: dict[str, Action], request: HttpRequest) -> Action:
    if request.method in endpoints:
        return endpoints[request.method]
    allowed = ", ".join(endpoints)
    raise RejectionError(
        f"Not allowed to {request.method} on {request.path} (HINT: use {allowed})",
        status=405,
        headers={"allow": allowed},
    )


def _rejected(error: Exception) -> RejectionError:
    """The refusal that says what the model raised."""
    if isinstance(error, RejectionError):
        return error
    if not isinstance(error, ModelError):
        text = f"{type(error).__name__}: {error}"
        return RejectionError(text, status=500, code="server_error", kind="server_error")
    usual = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    status = error.status if error.status and 400 <= error.status < 600 else usual
    wait = {} if error.retry_after is None else {"retry-after": f"{error.retry_after:g}"}
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return RejectionError(
        error.message, status=status, code=error.code, param=error.param, kind=kind, headers=wait
    )


def _json(body: JSON, *, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    return Reply(status, encode(body), {"content-type": "application/json", **(headers or {})})


def _json_body(request: HttpRequest) -> JSON:
    try:
        return decode(request.body)
    except ValueError as error:
        message = "We could not parse the JSON body of your request."
        raise RejectionError(message, code="invalid_json") from error


def _read_json(body: bytes) -> JSON:
    try:
        return decode(body)
    except ValueError:
        return None


def _stream(wires: AsyncIterator[Wire]) -> Reply:
    async def payloads() -> AsyncGenerator[bytes, None]:
        async with _closing(wires):
            async for wire in wires:
                yield _payload(wire)

    return Reply(200, payloads(), _STREAM)


def _payload(wire: Wire) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (str(wire["type"]).encode(), encode(wire))


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _append(kept: list[Any], value: Any) -> None:
    kept.append(value)
    del kept[:-KEPT_EXCHANGES]
