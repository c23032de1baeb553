"""Sends a probe's request as it stands, once, and keeps all that came back.

Nothing is adapted, learned or left out, as the client of an agent would: what a server does with
exactly this request is what is to be found out.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from copy import copy
from dataclasses import replace
from urllib.parse import quote

from agentkit.errors import BadRequestError, ConfigurationError, ModelError, ModelTimeoutError
from agentkit.responses.chat.request import chat_request
from agentkit.responses.endpoint import Endpoint, without_secrets
from agentkit.responses.events import StreamEvent
from agentkit.responses.failures import read_error
from agentkit.responses.fold import Fold
from agentkit.responses.probing.judges import Heard
from agentkit.responses.probing.probes import Fetch
from agentkit.responses.reply import is_event_stream, read_reply, stream_events
from agentkit.responses.response import Request, Response, read_response
from agentkit.responses.transport import HTTPAnswer, HTTPClient, Pool, Timeouts

MOST_KEPT = 256 * 1024
"""Bytes of a body that are kept to be looked at."""
TAIL = 1.0
"""Seconds to wait for what comes behind the terminal event, such as `[DONE]`."""


class Line:
    """A line to one server; `seconds` is the longest that a request may take."""

    def __init__(
        self, endpoint: Endpoint, *, seconds: float = 60.0, http_client: HTTPClient | None = None
    ) -> None:
        self.endpoint = endpoint
        self.seconds = seconds
        self.sent: list[str] = []
        """The URLs of the requests that were sent, with those of lines to other addresses."""
        self._pool = Pool(http_client, Timeouts(idle=seconds))

    def at(self, endpoint: Endpoint) -> Line:
        """A line to another address of the same server."""
        line = copy(self)
        line.endpoint = endpoint
        return line

    async def ask(self, request: Request) -> Heard:
        """What came back to a request; a ModelError is part of it and not raised.

        Raises ConfigurationError for an address that no request can be sent to.
        """
        url, dialect = self.endpoint.url, self.endpoint.dialect
        if isinstance(request, Fetch):
            return await self._fetch(request.response_id)
        if dialect.wire == "chat":
            try:
                request = chat_request(request, dialect.chat)
            except ConfigurationError as error:
                return Heard(error=BadRequestError(str(error)))
        return await self.send("POST", url, request.body(), stream=request.stream)

    async def _fetch(self, response_id: str) -> Heard:
        if self.endpoint.dialect.wire == "chat":
            return Heard(error=BadRequestError("A server of chat completions keeps nothing."))
        base, question, query = self.endpoint.url.partition("?")
        return await self.send("GET", f"{base}/{quote(response_id, safe='')}{question}{query}")

    async def send(
        self, method: str, url: str, body: bytes = b"", *, stream: bool = False
    ) -> Heard:
        """What came back from any address of the server, read as the answer to a request."""
        self.sent.append(without_secrets(url))
        tape = bytearray()
        accept = "text/event-stream" if stream else "application/json"
        headers = {"Accept": accept, **({"Content-Type": "application/json"} if body else {})}
        try:
            async with asyncio.timeout(self.seconds):
                answer = await self._pool.send(method, url, self.endpoint, body, headers)
                try:
                    return self._hidden(await _read(answer, tape))
                except ModelError as error:
                    # what breaks off later than this had begun
                    error.status = error.status or answer.status
                    raise
                finally:
                    await answer.close()
        except TimeoutError:
            return self._failed(self._too_slow(), tape)
        except ModelError as error:
            return self._failed(error, tape)
        except ConfigurationError:
            raise
        except (ValueError, ImportError) as error:  # a host that is none, a proxy of no known kind
            raise ConfigurationError(
                f"No request can be sent to {self.endpoint.shown}: {str(error).rstrip('.')}. Check "
                "the address, and the proxy in the environment."
            ) from error

    def _hidden(self, heard: Heard) -> Heard:
        """The same without the key, which a verdict could show half of."""
        hidden, response = self.endpoint.hidden, heard.response
        if response is not None:
            response = read_response(hidden.hide_json(response.wire))
        return replace(heard, response=response, body=hidden.hide_bytes(heard.body))

    def _failed(self, error: ModelError, tape: bytearray) -> Heard:
        self.endpoint.hidden.redact(error)
        return Heard(error=error, body=self.endpoint.hidden.hide_bytes(bytes(tape)))

    def _too_slow(self) -> ModelTimeoutError:
        return ModelTimeoutError(
            f"{self.endpoint.shown} did not answer within {self.seconds:g} seconds."
        )


async def _read(answer: HTTPAnswer, tape: bytearray) -> Heard:
    """What an answer says. Raises ModelError where it is an error, or breaks off."""
    if answer.status < 300 and is_event_stream(answer.headers):
        return await _read_stream(answer, tape)
    content = await answer.content()
    tape += content[:MOST_KEPT]
    if answer.status >= 300:
        raise read_error(answer.status, content, answer.headers)
    events = read_reply(answer.status, content, answer.headers)
    return Heard(_folded(events), events=tuple(events), body=bytes(tape))


async def _read_stream(answer: HTTPAnswer, tape: bytearray) -> Heard:
    chunks = _taped(answer.chunks, tape)
    events = [event async for event in stream_events(chunks, answer.headers)]
    with suppress(TimeoutError, ModelError):
        async with asyncio.timeout(TAIL):
            async for _ in chunks:
                pass
    return Heard(_folded(events), events=tuple(events), body=bytes(tape), is_stream=True)


async def _taped(chunks: AsyncIterator[bytes], tape: bytearray) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        tape += chunk[: max(MOST_KEPT - len(tape), 0)]
        yield chunk


def _folded(events: list[StreamEvent]) -> Response:
    fold = Fold()
    for event in events:
        fold.add(event)
    return fold.response()
