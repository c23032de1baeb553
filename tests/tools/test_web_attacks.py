"""URLs that reach private addresses where they are read in one way or another: all refused.

Names lead to a public address here unless they are given another one, so that a URL whose host is
taken for a name would be connected to, and the connector would know.
"""

from __future__ import annotations

import pytest
from web_loopback import PUBLIC, Loopback, Names, Nowhere, answered, by_path, serving

from agentkit import Retry
from agentkit_tools import Web

LOOPBACK = """
http://127.0.0.1/
https://127.0.0.1/
http://127.0.0.1:80/
http://127.0.0.2/
http://127.255.255.254/
http://127.0.0.1./
http://localhost/
http://LOCALHOST/
http://localhost./
http://a.localhost/
http://0.0.0.0/
http://0.0.0.1/
http://[::1]/
http://[::]/
http://[0:0:0:0:0:0:0:1]/
http://[0000:0000:0000:0000:0000:0000:0000:0001]/
""".split()

NUMBERS = """
http://2130706433/
http://3232235777/
http://017700000001/
http://0x7f000001/
http://0x7F000001/
http://0X7f000001/
http://127.1/
http://127.0.1/
http://127.1./
http://10.1/
http://192.168.257/
http://0177.0.0.1/
http://0177.0.0.01/
http://00000177.0.0.1/
http://127.0.0.01/
http://127.000.000.001/
http://0x7f.0.0.1/
http://0x7f.1/
http://0x7f.0x0.0x0.0x1/
http://0x0a.0x00.0x00.0x01/
http://0x/
http://0/
http://1/
http://4294967295/
http://4294967296/
http://127.0.0.257/
http://127.0.0.1.5/
http://169.254.43518/
http://0xa9fea9fe/
http://2852039166/
http://025177524776/
http://0251.0376.0251.0376/
""".split()

PRIVATE = """
http://10.0.0.1/
http://10.255.255.255/
http://172.16.0.1/
http://172.31.255.255/
http://192.168.0.1/
http://192.168.1.1/admin
http://100.64.0.1/
http://100.127.255.255/
http://169.254.1.1/
http://192.0.0.1/
http://192.0.2.1/
http://198.51.100.7/
http://203.0.113.9/
http://198.18.0.1/
http://198.19.255.255/
http://192.88.99.1/
http://224.0.0.1/
http://239.255.255.250/
http://240.0.0.1/
http://255.255.255.255/
""".split()

METADATA = """
http://169.254.169.254/latest/meta-data/
http://169.254.169.254./computeMetadata/v1/
http://169.254.0.23/latest/meta-data/
http://169.254.42.42/conf
http://169.254.170.2/v2/credentials
http://169.254.170.23/v1/credentials
http://168.63.129.16/machine
http://100.100.100.200/latest/meta-data/
http://192.0.0.192/latest/
http://[fd00:ec2::254]/latest/meta-data/
http://[fd00:ec2::23]/
http://[fd20:ce::254]/
http://[fd00:42::42]/
http://[fd00:a9fe:a9fe::1]/
http://[fe80::a9fe:a9fe]/
http://[::ffff:169.254.169.254]/
http://[64:ff9b::169.254.169.254]/
http://[::ffff:168.63.129.16]/
""".split()

IPV6 = """
http://[fe80::1]/
http://[fe80::1%25eth0]/
http://[fe80::1%eth0]/
http://[::1%25lo]/
http://[fec0::1]/
http://[fc00::1]/
http://[fd12:3456:789a::1]/
http://[ff02::1]/
http://[2001:db8::1]/
http://[3fff::1]/
http://[2001:2::1]/
http://[2001:10::1]/
http://[2001:20::1]/
http://[100::1]/
http://[5f00::1]/
http://[4000::1]/
http://[::ffff:127.0.0.1]/
http://[::ffff:7f00:1]/
http://[::FFFF:7F00:0001]/
http://[0:0:0:0:0:ffff:127.0.0.1]/
http://[::ffff:10.0.0.1]/
http://[::ffff:0:127.0.0.1]/
http://[::127.0.0.1]/
http://[::7f00:1]/
http://[::10.0.0.1]/
http://[::192.168.0.1]/
http://[64:ff9b::127.0.0.1]/
http://[64:ff9b::7f00:1]/
http://[64:ff9b::10.0.0.1]/
http://[64:ff9b:1::10.0.0.1]/
http://[64:ff9b:1::8.8.8.8]/
http://[2002:7f00:1::]/
http://[2002:7f00:1::1]/
http://[2002:a00:1::]/
http://[2002:c0a8:101::1]/
http://[2002:a9fe:a9fe::]/
http://[2001:0:7f00:1::]/
http://[2001:0:5db8:d822:0:0:80ff:fffe]/
http://[2001:0:5db8:d822::f5ff:fffe]/
http://[fe80::5efe:127.0.0.1]/
http://[2606:2800:220:1:0:5efe:10.0.0.1]/
http://[2606:2800:220:1:200:5efe:192.168.0.1]/
http://[::1
http://::1/
http://[127.0.0.1]/
http://[]/
http://[::1]a/
http://[v1.a]/
""".split()

