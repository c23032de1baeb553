"""Another process that uses a store: `python -m tests.stores.postgres_process URL`.

It says `ready`, and answers each line of its input with a line: what the doing came to.
"""

from __future__ import annotations

import asyncio
import sys

from agentkit.errors import AgentkitError
from agentkit.stores.postgres import PostgresStore
from agentkit.testing.stores.said import said


async def do(store: PostgresStore, doing: str, session: str) -> None:
    if doing == "append":
        await store.append(session, 0, [said("one"), said("two")])
    if doing == "hold":
        await store.hold(session).__aenter__()


async def main(url: str) -> None:
    store = PostgresStore(url)
    say("ready")
    for line in sys.stdin:
        try:
            await do(store, *line.split())
        except AgentkitError as error:
            say(type(error).__name__)
        else:
            say("done")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
