"""A model with its own retries and timeouts, on a server at any URL."""

from agentkit import Agent, ResponsesModel, Retries, Timeouts
from agentkit.testing import OfflineModel, ResponsesServer

with ResponsesServer(OfflineModel()) as server:
    model = ResponsesModel(
        "any-model",
        server.url,
        retries=Retries(attempts=5, longest_wait=30),
        timeouts=Timeouts(connect=2, idle=60),
    )
    agent = Agent(model, instructions="Be brief.")
    print(agent.run_sync("Hello?").status)
