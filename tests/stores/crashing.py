"""A store whose process dies at an append, as far as one process can tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agentkit.records import Record
from agentkit.stores.protocol import Store, Summary


class CrashError(BaseException):
    """The process is gone: nothing may catch it."""


class Crashing:
    """Dies at its `number`-th append: before anything is kept, or when all of it is."""

    def __init__(self, store: Store, number: int | None, *, is_kept: bool) -> None:
        self._store, self._left, self._is_kept = store, number, is_kept
        self._is_dead = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def append(
        self,
        session: str,
        expected_seq: int,
        records: Sequence[Record],
        summary: Summary | None = None,
    ) -> None:
        if self._left is not None:
            self._left -= 1
        dies = self._is_dead or self._left == 0
        if not dies or (self._is_kept and not self._is_dead):
            await self._store.append(session, expected_seq, records, summary)
        if dies:
            self._is_dead = True
            raise CrashError
