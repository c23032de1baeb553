import asyncio
import tempfile
from pathlib import Path

from agentkit import Agent, RunResult
from agentkit.testing import ScriptedModel


async def main(runs: str) -> None:
    agent = Agent(ScriptedModel("one", "two", "three"), store=runs)
    both = [agent.run(word, session="s") for word in ("a", "b")]
    for end in await asyncio.gather(*both, return_exceptions=True):
        print(end.output if isinstance(end, RunResult) else type(end).__name__)

    turns = [agent.run(word, session="s", when_busy="wait") for word in ("c", "d")]
    for result in await asyncio.gather(*turns):
        print(result.output, "with", len(result.items), "items")


with tempfile.TemporaryDirectory() as folder:
    asyncio.run(main(str(Path(folder) / "runs.db")))
