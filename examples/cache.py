"""The same questions twice: only what would act once more is asked anew."""

import asyncio
import tempfile
from pathlib import Path

from agentkit import Agent, tool
from agentkit.stores.sqlite import SQLiteStore
from agentkit.testing import ResponsesServer, ScriptedModel, call


@tool(effect="read")
def price(item: str) -> float:
    """What an item costs, in dollars."""
    return {"tea": 2.5, "milk": 1.2}[item]


@tool  # its effect is "once"
def order(item: str) -> str:
    """Order an item."""
    return f"ordered {item}"


async def main(runs: Path) -> None:
    buys = [call("order", item="tea")], "Tea is on its way."
    model = ScriptedModel(call("price", item="tea"), "Tea is $2.50.", *buys, *buys)
    store = SQLiteStore(runs)
    async with ResponsesServer(model) as server:
        agent = Agent(
            "any-name", base_url=server.url, tools=[price, order], store=store, cache="7d"
        )
        for question in ("What does tea cost?", "Order tea.") * 2:
            before = len(server.requests)
            result = await agent.run(question)
            print(f"{result.output} Requests: {len(server.requests) - before}")
    for kept in await store.cached_answers():
        print(f"{kept.count} answers of {kept.model} are kept")
    print("deleted:", await store.prune_cache())
    await store.close()


with tempfile.TemporaryDirectory() as folder:
    asyncio.run(main(Path(folder) / "runs.db"))
