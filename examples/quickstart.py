from agentkit import Agent, tool


@tool
def population(country: str) -> int:
    """How many people live in a country."""
    return {"Norway": 5_600_000, "Chile": 19_800_000}[country]


agent = Agent("offline", tools=[population])  # or "gpt-5-mini", "cometapi:gpt-4.1", "ollama:qwen3"
result = agent.run_sync("How many people live in Norway and in Chile?")
print(result.output)
