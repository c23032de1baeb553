"""Who holds a session is the only one, until the block is left, however it is left."""

from __future__ import annotations

import asyncio

from agentkit.errors import Conflict
from agentkit.stores.protocol import Store
from agentkit.testing.stores.said import (
    elsewhere,
    expect,
    holds,
    outcomes,
    raises,
    said,
    same,
    within,
)


async def a_held_session_is_a_conflict_for_others(store: Store) -> None:
    """Who comes second is told at once who is held, and may try again later."""
    async with store.hold("alice"):
        error = await raises(
            Conflict, "hold", within(once(store, "alice"), "a conflict"), "it is held"
        )
        expect("alice" in str(error), f"the conflict does not name the session: {error}")
        await raises(
            Conflict, "hold", elsewhere(lambda: once(store, "alice")), "a thread holds it too"
        )
        await within(once(store, "bob"), "another session is free")
    await within(once(store, "alice"), "the session is free again")


async def a_held_session_is_read_and_written(store: Store) -> None:
    """Holding a session keeps others from holding it, and nothing else."""
    async with store.hold("s"):
        await store.append("s", 0, [said("one")])
        await holds(store, "s", said("one"))
        same(len(await store.list()), 1, "the list")


async def a_session_is_let_go_however_the_block_is_left(store: Store) -> None:
    """An error and a cancellation in the block let the session go."""
    await raises(ZeroDivisionError, "hold", _failing(store), "the block's own error passes through")
    await within(once(store, "s"), "free after an error")
    held = asyncio.Event()
    task = asyncio.create_task(_holding(store, held, asyncio.Event()))
    await within(held.wait(), "the session is held")
    task.cancel()
    await outcomes(task)
    await within(once(store, "s"), "free after a cancellation")


async def those_who_wait_take_turns_as_they_came(store: Store) -> None:
    """Who waits gets the session when it is let go, first come, first served."""
    turns: list[int] = []

    async def take(number: int) -> None:
        async with store.hold("s", wait=True):
            turns.append(number)

    async with store.hold("s"):
        tasks = [asyncio.create_task(take(number)) for number in range(5)]
        for _ in range(20):
            await asyncio.sleep(0)
        same(turns, [], "who had a turn while it was held")
    await within(asyncio.gather(*tasks), "everyone has a turn")
    same(turns, [0, 1, 2, 3, 4], "the order of the turns")


async def never_two_hold_a_session_at_once(store: Store) -> None:
    """Of many who wait, in several threads, never two are inside."""
    inside: list[int] = []
    crowds: list[int] = []

    async def take(number: int) -> None:
        async with store.hold("s", wait=True):
            inside.append(number)
            for _ in range(3):
                await asyncio.sleep(0)
                crowds.append(len(inside))
            inside.remove(number)

    here = [take(number) for number in range(5)]
    there = [elsewhere(lambda n=n: take(n)) for n in range(5, 8)]  # type: ignore[misc]
    await within(asyncio.gather(*here, *there), "everyone has a turn")
    same(crowds, [1] * 24, "how many were inside at a time")


async def a_cancelled_wait_leaves_nothing_behind(store: Store) -> None:
    """Whenever a wait is cancelled, the next one gets the session once it is let go."""
    for steps in range(12):
        async with store.hold("s"):
            gone = asyncio.create_task(once(store, "s", wait=True))
            behind = asyncio.create_task(once(store, "s", wait=True))
            for _ in range(steps):
                await asyncio.sleep(0)
            gone.cancel()
            await outcomes(gone)
        await within(behind, "who waited behind a cancelled one has a turn")
        await within(once(store, "s"), "the session is free")


async def once(store: Store, session: str, *, wait: bool = False) -> None:
    """Hold the session, and let it go."""
    async with store.hold(session, wait=wait):
        pass


async def _failing(store: Store) -> None:
    async with store.hold("s"):
        raise ZeroDivisionError


async def _holding(store: Store, held: asyncio.Event, gate: asyncio.Event) -> None:
    async with store.hold("s"):
        held.set()
        await gate.wait()
