"""Logs in a real PostgreSQL server, over connections that break and processes that die."""

from __future__ import annotations

import subprocess
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from agentkit.errors import ConfigurationError, Conflict, StoreError
from agentkit.stores.moments import now_utc
from agentkit.stores.postgres import PostgresStore
from agentkit.stores.postgres_place import Place
from agentkit.stores.postgres_schema import MIGRATIONS, migrate
from agentkit.stores.postgres_writing import Commit, append
from agentkit.stores.rows import rows_of
from agentkit.testing.stores import CHECKS, SHARED_CHECKS
from agentkit.testing.stores.said import answered, holds, said
from tests.stores.postgres_relay import relayed
from tests.stores.postgres_server import PASSWORD

Error = pytest.importorskip("psycopg").Error
ROOT = Path(__file__).parents[2]
NOW = len(MIGRATIONS)


@asynccontextmanager
async def opened(url, **options):
    store = PostgresStore(url, **options)
    try:
        yield store
    finally:
        await store.close()


@contextmanager
def another_process(url):
    command = [sys.executable, "-m", "tests.stores.postgres_process", url]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, cwd=ROOT, **pipes) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def told(process, doing):
    process.stdin.write(f"{doing}\n")
    process.stdin.flush()


def said_by(process):
    return process.stdout.readline().strip()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_it_does_what_any_store_must(check, url):
    async with opened(url) as store:
        await check(store)


@pytest.mark.parametrize("check", SHARED_CHECKS, ids=lambda check: check.__name__)
async def test_two_of_them_share_one_place(check, url):
    async with opened(url) as one, opened(url) as other:
        await check(one, other)


@pytest.mark.parametrize("fault", ["cut before", "cut after"])
async def test_a_connection_that_breaks_at_a_commit_neither_loses_nor_doubles_it(
    fault, url, postgres
):
    async with opened(url) as store:
        await store.append("s", 0, [said("one")])
        async with relayed(postgres.place, fault) as address:
            async with opened(postgres.at(url, address)) as breaking:
                await breaking.append("s", 1, [said("two"), said("three")])
                await breaking.append("s", 3, [said("four")])
        await holds(store, "s", *map(said, ("one", "two", "three", "four")))


@pytest.mark.parametrize("fault", ["cut before", "cut after"])
async def test_a_fork_is_made_once_whatever_breaks(fault, url, postgres):
    async with opened(url) as store:
        await store.append("p", 0, [said("one"), said("two")])
        async with relayed(postgres.place, fault, fault) as address:
            async with opened(postgres.at(url, address)) as breaking:
                await breaking.fork("p", 1, "bare")
                await breaking.fork("p", 2, "f", [said("three")])
        await holds(store, "bare", said("one"))
        await holds(store, "f", said("one"), said("two"), said("three"))


async def test_a_deletion_whose_answer_was_lost_says_that_the_session_was_there(url, postgres):
    async with opened(url) as store:
        await store.append("s", 0, [said("one")])
        async with relayed(postgres.place, "cut after") as address:
            async with opened(postgres.at(url, address)) as breaking:
                assert await breaking.delete("s")
        await holds(store, "s")


async def test_a_connection_that_breaks_three_times_is_given_up(url, postgres):
    async with opened(url) as store:
        await store.append("s", 0, [said("one")])
        async with relayed(postgres.place, *["cut before"] * 3) as address:
            async with opened(postgres.at(url, address)) as breaking:
                with pytest.raises(StoreError, match="Is the server running"):
                    await breaking.append("s", 1, [said("two")])
        await holds(store, "s", said("one"))


async def test_a_server_that_falls_silent_is_given_up(url, postgres):
    async with opened(url) as store:
        await store.append("s", 0, [said("one")])
        async with relayed(postgres.place, "silent after") as address:
            options = {"timeout": 0.1, "connect_timeout": 0.1}
            async with opened(postgres.at(url, address), **options) as waiting:
                with pytest.raises(StoreError, match="Is the server running"):
                    await waiting.append("s", 1, [said("two")])
        await holds(store, "s", said("one"), said("two"))


async def test_a_statement_that_takes_too_long_is_given_up(url, postgres):
    async with opened(url) as store, opened(url, timeout=0.05) as hurried:
        await store.append("s", 0, [said("one")])
        with postgres.connected(url) as line, line.transaction():
            line.execute("LOCK TABLE agentkit_sessions")
            with pytest.raises(StoreError, match="longer `timeout`"):
                await hurried.append("s", 1, [said("two")])
        await hurried.append("s", 1, [said("two")])
        await holds(store, "s", said("one"), said("two"))


