"""What a request goes to, what it carries, and how long it waits for its turn."""

from __future__ import annotations

import ssl

import httpcore
import pytest
from web_loopback import PUBLIC, Loopback, Names, Nowhere, always, answered, by_path, serving

from agentkit import Retry
from agentkit_tools import Web

KEY = "Bearer sk-very-secret-0123456789"


async def test_the_address_that_was_checked_is_connected_to_and_the_name_is_asked_for():
    names = Names({"www.example.org": ["93.184.216.35"]})
    async with serving(always(answered("hello"))) as server:
        connector = Loopback(server.port)
        web = Web(resolver=names, connector=connector)
        assert "hello" in await web.fetch("http://www.example.org/a?b=c#d")
    assert connector.asked == [("93.184.216.35", 80)]
    assert names.asked == ["www.example.org"]
    assert server.requests[0].startswith("GET /a?b=c HTTP/1.1\r\nhost: www.example.org\r\n")


async def test_the_next_address_of_a_name_is_tried_where_the_first_takes_no_connection():
    names = Names({"www.example.org": ["2606:2800:220:1::1", "93.184.216.35", "93.184.216.36"]})
    async with serving(always(answered("hello"))) as server:
        loopback, asked = Loopback(server.port), []

        async def connector(address, port):
            asked.append(address)
            if len(asked) < 2:
                raise httpcore.ConnectTimeout
            return await loopback(address, port)

        web = Web(resolver=names, connector=connector)
        assert "hello" in await web.fetch("http://www.example.org/")
    assert asked == ["2606:2800:220:1::1", "93.184.216.35"]


class Listening(httpcore.AsyncMockStream):
    """A connection that knows which name TLS was begun with, and goes no further."""

    def __init__(self):
        super().__init__([])
        self.names = []

    async def start_tls(self, ssl_context, server_hostname=None, timeout=None):
        self.names.append((server_hostname, ssl_context.verify_mode, ssl_context.check_hostname))
        try:
            raise ssl.SSLCertVerificationError("another name")
        except ssl.SSLError as error:  # as httpcore does it
            raise httpcore.ConnectError from error


async def test_tls_asks_for_the_name_and_checks_the_certificate():
    stream = Listening()

    async def connector(address, port):
        assert (address, port) == (PUBLIC, 443)
        return stream

    web = Web(resolver=Names(), connector=connector)
    with pytest.raises(Retry, match="has no certificate that shows it to be this host"):
        await web.fetch("https://www.example.org/")
    assert stream.names == [("www.example.org", ssl.CERT_REQUIRED, True)]


async def test_a_name_of_another_script_is_asked_for_in_ascii():
    names = Names()
    async with serving(always(answered("hello"))) as server:
        web = Web(resolver=names, connector=Loopback(server.port))
        told = await web.fetch("http://bücher.example.org/straße?q=ü")
    assert names.asked == ["xn--bcher-kva.example.org"]
    assert server.paths == ["/stra%C3%9Fe?q=%C3%BC"]
    assert told.startswith("http://xn--bcher-kva.example.org/stra%C3%9Fe?q=%C3%BC\n")


async def test_private_addresses_are_reached_by_those_who_mean_it():
    async with serving(always(answered("hello"))) as server:
        web = Web(allow_private=True, ports=[server.port])
        assert "hello" in await web.fetch(server.url)
        assert "hello" in await web.fetch(f"http://localhost:{server.port}/")


