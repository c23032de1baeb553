"""What is appended is there, whole and in order; what is not, is not."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from agentkit.errors import ConfigurationError, Conflict, StoreError
from agentkit.records import VERSION, Decision, Record
from agentkit.stores.protocol import Kept, Store
from agentkit.testing.stores.said import (
    OfTomorrow,
    answered,
    conversation,
    elsewhere,
    expect,
    gave,
    holds,
    one_of_each,
    outcomes,
    raises,
    said,
    same,
    within,
)

_ODD_TEXTS = (
    "",
    "\0",
    "\ud800 half a letter \udfff",
    "\U0001f469\u200d\U0001f680 ﷽ e\u0301 é \u202e",
    "'; DROP TABLE records; -- \\ \\u0000 %s {} $1",
    "\x01\x1f\x7f\x85\u2028\ufeff\ufffe\r\n\t",
    "long " * 40_000,
)
_ALIKE = ("a", "A", "a ", " a", "á", "a\u0301", "%", "_", "a.b", "a/b", "../a", "'", '"', "ａ", "-")
NO_NAMES = ("", "n" * 201, "a\0b", "a\nb", "a\x7fb", "\ud800")


async def a_session_that_is_not_there_is_empty(store: Store) -> None:
    """Loading a session that nobody wrote gives no records and no parent."""
    same(await store.load("nobody"), Kept(), "a session that is not there")


async def records_come_back_in_order(store: Store) -> None:
    """Records come back in the order of the appends and within them."""
    records = conversation("one", "two", "three", "four")
    await store.append("s", 0, records[:1])
    await store.append("s", 1, records[1:3])
    await store.append("s", 3, records[3:])
    await holds(store, "s", *records)


async def every_kind_of_record_comes_back_equal(store: Store) -> None:
    """A record of every kind comes back equal, the order of its keys included."""
    await store.append("s", 0, one_of_each("text"))
    await holds(store, "s", *one_of_each("text"))


async def any_text_comes_back_equal(store: Store) -> None:
    """NUL, lone surrogates, control characters and long texts come back as they were."""
    for number, text in enumerate(_ODD_TEXTS):
        await store.append(f"s{number}", 0, one_of_each(text))
    for number, text in enumerate(_ODD_TEXTS):
        await holds(store, f"s{number}", *one_of_each(text))


async def a_long_log_comes_back_whole(store: Store) -> None:
    """Hundreds of records of one session come back, each in its place."""
    records = [gave(f"output {seq}", f"call_{seq}") for seq in range(600)]
    await store.append("s", 0, records[:599])
    await store.append("s", 599, records[599:])
    await holds(store, "s", *records)


async def every_record_has_its_time_in_utc(store: Store) -> None:
    """Each record has the time at which it was stored, in UTC, and time does not run back."""
    await store.append("s", 0, conversation("one", "two"))
    await store.append("s", 2, [said("three")])
    at = (await store.load("s")).at
    same(len(at), 3, "the number of times")
    same({time.utcoffset() for time in at}, {timedelta(0)}, "the offset of the times")
    same(sorted(at), list(at), "the order of the times")


async def an_append_behind_another_number_of_records_is_a_conflict(store: Store) -> None:
    """An append that expects fewer or more records than there are keeps nothing, and says so."""
    await store.append("alice", 0, [said("one"), said("two")])
    for expected in (0, 1, 3):
        doing = store.append("alice", expected, [said("never")])
        error = await raises(
            Conflict, "append", doing, f"2 records are there, {expected} were expected"
        )
        expect("alice" in str(error), f"the conflict does not name the session: {error}")
    await raises(Conflict, "append", store.append("bob", 1, [said("never")]), "bob has no records")
    await holds(store, "alice", said("one"), said("two"))
    await holds(store, "bob")


async def all_records_of_an_append_are_kept_or_none(store: Store) -> None:
    """Where one record cannot be kept, StoreError is raised and none is; the store goes on."""
    odd = Decision("call_1", "answer", "digest", value=object())
    doing = store.append("s", 0, [said("one"), odd, said("two")])
    await raises(StoreError, "append", doing, "an object is no JSON")
    await holds(store, "s")
    await store.append("s", 0, [said("three")])
    await holds(store, "s", said("three"))


async def of_appends_at_once_on_one_session_one_wins(store: Store) -> None:
    """Of many who append behind the same record, one is told that it did, the others Conflict."""
    batches: list[list[Record]] = [[said(f"{n} a"), said(f"{n} b")] for n in range(10)]
    ended = await outcomes(*(store.append("s", 0, batch) for batch in batches))
    winners = [batch for batch, end in zip(batches, ended, strict=True) if end is None]
    same(len(winners), 1, "the number of appends that were kept")
    kinds = sorted(type(end).__name__ for end in ended if end is not None)
    same(kinds, ["Conflict"] * 9, "what the others were told")
    await holds(store, "s", *winners[0])


async def many_sessions_are_written_at_once(store: Store) -> None:
    """Sessions that are written at once each have their own records."""

    async def write(session: str) -> None:
        for seq in range(5):
            await store.append(session, seq, [said(f"{session} {seq}")])

    sessions = [f"s{number}" for number in range(40)]
    await asyncio.gather(*map(write, sessions))
    for session in sessions:
        await holds(store, session, *(said(f"{session} {seq}") for seq in range(5)))


async def other_threads_and_loops_use_it_too(store: Store) -> None:
    """One store is written from several event loops in several threads at once."""
    await store.append("s", 0, [said("here")])
    doing = [
        elsewhere(lambda name=name: store.append(name, 0, [said(name)]))  # type: ignore[misc]
        for name in ("a", "b", "c")
    ]
    await asyncio.gather(*doing, store.append("s", 1, [said("there")]))
    await holds(store, "s", said("here"), said("there"))
    for name in ("a", "b", "c"):
        await holds(store, name, said(name))


async def a_cancelled_append_is_kept_whole_or_not_at_all(store: Store) -> None:
    """Whenever it is cancelled, an append has kept all its records or none; the store goes on."""
    for steps in range(12):
        session = f"s{steps}"
        task = asyncio.create_task(_written(store, session))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await outcomes(task)
        count = await within(_settled(store, session), "a cancelled append settles")
        await store.append(session, count, [said("after")])
        before = [said("one"), said("two")][:count]
        await holds(store, session, *before, said("after"))


async def names_that_look_alike_are_different_sessions(store: Store) -> None:
    """Case, spaces, accents and signs tell sessions apart."""
    for name in _ALIKE:
        await store.append(name, 0, [said(f"I am {name}")])
    for name in _ALIKE:
        await holds(store, name, said(f"I am {name}"))


async def a_name_that_no_session_can_have_is_refused(store: Store) -> None:
    """Empty and too long names, and those with control characters, are ConfigurationErrors."""
    await store.append("s", 0, [said("one")])
    for name in NO_NAMES:
        why = f"no session is named {name[:20]!r}"
        await raises(ConfigurationError, "append", store.append(name, 0, [said("one")]), why)
        await raises(ConfigurationError, "fork", store.fork("s", 1, name), why)
        await raises(ConfigurationError, "hold", _held(store, name), why)
    longest = "n" * 200
    await store.append(longest, 0, [said("one")])
    await holds(store, longest, said("one"))


async def a_record_of_a_newer_version_is_refused(store: Store) -> None:
    """Loading it, and the ledger, are StoreErrors that name its version, with what is before it."""
    newer = OfTomorrow(answered("two").response)
    await store.append("s", 0, [said("one"), newer, said("three")])
    await store.append("other", 0, [answered("here")])
    version = f"version {VERSION + 1}"
    error = await raises(StoreError, "load", store.load("s"), f"record 1 is of {version}")
    expect(version in str(error), f"the error of load does not name the version: {error}")
    same(list(error.records), [said("one")], "the records of the error")
    error = await raises(StoreError, "spent", store.spent(), f"an answer is of {version}")
    expect(version in str(error), f"the error of spent does not name the version: {error}")
    await holds(store, "other", answered("here"))


async def a_closed_store_opens_again(store: Store) -> None:
    """After close, which may be called twice, the next use finds what was kept."""
    await store.append("s", 0, [said("one"), answered("two")])
    await store.close()
    await store.close()
    await holds(store, "s", said("one"), answered("two"))
    await store.append("s", 2, [said("three")])
    await holds(store, "s", said("one"), answered("two"), said("three"))


async def _written(store: Store, session: str) -> None:
    await store.append(session, 0, [said("one"), said("two")])


async def _settled(store: Store, session: str) -> int:
    """How many records there are once what was under way has ended: all or none."""
    try:
        await store.append(session, 0, [])
    except Conflict:
        return 2
    return 0


async def _held(store: Store, session: str) -> None:
    async with store.hold(session):
        pass
