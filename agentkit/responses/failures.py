"""What a server says when it says no, read into a ModelError.

Error bodies come in many shapes: an object, a string or a list under `error`, `detail`, `message`
at the top, an HTML page, nothing. Source: recorded error bodies of the known servers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from agentkit.encoding import JSON, Wire, decode
from agentkit.errors import (
    AuthenticationError,
    BadRequestError,
    ContextLengthError,
    ModelError,
    ModelTimeoutError,
    ProtocolError,
    QuotaError,
    RateLimitError,
    ServerError,
)
from agentkit.responses.sse import Frames

EXCERPT = 300
"""Characters of an unreadable body that an error shows."""
MAX_MESSAGE = 2000
"""Characters that are kept of what a server says went wrong."""
MAX_WORD = 200
"""Characters that are kept of its word for it, and of the field that it names."""
MAX_HEADER = 100
"""Characters of a wait that a header asks for; what is longer says nothing."""

_BY_STATUS: dict[int, type[ModelError]] = {
    401: AuthenticationError,
    402: QuotaError,
    403: AuthenticationError,
    408: ModelTimeoutError,
    409: ServerError,
    429: RateLimitError,
}
# The server's own word for the error, under `code` or `type`, says more than its status.
_BY_WORD: dict[str, type[ModelError]] = {
    "insufficient_quota": QuotaError,
    "context_length_exceeded": ContextLengthError,
    "exceed_context_size_error": ContextLengthError,
    "rate_limit_exceeded": RateLimitError,
    "rate_limit_error": RateLimitError,
    "too_many_requests": RateLimitError,
    "invalid_api_key": AuthenticationError,
    "authentication_error": AuthenticationError,
    "server_error": ServerError,
    "model_error": ServerError,
    "overloaded_error": ServerError,
}
_TOO_LONG = re.compile(
    r"max(imum)? context length|context (size|window)|(prompt|input) is too long|prompt too long",
    re.IGNORECASE,
)
_BAD_KEY = re.compile(r"(incorrect|invalid|missing) api[ _]key", re.IGNORECASE)


def model_error(
    status: int | None, body: JSON, headers: Mapping[str, str] | None = None
) -> ModelError:
    """The error of a body (JSON, or text where it is none) and its status and headers."""
    fields = error_fields(body)
    headers = headers or {}
    code, param, message = (fields.get(key) for key in ("code", "param", "message"))
    text = message if isinstance(message, str) and message else _excerpt(message or body)
    text = text[:MAX_MESSAGE]
    error = _kind(status, fields, text)(
        text,
        status=status,
        code=str(code)[:MAX_WORD] if code not in (None, "") else None,
        param=param[:MAX_WORD] if isinstance(param, str) else None,
        request_id=request_id(headers),
        retry_after=retry_after(headers),
    )
    error.should_retry = {"true": True, "false": False}.get(headers.get("x-should-retry", ""))
    return error


def read_error(status: int, content: bytes, headers: Mapping[str, str]) -> ModelError:
    """The error of an answer whose status says that it is one."""
    if 300 <= status < 400:
        to = headers.get("location", "another address")
        why = f"The server redirects to {to}. Use that as base_url."
        return ProtocolError(why, status=status, request_id=request_id(headers))
    text = _first_payload(content).strip()
    try:
        body = decode(text)
    except ValueError:
        body = text.decode("utf-8", "replace")
    return model_error(status, body, headers)


def unreadable(status: int, content: bytes, headers: Mapping[str, str], why: str) -> ProtocolError:
    """The error of an answer that claims success and is no response."""
    text = content[: 4 * EXCERPT].decode("utf-8", "replace")
    return ProtocolError(
        f"{why} It begins: {_excerpt(text)}", status=status, request_id=request_id(headers)
    )


def error_fields(body: JSON) -> Wire:
    """`message`, `code`, `param`, `type` as far as the body has them."""
    if isinstance(body, list):
        body = next((each for each in body if isinstance(each, dict)), None)
    if not isinstance(body, dict):
        return {}
    error = next((body[key] for key in ("error", "errors", "detail") if body.get(key)), None)
    if isinstance(error, dict):
        return _with_inner_error(error)
    if isinstance(error, str):
        return {"message": error, "code": body.get("code"), "param": body.get("param")}
    if isinstance(error, list):
        return _validation_error(error)
    return body


def was_sent(error: ModelError) -> bool:
    """Whether the server may have had the request: not where it could not be connected to."""
    return type(error.__cause__).__name__ not in ("ConnectError", "ConnectTimeout", "PoolTimeout")


def request_id(headers: Mapping[str, str]) -> str | None:
    """The server's id of the request, under whichever of its names the server uses."""
    names = ("x-request-id", "apim-request-id", "x-generation-id", "request-id")
    return next((headers[name] for name in names if headers.get(name)), None)


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds to wait: `retry-after-ms`, then `retry-after` in seconds or as a date.

    The litellm proxy passes them on under names of its own.
    """
    if milliseconds := _number(_said(headers, "retry-after-ms")):
        return milliseconds / 1000
    text = _said(headers, "retry-after")
    if (seconds := _number(text)) is not None:
        return seconds
    try:
        date = parsedate_to_datetime(text or "")
        date = date if date.tzinfo else date.replace(tzinfo=UTC)
        return (date - (now or datetime.now(UTC))).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return None


def _said(headers: Mapping[str, str], name: str) -> str | None:
    said = headers.get(name) or headers.get(f"llm_provider-{name}")
    return said if said is None or len(said) <= MAX_HEADER else None


def _kind(status: int | None, fields: Wire, message: str) -> type[ModelError]:
    words = [str(fields.get(key)) for key in ("code", "type")]
    named = [_BY_WORD[word] for word in words if word in _BY_WORD]
    kind = named[0] if named else _by_status(_status_said(status, words))
    # any error may be called a server_error, so a status of its own says more
    if kind is ServerError and status in _BY_STATUS:
        kind = _BY_STATUS[status]
    if kind is BadRequestError and _TOO_LONG.search(message):
        return ContextLengthError
    return AuthenticationError if kind is BadRequestError and _BAD_KEY.search(message) else kind


def _status_said(status: int | None, words: list[str]) -> int | None:
    """The status, or the one in the body where an error came behind status 200."""
    if status is not None and status >= 400:
        return status
    said = [int(word) for word in words if re.fullmatch("[45][0-9][0-9]", word)]
    return next(iter(said), 400 if "invalid_request_error" in words else status)


def _by_status(status: int | None) -> type[ModelError]:
    if status is None or status >= 500:
        return ServerError
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return BadRequestError if status >= 400 else ProtocolError


def _first_payload(content: bytes) -> bytes:
    """The body itself, or what the first event of one that came as a stream carries."""
    if not content.lstrip().startswith((b"data:", b"event:")):
        return content
    frames = Frames()
    return next(iter([*frames.feed(content), *frames.flush()]), content)


def _with_inner_error(error: Wire) -> Wire:
    """OpenRouter wraps the message of the server behind it as text under `metadata.raw`."""
    metadata = error.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    if isinstance(raw, str) and raw not in str(error.get("message")):
        return {**error, "message": f"{error.get('message')}: {raw[:EXCERPT]}"}
    return error


def _validation_error(errors: list[Any]) -> Wire:
    """A list of problems, each with the place it is about: `loc` (FastAPI) or `path` (zod)."""
    first = errors[0]
    if not isinstance(first, dict):
        return {"message": "; ".join(str(error) for error in errors)[:EXCERPT]}
    where = first.get("loc") or first.get("path") or ()
    place = [str(step) for step in where if step != "body"] if isinstance(where, list) else []
    told = (each for each in errors if isinstance(each, dict))
    message = "; ".join(str(each.get("msg") or each.get("message") or each) for each in told)
    return {
        "message": message[:EXCERPT],
        "code": first.get("type") or first.get("code"),
        "param": ".".join(place) or None,
    }


def _excerpt(body: JSON) -> str:
    # cut before it is searched; white space is the only thing that becomes less
    text = (body if isinstance(body, str) else str(body or ""))[: 40 * EXCERPT]
    title = re.search(r"<title>([^<]{1,200})</title>", text, re.IGNORECASE)
    if title:
        return f"an HTML page titled {title[1].strip()!r}"
    return re.sub(r"\s+", " ", text).strip()[:EXCERPT] or "an empty body"


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return None if math.isnan(number) else number
