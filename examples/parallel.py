import asyncio

from agentkit import Agent, tool
from agentkit.testing import ScriptedModel, call

both = asyncio.Barrier(2)


@tool(effect="read")
async def temperature(city: str) -> str:
    """The temperature in a city."""
    await both.wait()  # returns only once both calls are here
    return f"{city}: 12 degrees"


async def main() -> None:
    model = ScriptedModel(
        [call("temperature", city="Oslo"), call("temperature", city="Lima")], "12 in both."
    )
    result = await Agent(model, tools=[temperature]).run("How warm is it in Oslo and in Lima?")
    print(result.output)
    print(model.requests[1].outputs)  # in the order of the calls


asyncio.run(main())
