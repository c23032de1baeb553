import asyncio
import csv
import tempfile
from pathlib import Path

from agentkit import Agent, tool

PEOPLE = {"Oslo": 717_710, "Rome": 2_746_984, "Lima": 10_092_000}


@tool(effect="read")
def population(city: str) -> int:
    """How many people live in a city."""
    return PEOPLE[city]


async def main(folder: Path) -> None:
    cities, out = folder / "cities.csv", folder / "people.csv"
    cities.write_text("city,note\nOslo,fjord\nRome,hills\n")
    agent = Agent("offline", tools=[population], store=folder / "runs.db")
    ask = "What is the population of {city}?"

    result = await agent.map(cities, ask, out=out)
    print(f"{result.done} of {result.total} done, {result.kept} of them before")

    cities.write_text("city,note\nOslo,fjord\nRome,seven hills\nLima,coast\n")
    result = await agent.map(cities, ask, out=out)
    print(f"{result.done} of {result.total} done, {result.kept} of them before")
    with out.open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            print(row["city"], "|", row["note"], "|", row["answer"], "|", row["_status"])


with tempfile.TemporaryDirectory() as name:
    asyncio.run(main(Path(name)))
