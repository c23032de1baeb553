from agentkit import Agent
from agentkit.context import Compacted
from agentkit.testing import OfflineModel, ResponsesServer

with ResponsesServer(OfflineModel()) as server:
    agent = Agent("any-model", base_url=server.url, context=Compacted(above=20))
    first = agent.run_sync("Hello?")
    second = agent.run_sync("And again?", session=first)
    for exchange in server.exchanges:
        print(exchange.method, exchange.path, exchange.status)

print([item.type for item in second.items])
print([record.kind for record in second.log])
