"""The name of a row's session: made of what is asked and of whom, and of nothing else."""

import pytest
from asked import Answers

from agentkit import Agent, BadRequestError, Limits, tool
from agentkit.stores.sqlite import SQLiteStore
from agentkit.testing import ResponsesServer

ROW = [{"city": "Rome"}]


async def session(agent, prompt="Where is {city}?"):
    """The name of the session in which an agent asks about a row."""
    return (await agent.map(ROW, prompt)).rows[0].session


@tool(effect="read")
def look(place: str) -> str:
    """Look at a place."""
    return place


async def test_a_name_is_the_same_in_every_version():
    # another name would have the tables of all users asked anew
    name = "map_878c91f4d68b7eda0554961a6438860e"
    assert await session(Agent(Answers(), instructions="Be brief.")) == name


async def test_the_prompt_with_its_cells_is_asked():
    agent = Agent(Answers())
    assert await session(agent) != await session(agent, "Where is the {city}?")
    assert await session(agent) == await session(agent, lambda row: "Where is Rome?")


async def test_the_order_of_settings_changes_nothing():
    one = Agent(Answers(), settings={"temperature": 0, "top_p": 1})
    other = Agent(Answers(), settings={"top_p": 1, "temperature": 0})
    assert await session(one) == await session(other)


@pytest.mark.parametrize(
    "change",
    [
        {"instructions": "Be brief."},
        {"settings": {"temperature": 0}},
        {"tools": [look]},
        {"output": dict[str, int]},
        {"state": "chained"},
        {"tools": [{"type": "web_search"}]},
    ],
    ids=str,
)
async def test_another_question_has_another_name(change):
    agent = Agent(Answers(lambda said: "{}"))
    assert await session(agent) != await session(agent.replace(**change))


@pytest.mark.parametrize(
    "change",
    [{"name": "bot"}, {"limits": Limits(turns=3)}, {"secrets": ["a secret word"]}],
    ids=lambda change: next(iter(change)),
)
async def test_what_is_not_asked_is_no_part_of_the_name(change):
    agent = Agent(Answers())
    assert await session(agent) == await session(agent.replace(**change))


async def test_a_key_is_no_part_of_the_name_nor_is_what_the_server_refuses():
    async with ResponsesServer(Answers()) as server:
        agents = [Agent("m", base_url=server.url, api_key=key) for key in ("one", "two")]
        names = [await session(agent) for agent in agents]
        assert names[0] == names[1]
        other = Agent("n", base_url=server.url, api_key="one")
        assert await session(other) != names[0]


async def test_keys_of_hosted_tools_are_no_part_of_the_name():
    def agent(key):
        hosted = {"type": "mcp", "server_url": "https://h/mcp", "authorization": key}
        return Agent(Answers(), tools=[hosted])

    assert await session(agent("one")) == await session(agent("two"))


async def test_what_a_server_turned_out_to_lack_is_no_part_of_the_name(tmp_path):
    class Lacking(Answers):
        async def stream(self, request):
            if request.value_of("top_p") is not None:
                raise BadRequestError("Unsupported parameter: 'top_p'", status=400, param="top_p")
            async for event in super().stream(request):
                yield event

    async with ResponsesServer(Lacking()) as server:
        store = SQLiteStore(tmp_path / "runs.db")
        agent = Agent("m", base_url=server.url, api_key="k", settings={"top_p": 1}, store=store)
        assert await session(agent) == await session(agent.replace())
        assert len(server.requests) == 2, "refused, answered, and then kept"
