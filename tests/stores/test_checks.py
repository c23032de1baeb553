"""The checks for stores hold against a good store, and each of them notices a bad one."""

from __future__ import annotations

from itertools import chain

import pytest
from broken_stores import FAULTS
from memory_store import MemoryStore

from agentkit.testing.stores import CHECKS, SHARED_CHECKS, said
from agentkit.testing.stores.said import judged


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_a_good_store_passes(check):
    await check(MemoryStore())


@pytest.mark.parametrize("check", SHARED_CHECKS, ids=lambda check: check.__name__)
async def test_a_good_store_that_is_opened_twice_passes(check):
    store = MemoryStore()
    await check(store, store)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
async def test_a_store_with_a_fault_is_found_out(fault, monkeypatch):
    monkeypatch.setattr(said, "FAIL_AFTER", 0.1)
    for check in FAULTS[fault]:
        with pytest.raises(AssertionError, match=" But: .+"):
            await judged(check)(fault())


@pytest.mark.parametrize("check", SHARED_CHECKS, ids=lambda check: check.__name__)
async def test_two_stores_that_share_nothing_are_found_out(check, monkeypatch):
    monkeypatch.setattr(said, "FAIL_AFTER", 0.1)
    with pytest.raises(AssertionError, match=" But: .+"):
        await check(MemoryStore(), MemoryStore())


def test_every_check_notices_something():
    assert set(chain(*FAULTS.values())) == {check.__wrapped__ for check in CHECKS}


@pytest.mark.parametrize("check", CHECKS + SHARED_CHECKS, ids=lambda check: check.__name__)
def test_a_check_says_in_a_sentence_what_a_store_must_do(check):
    assert check.__doc__.endswith(".")
    assert "\n" not in check.__doc__
