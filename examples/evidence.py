from dataclasses import dataclass

from agentkit import Agent, tool


@dataclass
class City:
    """What is asked of a city."""

    population: int | None = None
    founded: str | None = None
    river: str | None = None


@tool(effect="read")
def city(name: str) -> dict[str, object]:
    """What is known about a city."""
    return {"city": name, "population": "709,037 (2023)", "founded": "about 1048"}


agent = Agent("offline", tools=[city], output=City, evidence=True)
result = agent.run_sync("What is known about the city of Oslo?")
print(result.output)
for field, found in result.evidence.items():
    print(f"{field:10}  {found.status:10}  {found.quote or ''}")
