"""A fork begins with what its parent had, and keeps it whatever happens to the parent."""

from __future__ import annotations

from agentkit.errors import ConfigurationError, Conflict
from agentkit.stores.protocol import Kept, Store
from agentkit.testing.stores.said import (
    answered,
    conversation,
    expect,
    holds,
    one_of_each,
    outcomes,
    raises,
    said,
    same,
)

ONE, TWO, THREE, FOUR = conversation("one", "two", "three", "four")


async def a_fork_begins_with_its_parents_records(store: Store) -> None:
    """A fork has the first records of its parent with their times, and names it."""
    await store.append("p", 0, [ONE, TWO, THREE])
    await store.fork("p", 2, "f", [FOUR])
    await holds(store, "f", ONE, TWO, FOUR)
    parent, fork = await store.load("p"), await store.load("f")
    same((parent.parent, fork.parent), (None, "p"), "the parents")
    same(fork.at[:2], parent.at[:2], "the times of the shared records")


async def a_fork_and_its_parent_go_on_apart(store: Store) -> None:
    """What is appended to one is not in the other, and each counts its own records."""
    await store.append("p", 0, [ONE, TWO])
    await store.fork("p", 1, "f")
    await store.append("f", 1, [THREE])
    await store.append("p", 2, [FOUR])
    await holds(store, "p", ONE, TWO, FOUR)
    await holds(store, "f", ONE, THREE)
    await raises(Conflict, "append", store.append("f", 1, [FOUR]), "the fork has 2 records")


async def a_fork_may_begin_anywhere(store: Store) -> None:
    """A fork shares none, some or all of its parent's records."""
    await store.append("p", 0, [ONE, TWO])
    for at in range(3):
        await store.fork("p", at, f"f{at}")
        await holds(store, f"f{at}", *[ONE, TWO][:at])
        await store.append(f"f{at}", at, [THREE])
        await holds(store, f"f{at}", *[ONE, TWO][:at], THREE)


async def a_fork_of_a_fork_may_begin_before_it(store: Store) -> None:
    """A fork of a fork shares its records, the grandparent's, or only some of the latter."""
    await store.append("p", 0, [ONE, TWO, THREE])
    await store.fork("p", 2, "f", [FOUR, ONE])
    await store.fork("f", 3, "later", [TWO])
    await store.fork("f", 1, "before", [THREE])
    await store.fork("later", 1, "last", [FOUR])
    await holds(store, "later", ONE, TWO, FOUR, TWO)
    await holds(store, "before", ONE, THREE)
    await holds(store, "last", ONE, FOUR)


async def a_fork_is_made_once(store: Store) -> None:
    """A name that is taken is a Conflict, also of forks at once, and changes nothing."""
    await store.append("p", 0, [ONE, TWO])
    await store.append("taken", 0, [THREE])
    await raises(Conflict, "fork", store.fork("p", 1, "taken"), "there is such a session already")
    await raises(Conflict, "fork", store.fork("p", 1, "p"), "a session is no fork of itself")
    ended = await outcomes(*(store.fork("p", 1, "f", [said(f"{n}")]) for n in range(5)))
    kinds = sorted("made" if end is None else type(end).__name__ for end in ended)
    same(kinds, ["Conflict"] * 4 + ["made"], "how five forks of one name ended")
    await holds(store, "taken", THREE)
    await holds(store, "p", ONE, TWO)


async def a_fork_of_what_is_not_there_is_refused(store: Store) -> None:
    """A session that is not there, or has fewer records, is the caller's mistake."""
    await store.append("p", 0, [ONE])
    await raises(
        ConfigurationError, "fork", store.fork("nobody", 0, "f"), "there is no such session"
    )
    for at in (2, -1):
        await raises(
            ConfigurationError, "fork", store.fork("p", at, "f"), f"it has 1 record, not {at}"
        )
    same(await store.load("f"), Kept(), "the fork that could not be made")


