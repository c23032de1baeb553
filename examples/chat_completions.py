"""A server that has chat completions and no Responses: `wire="chat"`, and all else as before."""

from pydantic import BaseModel

from agentkit import Agent, tool
from agentkit.testing import ResponsesServer, ScriptedModel, call


class Sum(BaseModel):
    """The sum of all the numbers."""

    total: int


@tool(effect="read")
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


script = ScriptedModel([call("add", a=2, b=3), call("add", a=4, b=5)], '{"total": 14}')
with ResponsesServer(script) as server:
    agent = Agent("any-model", tools=[add], output=Sum, base_url=server.url, wire="chat")
    print(agent.run_sync("What is 2 + 3 + 4 + 5?").output)
    print(server.exchanges[-1].path)
    for message in server.requests[-1]["messages"]:
        print(message["role"], message["content"], len(message.get("tool_calls", [])))
