import asyncio
import tempfile
from pathlib import Path

from agentkit import Agent
from agentkit.sessions import fork
from agentkit.stores.sqlite import SQLiteStore
from agentkit.testing import ScriptedModel


async def main(runs: str) -> None:
    model = ScriptedModel("Hello, Ada.", "Your name is Ada.", "In French: bonjour, Ada.")
    store = SQLiteStore(runs)
    agent = Agent(model, store=store)  # or the path itself
    await agent.run("My name is Ada.", session="alice")
    result = await agent.run("What is my name?", session="alice")  # also in another process
    print(result.output, f"{len(result.log)} records")

    name = await fork(store, "alice", at=3, name="alice in French")
    await agent.run("And in French?", session=name)
    print(len(model.requests[2].input), "items: what the first run said, and the new question")

    for kept in await store.list():
        print(f"{kept.session!r} has {kept.records} records,", kept.summary.status)


with tempfile.TemporaryDirectory() as folder:
    asyncio.run(main(str(Path(folder) / "runs.db")))
