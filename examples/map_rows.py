import asyncio

from agentkit import Agent, Usage
from agentkit.testing import OfflineModel

TOWNS = [{"town": f"Town {number}"} for number in range(100)]


def prices(_model: str, usage: Usage) -> float:
    """A cent for a hundred tokens."""
    return usage.total_tokens / 10_000


async def main() -> None:
    agent = Agent(OfflineModel(), prices=prices)

    pilot = await agent.map(TOWNS, "Where is {town}?", sample=10)
    rest = pilot.estimate(len(TOWNS) - pilot.total)
    print(f"ten rows: ${pilot.cost:.4f}; the others: about ${rest.cost:.2f}")
    print("places:", [row.index for row in pilot.rows])

    job = agent.map(TOWNS, "Where is {town}?", limit=3, concurrency=1)
    async for row in job:
        print(row.index, row.row["town"], row.status)
    print(job.result.done, "done")


asyncio.run(main())