async def test_the_same_store_goes_on_when_its_server_is_there_again(url, postgres):
    async with opened(url) as store:
        await store.append("s", 0, [said("one")])
        postgres.stop()
        try:
            with pytest.raises(StoreError, match="Is the server running"):
                await store.append("s", 1, [said("lost")])
        finally:
            postgres.start()
        await store.append("s", 1, [said("two")])
        await holds(store, "s", said("one"), said("two"))


async def test_a_hold_that_was_lost_to_another_is_found_out_by_the_next_append(url, postgres):
    async with opened(url) as one, opened(url) as other:
        await one.append("s", 0, [said("one")])
        async with one.hold("s"):
            postgres.break_holds()
            await one.append("s", 1, [said("nobody has taken it")])
            async with other.hold("s"):
                with pytest.raises(Conflict, match="run by another"):
                    await one.append("s", 2, [said("never")])
                await other.append("s", 2, [said("mine")])
            with pytest.raises(Conflict, match="run by another"):
                await one.append("s", 3, [], None)
        async with one.hold("s"):
            await one.append("s", 3, [said("mine again")])


async def test_of_two_processes_on_one_session_one_gets_a_conflict(url):
    async with opened(url) as store:
        with another_process(url) as one, another_process(url) as other:
            for process in (one, other):
                told(process, "append s")
            assert sorted([said_by(one), said_by(other)]) == ["Conflict", "done"]
        await holds(store, "s", said("one"), said("two"))


async def test_a_process_that_is_killed_holds_nothing(url):
    async with opened(url) as store:
        with another_process(url) as process:
            told(process, "hold s")
            assert said_by(process) == "done"
            with pytest.raises(Conflict, match="'s' is being run by another process") as raised:
                async with store.hold("s"):
                    pass
            assert 'when_busy="wait" in Python, --wait on the command line' in str(raised.value)
            process.kill()
            async with store.hold("s", wait=True):
                await store.append("s", 0, [said("mine")])


async def test_many_processes_may_be_the_first(url):
    async with opened(url) as store:
        with ExitStack() as stack:
            processes = [stack.enter_context(another_process(url)) for _ in range(3)]
            for number, process in enumerate(processes):
                told(process, f"append s{number}")
            assert [said_by(process) for process in processes] == ["done"] * 3
        assert len(await store.list()) == 3


def test_the_server_asks_for_a_machine_that_is_silent_long_before_two_hours(url):
    named = (
        "SELECT count(*) FROM pg_settings WHERE name LIKE 'tcp_keepalives_%' AND source = 'session'"
    )
    with Place(url, connect_timeout=10, timeout=30).connect() as line:
        # over its own socket, which knows no keepalives, the server shows no numbers
        assert line.execute(named).fetchone() == (3,)


async def test_tables_of_an_older_version_become_the_next_with_what_is_in_them(url, postgres):
    async with opened(url) as store:
        await store.append("s", 0, [said("one"), answered("two")])
        with ThreadPoolExecutor(3) as threads:
            upgrades = [threads.submit(upgraded, postgres, url) for _ in range(3)]
        assert [upgrade.result() for upgrade in upgrades] == [[(NOW + 1, "none")]] * 3
        await holds(store, "s", said("one"), answered("two"))
    async with opened(url) as older:
        words = f"are of version {NOW + 1}; this agentkit knows version {NOW}"
        with pytest.raises(StoreError, match=words):
            await older.load("s")


async def test_tables_that_had_no_facts_yet_are_read_and_take_them(url, postgres):
    with postgres.connected(url) as line:
        migrate(line, MIGRATIONS[:1])
        append(line, Commit("s", 0, rows_of("s", [said("one")]), now_utc()))
    async with opened(url) as store:
        assert await store.recall("name") is None
        await store.remember("name", {"one": 1})
        assert await store.recall("name") == {"one": 1}
        await holds(store, "s", said("one"))


async def test_a_fact_that_is_damaged_is_a_store_error(url, postgres):
    async with opened(url) as store:
        await store.remember("name", {"one": 1})
        with postgres.connected(url) as line:
            line.execute("UPDATE agentkit_facts SET value = '{'")
        with pytest.raises(StoreError, match="The fact 'name' cannot be read. It is no JSON"):
            await store.recall("name")


async def test_tables_that_had_no_cache_yet_are_read_and_take_answers(url, postgres):
    with postgres.connected(url) as line:
        migrate(line, MIGRATIONS[:2])
        append(line, Commit("s", 0, rows_of("s", [said("one")]), now_utc()))
    async with opened(url) as store:
        assert await store.cached("key") is None
        await store.cache("key", {"one": 1}, model="m")
        assert await store.cached("key") == {"one": 1}
        await holds(store, "s", said("one"))


