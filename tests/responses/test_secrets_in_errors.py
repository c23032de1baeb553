"""A server that repeats the key, in any form and place, does not get it into an error or a log."""

from __future__ import annotations

import logging
import socket
import traceback
from base64 import b64encode
from urllib.parse import quote

import httpx
import httpx2
import pytest
from asking import ask, model
from loopback import CREATED, STREAM_HEAD, Loopback, answer, event, response

from agentkit import ConfigurationError, ModelError, ResponsesModel, TransportError
from agentkit.responses.client import Endpoint
from agentkit.responses.endpoint import without_secrets
from agentkit.responses.retry import Retries

KEY = "sk-/pro+j=12345%67890abcd"
FORMS = {
    "plain": KEY,
    "base64": b64encode(KEY.encode()).decode(),
    "basic": b64encode(f"user:{KEY}".encode()).decode(),
    "base64 in a URL": quote(b64encode(KEY.encode() + b"?").decode(), safe=""),
    "in a URL": quote(KEY, safe="").lower(),
}
MARKS = [
    KEY[3:],
    *FORMS.values(),
    *(b64encode(bytes(n) + KEY.encode())[4:-4].decode() for n in (0, 1, 2)),
]


def shown(error: BaseException | None) -> str:
    """All that an error shows, and what it comes from."""
    if error is None:
        return ""
    told = [str(error), repr(error), repr(error.args), repr(vars(error))]
    told += traceback.format_exception(error)
    return "".join(told) + shown(error.__cause__) + shown(error.__context__)


async def error_with_key(*answers: object, stream: bool = True) -> ModelError:
    async with Loopback(*answers) as server:
        endpoint = Endpoint(server.url, {"Authorization": f"Bearer {KEY}"})
        asked = ResponsesModel("m", endpoint, retries=Retries(attempts=1))
        with pytest.raises(ModelError) as caught:
            await ask(asked, stream)
    return caught.value


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
async def test_an_error_does_not_repeat_the_key(form):
    echo = {"message": f"Bad key {form}", "code": form, "param": form, "type": form}
    bodies = [
        {"error": echo},
        {"detail": [{"msg": form, "loc": ["body", form], "type": form}]},
        form,
    ]
    answers = [
        answer({"error": body} if body is form else body, 401, x_request_id=form) for body in bodies
    ]
    answers += [answer(f"<title>{form}</title>".encode(), 502), answer(form.encode(), 500)]
    answers += [answer(b"", 307, location=f"https://other/v1?key={form}"), answer(form.encode())]
    for each in answers:
        error = await error_with_key(each)
        assert not any(mark in shown(error) for mark in MARKS)
        assert "[key]" in str(error)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
async def test_an_error_in_a_stream_does_not_repeat_the_key(form):
    failing = {"type": "error", "error": {"message": f"Bad key {form}", "code": form}}
    unreadable = b"%x\r\ndata: {%b\n\n\r\n" % (len(form) + 9, form.encode())
    for last in (event(**failing), unreadable):
        head = STREAM_HEAD.replace(b"\r\n\r\n", f"\r\nx-request-id: {form}\r\n\r\n".encode())
        error = await error_with_key([head, event(**CREATED), last, b"0\r\n\r\n"])
        assert not any(mark in shown(error) for mark in MARKS)
        assert "[key]" in str(error)


@pytest.mark.parametrize("length", range(270, 310, 3))
async def test_an_excerpt_that_ends_within_the_key_shows_none_of_it(length):
    text = b"x" * length + KEY.encode()
    for each in (answer(text, 500), answer(text)):
        assert KEY[:8] not in shown(await error_with_key(each))


@pytest.mark.parametrize("kind", [httpx.AsyncClient, httpx2.AsyncClient])
async def test_a_client_logs_no_key(kind, caplog):
    caplog.set_level(logging.DEBUG)
    refused = answer({"error": "no"}, 401, x_request_id=FORMS["base64"])
    async with Loopback(answer(response(), x_request_id=KEY), refused) as server, kind() as client:
        place = server.url.replace("://", "://me:pa%2Fss%2Fword@")
        endpoint = Endpoint(f"{place}?key=query-key-1234", {"api-key": KEY})
        own = ResponsesModel("m", endpoint, http_client=client)
        await ask(own)
        with pytest.raises(ModelError):
            await ask(ResponsesModel("m", endpoint))
    sent = server.received[0]
    assert (sent.path, sent.headers["api-key"]) == ("/v1/responses?key=query-key-1234", KEY)
    assert sent.headers["authorization"] == f"Basic {b64encode(b'me:pa/ss/word').decode()}"
    assert "HTTP Request: POST http://me:[key]@127.0.0.1" in caplog.text
    assert "x-request-id', b'[key]'" in caplog.text
    secrets = [*MARKS, "pa/ss", "pa%2Fss", "query-key"]
    assert not [mark for mark in secrets if mark in caplog.text]


