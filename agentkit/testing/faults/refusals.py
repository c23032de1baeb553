"""Refusals: every status that servers give, in every shape of error body.

Source: recorded error bodies of the known servers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.client import responses

from agentkit.encoding import JSON, Wire, encode
from agentkit.testing.faults.bodies import HTML
from agentkit.testing.faults.definition import Asked, Effect, Fault
from agentkit.testing.http import Reply

STATUSES = (400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529)

_BODILESS = (204, 304)

Body = tuple[bytes, str]
"""A body and its content type."""


def _said(status: int) -> str:
    return f"{responses.get(status, 'Out of order')}, the fault said."


def _word(code: str) -> Wire:
    return {"code": code or None}


def _openai(status: int, code: str) -> JSON:
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return {"error": {"message": _said(status), "type": kind, "param": None, **_word(code)}}


def _text(status: int, code: str) -> JSON:
    return {"code": code or "invalid-argument", "error": _said(status)}


def _number(status: int, code: str) -> JSON:
    return {"error": {"message": _said(status), "code": code or status}}


def _top(status: int, code: str) -> JSON:
    return {"object": "error", "message": _said(status), "param": None, **_word(code)}


def _detail(status: int, code: str) -> JSON:
    return {"detail": _said(status), **({"code": code} if code else {})}


def _details(status: int, code: str) -> JSON:
    return {"detail": [{"loc": ["body", "model"], "msg": _said(status), "type": code or "invalid"}]}


def _errors(status: int, code: str) -> JSON:
    problem = {"path": ["model"], "message": _said(status), "code": code or "custom"}
    return {"success": False, "error": [problem]}


def _listed(status: int, code: str) -> JSON:
    return [_openai(status, code)]


def _wrapped(status: int, code: str) -> JSON:
    behind = {"raw": encode(_openai(status, code)).decode(), "provider_name": "Another"}
    error = {"message": "Provider returned error", "code": code or status, "metadata": behind}
    return {"error": error, "user_id": "user_1"}


def _inner(status: int, code: str) -> JSON:
    found = {"hate": {"filtered": True, "severity": "high"}}
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": found}
    error = {"message": _said(status), "param": "prompt", **_word(code), "innererror": inner}
    return {"error": {**error, "status": status}}


_SHAPES: dict[str, Callable[[int, str], JSON]] = {
    "openai": _openai,
    "text": _text,
    "number": _number,
    "top": _top,
    "detail": _detail,
    "details": _details,
    "errors": _errors,
    "list": _listed,
    "wrapped": _wrapped,
    "inner": _inner,
}


def _json_as(content_type: str) -> Callable[[int, str], Body]:
    return lambda status, code: (encode(_openai(status, code)), content_type)


def _stream(status: int, code: str) -> Body:
    return b"data: %b\n\n" % encode(_openai(status, code)), "text/event-stream"


_OTHERS: dict[str, Callable[[int, str], Body]] = {
    "octets": _json_as("application/octet-stream"),
    "unlabelled": _json_as(""),
    "stream": _stream,
    "plain": lambda *said: (_said(said[0]).encode(), "text/plain"),
    "html": lambda *_: (HTML, "text/html"),
    "empty": lambda *_: (b"", "application/json"),
}

SHAPES = (*_SHAPES, *_OTHERS)
"""The names of the shapes in which the body of an error may come."""


def error_body(shape: str, status: int, code: str = "") -> Body:
    """An error in a shape of `SHAPES`."""
    if shape in _OTHERS:
        return _OTHERS[shape](status, code)
    return encode(_SHAPES[shape](status, code)), "application/json"


def refused(status: int | None = None) -> Effect:
    """The request is refused; the model is not asked. None for the status of the options."""

    async def effect(asked: Asked) -> Reply:
        options = asked.options
        number = status or int(asked.number("status"))
        body, content_type = error_body(options["body"], number, options["code"])
        headers = {
            "content-type": content_type,
            "retry-after": _retry_after(options["retry-after"]),
            "retry-after-ms": options["retry-after-ms"],
            "x-should-retry": options["should-retry"],
        }
        body = b"" if number in _BODILESS else body
        return Reply(number, body, {name: value for name, value in headers.items() if value})

    return effect


def _retry_after(said: str) -> str:
    """The header's value: as it stands, or a date so many seconds from now (`date+30`)."""
    if not re.fullmatch(r"date[+-]\d{1,9}", said):
        return said
    wait = timedelta(seconds=int(said.removeprefix("date")))
    return format_datetime(datetime.now(UTC) + wait, usegmt=True)


_OPTIONS = {
    "body": "openai",
    "code": "",
    "retry-after": "",
    "retry-after-ms": "",
    "should-retry": "",
}

REFUSALS = [
    *(
        Fault(f"status-{status}", f"refuses with status {status}", refused(status), _OPTIONS)
        for status in STATUSES
    ),
    Fault("status", "refuses with any status", refused(), {"status": "418", **_OPTIONS}),
]
