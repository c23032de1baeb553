"""A model's name becomes a Model: which server, which key, and what is a mistake."""

import json

import httpx
import pytest

from agentkit import Agent, ConfigurationError, tool
from agentkit.errors import TransportError
from agentkit.models import default_model, model_for
from agentkit.responses.client import Endpoint, ResponsesModel
from agentkit.responses.providers import PROVIDERS
from agentkit.responses.retry import Retries
from agentkit.testing import ResponsesServer, ScriptedModel

KEYS = {"OPENAI_API_KEY": "sk-openai", "COMETAPI_KEY": "sk-comet"}


@pytest.mark.parametrize(
    ("name", "environment", "url", "key"),
    [
        ("gpt-5-mini", KEYS, "https://api.openai.com/v1/responses", "sk-openai"),
        (
            "gpt-4.1",
            {"COMETAPI_KEY": "sk-comet"},
            "https://api.cometapi.com/v1/responses",
            "sk-comet",
        ),
        ("cometapi:gpt-4.1", KEYS, "https://api.cometapi.com/v1/responses", "sk-comet"),
        (
            "gpt-4.1",
            {**KEYS, "AGENTKIT_PROVIDER": "cometapi"},
            "https://api.cometapi.com/v1/responses",
            "sk-comet",
        ),
        ("ollama:qwen3", {}, "http://localhost:11434/v1/responses", None),
        ("ollama:qwen3:8b", {"OLLAMA_HOST": "box:1234"}, "http://box:1234/v1/responses", None),
        (
            "azure:mine",
            {"AZURE_OPENAI_API_KEY": "k", "AZURE_OPENAI_ENDPOINT": "https://me.openai.azure.com/"},
            "https://me.openai.azure.com/openai/v1/responses",
            "k",
        ),
    ],
)
def test_a_name_says_where_to_ask_and_with_which_key(name, environment, url, key):
    model = model_for(name, environment=environment)
    assert model.endpoint.url == url
    values = [value.removeprefix("Bearer ") for value in model.endpoint.headers.values()]
    assert values == ([key] if key else [])


@pytest.mark.parametrize(
    ("name", "model"),
    [("gpt-5-mini", "gpt-5-mini"), ("openai:o3", "o3"), ("ollama:qwen3:8b", "qwen3:8b")],
)
def test_the_provider_is_no_part_of_the_models_name(name, model):
    assert model_for(name, environment=KEYS).name == model


@pytest.mark.parametrize("name", ["m", "openai:m", "cometapi:m"])
def test_a_key_goes_to_its_own_host_only(name):
    model = model_for(name, base_url="https://elsewhere.example/v1", environment=KEYS)
    assert model.endpoint.url == "https://elsewhere.example/v1/responses"
    assert model.endpoint.headers == {}


def test_a_base_url_of_a_known_host_gets_its_key():
    model = model_for("m", base_url="https://api.cometapi.com/v1", environment=KEYS)
    assert model.endpoint.headers == {"Authorization": "Bearer sk-comet"}


def test_a_key_that_was_passed_goes_where_it_was_passed_for():
    url = "https://elsewhere.example/v1"
    model = model_for("m", base_url=url, api_key="sk-mine", environment=KEYS)
    assert model.endpoint.headers == {"Authorization": "Bearer sk-mine"}
    assert "sk-mine" not in repr(model)


def test_a_missing_key_is_named():
    with pytest.raises(ConfigurationError, match="cometapi needs a key. Set COMETAPI_KEY"):
        model_for("cometapi:gpt-4.1", environment={})
    with pytest.raises(ConfigurationError, match="No key is set. Set OPENAI_API_KEY or COMETAPI"):
        model_for("gpt-5-mini", environment={})


def test_an_unknown_provider_is_an_error_at_once_with_the_near_miss():
    with pytest.raises(ConfigurationError, match="no provider 'cometap'. Did you mean 'cometapi'"):
        Agent("cometap:gpt-4.1", environment={})
    with pytest.raises(ConfigurationError, match="If the colon belongs to the model's name"):
        Agent("ft:gpt-4.1:me", environment={})
    with pytest.raises(
        ConfigurationError, match="AGENTKIT_PROVIDER: There is no provider 'openia'"
    ):
        model_for("m", environment={"AGENTKIT_PROVIDER": "openia"})


def test_a_base_url_has_to_be_one():
    with pytest.raises(ConfigurationError, match="is not a URL"):
        model_for("m", base_url="somewhere", environment={})
    with pytest.raises(ConfigurationError, match="Where is azure"):
        model_for("azure:m", environment={"AZURE_OPENAI_API_KEY": "k"})


def test_the_key_is_asked_for_when_the_agent_runs_not_when_it_is_made():
    agent = Agent("gpt-5-mini", environment={})
    with pytest.raises(ConfigurationError, match="No key is set"):
        agent.run_sync("go")


def test_a_default_model_follows_the_keys():
    assert default_model(KEYS) == "openai:gpt-5-mini"
    assert default_model({"COMETAPI_KEY": "k"}) == "cometapi:gpt-4.1"
    assert default_model({"AGENTKIT_PROVIDER": "offline"}) == "offline"
    with pytest.raises(ConfigurationError, match="Which model of azure"):
        default_model({"AZURE_OPENAI_API_KEY": "k"})


@pytest.mark.parametrize(
    ("name", "environment"), [("offline", {}), ("any", {"AGENTKIT_PROVIDER": "offline"})]
)
async def test_offline_needs_no_key_and_no_network(name, environment):
    @tool
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    result = await Agent(name, tools=[add], environment=environment).run("add 2 and 3")
    assert result.status == "completed"
    assert "5" in result.output


def test_every_provider_says_where_it_is():
    environment = {provider.key_variable: "k" for provider in PROVIDERS.values()}
    environment["AZURE_OPENAI_ENDPOINT"] = "https://me.openai.azure.com"
    environment["DATABRICKS_HOST"] = "https://me.cloud.databricks.com"
    for name in PROVIDERS:
        endpoint = model_for(f"{name}:m", environment=environment).endpoint
        assert endpoint.url.endswith(("/responses", "/chat/completions"))


async def test_the_request_carries_the_key_and_the_models_name():
    async with ResponsesServer(ScriptedModel("hi"), api_key="sk-mine") as server:
        agent = Agent("m", base_url=server.url, api_key="sk-mine", environment={})
        result = await agent.run("go")
    assert result.output == "hi"
    assert server.requests[0]["model"] == "m"
    assert "sk-mine" not in json.dumps(result.log.dump())


async def test_a_key_reaches_no_error_text():
    async with ResponsesServer(ScriptedModel("hi"), api_key="sk-right") as server:
        agent = Agent("m", base_url=server.url, api_key="sk-wrong", environment={})
        with pytest.raises(Exception, match="401") as caught:
            await agent.run("go")
    assert "sk-wrong" not in repr(caught.value) + repr(agent)


async def test_a_server_that_is_not_there_is_named():
    async with ResponsesServer(ScriptedModel()) as server:
        url = server.url
    model = ResponsesModel("m", Endpoint(url), retries=Retries(attempts=1))
    with pytest.raises(TransportError, match=f"Cannot reach {url}") as caught:
        await Agent(model).run("go")
    assert caught.value.result.status == "failed"


@pytest.mark.parametrize("client", ["x", httpx.AsyncClient, object()])
def test_what_is_no_http_client_is_refused_when_the_agent_is_made(client):
    with pytest.raises(ConfigurationError, match="http_client: expected"):
        Agent("m", base_url="http://127.0.0.1:1/v1", http_client=client)
