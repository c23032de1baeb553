from agentkit import Agent, Limits, Usage, tool
from agentkit.testing import ScriptedModel, call


def prices(_model: str, usage: Usage) -> float | None:
    """A cent a thousand tokens."""
    return usage.total_tokens / 100_000


used = Usage(500, 0, 500, 0, 1_000)
reader = Agent(ScriptedModel(*["It says: all is well."] * 9, usage=used), prices=prices)


@tool(effect="read")
async def read(page: int) -> str:
    """What one page says, as another agent reads it."""
    result = await reader.run(f"Read page {page}.")
    return result.text or f"[not read: {result.limit}]"


pages = [call("read", page=number) for number in range(1, 6)]
model = ScriptedModel(pages, "Three pages of five say that all is well.", usage=used)
agent = Agent(model, tools=[read], prices=prices, limits=Limits(cost=0.075))

result = agent.run_sync("Is all well?")
print(model.requests[1].outputs)
print(result.status, result.limit, "-", result.output)
print(f"${result.cost:.2f} of its own, ${result.log.trip.cost_inside:.2f} of the runs inside it")
