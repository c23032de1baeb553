"""What is remembered is recalled, the last of it alone. A store that remembers nothing passes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial, wraps

from agentkit.encoding import Wire, encode
from agentkit.errors import ConfigurationError, StoreError
from agentkit.stores.protocol import Kept, Remembers, Store, memory_of
from agentkit.stores.rows import LARGEST_FACT
from agentkit.testing.stores.said import elsewhere, holds, raises, said, same

_ODD_VALUES: tuple[Wire, ...] = (
    {},
    {"zeta": 2**70, "alpha": [0.1, -3, True, None, {"": {}}]},
    {"text": "\0 \ud800 half a letter \udfff '; DROP TABLE facts; -- \\ \\u0000 %s {} $1"},
    {"\U0001f469\u200d\U0001f680 ﷽ e\u0301": "\x01\x7f\u2028\ufeff\r\n"},
)
_ALIKE = ("a", "A", "a ", " a", "á", "a\u0301", "%", "_", "a/b", "'", '"', "ａ", "https://h/v1 m")
NO_NAMES = ("", "n" * 501, "a\0b", "a\nb", "a\x7fb", "\ud800")


def _of_those_that_remember(
    check: Callable[[Remembers], Awaitable[None]],
) -> Callable[[Store], Awaitable[None]]:
    """The check, which a store passes that has neither of the two methods."""

    @wraps(check)
    async def checking(store: Store) -> None:
        memory = memory_of(store)
        if memory is not None:
            await check(memory)

    return checking


@_of_those_that_remember
async def a_fact_that_is_not_there_is_none(store: Remembers) -> None:
    """Recalling what nobody remembered gives None."""
    same(await store.recall("nothing"), None, "a fact that is not there")


@_of_those_that_remember
async def any_fact_comes_back_equal(store: Remembers) -> None:
    """A JSON object comes back equal, the order of its keys and any text in it included."""
    for number, value in enumerate(_ODD_VALUES):
        await store.remember(f"fact {number}", value)
    for number, value in enumerate(_ODD_VALUES):
        found = await store.recall(f"fact {number}")
        same(found and encode(found), value and encode(value), f"fact {number}")


@_of_those_that_remember
async def the_last_fact_of_a_name_stands(store: Remembers) -> None:
    """What is remembered takes the place of what was there, whole."""
    await store.remember("name", {"one": 1, "two": 2})
    await store.remember("name", {"three": 3})
    same(await store.recall("name"), {"three": 3}, "what was remembered last")


@_of_those_that_remember
async def names_that_look_alike_are_different_facts(store: Remembers) -> None:
    """Facts are told apart by every character of their names."""
    for name in _ALIKE:
        await store.remember(name, {"name": name})
    for name in _ALIKE:
        same(await store.recall(name), {"name": name}, f"the fact {name!r}")


@_of_those_that_remember
async def a_fact_is_forgotten_with_time(store: Remembers) -> None:
    """A fact is None where it was remembered longer ago than is wanted."""
    await store.remember("name", {"one": 1})
    same(await store.recall("name", within=timedelta(days=1)), {"one": 1}, "a fact of today")
    # a time that has yet to come stands for one that has passed: nothing is waited for
    same(await store.recall("name", within=-timedelta(days=1)), None, "a fact that is too old")


@_of_those_that_remember
async def a_fact_of_no_name_or_no_size_is_refused(store: Remembers) -> None:
    """A fact without a proper name is a ConfigurationError, one that is too large a StoreError."""
    for name in NO_NAMES:
        why = f"no fact can have the name {name!r:.20}"
        await raises(ConfigurationError, "remember", store.remember(name, {}), why)
    large = {"text": "n" * LARGEST_FACT}
    why = f"it has more than {LARGEST_FACT} bytes"
    await raises(StoreError, "remember", store.remember("name", large), why)
    same(await store.recall("name"), None, "what was refused")


@_of_those_that_remember
async def facts_are_remembered_from_anywhere_at_once(store: Remembers) -> None:
    """Many remember and recall at once, from other threads and event loops too."""

    async def remember(number: int) -> None:
        await store.remember(f"fact {number % 5}", {"number": number % 5})

    await asyncio.gather(*(remember(number) for number in range(20)))
    await asyncio.gather(*(elsewhere(partial(remember, number)) for number in range(3)))
    for number in range(5):
        same(await store.recall(f"fact {number}"), {"number": number}, f"fact {number}")


async def facts_and_sessions_stay_apart(store: Store) -> None:
    """A fact is no session, whatever its name, and stays where a session is deleted."""
    memory = memory_of(store)
    if memory is None:
        return
    await memory.remember("s", {"one": 1})
    same(await store.load("s"), Kept(), "a session with the name of a fact")
    same(list(await store.list()), [], "the sessions where there is but a fact")
    await store.append("s", 0, [said("hello")])
    await store.delete("s")
    same(await memory.recall("s"), {"one": 1}, "a fact with the name of a deleted session")
    await holds(store, "s")
