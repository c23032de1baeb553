"""Two stores at one place: two processes, or two parts of one that know nothing of each other."""

from __future__ import annotations

import asyncio

from agentkit.errors import Conflict
from agentkit.stores.protocol import Kept, Store, cache_of, memory_of
from agentkit.testing.stores.holding import once
from agentkit.testing.stores.said import holds, outcomes, raises, said, same, within


async def what_one_keeps_the_other_has(one: Store, other: Store) -> None:
    """Appends, forks and deletions of one are seen by the other at once."""
    await one.append("s", 0, [said("one")])
    await holds(other, "s", said("one"))
    await other.append("s", 1, [said("two")])
    await holds(one, "s", said("one"), said("two"))
    await one.fork("s", 1, "f")
    same(len(await other.list()), 2, "the list of the other")
    await other.delete("s")
    same(await one.load("s"), Kept(), "what the other deleted")
    await holds(one, "f", said("one"))


async def of_two_that_append_at_once_one_wins(one: Store, other: Store) -> None:
    """Whoever comes second gets Conflict, and nothing of it is kept."""
    for number in range(10):
        session = f"s{number}"
        ended = await outcomes(
            one.append(session, 0, [said("one")]), other.append(session, 0, [said("other")])
        )
        kinds = sorted("kept" if end is None else type(end).__name__ for end in ended)
        same(kinds, ["Conflict", "kept"], "how the two appends ended")
        winner = said("one") if ended[0] is None else said("other")
        await holds(one, session, winner)


async def both_write_many_sessions_at_once(one: Store, other: Store) -> None:
    """Two that write different sessions at once do not stand in each other's way."""

    async def write(store: Store, session: str) -> None:
        for seq in range(5):
            await store.append(session, seq, [said(f"{seq}")])

    sessions = {f"s{number}": (one, other)[number % 2] for number in range(20)}
    await asyncio.gather(*(write(store, session) for session, store in sessions.items()))
    for session in sessions:
        await holds(one, session, *(said(f"{seq}") for seq in range(5)))


async def what_one_holds_the_other_cannot(one: Store, other: Store) -> None:
    """A session that one holds is a Conflict for the other, until it is let go."""
    async with one.hold("s"):
        await raises(Conflict, "hold", within(once(other, "s"), "a conflict"), "the other holds it")
        await within(once(other, "t"), "another session is free")
    await within(once(other, "s"), "the session is free again")


async def the_other_waits_its_turn(one: Store, other: Store) -> None:
    """Who waits for what another store holds gets it when it is let go."""
    turns: list[str] = []

    async def take() -> None:
        async with other.hold("s", wait=True):
            turns.append("other")

    async with one.hold("s"):
        task = asyncio.create_task(take())
        for _ in range(20):
            await asyncio.sleep(0)
        turns.append("one")
    await within(task, "the other has its turn")
    same(turns, ["one", "other"], "the order of the turns")


async def never_two_of_both_hold_a_session_at_once(one: Store, other: Store) -> None:
    """Of many who wait at both, never two are inside, however often it is let go and taken."""
    inside: list[int] = []
    crowds: list[int] = []

    async def take(store: Store, number: int) -> None:
        for _ in range(3):
            async with store.hold("s", wait=True):
                inside.append(number)
                await asyncio.sleep(0)
                crowds.append(len(inside))
                inside.remove(number)

    takes = [take(store, number) for number, store in enumerate([one, other, one, other])]
    await within(asyncio.gather(*takes), "everyone has a turn")
    same(crowds, [1] * 12, "how many were inside at a time")


async def what_is_closed_by_one_the_other_still_uses(one: Store, other: Store) -> None:
    """Closing one store takes nothing from the other."""
    await one.append("s", 0, [said("one")])
    await other.append("s", 1, [said("two")])
    await one.close()
    await other.append("s", 2, [said("three")])
    await holds(other, "s", said("one"), said("two"), said("three"))


async def what_one_remembers_the_other_recalls(one: Store, other: Store) -> None:
    """What is remembered by one is recalled by the other at once; the last of both stands."""
    ours, theirs = memory_of(one), memory_of(other)
    if ours is None or theirs is None:
        return
    await ours.remember("name", {"by": "one"})
    same(await theirs.recall("name"), {"by": "one"}, "what the other recalls")
    await theirs.remember("name", {"by": "other"})
    same(await ours.recall("name"), {"by": "other"}, "what the other remembered since")


async def what_one_caches_the_other_has(one: Store, other: Store) -> None:
    """What is cached by one the other has at once, and what one takes away is gone for both."""
    ours, theirs = cache_of(one), cache_of(other)
    if ours is None or theirs is None:
        return
    await ours.cache("key", {"by": "one"}, model="m")
    same(await theirs.cached("key"), {"by": "one"}, "what the other has")
    await theirs.cache("key", {"by": "other"}, model="m")
    same(await ours.cached("key"), {"by": "other"}, "what the other cached since")
    same(await theirs.prune_cache(), 1, "how many the other took away")
    same(await ours.cached("key"), None, "what the other took away")
