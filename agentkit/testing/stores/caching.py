"""What is cached is there for a time, the last of a key alone. A store without a cache passes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, timedelta
from functools import partial, wraps

from agentkit.encoding import Wire, encode
from agentkit.errors import ConfigurationError, StoreError
from agentkit.stores.protocol import Caches, Kept, Store, cache_of
from agentkit.stores.rows import LARGEST_ANSWER
from agentkit.testing.stores.said import elsewhere, expect, holds, raises, said, same

_ODD_VALUES: tuple[Wire, ...] = (
    {},
    {"zeta": 2**70, "alpha": [0.1, -3, True, None, {"": {}}]},
    {"text": "\0 \ud800 half a letter \udfff '; DROP TABLE answers; -- \\ \\u0000 %s {} $1"},
    {"text": "a long answer " * 20_000},
)
_NO_KEYS = ("", "k" * 201, "a\0b", "a\nb", "\ud800")
_DAY = timedelta(days=1)
_EVER = timedelta.max


def _of_those_that_cache(
    check: Callable[[Caches], Awaitable[None]],
) -> Callable[[Store], Awaitable[None]]:
    """The check, which a store passes that has no cache."""

    @wraps(check)
    async def checking(store: Store) -> None:
        cache = cache_of(store)
        if cache is not None:
            await check(cache)

    return checking


@_of_those_that_cache
async def an_answer_that_is_not_there_is_none(store: Caches) -> None:
    """Of what was never cached there is nothing, and no model has any of it."""
    same(await store.cached("nothing"), None, "an answer that is not there")
    same(list(await store.cached_answers()), [], "what an empty cache has")
    same(await store.prune_cache(), 0, "how many were taken out of an empty cache")


@_of_those_that_cache
async def any_answer_comes_back_equal(store: Caches) -> None:
    """A JSON object comes back equal, the order of its keys and any text in it included."""
    for number, value in enumerate(_ODD_VALUES):
        await store.cache(f"key {number}", value, model="m")
    for number, value in enumerate(_ODD_VALUES):
        found = await store.cached(f"key {number}")
        same(found and encode(found), value and encode(value), f"answer {number}")


@_of_those_that_cache
async def the_last_answer_of_a_key_stands(store: Caches) -> None:
    """What is cached takes the place of what was there, also in the model's count."""
    await store.cache("key", {"one": 1, "two": 2}, model="m-1")
    await store.cache("key", {"three": 3}, model="m-2")
    await store.cache("Key", {"four": 4}, model="m-2")
    same(await store.cached("key"), {"three": 3}, "what was cached last")
    same(await store.cached("Key"), {"four": 4}, "what was cached under another key")
    listed = [(each.model, each.count) for each in await store.cached_answers()]
    same(listed, [("m-2", 2)], "the models and how many answers each has")


@_of_those_that_cache
async def an_answer_grows_old(store: Caches) -> None:
    """An answer is None where it was cached longer ago than is wanted."""
    await store.cache("key", {"one": 1}, model="m")
    for within in (_DAY, _EVER):
        same(await store.cached("key", within=within), {"one": 1}, f"of the last {within}")
    # a time that has yet to come stands for one that has passed: nothing is waited for
    same(await store.cached("key", within=-_DAY), None, "an answer that is too old")
    await store.cache("key", {"two": 2}, model="m")
    same(await store.cached("key", within=_DAY), {"two": 2}, "an answer that was cached anew")


@_of_those_that_cache
async def what_is_cached_is_listed_by_model(store: Caches) -> None:
    """A list has each model's count, bytes, oldest and newest time in UTC, by name."""
    for key, model, text in (("1", "b", "x" * 1000), ("2", "B", ""), ("3", "b", "y" * 500)):
        await store.cache(key, {"text": text}, model=model)
    listed = list(await store.cached_answers())
    same([(each.model, each.count) for each in listed], [("B", 1), ("b", 2)], "the models")
    small, large = listed
    expect(0 < small.size < 500, f"the size of one answer is {small.size}")
    expect(1500 < large.size < 3000, f"the size of two answers is {large.size}")
    for each in listed:
        zones = {time.utcoffset() for time in (each.oldest, each.newest)}
        same(zones, {UTC.utcoffset(None)}, "the offset of the times")
    expect(small.oldest == small.newest, "one answer has two times")
    expect(large.oldest <= large.newest, "the newest is older than the oldest")


@_of_those_that_cache
async def a_name_of_a_model_may_be_any_text(store: Caches) -> None:
    """Any text is a model's name, if with other letters for halves of some."""
    await store.cache("key", {"one": 1}, model="\0 \ud800 '; -- %s m")
    same(await store.cached("key"), {"one": 1}, "an answer of a model with an odd name")
    same([each.count for each in await store.cached_answers()], [1], "how many it has")


@_of_those_that_cache
async def pruning_takes_the_old_answers_alone(store: Caches) -> None:
    """What is older than is said goes, everything where nothing is said, and is counted."""
    for number in range(3):
        await store.cache(f"key {number}", {"number": number}, model="m")
    for age in (_DAY, _EVER):
        same(await store.prune_cache(age), 0, f"how many are older than {age}")
    same(await store.cached("key 1"), {"number": 1}, "an answer that is not old")
    same(await store.prune_cache(-_DAY), 3, "how many were older")
    same(await store.cached("key 1"), None, "an answer that was old")
    await store.cache("key 1", {"number": 1}, model="m")
    same(await store.prune_cache(), 1, "how many there were")
    same(list(await store.cached_answers()), [], "what is left of all")


@_of_those_that_cache
async def an_answer_of_no_key_or_no_size_is_refused(store: Caches) -> None:
    """An answer without a proper key is a ConfigurationError, too large a one a StoreError."""
    for key in _NO_KEYS:
        why = f"no answer can have the key {key!r:.20}"
        await raises(ConfigurationError, "cache", store.cache(key, {}, model="m"), why)
    large = {"text": "n" * LARGEST_ANSWER}
    why = f"it has more than {LARGEST_ANSWER} bytes"
    await raises(StoreError, "cache", store.cache("key", large, model="m"), why)
    same(await store.cached("key"), None, "what was refused")


@_of_those_that_cache
async def answers_are_cached_from_anywhere_at_once(store: Caches) -> None:
    """Many cache at once, from other threads and event loops too."""

    async def cache(number: int) -> None:
        await store.cache(f"key {number % 5}", {"number": number % 5}, model="m")

    await asyncio.gather(*(cache(number) for number in range(20)))
    await asyncio.gather(*(elsewhere(partial(cache, number)) for number in range(3)))
    for number in range(5):
        same(await store.cached(f"key {number}"), {"number": number}, f"key {number}")


async def answers_and_sessions_stay_apart(store: Store) -> None:
    """An answer is no session, whatever its key; neither goes where the other is taken away."""
    cache = cache_of(store)
    if cache is None:
        return
    await cache.cache("s", {"one": 1}, model="m")
    same(await store.load("s"), Kept(), "a session with the key of an answer")
    same(list(await store.list()), [], "the sessions where there is but an answer")
    await store.append("s", 0, [said("hello")])
    await cache.prune_cache()
    await holds(store, "s", said("hello"))
    await cache.cache("s", {"one": 1}, model="m")
    await store.delete("s")
    same(await cache.cached("s"), {"one": 1}, "an answer with the name of a deleted session")
