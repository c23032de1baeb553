"""The SQLite store passes every check that a store must pass."""

from __future__ import annotations

import pytest

from agentkit.stores.sqlite import SQLiteStore
from agentkit.testing.stores import CHECKS, SHARED_CHECKS


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_a_store_in_a_file(check, tmp_path):
    store = SQLiteStore(tmp_path / "log.db")
    await check(store)
    await store.close()


@pytest.mark.parametrize("check", SHARED_CHECKS, ids=lambda check: check.__name__)
async def test_two_stores_of_one_file(check, tmp_path):
    one, other = SQLiteStore(tmp_path / "log.db"), SQLiteStore(tmp_path / "log.db")
    await check(one, other)
    await one.close()
    await other.close()