async def a_deleted_session_is_gone(store: Store) -> None:
    """Deleting says whether it was there, and leaves nothing to load, list, find or pay."""
    await store.append("s", 0, [said("a secret"), answered("another secret")])
    await store.append("other", 0, [said("here")])
    same(await store.delete("s"), True, "whether it was there")
    same(await store.delete("s"), False, "whether it was there the second time")
    same(await store.load("s"), Kept(), "a deleted session")
    same([each.session for each in await store.list()], ["other"], "the list")
    same(list(await store.search("secret")), [], "what is found of it")
    same(list(await store.spent()), [], "what was spent in it")


async def a_deleted_name_is_free_again(store: Store) -> None:
    """A session of the same name begins anew."""
    await store.append("s", 0, [ONE, TWO])
    await store.delete("s")
    await raises(Conflict, "append", store.append("s", 2, [THREE]), "it has no records any more")
    await store.append("s", 0, [FOUR])
    await holds(store, "s", FOUR)


async def the_forks_of_a_deleted_session_keep_what_they_shared(store: Store) -> None:
    """Children and grandchildren are the same after their parent is gone, and go on."""
    await store.append("p", 0, [ONE, TWO, THREE])
    await store.fork("p", 2, "f", [FOUR])
    await store.fork("p", 3, "g")
    await store.fork("p", 0, "empty", [TWO])
    await store.fork("f", 3, "of f", [ONE])
    await store.fork("f", 1, "before f", [TWO])
    expect(await store.delete("p"), "the parent was not there")
    for session, records in {
        "f": [ONE, TWO, FOUR],
        "g": [ONE, TWO, THREE],
        "empty": [TWO],
        "of f": [ONE, TWO, FOUR, ONE],
        "before f": [ONE, TWO],
    }.items():
        await holds(store, session, *records)
        expect((await store.load(session)).parent != "p", f"{session!r} names a deleted parent")
        await store.append(session, len(records), [THREE])
        await holds(store, session, *records, THREE)
    same(await store.load("p"), Kept(), "the deleted parent")


async def a_deleted_fork_in_the_middle_breaks_no_chain(store: Store) -> None:
    """What was forked from it keeps its records and those of the grandparent."""
    await store.append("p", 0, [ONE, TWO])
    await store.fork("p", 2, "f", [THREE, FOUR])
    await store.fork("f", 3, "of f", one_of_each("deep"))
    await store.fork("f", 1, "before f", [FOUR])
    await store.delete("f")
    await holds(store, "of f", ONE, TWO, THREE, *one_of_each("deep"))
    await holds(store, "before f", ONE, FOUR)
    await store.delete("p")
    await holds(store, "of f", ONE, TWO, THREE, *one_of_each("deep"))
    await holds(store, "before f", ONE, FOUR)
    same({each.session for each in await store.list()}, {"of f", "before f"}, "what is left")


async def the_text_of_a_deleted_session_stays_only_where_a_fork_has_it(store: Store) -> None:
    """Of a deleted parent, a search finds what a fork kept, once, and nothing else."""
    await store.append("p", 0, [said("shared words"), said("parting words")])
    await store.fork("p", 1, "f")
    await store.fork("p", 1, "g")
    await store.delete("p")
    same(list(await store.search("parting")), [], "what no fork shared")
    found = await store.search("shared")
    same(len(found), 1, "how often the shared text is found")
    expect(found[0].session in ("f", "g"), f"it is found in {found[0].session!r}")


async def an_answer_of_a_deleted_session_is_paid_once(store: Store) -> None:
    """An answer that two forks kept of a deleted parent was paid for once."""
    await store.append("p", 0, [ONE, answered("shared", cost=0.5), answered("lost", cost=2.0)])
    await store.fork("p", 2, "f", [answered("own", cost=0.25)])
    await store.fork("p", 2, "g")
    await store.delete("p")
    same(sorted(each.cost or 0 for each in await store.spent()), [0.25, 0.5], "what was spent")
