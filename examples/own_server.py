from agentkit import Agent, tool
from agentkit.testing import ResponsesServer, ScriptedModel, call


@tool(effect="read")
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


with ResponsesServer(ScriptedModel(call("add", a=2, b=3), "5"), api_key="secret") as server:
    agent = Agent("any-name", tools=[add], base_url=server.url, api_key="secret")
    print(agent.run_sync("What is 2 and 3?").output)
    for exchange in server.exchanges:
        print(exchange.method, exchange.path, exchange.status)
    print(server.requests[1]["input"][-1])
