from dataclasses import dataclass

from agentkit import Agent, tool

CITIES = {
    "Oslo": {"country": "Norway", "population": 717_710},
    "Lima": {"country": "Peru", "population": 10_092_000},
}


@tool(effect="read")
def city(name: str) -> dict[str, object]:
    """What is known about a city."""
    return CITIES[name]


@dataclass
class City:
    """What is asked of each city."""

    country: str
    population: int


agent = Agent("offline", tools=[city], output=City)
rows = [{"name": "Oslo"}, {"name": "Lima"}]
result = agent.map_sync(rows, "What is known about the city of {name}?")
for row in result.rows:
    print(row.row["name"], row.output)
