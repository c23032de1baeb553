"""A list of models: the next goes on where the server of the one before fails."""

from agentkit import Agent, Notice, ServerError, tool
from agentkit.testing import ResponsesServer, ScriptedModel, call


@tool(effect="read")
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def listen(event: object) -> None:
    if isinstance(event, Notice):
        print("notice:", event.text.partition(" (")[0])


overloaded = ScriptedModel(call("add", a=2, b=3), *[ServerError("overloaded", status=503)] * 3)
with ResponsesServer(overloaded) as busy, ResponsesServer(ScriptedModel("5")) as calm:
    # with keys: Agent(["openai:gpt-5", "cometapi:gpt-4.1"], …)
    first = Agent("large", base_url=busy.url).model
    second = Agent("small", base_url=calm.url).model
    agent = Agent([first, second], tools=[add])
    print(agent.run_sync("What is 2 and 3?", on_event=listen).output)
    print(len(busy.requests), "requests to the first,", len(calm.requests), "to the second")