async def test_what_others_log_between_two_requests_is_left_alone(caplog):
    caplog.set_level(logging.INFO)
    async with Loopback(answer(response())) as server:
        await ask(ResponsesModel("m", Endpoint(server.url, {"api-key": KEY})))
        logging.getLogger("httpx").info("%s", KEY)
    assert KEY in caplog.text


@pytest.mark.parametrize("kind", [httpx.AsyncClient, httpx2.AsyncClient])
async def test_an_error_of_a_client_does_not_lead_to_the_key(kind):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://me:pa55word@127.0.0.1:{free.getsockname()[1]}/v1?key=query-key-1234"
    async with kind() as client:
        with pytest.raises(TransportError) as caught:
            await ask(model(url, http_client=client))
    assert isinstance(caught.value.__cause__, OSError | httpx.ConnectError | httpx2.ConnectError)
    assert "pa55word" not in shown(caught.value)
    assert "query-key" not in shown(caught.value)


class Failing(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise self.error(f"{request.url} with {request.headers['authorization']}")


@pytest.mark.parametrize("kind", [httpx.ReadError, httpx.UnsupportedProtocol, LookupError])
async def test_an_error_of_any_kind_is_cleaned(kind):
    transport = Failing()
    transport.error = kind
    endpoint = Endpoint("http://host/v1?key=query-key-1234", {"authorization": f"Bearer {KEY}"})
    async with httpx.AsyncClient(transport=transport) as client:
        asked = ResponsesModel("m", endpoint, http_client=client, retries=Retries(attempts=1))
        with pytest.raises((TransportError, ConfigurationError, LookupError)) as caught:
            await ask(asked)
    assert "[key]" in str(caught.value)
    assert not any(mark in shown(caught.value) for mark in [*MARKS, "query-key"])


@pytest.mark.parametrize(
    ("url", "to_show"),
    [
        ("http://user:pass@host:8080/v1?key=x", "http://host:8080/v1"),
        ("http://token@host/v1#x", "http://host/v1"),
        ("http://user:pa/ss@host/v1", "http://host/v1"),
        ("http://user:pa?ss#3@host/v1", "http://host/v1"),
        ("http://user:pa@ss@host/v1", "http://host/v1"),
        ("user:pass@host/v1", "host/v1"),
        ("http://host:8080/@team/v1", "http://host:8080/@team/v1"),
        ("http://[::1]:80/v1?mail=a@b", "http://[::1]:80/v1"),
        ("http://host/v1", "http://host/v1"),
    ],
)
def test_an_address_is_shown_without_what_is_secret(url, to_show):
    assert without_secrets(url) == to_show


@pytest.mark.parametrize(
    ("headers", "secrets"),
    [
        ({"Authorization": "Bearer K"}, ["K"]),
        ({"Authorization": "bearer K"}, ["K"]),
        ({"Authorization": "Basic bWU6cGFzcw=="}, ["bWU6cGFzcw==", "pass"]),
        ({"authorization": "Basic ?"}, ["?"]),
        ({"Cookie": "a=b; c=d"}, ["a=b; c=d"]),
        ({"api-key": "two words", "User-Agent": "x"}, ["two words"]),
        ({"x-goog-api-key": ""}, []),
    ],
)
def test_the_secrets_of_headers_are_known(headers, secrets):
    assert Endpoint("http://host", headers).secrets == secrets


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("http://user:p%40ss@host/v1?api-version=2&sig=a%2Fb", ["a/b", "p@ss"]),
        ("http://token@host/v1", ["token"]),
        ("http://host/v1?q=1", []),
    ],
)
def test_the_secrets_of_an_address_are_known(url, secrets):
    assert Endpoint(url).secrets == secrets
