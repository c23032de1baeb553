"""The server of `agentkit.testing` is one that a proxy no one here wrote can stand before."""

from __future__ import annotations

import pytest

from agentkit import Agent, ResponsesModel, tool
from agentkit.events import TextDelta
from tests.servers import litellm_proxy
from tests.servers.litellm_proxy import PROXIED

pytestmark = pytest.mark.skipif(
    litellm_proxy.program() is None, reason="the litellm proxy runs in `make test-servers`"
)
WAYS = pytest.mark.parametrize(("model", "wire"), PROXIED.items())
QUESTION = "What is the population of Lyon?"


@tool(effect="read")
def population(city: str) -> str:
    """The population of a city."""
    return f"{city} has half a million people"


@WAYS
async def test_an_agent_runs_its_tools(litellm: tuple[str, str], model: str, wire: str):
    url, key = litellm
    asked = ResponsesModel(f"ours-{model}", url, api_key=key, wire=wire)

    result = await Agent(asked, tools=[population]).run(QUESTION)

    assert "Lyon has half a million people" in result.output
    assert result.turns == 2


@WAYS
async def test_an_agent_is_streamed(litellm: tuple[str, str], model: str, wire: str):
    url, key = litellm
    asked = ResponsesModel(f"ours-{model}", url, api_key=key, wire=wire)

    async with Agent(asked, tools=[population]).stream(QUESTION) as stream:
        pieces = [event.text async for event in stream if isinstance(event, TextDelta)]

    assert len(pieces) > 1
    assert "Lyon has half a million people" in stream.result.output
