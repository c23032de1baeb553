import asyncio
import tempfile
from pathlib import Path

from agentkit.stores.sqlite import SQLiteStore
from agentkit.testing.stores import CHECKS, SHARED_CHECKS


def new_store(path: Path) -> SQLiteStore:
    """A store of your own would be made here."""
    return SQLiteStore(path)


async def try_it(folder: Path) -> None:
    for check in CHECKS:
        store = new_store(folder / check.__name__)
        await check(store)
        await store.close()
    for shared in SHARED_CHECKS:
        one, other = (new_store(folder / shared.__name__) for _ in range(2))
        await shared(one, other)
        await one.close()
        await other.close()


with tempfile.TemporaryDirectory() as place:
    asyncio.run(try_it(Path(place)))
print("It does what every store must.")
