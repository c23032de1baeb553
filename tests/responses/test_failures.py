"""Error bodies of every shape, and the errors they become."""

from __future__ import annotations

import json

import pytest

from agentkit import (
    AuthenticationError,
    BadRequestError,
    ContextLengthError,
    ModelTimeoutError,
    ProtocolError,
    QuotaError,
    RateLimitError,
    ServerError,
)
from agentkit.responses.failures import model_error, read_error


def read(status: int, body, **headers: str):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_error(
        status, content, {key.replace("_", "-"): value for key, value in headers.items()}
    )


@pytest.mark.parametrize(
    ("body", "message", "code", "param"),
    [
        ({"error": {"message": "No.", "type": "t", "param": "tools[0]", "code": "c"}}, "No.", "c", "tools[0]"),
        ({"error": {"message": "No.", "code": 404}}, "No.", "404", None),
        ({"error": "No.", "code": "invalid-argument"}, "No.", "invalid-argument", None),
        ({"message": "No.", "code": "1"}, "No.", "1", None),
        ({"detail": "No."}, "No.", None, None),
        ({"detail": [{"type": "missing", "loc": ["body", "input", 0], "msg": "Field required"}]}, "Field required", "missing", "input.0"),
        ({"success": False, "error": [{"code": "invalid_type", "path": ["input"], "message": "Required"}]}, "Required", "invalid_type", "input"),
        ({"success": False, "errors": [{"code": 7000, "message": "No route"}]}, "No route", "7000", None),
        ({"error": ["one", "two"]}, "one; two", None, None),
        ([{"error": {"message": "No.", "code": 400}}], "No.", "400", None),
        ({"error": None, "message": "No."}, "No.", None, None),
        ({"error": {"message": {"deep": 1}, "param": ["a"]}}, "{'deep': 1}", None, None),
        ("No.", "No.", None, None),
        (b"No\n  way.", "No way.", None, None),
        (b"<html><title>502 Bad Gateway</title></html>", "an HTML page titled '502 Bad Gateway'", None, None),
        (b"", "an empty body", None, None),
        (b"\xff\xfe", "��", None, None),
        (b'data: {"error": {"message": "No.", "code": 500}}\n\ndata: [DONE]\n\n', "No.", "500", None),
        ({}, "an empty body", None, None),
        (None, "an empty body", None, None),
    ],
)  # fmt: skip
def test_every_shape_of_body_says_why(body, message, code, param):
    error = read(404, body)
    assert type(error) is BadRequestError
    assert (error.message, error.code, error.param, error.status) == (message, code, param, 404)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequestError),
        (401, AuthenticationError),
        (402, QuotaError),
        (403, AuthenticationError),
        (404, BadRequestError),
        (408, ModelTimeoutError),
        (409, ServerError),
        (413, BadRequestError),
        (418, BadRequestError),
        (422, BadRequestError),
        (429, RateLimitError),
        (500, ServerError),
        (503, ServerError),
        (302, ProtocolError),
    ],
)
def test_the_status_says_what_kind_of_error_it_is(status, kind):
    assert type(read(status, {"error": "no"})) is kind


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (429, {"code": "insufficient_quota"}, QuotaError),
        (429, {"type": "insufficient_quota", "code": None}, QuotaError),
        (400, {"code": "context_length_exceeded"}, ContextLengthError),
        (400, {"type": "exceed_context_size_error", "code": 400}, ContextLengthError),
        (400, {"message": "This model's maximum context length is 8 tokens."}, ContextLengthError),
        (400, {"message": "prompt too long; exceeded max context length"}, ContextLengthError),
        (400, {"message": "Incorrect API key provided: xai-…"}, AuthenticationError),
        (400, {"code": "invalid_api_key"}, AuthenticationError),
        (None, {"code": "rate_limit_exceeded"}, RateLimitError),
        (None, {"type": "invalid_request_error"}, BadRequestError),
        (None, {"message": "Sorry."}, ServerError),
        (200, {"code": 429}, RateLimitError),
        (200, {"code": "503"}, ServerError),
        (200, {"message": "Odd."}, ProtocolError),
    ],
)
def test_the_servers_own_word_says_more_than_the_status(status, error, kind):
    assert type(model_error(status, {"error": error})) is kind


def test_the_message_behind_a_gateway_is_told():
    raw = {"message": "Provider returned error", "metadata": {"raw": "upstream is busy"}}
    assert read(429, {"error": raw}).message == "Provider returned error: upstream is busy"


@pytest.mark.parametrize(
    "name", ["x_request_id", "apim_request_id", "x_generation_id", "request_id"]
)
def test_the_id_to_quote_is_kept(name):
    error = read(500, {"error": "no"}, **{name: "req_7"})
    assert error.request_id == "req_7"
    assert str(error) == "no (status 500, request id req_7)"


def test_a_long_body_is_cut():
    assert len(read(500, b"x" * 10_000).message) == 300