async def test_an_answer_that_is_damaged_is_a_store_error(url, postgres):
    async with opened(url) as store:
        await store.cache("key", {"one": 1}, model="m")
        with postgres.connected(url) as line:
            line.execute("UPDATE agentkit_answers SET value = '{'")
        with pytest.raises(StoreError, match="The answer 'key' cannot be read. It is no JSON"):
            await store.cached("key")


def upgraded(postgres, url):
    """What a connection sees that brings the tables to a next version, with the others."""
    next_ = (*MIGRATIONS, "ALTER TABLE agentkit_sessions ADD COLUMN owner text DEFAULT 'none'")
    with postgres.connected(url) as line:
        migrate(line, next_)
        seen = "SELECT max(version), max(owner) FROM agentkit_meta, agentkit_sessions"
        return line.execute(seen).fetchall()


async def test_an_upgrade_that_fails_leaves_the_tables_as_they_were(url, postgres):
    async with opened(url) as store:
        await store.append("s", 0, [said("one")])
        with postgres.connected(url) as line, pytest.raises(Error, match="nowhere"):
            migrate(line, (*MIGRATIONS, "DROP TABLE agentkit_records", "DROP TABLE nowhere"))
        async with opened(url) as again:
            await holds(again, "s", said("one"))


async def test_tables_of_a_newer_version_are_refused_by_name(url, postgres):
    async with opened(url) as store:
        await store.append("s", 0, [said("one")])
        with postgres.connected(url) as line:
            line.execute("INSERT INTO agentkit_meta VALUES (99)")
        async with opened(url) as older:
            with pytest.raises(StoreError, match="are of version 99; this agentkit knows"):
                await older.load("s")


async def test_what_comes_before_an_unreadable_record_is_given(url, postgres):
    async with opened(url) as store:
        await store.append("s", 0, [said("one"), said("two"), said("three")])
        with postgres.connected(url) as line:
            line.execute("UPDATE agentkit_records SET body = '{' WHERE seq = 1")
        with pytest.raises(StoreError, match="from record 1 on. It is no JSON") as raised:
            await store.load("s")
        assert raised.value.records == [said("one")]
        with postgres.connected(url) as line:
            line.execute("DELETE FROM agentkit_records WHERE seq = 1")
        with pytest.raises(StoreError, match="from record 1 on. The next one there is 2"):
            await store.load("s")


async def test_a_search_knows_words_in_paths_and_without_their_accents(url):
    async with opened(url) as store:
        await store.append("s", 0, [said("ÜBERSCHRIFT in /usr/Local/bin/café.txt"), answered("no")])
        for text in ("überschrift", "ubersch", "local", "CAFE", "usr local bin"):
            assert [each.seq for each in await store.search(text)] == [0], text
        assert not await store.search(" ".join(f"word{number}" for number in range(9_000)))


async def test_no_error_and_no_repr_shows_the_password(url, postgres):
    place = postgres.at(url, "").replace("agentkit@", "guarded:{}@")
    async with opened(place.format(quote(PASSWORD, safe=""))) as store:
        with pytest.raises(StoreError, match="let its user work in one") as no_right:
            await store.append("s", 0, [said("one")])
    wrong = PASSWORD + "x"
    async with opened(place.format(quote(wrong, safe=""))) as other:
        with pytest.raises(StoreError, match="password of the URL right") as no_entry:
            await other.append("s", 0, [said("one")])
    shown = [repr(store), *map(in_full, (no_right, no_entry))]
    assert not [text for text in shown if PASSWORD in text or quote(PASSWORD, safe="") in text]
    assert "/logs" in repr(store)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:se@cret@host/logs",
        "postgresql://me:se%cret@host/logs",
        "postgresql://me:se/cret@host:1/logs",
        "host=h secret",
    ],
)
def test_a_url_that_cannot_be_read_is_refused_without_being_shown(url):
    with pytest.raises(ConfigurationError, match="percent-encoded") as raised:
        PostgresStore(url)
    assert "cret" not in in_full(raised)


@pytest.mark.parametrize("option", ["connections", "timeout", "connect_timeout"])
def test_a_store_without_time_or_connections_is_refused(option):
    with pytest.raises(ConfigurationError, match=option):
        PostgresStore("postgresql://localhost/logs", **{option: 0})


def test_a_missing_library_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'agentkit\[postgres\]'"):
        PostgresStore("postgresql://localhost/logs")


def in_full(raised):
    """All that a program's log may show of an error, but for the lines of code."""
    lines = traceback.TracebackException.from_exception(raised.value, lookup_lines=False)
    return "".join(lines.format())