TRICKS = [
    r"http://127.0.0.1\@example.org/",
    r"http://example.org\@127.0.0.1/",
    "http://127.0.0.1:6666\\@1.1.1.1/",
    "http:\\\\127.0.0.1/",
    "http:/\\127.0.0.1/",
    "http://example.org\\.127.0.0.1/",
    "http://example.org@127.0.0.1/",
    "http://example.org:80@127.0.0.1/",
    "http://user:secret@127.0.0.1/",
    "http://127.0.0.1@example.org/",
    "http://@127.0.0.1/",
    "http://example.org@@127.0.0.1/",
    "http://example.org%40127.0.0.1/",
    "http://example.org%23@127.0.0.1/",
    "http://127.0.0.1#@example.org/",
    "http://127.0.0.1?@example.org/",
    "http://127.0.0.1;@example.org/",
    "http://example.org:80:80/",
    "http://example.org:127.0.0.1/",
    "http://example.org:0x50/",
    "http://example.org:+80/",
    "http://example.org:８０/",
    "http://example.org:99999/",
    "http://example.org:0/",
    "http://127.0.0.1%2f@example.org/",
    "http://%31%32%37.0.0.1/",
    "http://127%2e0%2e0%2e1/",
    "http://loc%61lhost/",
    "http://127.0.0.1%00.example.org/",
    "http://127.0.0.1\x00.example.org/",
    "http://127.0.0.1\t/",
    "http://127.0.0.1\n/",
    "http://127.\t0.0.1/",
    "ht\ntp://127.0.0.1/",
    "http://exa\tmple.org/",
    "http://example.org/\r\nHost: 127.0.0.1",
    "http://example.org /",
    "http://example.org\u00a0/",
    "http://example.org\u2028/",
    "\x01http://127.0.0.1/",
    " http://127.0.0.1/",
    "http://127.0.0.1 .example.org/",
    "http://１２７.０.０.１/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://127．0．0．1/",
    "http://127｡0｡0｡1/",
    "http://١٢٧.٠.٠.١/",
    "http://𝟏𝟐𝟕.𝟎.𝟎.𝟏/",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "http://localho\u017ft/",
    "http://127.0.0.1\u200b/",
    "http://127.0.0\u00ad.1/",
    "http://\ufeff127.0.0.1/",
    "http://example.org\u2044@127.0.0.1/",
    "http://example.org\u2100.127.0.0.1/",
    "http://127.0.0.1../",
    "http://.127.0.0.1/",
    "http://127..0.1/",
    "http://./",
    "http:///",
    "http://",
    "http:///127.0.0.1/",
    "http:127.0.0.1/",
    "http:/127.0.0.1/",
    "//127.0.0.1/",
    "127.0.0.1",
    "127.0.0.1:80/",
    "localhost/",
    "http://-.127.0.0.1/",
    "http://exa<mple.org/",
    "http://exa|mple.org/",
    "http://" + "a" * 64 + ".org/",
    "http://" + "a." * 200 + "org/",
    "http://example.org/" + "a" * 5000,
    "",
]

SCHEMES = """
file:///etc/passwd
file://localhost/etc/passwd
ftp://127.0.0.1/
gopher://127.0.0.1:6379/_INFO
dict://127.0.0.1:11211/stat
ldap://127.0.0.1/
ws://127.0.0.1/
unix:///var/run/docker.sock
http+unix://%2Fvar%2Frun%2Fdocker.sock/info
data:text/html,hello
javascript:alert(1)
jar:http://127.0.0.1!/
netdoc:///etc/passwd
view-source:http://127.0.0.1/
blob:http://127.0.0.1/a
about:blank
httpx://127.0.0.1/
""".split()

PORTS = ["http://example.org:22/", "http://example.org:6379/", "https://example.org:8443/"]

URLS = [*LOOPBACK, *NUMBERS, *PRIVATE, *METADATA, *IPV6, *TRICKS, *SCHEMES, *PORTS]


@pytest.mark.parametrize("url", URLS, ids=ascii)
async def test_a_url_that_might_reach_a_private_address_is_refused_and_nothing_connected(url):
    connector = Nowhere()
    web = Web(resolver=Names(), connector=connector)
    with pytest.raises(Retry):
        await web.fetch(url)
    assert connector.asked == []


