"""Whatever is done in whatever order, a SQLite store is like one that copies everything."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from memory_store import MemoryStore

from agentkit.errors import ConfigurationError, Conflict
from agentkit.stores.sqlite import SQLiteStore
from agentkit.testing.stores.said import answered, holds, one_of_each, said

NAMES = ["a", "b", "c", "d", "e"]
names = st.sampled_from(NAMES)
any_text = st.text(st.characters(exclude_categories=()))
steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), names, st.integers(0, 2)),
        st.tuples(st.just("fork"), names, names, st.integers(0, 4), st.integers(0, 2)),
        st.tuples(st.just("delete"), names),
    ),
    min_size=6,
    max_size=16,
)


async def done(store, step, number: int) -> str:
    """How a step ended. The records say in which step they were made."""
    try:
        match step:
            case ("append", name, count):
                seq = len((await store.load(name)).records)
                await store.append(name, seq, made(number, count))
            case ("fork", name, fork, at, count):
                await store.fork(name, at, fork, made(number, count))
            case ("delete", name):
                return str(await store.delete(name))
    except (Conflict, ConfigurationError) as error:
        return type(error).__name__
    return "done"


def made(number: int, count: int) -> list:
    return [said(f"common in{number}"), answered(f"common out{number}", cost=number)][:count]


async def seen(store) -> list:
    """What a store shows: each session, what was spent, and what is found."""
    loads = [(await store.load(name)).records for name in NAMES]
    infos = sorted((info.session, info.records) for info in await store.list())
    costs = [each.cost for each in await store.spent()]
    found = [each.text for each in await store.search("common", limit=100)]
    return [loads, infos, costs, found]


async def places(store, text: str) -> list:
    return [(each.session, each.seq) for each in await store.search(text, limit=100)]


@given(steps)
@settings(max_examples=50)
def test_forks_share_and_deletions_take_away_as_if_all_had_been_copied(steps):
    async def main() -> None:
        with tempfile.TemporaryDirectory() as folder:
            store, model = SQLiteStore(Path(folder) / "log.db"), MemoryStore()
            for number, step in enumerate(steps):
                assert await done(store, step, number) == await done(model, step, number)
            assert await seen(store) == await seen(model)
            await store.close()

    asyncio.run(main())


@given(st.lists(any_text, min_size=1, max_size=4))
@settings(max_examples=40)
def test_any_text_comes_back_and_can_be_looked_for(texts):
    async def main() -> None:
        with tempfile.TemporaryDirectory() as folder:
            store, model = SQLiteStore(Path(folder) / "log.db"), MemoryStore()
            for number, text in enumerate(texts):
                for each in (store, model):
                    await each.append(f"s{number}", 0, one_of_each(text))
                await store.list(status=[text])
            for text in texts:
                assert await places(store, text) == await places(model, text)
            for number, text in enumerate(texts):
                await holds(store, f"s{number}", *one_of_each(text))
            await store.close()

    asyncio.run(main())
