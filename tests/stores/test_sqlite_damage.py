"""Of a damaged file one is told what is wrong, and gets what can still be read."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agentkit.errors import Conflict, StoreError
from agentkit.stores.sqlite import SQLiteStore
from agentkit.testing.stores.said import answered, gave, holds, said

PAGE = 4096
RECORDS = [gave(f"output {seq} " + f"word{seq} " * 150, f"call_{seq}") for seq in range(40)]


async def written(path: Path) -> bytes:
    """The bytes of a log of two sessions."""
    store = SQLiteStore(path)
    for seq, record in enumerate(RECORDS):
        await store.append("alice", seq, [record])
    await store.append("bob", 0, [answered("x")])
    await store.remember("fact", {"one": 1})
    await store.cache("key", {"one": 1}, model="m")
    await store.close()
    return path.read_bytes()  # noqa: ASYNC240 - nothing else runs


def replaced(path: Path, content: bytes) -> None:
    for left in path.parent.glob("log.db-[ws]*"):
        left.unlink()
    path.write_bytes(content)


async def attempted(path: Path) -> list[StoreError]:
    """The errors of everything a store does, which must be StoreErrors that name the file."""
    store, errors = SQLiteStore(path), []
    for doing in (
        store.load("alice"),
        store.list(limit=None),
        store.search("word7"),
        store.spent(),
        store.append("alice", len(RECORDS), [said("more")]),
        store.fork("alice", 2, "f"),
        store.delete("alice"),
        store.recall("fact"),
        store.remember("fact", {"two": 2}),
        store.cached("key"),
        store.cache("key", {"two": 2}, model="m"),
        store.cached_answers(),
        store.prune_cache(),
    ):
        try:
            await doing
        except Conflict:
            pass
        except StoreError as error:
            assert str(path) in str(error)
            assert list(error.records) == RECORDS[: len(error.records)]
            errors.append(error)
    await store.close()
    return errors


async def test_wherever_a_file_is_overwritten_only_store_errors_leave(tmp_path):
    path = tmp_path / "log.db"
    whole = await written(path)
    readable = []
    for start in range(0, len(whole), PAGE):
        replaced(path, whole[:start] + b"\xa5" * PAGE + whole[start + PAGE :])
        errors = await attempted(path)
        assert errors, f"nobody noticed that page {start // PAGE} is gone"
        readable += [len(error.records) for error in errors if "cannot be read from" in str(error)]
    # the index that leads to the records may be gone, and all of them still be there
    assert {0, len(RECORDS)} < set(readable)
    assert len(set(readable)) > 5


@pytest.mark.parametrize("pages", [0.5, 1, 2, 5, 20])
async def test_a_file_that_was_cut_off_only_gives_store_errors(tmp_path, pages):
    path = tmp_path / "log.db"
    replaced(path, (await written(path))[: int(pages * PAGE)])
    assert await attempted(path)


async def test_a_damaged_file_says_so_with_the_session_and_what_can_be_read(tmp_path):
    path = tmp_path / "log.db"
    whole = await written(path)
    start = whole.index(b'"output":"output 20 ') // PAGE * PAGE
    replaced(path, whole[:start] + b"\xa5" * PAGE + whole[start + PAGE :])
    with pytest.raises(
        StoreError, match=r"Session 'alice' in .*log\.db cannot be read from"
    ) as raised:
        await SQLiteStore(path).load("alice")
    assert "log.db is damaged (database disk image is malformed)" in str(raised.value)
    assert 0 < len(raised.value.records) <= 20
    assert raised.value.records == RECORDS[: len(raised.value.records)]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ('{"kind": "answer"', "It is no JSON: "),
        ("[1]", "It is no JSON object"),
        (
            '{"kind": "answer", "version": 99}',
            "holds a record 'answer' of version 99; this agentkit",
        ),
        ('{"kind": "dream"}', "a record of unknown kind 'dream'"),
        ('{"kind": "output", "item": 3}', "output record cannot be read"),
        (b'{"kind": "\xff\xfe"}', "It is no JSON"),
    ],
)
async def test_a_record_that_cannot_be_read_is_named_and_those_before_it_given(tmp_path, body, why):
    path = tmp_path / "log.db"
    await written(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "UPDATE records SET body = ? WHERE session = 'alice' AND seq = 3", (body,)
        )
    with pytest.raises(
        StoreError, match=r"'alice' in .*log\.db cannot be read from record 3 on"
    ) as raised:
        await SQLiteStore(path).load("alice")
    assert why in str(raised.value)
    assert raised.value.records == RECORDS[:3]
    await holds(SQLiteStore(path), "bob", answered("x"))


async def test_a_record_that_is_missing_is_named(tmp_path):
    path = tmp_path / "log.db"
    await written(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM records WHERE session = 'alice' AND seq = 3")
    with pytest.raises(StoreError, match="from record 3 on. The next one there is 4") as raised:
        await SQLiteStore(path).load("alice")
    assert raised.value.records == RECORDS[:3]


@pytest.mark.parametrize("body", ["{", "[]", '{"usage": {"tokens": 3}}', '{"usage": 3}'])
async def test_an_answer_that_the_ledger_cannot_read_is_named(tmp_path, body):
    path = tmp_path / "log.db"
    await written(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE records SET body = ? WHERE session = 'bob'", (body,))
    with pytest.raises(StoreError, match=r"Record 0 of session 'bob' in .*log\.db cannot be read"):
        await SQLiteStore(path).spent()


async def test_a_fact_that_cannot_be_read_is_named(tmp_path):
    await written(tmp_path / "log.db")
    with closing(sqlite3.connect(tmp_path / "log.db")) as connection, connection:
        connection.execute("UPDATE facts SET value = '[1]'")
    store = SQLiteStore(tmp_path / "log.db")
    with pytest.raises(StoreError, match=r"'fact' in .*log.db cannot be read. It is no JSON obj"):
        await store.recall("fact")
    await store.close()


async def test_an_answer_in_the_cache_that_cannot_be_read_is_named(tmp_path):
    await written(tmp_path / "log.db")
    with closing(sqlite3.connect(tmp_path / "log.db")) as connection, connection:
        connection.execute("UPDATE answers SET value = '[1]'")
    store = SQLiteStore(tmp_path / "log.db")
    with pytest.raises(StoreError, match=r"answer 'key' in .*log.db cannot be read. It is no JSON"):
        await store.cached("key")
    await store.close()