@pytest.mark.parametrize("url", [*METADATA, "http://0.0.0.0/", "http://[ff02::1]/"], ids=ascii)
async def test_what_hands_out_credentials_is_refused_even_where_private_addresses_are_not(url):
    connector = Nowhere()
    web = Web(allow_private=True, resolver=Names(), connector=connector)
    with pytest.raises(Retry):
        await web.fetch(url)
    assert connector.asked == []


@pytest.mark.parametrize(
    "answers",
    [
        ["127.0.0.1"],
        [PUBLIC, "10.0.0.1"],
        ["10.0.0.1", PUBLIC],
        [PUBLIC, "2606:2800:220:1::1", "::1"],
        ["::ffff:10.0.0.1"],
        ["64:ff9b::a00:1"],
        ["fe80::1%eth0"],
        ["2606:2800:220:1::1%eth0"],
        ["169.254.169.254"],
        ["0177.0.0.1"],
        ["2130706433"],
        ["not an address"],
        [""],
        [],
    ],
    ids=str,
)
async def test_a_name_is_refused_if_any_of_its_addresses_is_not_public(answers):
    connector = Nowhere()
    web = Web(resolver=Names({"innocent.example.org": answers}), connector=connector)
    with pytest.raises(Retry) as told:
        await web.fetch("http://innocent.example.org/")
    assert connector.asked == []
    assert not any(answer and answer in str(told.value) for answer in answers)


async def test_a_name_that_changes_its_answer_is_looked_up_once_and_that_answer_is_used():
    answers = iter([[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]])

    async def resolver(host, port):
        return next(answers)

    connector = Nowhere()
    web = Web(resolver=resolver, connector=connector, pause=0)
    with pytest.raises(Retry, match="could not be reached"):
        await web.fetch("http://rebinding.example.org/")
    assert connector.asked == [(PUBLIC, 80)]
    with pytest.raises(Retry, match="not on the public internet"):
        await web.fetch("http://rebinding.example.org/")
    assert connector.asked == [(PUBLIC, 80)]


LOCATIONS = """
http://127.0.0.1/
http://127.1/
http://2130706433/
http://[::1]/
http://[::ffff:10.0.0.1]/
http://169.254.169.254/latest/meta-data/
//127.0.0.1/
///127.0.0.1/
http:\\\\127.0.0.1/
/\\127.0.0.1/
\\\\127.0.0.1/
http://user@public.example.org/
http://private.example.org/
//private.example.org/
file:///etc/passwd
ftp://public.example.org/
javascript:alert(1)
http://public.example.org:6379/
http://[bad/
""".split()


@pytest.mark.parametrize("location", LOCATIONS, ids=ascii)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_checked_from_the_beginning(status, location):
    names = Names({"private.example.org": ["192.168.0.1"]})
    async with serving(by_path({"/": answered(status=status, Location=location)})) as server:
        connector = Loopback(server.port)
        web = Web(resolver=names, connector=connector, pause=0)
        with pytest.raises(Retry):
            await web.fetch("http://public.example.org/")
    assert connector.asked == [(PUBLIC, 80)]
    assert server.paths == ["/"]


async def test_a_name_that_changes_its_answer_between_redirects_is_checked_again():
    answers = iter([[PUBLIC], ["127.0.0.1"]])

    async def resolver(host, port):
        return next(answers)

    async with serving(by_path({"/": answered(status=302, Location="/next")})) as server:
        connector = Loopback(server.port)
        web = Web(resolver=resolver, connector=connector, pause=0)
        with pytest.raises(Retry, match="not on the public internet"):
            await web.fetch("http://rebinding.example.org/")
    assert server.paths == ["/"]


@pytest.mark.parametrize(
    "page",
    [
        '<meta http-equiv="refresh" content="0; url=http://127.0.0.1/">',
        '<img src="http://127.0.0.1/a"><link rel="stylesheet" href="http://127.0.0.1/b">'
        '<script src="http://127.0.0.1/c"></script><iframe src="http://127.0.0.1/d"></iframe>',
        '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "http://127.0.0.1/">]><a>&b;</a>',
        '<base href="http://127.0.0.1/"><object data="a"></object><embed src="b">',
    ],
)
async def test_nothing_that_a_page_names_is_fetched(page):
    async with serving(by_path({"/": answered(page, "text/html", Refresh="0; /x")})) as server:
        connector = Loopback(server.port)
        web = Web(resolver=Names(), connector=connector)
        await web.fetch("http://public.example.org/")
    assert connector.asked == [(PUBLIC, 80)]
    assert server.paths == ["/"]


def test_the_list_is_long():
    assert len(set(URLS)) >= 200
