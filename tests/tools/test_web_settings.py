"""Options of `Web` that are wrong are told when it is made, and show no secret."""

from __future__ import annotations

import subprocess
import sys

import pytest

import agentkit_tools
from agentkit import Agent, ConfigurationError
from agentkit_tools import Web

SECRET = "sk-very-secret-0123456789"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"ports": [0]}, "ports must be a list of numbers"),
        ({"ports": "80"}, "ports must be a list of numbers"),
        ({"ports": 80}, "ports must be a list of numbers"),
        ({"max_bytes": 0}, "max_bytes must be"),
        ({"max_bytes": 1e6}, "max_bytes must be"),
        ({"max_redirects": -1}, "max_redirects must be"),
        ({"max_redirects": True}, "max_redirects must be"),
        ({"timeout": 0}, "timeout must be"),
        ({"timeout": None}, "timeout must be"),
        ({"timeout": float("nan")}, "timeout must be"),
        ({"pause": -1}, "pause must be"),
        ({"page_size": 1}, "page_size must be"),
        ({"user_agent": "a\r\nb"}, "user_agent must be"),
        ({"user_agent": ""}, "user_agent must be"),
        ({"allow_private": "no"}, "allow_private must be"),
        ({"allow": "example.org"}, r"allow: expected a list of hosts"),
        ({"allow": [1]}, r"allow: expected a list of hosts"),
        ({"allow": ["https://example.org"]}, "is not a host"),
        ({"allow": ["example.org/path"]}, "is not a host"),
        ({"allow": ["*"]}, "is not a host"),
        ({"allow": ["a.*.org"]}, "is not a host"),
        ({"allow": [""]}, "is not a host"),
        ({"allow": ["example.org:x"]}, "is not a host"),
        ({"allow": ["127.1"]}, "is not a host"),
        ({"allow": ["10.0.0.1"]}, r"Pass allow_private=True"),
        ({"allow": ["[::1]:8080"]}, r"Pass allow_private=True"),
        ({"credentials": {"example.org/a": {"A": SECRET}}}, "is not a host"),
        ({"credentials": {"ftp://example.org": {"A": SECRET}}}, "is not a host"),
        ({"credentials": {"a:b@example.org": {"A": SECRET}}}, "is not a host"),
        ({"credentials": {"example.org": SECRET}}, "expected a dict of headers"),
        ({"credentials": {"example.org": {}}}, "expected a dict of headers"),
        ({"credentials": {"example.org": {"A": f"{SECRET}\n"}}}, "must be printable ASCII"),
        ({"credentials": {"example.org": {"A": f"{SECRET}ü"}}}, "must be printable ASCII"),
        ({"credentials": {"example.org": {"A b": SECRET}}}, "cannot be set"),
        ({"credentials": {"example.org": {"Host": SECRET}}}, "cannot be set"),
        ({"credentials": {"example.org": {"transfer-encoding": SECRET}}}, "cannot be set"),
        ({"credentials": [SECRET]}, "expected a dict of headers by host"),
    ],
    ids=str,
)
def test_an_option_that_is_wrong_is_told_with_what_to_write(options, told):
    with pytest.raises(ConfigurationError, match=told) as raised:
        Web(**options)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    "options",
    [
        {"allow": []},
        {"allow": ("example.org", "*.example.org", "example.org:8080", "[2606:2800:220:1::1]:81")},
        {"allow": ["bücher.example", "EXAMPLE.org."]},
        {"allow": ["10.0.0.1", "localhost:8000"], "allow_private": True},
        {"credentials": {"https://example.org:8443": {"Authorization": SECRET}}},
        {"credentials": {"http://localhost:80/": {"Authorization": SECRET}}},
        {"pause": 0, "max_redirects": 0, "timeout": 1},
    ],
    ids=str,
)
def test_options_that_are_right_are_taken(options):
    web = Web(**options)
    assert Agent("offline", tools=[web])
    assert SECRET not in f"{web!r} {web!s} {web.tools!r}"


def test_an_unknown_option_is_refused():
    with pytest.raises(TypeError):
        Web(allow_privat=True)


def test_importing_the_tools_loads_nothing_that_a_page_needs():
    code = "import sys, agentkit_tools; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    loaded = set(ran.stdout.split())
    assert "agentkit_tools" in loaded
    assert not loaded & {"httpx", "httpcore", "bs4", "lxml", "markdownify", "pypdf", "asyncio"}


def test_the_names_of_the_tools_load_on_first_use():
    assert {"Brave", "SearXNG", "SearchHit", "Web", "WebSearch", "now"} <= {*dir(agentkit_tools)}
    assert agentkit_tools.Web is Web
    assert agentkit_tools.now.name == "now"
    with pytest.raises(AttributeError, match="'nothing'"):
        agentkit_tools.nothing  # noqa: B018
