"""What is said to mend first where a server does not answer."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import replace

import pytest
from able import able
from loopback import CUT, Loopback, answer, message, response

from agentkit.errors import BadRequestError, ServerError, TransportError
from agentkit.responses.endpoint import Endpoint
from agentkit.responses.probing.asking import Examination
from agentkit.responses.probing.fixes import (
    Place,
    Surroundings,
    advice,
    first_fix,
    look_around,
    proxy_for,
)
from agentkit.responses.probing.hearing import Line
from agentkit.responses.probing.probes import with_what_they_need
from agentkit.testing import ResponsesServer, ScriptedModel
from agentkit.testing.faults import FAULTS

KEY = {"Authorization": "Bearer sk-secret-1234"}
THERE = Place(Endpoint("https://api.test/v1", KEY), "m-1", "TEST_KEY")
NOWHERE = Surroundings()


async def _no_time(_: float) -> None:
    pass


async def fixed(place: Place, seconds: float = 5.0) -> str:
    """What is to be done at this place, after all that is asked there."""
    line = Line(place.endpoint, seconds=seconds)
    examination = Examination(line.ask, place.model, sleep=_no_time)
    error = (await examination.report(with_what_they_need(["stream"]))).error
    return first_fix(error, place, await look_around(line, place, error))


async def fix_for(*answers, path: str = "/v1", **facts) -> str:
    """What is to be done about a server that gives raw answers; PORT stands for its port."""
    async with Loopback(*answers) as server:
        url = server.url.removesuffix("/v1") + path
        place = Place(Endpoint(url, KEY), "m-1", **{"key_variable": "TEST_KEY", **facts})
        fix = await fixed(place, facts.get("seconds", 5.0))
    assert "sk-secret" not in fix
    return fix.replace(str(server.port), "PORT")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def failed(message: str, status: int | None = None, cause: Exception | None = None, **facts):
    kind = TransportError if status is None else BadRequestError
    error = kind(message, status=status, **facts)
    error.__cause__ = cause
    return error


NO = {"error": {"message": "Incorrect API key provided: sk-secret-1234", "code": "invalid_api_key"}}


async def test_a_key_that_is_not_accepted_is_told_by_its_variable():
    assert await fix_for(answer(NO, status=401)) == (
        "The server does not accept the key in TEST_KEY. Check that it is whole, and one for "
        "127.0.0.1:PORT."
    )


async def test_a_key_that_was_not_sent_is_asked_for():
    assert "No key was sent" in await fix_for(answer(NO, status=401), key_variable=None)


async def test_a_key_that_may_not_use_the_model_is_told():
    fix = await fix_for(answer({"error": {"message": "Not for you."}}, status=403))
    assert fix == "The key in TEST_KEY may not use 'm-1' there."


async def test_a_port_where_nothing_listens_is_told():
    port = free_port()
    fix = await fixed(Place(Endpoint(f"http://127.0.0.1:{port}/v1"), "m"))
    assert fix == f"Nothing answers at 127.0.0.1:{port}. Start the server, or check host and port."


async def test_a_proxy_that_cannot_be_reached_is_told_from_the_server_behind_it():
    place = Place(Endpoint(f"http://127.0.0.1:{free_port()}/v1"), "m", proxy="http://proxy:3128")
    assert await fixed(place) == (
        "The proxy http://proxy:3128 cannot be reached. NO_PROXY=127.0.0.1 goes around it."
    )


async def test_tls_spoken_to_a_plain_port_is_told():
    async with ResponsesServer(ScriptedModel()) as server:
        url = server.url.replace("http:", "https:")
        fix = await fixed(Place(Endpoint(url), "m"))
    assert "does not speak TLS there. Write http:// in --base-url" in fix


@pytest.mark.parametrize(
    "said",
    [[CUT], answer(b"Client sent an HTTP request to an HTTPS server.\n", status=400)],
    ids=["cut", "told"],
)
async def test_plain_text_spoken_to_a_tls_port_is_told(said):
    assert "https:// in --base-url" in await fix_for(said)


async def test_a_server_that_hangs_is_told():
    async with Loopback([asyncio.Event()]) as server:
        fix = await fixed(Place(Endpoint(server.url), "m"), seconds=0.05)
    assert "took the request and did not answer in time" in fix
    assert "--timeout" in fix


async def test_a_base_url_without_its_v1_is_put_right():
    async with ResponsesServer(ScriptedModel("Hello.")) as server:
        root = server.url.removesuffix("/v1")

        class OnlyAtV1(Line):
            async def ask(self, request):
                heard = await super().ask(request)
                is_there = self.endpoint.base_url.endswith("/v1")
                return heard if is_there else replace(heard, response=None, error=NOT_FOUND)

        line, place = OnlyAtV1(Endpoint(root)), Place(Endpoint(root), "m")
        around = await look_around(line, place, NOT_FOUND)
    assert first_fix(NOT_FOUND, place, around) == (
        f"Take --base-url {server.url}: the Responses endpoint is there."
    )


NOT_FOUND = BadRequestError("Not Found", status=404)


async def test_a_base_url_of_another_endpoint_is_put_right():
    here, there = answer(b"no such page", status=404), answer(response(message("Hello.")))
    fix = await fix_for(here, there, path="/v1/chat/completions")
    assert fix == "Take --base-url http://127.0.0.1:PORT/v1: the Responses endpoint is there."


async def test_a_server_of_chat_completions_alone_is_found():
    said = {"message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}
    chat = answer({"object": "chat.completion", "choices": [said]})
    nothing = answer(b'{"detail":"Not Found"}', status=404)
    async with Loopback(nothing, chat, nothing) as server:
        place = Place(Endpoint(server.url), "m")
        line = Line(place.endpoint)
        around = await look_around(line, place, NOT_FOUND)
    assert around == Surroundings(chat_url=server.url)
    assert [each.path for each in server.received] == [
        "/responses",
        "/v1/chat/completions",
        "/v1/models",
    ]


async def test_an_address_with_nothing_of_it_is_told():
    fix = await fix_for(answer(b"404 page not found", status=404, content_type="text/plain"))
    assert fix.startswith("There is no Responses endpoint at http://127.0.0.1:PORT/v1, nor chat")


async def test_a_web_page_is_told_from_an_api():
    page = b"<!DOCTYPE html><html><head><title>Log in</title></head></html>"
    fix = await fix_for(answer(page, content_type="text/html"))
    assert fix.startswith("A web page answers at http://127.0.0.1:PORT/v1, not an API.")


async def test_a_model_that_there_is_not_brings_up_those_that_there_are():
    no = answer({"error": {"message": "model 'm-1' not found", "code": 404}}, status=404)
    models = answer({"data": [{"id": name} for name in ("a", "b", "c", "d", "m-10", "e", "f")]})
    fix = await fix_for(no, models)
    assert fix == "The server does not have the model 'm-1'. It has: m-10, a, b, c, d and 2 more."


async def test_a_model_that_there_is_not_is_told_where_no_list_is_given():
    no = answer({"error": {"message": "No.", "code": "model_not_found"}}, status=400)
    assert await fix_for(no) == "The server does not have the model 'm-1'. Name another with -m."


@pytest.mark.parametrize(
    ("answers", "fix"),
    [
        (answer({"error": {"message": "Pay."}}, status=402), "no credit"),
        (answer({"error": {"message": "Pay.", "code": "insufficient_quota"}}, 429), "no credit"),
        (answer({"error": {"message": "Slow down."}}, status=429), "asked too often"),
        (answer(b"", status=503), "The server fails by itself (503: an empty body)"),
        (answer({"error": "Bad body."}, status=422), "refuses the plainest request: 422: Bad body"),
    ],
    ids=["402", "quota", "429", "503", "422"],
)
async def test_what_a_server_says_is_told_in_words_to_act_on(answers, fix):
    assert fix in await fix_for(answers)


PROXIED = replace(THERE, proxy="http://proxy:3128")


@pytest.mark.parametrize(
    ("error", "place", "fix"),
    [
        (failed("?", cause=socket.gaierror(-2, "?")), THERE, "There is no host named 'api.test'."),
        (failed("?", cause=ssl.SSLCertVerificationError()), THERE, "SSL_CERT_FILE"),
        (failed("?", cause=ssl.SSLError(1, "bad alert")), THERE, "TLS with api.test fails: "),
        (failed("broke"), PROXIED, "NO_PROXY=api.test goes around it"),
        (failed("Who are you?", 407), PROXIED, "The proxy http://proxy:3128 wants a name"),
        (failed("broke"), THERE, "api.test breaks the connection off."),
    ],
    ids=["dns", "certificate", "tls", "proxy", "407", "broken"],
)
def test_what_is_in_between_is_told(error, place, fix):
    assert fix in first_fix(error, place, NOWHERE)


def test_a_fault_of_the_server_behind_a_proxy_names_the_proxy():
    error = ServerError("Bad Gateway", status=502)
    assert "through the proxy http://proxy:3128" in first_fix(error, PROXIED, NOWHERE)


@pytest.mark.parametrize(
    ("url", "proxies", "proxy"),
    [
        ("https://a.test/v1", {"https": "http://me:secret@proxy:3128"}, "http://proxy:3128"),
        ("https://a.test/v1", {"http": "http://proxy"}, None),
        ("http://a.test/v1", {"all": "proxy:8080"}, "http://proxy:8080"),
        ("http://a.test/v1", {"http": "http://proxy", "no": "b.test, a.test"}, None),
        ("http://x.a.test/v1", {"http": "http://proxy", "no": ".a.test"}, None),
        ("http://ba.test/v1", {"http": "http://proxy", "no": "a.test"}, "http://proxy"),
        ("http://a.test/v1", {"http": "http://proxy", "no": "*"}, None),
    ],
)
def test_the_proxy_in_between_is_the_one_that_is_taken(url, proxies, proxy):
    assert proxy_for(url, proxies) == proxy


@pytest.mark.parametrize("name", [name for name in FAULTS if name not in ("none", "refused")])
async def test_whatever_a_server_does_wrong_it_is_told_in_time(name):
    async with ResponsesServer(able()) as server:
        place = Place(Endpoint(server.url), f"fault:{name}")
        line = Line(place.endpoint, seconds=0.2)
        probes = with_what_they_need(["stream", "tools"])
        report = await Examination(line.ask, place.model, sleep=_no_time).report(probes)
        error = report.error
        told = first_fix(error, place, await look_around(line, place, error)) if error else ""
    assert report.works or told or advice(report)
    assert all(each.verdict.why for each in report.findings)
