import asyncio

from agentkit import Agent, TextDelta, ToolCall, ToolOutput, tool


@tool(effect="read")
def population(country: str) -> int:
    """How many people live in a country."""
    return {"Norway": 5_600_000, "Chile": 19_800_000}[country]


async def main() -> None:
    agent = Agent("offline", tools=[population])
    async with agent.stream("How many people live in Chile?") as stream:
        async for event in stream:
            match event:
                case ToolCall(name=name, arguments=arguments):
                    print(f"→ {name}({arguments})")
                case ToolOutput(output=output):
                    print(f"← {output}")
                case TextDelta(text):
                    print(text, end="")
    print(f"\n{stream.result.status} after {stream.result.turns} requests")


asyncio.run(main())