async def test_a_proxy_of_the_environment_is_not_asked(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with serving(always(answered("hello"))) as server:
        web = Web(resolver=Names(), connector=Loopback(server.port))
        assert "hello" in await web.fetch("http://www.example.org/")
    assert server.paths == ["/"]


async def test_redirects_are_followed_to_where_they_lead():
    pages = {
        "/": answered(status=301, Location="/a/b"),
        "/a/b": answered(status=302, Location="../c?d=e"),
        "/c?d=e": answered(status=307, Location="//other.example.org/f"),
        "/f": answered("found"),
    }
    async with serving(by_path(pages)) as server:
        names = Names()
        web = Web(resolver=names, connector=Loopback(server.port), pause=0)
        told = await web.fetch("http://www.example.org/")
    assert told.startswith("http://other.example.org/f\n")
    assert told.endswith("\n\nfound")
    assert names.asked == ["www.example.org"] * 3 + ["other.example.org"]


async def test_a_redirect_may_be_written_in_another_script():
    pages = {
        "/": answered(status=302, Location="/straße").decode().encode("utf-8"),
        "/stra%C3%9Fe": answered("found"),
    }
    async with serving(by_path(pages)) as server:
        web = Web(resolver=Names(), connector=Loopback(server.port), pause=0)
        assert "found" in await web.fetch("http://www.example.org/")


async def test_redirects_in_a_circle_come_to_an_end():
    async with serving(always(answered(status=302, Location="/"))) as server:
        web = Web(resolver=Names(), connector=Loopback(server.port), max_redirects=3, pause=0)
        with pytest.raises(Retry, match="from one page to the next more than 3 times"):
            await web.fetch("http://www.example.org/")
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (404, "404 Not Found: there is no such page. Check the URL"),
        (401, "401 Unauthorized: it is not for everybody."),
        (429, "429 Too Many Requests. Try it again in 7 s, or another page."),
        (500, "500 Internal Server Error. Try another page."),
        (304, "304 Not Modified. Try another page."),
        (799, "799. Try another page."),
    ],
)
async def test_what_a_server_refuses_is_told_with_what_to_do(status, told):
    async with serving(always(answered("no", status=status, Retry_After="7"))) as server:
        web = Web(resolver=Names(), connector=Loopback(server.port))
        with pytest.raises(Retry) as raised:
            await web.fetch("http://www.example.org/x")
    assert f"http://www.example.org/x was answered with {told}" in str(raised.value)


async def test_a_name_that_is_not_known_is_told():
    async def resolver(host, port):
        raise OSError("Name or service not known")

    connector = Nowhere()
    with pytest.raises(Retry, match=r"There is no host named www\.exampel\.org"):
        await Web(resolver=resolver, connector=connector).fetch("http://www.exampel.org/")
    assert connector.asked == []


class TestOnlySomeHosts:
    """`allow=`."""

    @pytest.mark.parametrize(
        "url",
        [
            "http://example.org/",
            "http://example.org./",
            "http://EXAMPLE.org/",
            "https://a.example.com/",
            "http://a.b.example.com/",
            "http://example.net:8080/",
        ],
    )
    async def test_are_asked(self, url):
        connector = Nowhere()
        allow = ["example.org", "*.example.com", "example.net:8080"]
        with pytest.raises(Retry, match="could not be reached"):
            await Web(allow, resolver=Names(), connector=connector).fetch(url)
        assert len(connector.asked) == 1

    @pytest.mark.parametrize(
        "url",
        [
            "http://www.example.org/",
            "http://example.org.evil.net/",
            "http://evil-example.org/",
            "http://example.com/",
            "http://evilexample.com/",
            "http://example.net/",
            "http://example.org:8080/",
            "http://93.184.216.34/",
        ],
    )
    async def test_and_no_others(self, url):
        connector, names = Nowhere(), Names()
        allow = ["example.org", "*.example.com", "example.net:8080"]
        with pytest.raises(Retry, match=r"not among the hosts|may not be used"):
            await Web(allow, resolver=names, connector=connector).fetch(url)
        assert connector.asked == names.asked == []

    async def test_also_behind_a_redirect(self):
        pages = {"/": answered(status=302, Location="http://other.org/")}
        async with serving(by_path(pages)) as server:
            web = Web(["example.org"], resolver=Names(), connector=Loopback(server.port))
            with pytest.raises(Retry, match=r"other\.org is not among .* They are: example\.org\."):
                await web.fetch("http://example.org/")

    async def test_may_have_private_addresses_only_where_that_is_meant(self):
        connector = Nowhere()
        names = Names({"example.org": ["10.0.0.1"]})
        with pytest.raises(Retry, match="not on the public internet"):
            await Web(["example.org"], resolver=names, connector=connector).fetch(
                "http://example.org/"
            )
        assert connector.asked == []


