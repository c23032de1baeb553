from agentkit import Agent, tool
from agentkit.testing import ScriptedModel


@tool(effect="read")
def stock(article: str) -> int:
    """How many of an article are in stock."""
    return {"A-100": 7}[article]


model = ScriptedModel("A competitor asks 12 euros, and we have 7 in stock.")
agent = Agent(
    model,  # a real one: "openai:gpt-5-mini"
    tools=[stock, {"type": "web_search"}],
    settings={"reasoning": {"effort": "low"}, "max_output_tokens": 2000, "store": False},
)
print(agent.run_sync("Is our price for A-100 still good?").output)

sent = model.requests[0].wire()
print([each["type"] for each in sent["tools"]])
print({key: sent[key] for key in ("reasoning", "max_output_tokens", "store")})
