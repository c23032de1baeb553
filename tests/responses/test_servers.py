"""Servers as data: addresses, keys, and what they want differently."""

from __future__ import annotations

import pytest

from agentkit import ConfigurationError
from agentkit.responses.dialect import Dialect
from agentkit.responses.endpoint import Endpoint
from agentkit.responses.fitting import spoken
from agentkit.responses.items import user_message
from agentkit.responses.providers import DEFAULT_MODELS, PROVIDERS, provider_of
from agentkit.responses.response import Fields, Request


def request(extra: dict | None = None, **fields) -> Request:
    return Request(Fields({"model": "m", **fields}), (user_message("?"),), extra or {})


@pytest.mark.parametrize("name", [name for name, each in PROVIDERS.items() if each.base_url])
def test_every_server_with_an_address_can_be_reached_there(name):
    provider = PROVIDERS[name]
    url = provider.url({})
    assert Endpoint(url, provider.headers("sk-1")).url == f"{url}/responses"
    assert provider_of(url).name in (name, "localhost")


def test_every_default_model_is_of_a_known_server():
    assert DEFAULT_MODELS.keys() <= PROVIDERS.keys()


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com.evil.example/v1",
        "https://evil.example/api.openai.com/v1",
        "https://api.openai.com@evil.example/v1",
        "http://api.openai.com/v1",
    ],
)
def test_a_key_is_for_its_own_host_over_a_safe_line(url):
    assert provider_of(url).key_variable == ""


def test_azure_is_known_by_its_host_and_has_its_own_header():
    azure = provider_of("https://my-place.openai.azure.com/openai/v1")
    assert azure.headers("k") == {"api-key": "k"}
    assert azure.url({"AZURE_OPENAI_ENDPOINT": "https://my-place.openai.azure.com/"}) == (
        "https://my-place.openai.azure.com/openai/v1"
    )
    with pytest.raises(ConfigurationError, match="Set AZURE_OPENAI_ENDPOINT or pass base_url"):
        azure.url({})


@pytest.mark.parametrize(
    ("said", "url"),
    [
        ("", "http://localhost:11434/v1"),
        ("box:8000", "http://box:8000/v1"),
        ("box", "http://box:11434/v1"),
        ("0.0.0.0:11434", "http://127.0.0.1:11434/v1"),
        ("https://box/v1/", "https://box/v1"),
    ],
)
def test_ollama_is_where_its_own_variable_says(said, url):
    assert PROVIDERS["ollama"].url({"OLLAMA_HOST": said}) == url


@pytest.mark.parametrize("url", ["nonsense", "https://", "https://[::1"])
def test_what_is_no_url_belongs_to_nobody(url):
    with pytest.raises(ConfigurationError, match="base_url"):
        provider_of(url)


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://host/v1", "https://host/v1/responses"),
        ("https://host/v1/", "https://host/v1/responses"),
        ("https://host", "https://host/responses"),
        ("https://host/v1/responses", "https://host/v1/responses"),
        ("https://host/openai?api-version=1", "https://host/openai/responses?api-version=1"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1/responses"),
    ],
)
def test_requests_go_to_responses_below_the_base_url(base, url):
    assert Endpoint(base).url == url


def test_reasoning_is_asked_for_encrypted_where_the_server_gives_it():
    dialect = Dialect(encrypted_reasoning=True)
    assert spoken(request(), dialect).wire()["include"] == ["reasoning.encrypted_content"]
    assert spoken(request(include=[]), dialect).wire()["include"] == []
    assert "include" not in spoken(request(), Dialect()).wire()


def test_tools_are_left_out_where_they_cannot_be_switched_off():
    off = request({"tool_choice": "none"}, tools=[{"type": "function"}])
    assert spoken(off, Dialect()).wire()["tool_choice"] == "none"
    assert not spoken(off, Dialect(tool_choice=False)).wire().keys() & {"tools", "tool_choice"}


def test_refused_settings_are_left_out_wherever_they_were_said():
    sent = spoken(
        request({"store": True}, top_p=1),
        Dialect(encrypted_reasoning=True, lacks=frozenset({"store", "top_p", "include"})),
    )
    assert sent.wire().keys() == {"model", "input", "stream"}
