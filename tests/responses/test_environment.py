"""What stands between a model and its server beside the address: proxies, certificates, clients."""

from __future__ import annotations

import asyncio
import gc
import weakref
from base64 import b64encode

import httpx
import httpx2
import pytest
from asking import ask, model
from loopback import Loopback, answer, message, response
from test_secrets_in_errors import shown

from agentkit import Agent, ConfigurationError, ModelError
from agentkit.responses.client import Endpoint
from agentkit.testing import OfflineModel, ResponsesServer

HI = response(message("Hi."))
PASSWORD = "pa/ss-1234567"

leaves_connections_open = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    "named",
    [
        {"http_proxy": "http://x:abc"},
        {"http_proxy": "nonsense://x"},
        {"http_proxy": f"nonsense://me:{PASSWORD}@x"},
        {"http_proxy": f"http://me:{PASSWORD}#8@x"},
        {"http_proxy": "http://127.0.0.1:1", "no_proxy": "[::"},
    ],
)
async def test_a_proxy_that_cannot_be_used_is_the_callers_mistake(named, monkeypatch):
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match="Write HTTP_PROXY, .* like") as caught:
        await ask(model("http://api.test/v1"))
    assert PASSWORD[:4] not in str(caught.value)


@pytest.mark.parametrize("status", [200, 407, 502])
@pytest.mark.parametrize("client", [None, httpx.AsyncClient])
async def test_a_proxy_does_not_get_its_own_password_into_an_error(status, client, monkeypatch):
    basic = b64encode(f"me:{PASSWORD}".encode()).decode()
    page = f"<title>{PASSWORD} {basic}</title>".encode()
    async with Loopback(answer(page, status, x_request_id=PASSWORD)) as proxy:
        place = proxy.url.removesuffix("/v1").replace("//", f"//me:{PASSWORD.replace('/', '%2F')}@")
        monkeypatch.setenv("http_proxy", place)
        given = {"http_client": client()} if client else {}
        with pytest.raises(ModelError) as caught:
            await ask(model("http://api.test/v1", **given))
        if client:
            await given["http_client"].aclose()
    assert not any(mark in shown(caught.value) for mark in (PASSWORD, basic, "%2Fss-"))
    assert "[key]" in str(caught.value)


@pytest.mark.parametrize("content", [None, "", "no certificate"])
async def test_certificates_that_cannot_be_read_are_the_callers_mistake(
    content, monkeypatch, tmp_path
):
    place = tmp_path / "trusted.pem"
    if content is not None:
        place.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(place))
    with pytest.raises(ConfigurationError, match=r"SSL_CERT_FILE is '.*trusted.pem'.* unset it"):
        await ask(model("https://127.0.0.1:1/v1"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    with pytest.raises(ConfigurationError, match=r"SSL_CERT_FILE is '.*trusted.pem'.* unset it"):
        await ask(model("https://api.test/v1"))


@pytest.mark.parametrize("library", [httpx, httpx2])
async def test_a_closed_client_is_the_callers_mistake(library):
    async with library.AsyncClient() as client:
        pass
    with pytest.raises(ConfigurationError, match="http_client cannot be used .* that is open"):
        await ask(model("http://127.0.0.1:1/v1", http_client=client))


@leaves_connections_open
def test_a_client_of_another_event_loop_is_the_callers_mistake():
    client = httpx.AsyncClient()
    with ResponsesServer(OfflineModel()) as server:
        agent = Agent("m", base_url=server.url, http_client=client)
        assert asyncio.run(agent.run("?")).status == "completed"
        with pytest.raises(ConfigurationError, match="to each event loop one of its own"):
            asyncio.run(agent.run("?"))
        del client, agent
        gc.collect()


@pytest.mark.parametrize("client", ["x", object(), httpx.AsyncClient, httpx.Client()])
def test_what_is_no_client_is_the_callers_mistake(client):
    url, expected = "http://host/v1", "http_client: expected an asynchronous client"
    with pytest.raises(ConfigurationError, match=expected):
        model(url, http_client=client)
    with pytest.raises(ConfigurationError, match=expected):
        _ = Agent("m", base_url=url, http_client=client).model


@pytest.mark.parametrize("url", ["http://host/\udc80", "http://\ud800/v1", "http://\udc80@host/v1"])
def test_an_address_that_no_bytes_can_carry_is_the_callers_mistake(url):
    with pytest.raises(ConfigurationError, match="base_url .* is not a URL"):
        Endpoint(url)


@leaves_connections_open
def test_loops_that_were_closed_without_their_end_are_let_go():
    loops = weakref.WeakSet()
    with ResponsesServer(OfflineModel()) as server:
        asked = model(server.url)
        for _ in range(4):
            loop = asyncio.new_event_loop()
            loops.add(loop)
            loop.run_until_complete(ask(asked))
            loop.close()
        del loop
        asyncio.run(ask(asked))
        gc.collect()
        assert not loops