class TestCredentials:
    """`credentials=`."""

    async def test_go_to_their_host_alone_and_not_where_it_leads_to(self):
        pages = {
            "/": answered(status=302, Location="http://other.example.org/a"),
            "/a": answered(status=302, Location="http://api.example.org:8080/b"),
            "/b": answered("end"),
        }
        async with serving(by_path(pages)) as server:
            web = Web(
                resolver=Names(),
                connector=Loopback(server.port),
                ports=[80, 8080],
                credentials={"http://api.example.org": {"Authorization": KEY}},
            )
            assert "end" in await web.fetch("http://api.example.org/")
        carried = ["authorization: " + KEY in request for request in server.requests]
        assert carried == [True, False, False]

    async def test_go_over_https_alone_unless_http_is_written(self):
        async with serving(always(answered("hello"))) as server:
            web = Web(
                resolver=Names(),
                connector=Loopback(server.port),
                credentials={"api.example.org": {"Authorization": KEY, "X-Key": "another-secret"}},
            )
            await web.fetch("http://api.example.org/")
        assert "secret" not in server.requests[0]

    async def test_come_back_to_nobody(self):
        said = f"You sent {KEY}, that is {KEY.split()[1]}."
        pages = {
            "/": answered(f"<title>{KEY}</title><p>{said}", "text/html"),
            "/json": answered(said, "application/json"),
            "/away": answered(status=302, Location=f"/404?{KEY.split()[1]}"),
        }
        async with serving(by_path(pages)) as server:
            web = Web(
                resolver=Names(),
                connector=Loopback(server.port),
                pause=0,
                credentials={"http://api.example.org": {"Authorization": KEY}},
            )
            told = [await web.fetch(f"http://api.example.org{path}") for path in ("/", "/json")]
            with pytest.raises(Retry, match="does not stand in its") as missed:
                await web.find("http://api.example.org/json", "secret")
            with pytest.raises(Retry) as raised:
                await web.fetch("http://api.example.org/away")
        assert KEY in server.requests[0]
        shown = [
            *told,
            str(missed.value),
            str(raised.value),
            repr(web),
            repr(web.tools),
            str(vars(web.tools[0])),
        ]
        assert not any("very-secret" in each for each in shown)
        assert "You sent [hidden], that is [hidden]." in told[0]

    async def test_do_not_go_to_an_address_that_is_not_public(self):
        connector = Nowhere()
        web = Web(
            resolver=Names({"api.example.org": ["127.0.0.1"]}),
            connector=connector,
            credentials={"api.example.org": {"Authorization": KEY}},
        )
        with pytest.raises(Retry) as raised:
            await web.fetch("https://api.example.org/")
        assert connector.asked == []
        assert "secret" not in str(raised.value)


async def test_two_requests_to_one_host_are_apart_by_the_pause_and_others_do_not_wait():
    time, slept = [100.0], []

    async def sleep(seconds):
        slept.append(seconds)
        time[0] += seconds

    async with serving(always(answered("hello"))) as server:
        web = Web(
            resolver=Names(),
            connector=Loopback(server.port),
            pause=2.0,
            clock=lambda: time[0],
            sleep=sleep,
        )
        await web.fetch("http://www.example.org/a")
        await web.fetch("http://other.example.org/a")
        assert slept == []
        await web.fetch("http://www.example.org/b")
        assert slept == [2.0]
        time[0] += 1.5
        await web.fetch("http://www.example.org/c")
        assert slept == [2.0, 0.5]
        time[0] += 60
        await web.fetch("http://www.example.org/d")
        assert slept == [2.0, 0.5]


async def test_a_request_that_would_wait_for_long_is_refused_instead():
    async def sleep(seconds):
        """The clock stands still, as it does for those who ask at once."""

    async with serving(always(answered("hello"))) as server:
        web = Web(
            resolver=Names(),
            connector=Loopback(server.port),
            pause=20.0,
            clock=lambda: 0.0,
            sleep=sleep,
        )
        await web.fetch("http://www.example.org/1")
        await web.fetch("http://www.example.org/2")
        with pytest.raises(Retry, match=r"Too many requests to www\.example\.org are waiting"):
            await web.fetch("http://www.example.org/3")
    assert server.paths == ["/1", "/2"]
