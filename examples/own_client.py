import asyncio

import httpx

from agentkit import Agent
from agentkit.testing import ResponsesServer, ScriptedModel


async def main() -> None:
    async with (
        ResponsesServer(ScriptedModel("Hello.", "Hello again.")) as server,
        httpx.AsyncClient(timeout=30, headers={"X-Team": "blue"}) as client,
    ):
        agent = Agent("any-name", base_url=server.url, http_client=client)
        print((await agent.run("Hello?")).output)
        print((await agent.run("Hello?")).output)
        print([exchange.headers["x-team"] for exchange in server.exchanges])


asyncio.run(main())
