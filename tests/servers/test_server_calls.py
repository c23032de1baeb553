"""Tool calls that servers no one here wrote ask for."""

from __future__ import annotations

import asyncio

from agentkit import Limits, tool
from tests.servers.aimock import calls
from tests.servers.served import Server

QUESTION = "How many people live in Lyon?"


@tool(effect="read")
def population(city: str) -> int:
    """How many people live there."""
    return {"Lyon": 500_000, "Nice": 350_000}[city]


async def test_the_model_reads_what_the_tool_gave(server: Server):
    server.answers(calls(("population", {"city": "Lyon"})), "Half a million.")

    result = await server.agent(tools=[population]).run(QUESTION)

    assert result.output == "Half a million."
    assert result.turns == 2
    asked, read = server.heard[1][-2:]
    assert asked["tool_calls"][0]["function"]["name"] == "population"
    assert (read["role"], read["tool_call_id"], read["content"]) == (
        "tool",
        asked["tool_calls"][0]["id"],
        "500000",
    )


async def test_a_streamed_call_is_the_same_call(server: Server):
    server.answers(
        {**calls(("population", {"city": "Lyon"})), "chunkSize": 3},
        {"response": {"content": "Half a million."}, "chunkSize": 4},
    )

    async with server.agent(tools=[population]).stream(QUESTION) as stream:
        async for _ in stream:
            pass

    assert stream.result.output == "Half a million."
    assert server.heard[1][-1]["content"] == "500000"


async def test_parallel_calls_run_at_once_and_go_back_in_order(server: Server):
    gate = asyncio.Barrier(2)

    @tool
    async def people(city: str) -> str:
        """How many people live there."""
        await gate.wait()
        return f"many in {city}"

    server.answers(calls(("people", {"city": "Lyon"}), ("people", {"city": "Nice"})), "Many.")

    result = await server.agent(tools=[people]).run(QUESTION)

    assert result.output == "Many."
    read = [each["content"] for each in server.heard[1] if each["role"] == "tool"]
    assert read == ["many in Lyon", "many in Nice"]


async def test_parallel_calls_in_a_stream_keep_their_arguments_apart(server: Server):
    two = calls(("population", {"city": "Lyon"}), ("population", {"city": "Nice"}))
    server.answers({**two, "chunkSize": 3}, "Many.")

    async with server.agent(tools=[population]).stream(QUESTION) as stream:
        async for _ in stream:
            pass

    assert stream.result.output == "Many."
    read = [each["content"] for each in server.heard[1] if each["role"] == "tool"]
    assert read == ["500000", "350000"]


async def test_many_turns_send_every_call_with_its_output(server: Server):
    cities = ["Lyon", "Nice", "Lyon", "Nice"]
    server.answers(*(calls(("population", {"city": city})) for city in cities), "Done.")

    result = await server.agent(tools=[population]).run(QUESTION)

    assert result.turns == 5
    roles = [each["role"] for each in server.heard[-1]]
    assert roles == ["user", *["assistant", "tool"] * 4]


async def test_arguments_that_do_not_fit_are_told_to_the_model(server: Server):
    server.answers(
        calls(("population", {"town": "Lyon"})),
        calls(("population", {"city": "Lyon"})),
        "Half a million.",
    )

    result = await server.agent(tools=[population]).run(QUESTION)

    assert result.output == "Half a million."
    assert "city" in server.heard[1][-1]["content"]
    assert server.heard[2][-1]["content"] == "500000"


async def test_broken_arguments_are_told_to_the_model(server: Server):
    # its script is in broken_arguments.json: over HTTP aimock takes arguments that are JSON alone
    result = await server.agent(tools=[population]).run("A call with broken arguments, please.")

    assert result.output == "Half a million."
    assert [each["content"] for each in server.heard[2] if each["role"] == "tool"][1] == "500000"
    assert "JSON" in server.heard[1][-1]["content"]


async def test_an_unknown_tool_is_told_to_the_model(server: Server):
    server.answers(calls(("populations", {"city": "Lyon"})), "I cannot say.")

    result = await server.agent(tools=[population]).run(QUESTION)

    assert result.output == "I cannot say."
    assert "Did you mean 'population'?" in server.heard[1][-1]["content"]


async def test_text_before_a_call_is_kept(server: Server):
    two = {"content": "I look it up.", **calls(("population", {"city": "Lyon"}))["response"]}
    server.answers({"response": two}, "Half a million.")

    result = await server.agent(tools=[population]).run(QUESTION)

    assert result.output == "Half a million."
    assert any("I look it up." in str(each["content"]) for each in server.heard[1])


async def test_the_last_turn_of_a_limit_offers_no_tools(server: Server):
    server.answers(calls(("population", {"city": "Lyon"})), "As far as I got.")

    result = await server.agent(tools=[population]).run(QUESTION, limits=Limits(turns=2))

    assert result.output == "As far as I got."
