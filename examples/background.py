"""A long answer, made in the background: the connection breaks, and the answer goes on."""

from agentkit import Agent, TextDelta
from agentkit.testing import ResponsesServer, ScriptedModel

script = ScriptedModel("All nine counties are surveyed.")
with ResponsesServer(script, faults=["reset-mid-stream"]) as server:
    agent = Agent("any-model", base_url=server.url, settings={"background": True})
    with agent.stream_sync("Survey the counties.") as stream:
        print("|".join(event.text for event in stream if isinstance(event, TextDelta)))
    print(stream.result.status)
    for exchange in server.exchanges:
        print(exchange.method, exchange.path, exchange.status)
