"""A process that works on a table until it is done, or killed."""

from __future__ import annotations

import asyncio
import sys

from agentkit import Agent


async def main(url: str, folder: str, concurrency: str) -> None:
    agent = Agent("m", base_url=url, api_key="k", store=f"{folder}/runs.db")
    how = {} if concurrency == "auto" else {"concurrency": int(concurrency)}
    out = f"{folder}/{sys.argv[4]}" if len(sys.argv) > 4 else f"{folder}/out.csv"
    await agent.map(f"{folder}/in.csv", "{n}", out=out, **how)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
