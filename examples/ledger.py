import asyncio
import tempfile
from pathlib import Path

from agentkit import Agent, Usage
from agentkit.cost import by, session_cost
from agentkit.stores.sqlite import SQLiteStore
from agentkit.testing import ScriptedModel


def prices(_model: str, usage: Usage) -> float | None:
    """Only long answers have a price here."""
    return usage.output_tokens / 1_000 if usage.output_tokens > 3 else None


async def main(path: Path) -> None:
    store = SQLiteStore(path)
    model = ScriptedModel("As long as it takes.", "Short.", "Twice as long as that, at least.")
    agent = Agent(model, prices=prices, store=store)
    first = await agent.run("How long?", session="alice")
    second = await agent.run("Shorter!", session="alice")
    await agent.run("And now?", session="bob")

    print("runs:", first.cost, second.cost)
    print("session:", session_cost(second.log))
    for line in by(await store.spent(), "session"):
        print(f"{line.key}: {line.usage.total_tokens} tokens, {line.cost}")
    await store.close()


with tempfile.TemporaryDirectory() as folder:
    asyncio.run(main(Path(folder) / "runs.db"))
