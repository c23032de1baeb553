from dataclasses import dataclass

from agentkit import Agent, tool


@dataclass
class City:
    """A city and its people."""

    name: str
    population: int
    is_capital: bool | None = None


@tool(effect="read")
def city(name: str) -> dict[str, object]:
    """What is known about a city."""
    return {"name": name, "population": 709_000, "is_capital": True}


agent = Agent("offline", tools=[city], output=City)
answer = agent.run_sync("What do you know about the city of Oslo?").output
print(answer)
print(f"{answer.population:,}")
