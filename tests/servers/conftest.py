"""Servers that no one here wrote. Each test meets each of them that is installed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agentkit.testing import OfflineModel, ResponsesServer
from tests.servers import aimock, litellm_proxy
from tests.servers.aimock import Aimock
from tests.servers.litellm_proxy import PROXIED
from tests.servers.served import Server

DIRECT = {
    "aimock": ("/v1", "responses"),
    "aimock-chat": ("/v1", "chat"),
    "aimock-openrouter": ("/api/v1", "chat"),
}
"""Where aimock answers, and on which wire; under `/api` with what OpenRouter adds to it."""
SERVERS = [*DIRECT, *(PROXIED if litellm_proxy.program() else ())]


@pytest.fixture(scope="session")
def scripted() -> Iterator[Aimock]:
    found = aimock.program()
    if found is None:
        pytest.skip("aimock is not installed: `make servers` does it, where there is npm")
    with aimock.running(found) as running:
        yield running


@pytest.fixture(scope="session")
def litellm(
    scripted: Aimock, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    found = litellm_proxy.program()
    assert found is not None
    folder = tmp_path_factory.mktemp("litellm")
    with ResponsesServer(OfflineModel()) as ours:
        backends = {"": f"{scripted.url}/v1", "ours-": ours.url}
        with litellm_proxy.running(found, backends, folder) as running:
            yield running


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, scripted: Aimock) -> Server:
    """Each of the servers, with a script that no other test has."""
    if request.param in DIRECT:
        return _direct(request, scripted)
    url, key = request.getfixturevalue("litellm")
    wire = PROXIED[request.param]
    return Server(url, request.param, key, wire, scripted, _script(request))


@pytest.fixture(params=DIRECT)
def direct(request: pytest.FixtureRequest, scripted: Aimock) -> Server:
    """aimock without a proxy before it, for what a proxy does not let through."""
    return _direct(request, scripted)


def _direct(request: pytest.FixtureRequest, scripted: Aimock) -> Server:
    path, wire = DIRECT[request.param]
    return Server(f"{scripted.url}{path}", "gpt-5-mini", "none", wire, scripted, _script(request))


def _script(request: pytest.FixtureRequest) -> str:
    return f"[{request.node.name}]"
