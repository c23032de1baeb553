"""Real handshakes with a server of this machine: the name counts, not the address."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess

import httpcore
import pytest
from web_loopback import PUBLIC, Loopback, Names, always, answered, by_path, serving

from agentkit import Retry
from agentkit_tools import Web

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the certificate")

KEY = "Bearer sk-very-secret-0123456789"
URL = "https://www.example.org/"


def certified(folder, holder):
    """A server's side and a client's side that trusts it, by a certificate for this holder."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    options = "-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test"
    names = ["-addext", f"subjectAltName={holder}"]
    usage = ["-addext", "keyUsage=digitalSignature,keyCertSign"]
    written = ["-keyout", str(key), "-out", str(certificate)]
    made = ["openssl", "req", *options.split(), *names, *usage, *written]
    subprocess.run(made, check=True, capture_output=True, timeout=30)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    return server, ssl.create_default_context(cafile=str(certificate))


async def test_the_handshake_and_the_certificate_are_of_the_name_whatever_the_address(tmp_path):
    server_side, trusted = certified(tmp_path, "DNS:www.example.org")
    names = []
    server_side.sni_callback = lambda _, name, __: names.append(name)
    async with serving(always(answered("hello")), server_side) as server:
        connector = Loopback(server.port)
        web = Web(resolver=Names(), connector=connector, ssl_context=trusted)
        assert "hello" in await web.fetch(URL)
    assert names == ["www.example.org"]
    assert connector.asked == [(PUBLIC, 443)]
    assert "\r\nhost: www.example.org\r\n" in server.requests[0]


@pytest.mark.parametrize(
    "holder",
    ["DNS:other.example.org", "DNS:example.org", f"IP:{PUBLIC}", "DNS:*.www.example.org"],
)
async def test_a_certificate_of_another_holder_is_refused_before_anything_is_sent(tmp_path, holder):
    server_side, trusted = certified(tmp_path, holder)
    async with serving(always(answered("hello")), server_side) as server:
        web = Web(
            resolver=Names(),
            connector=Loopback(server.port),
            ssl_context=trusted,
            credentials={"www.example.org": {"Authorization": KEY}},
        )
        with pytest.raises(Retry, match="has no certificate that shows it to be this host") as told:
            await web.fetch(URL)
    assert server.requests == []
    assert "secret" not in str(told.value)


async def test_a_certificate_that_nobody_known_has_signed_is_refused(tmp_path):
    server_side, _ = certified(tmp_path, "DNS:www.example.org")
    async with serving(always(answered("hello")), server_side) as server:
        web = Web(resolver=Names(), connector=Loopback(server.port))
        with pytest.raises(Retry, match="has no certificate that shows it to be this host"):
            await web.fetch(URL)
    assert server.requests == []


async def test_what_goes_over_https_does_not_follow_a_redirect_to_http_or_another_port(tmp_path):
    server_side, trusted = certified(tmp_path, "DNS:www.example.org")
    away = {
        "/": answered(status=302, Location="https://www.example.org:8443/b#part"),
        "/b": answered(status=307, Location="http://www.example.org/c"),
    }
    async with (
        serving(by_path(away), server_side) as secure,
        serving(always(answered("end"))) as plain,
    ):

        async def connector(address, port):
            where = plain.port if port == 80 else secure.port
            return await httpcore.AnyIOBackend().connect_tcp("127.0.0.1", where)

        web = Web(
            resolver=Names(),
            connector=connector,
            ssl_context=trusted,
            ports=[80, 443, 8443],
            pause=0,
            credentials={"www.example.org": {"Authorization": KEY}},
        )
        assert "end" in await web.fetch(URL)
    carried = [KEY in request for request in [*secure.requests, *plain.requests]]
    assert carried == [True, False, False]
    assert secure.paths == ["/", "/b"]


async def test_a_server_that_is_silent_in_the_handshake_is_hung_up_on():
    hung_up = asyncio.Event()

    async def silent(reader, writer):
        await reader.read()
        hung_up.set()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as listening:
        connector = Loopback(listening.sockets[0].getsockname()[1])
        web = Web(resolver=Names(), connector=connector, timeout=0.3)
        with pytest.raises(Retry, match=r"did not come within 0\.3 s"):
            await web.fetch(URL)
        await hung_up.wait()
