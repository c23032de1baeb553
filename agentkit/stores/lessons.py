"""What a store remembers of servers, so that a process need not be refused what another was.

A convenience: where the store fails at it, the run goes on and the program's log says so. Knows
models by their endpoints, and nothing of how a run goes on.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

from agentkit.responses.dialect import Dialect
from agentkit.responses.endpoint import Endpoint
from agentkit.responses.known import Known, known_of, lessons_between, taught
from agentkit.responses.response import Model
from agentkit.secrets import Secrets
from agentkit.stores.protocol import Logs, Remembers, memory_of

FRESH = timedelta(days=7)
"""How long a lesson is taken from a store: after that the server is tried anew, since it may have
been upgraded."""

logger = logging.getLogger("agentkit")


@dataclass(frozen=True)
class _Subject:
    """A model at a server, of which something may be learnt."""

    name: str
    """What the store calls it: how, where and for which model it is asked."""
    configured: Dialect
    known: Known


@asynccontextmanager
async def lessons_kept(
    store: Logs, models: Iterable[Model], secrets: Secrets | None = None
) -> AsyncIterator[None]:
    """Know what the store knows of the models' servers, and have it know what they teach.

    It is asked once in a process for each model, and told when the block is left, however it is.
    Of a server whose address holds a secret, nothing is remembered.
    """
    memory = memory_of(store)
    if memory is None:
        yield
        return
    subjects = _subjects(models, secrets)
    for each in subjects:
        await _tried(_take_in(memory, each), secrets)
    began = [(each, each.known.dialect) for each in subjects]
    try:
        yield
    finally:
        for each, before in began:
            if each.known.dialect != before:
                await _tried(_keep(memory, each, before), secrets)


def _subjects(models: Iterable[Model], secrets: Secrets | None) -> list[_Subject]:
    subjects = []
    for model in models:
        endpoint, name = getattr(model, "endpoint", None), getattr(model, "name", None)
        if isinstance(endpoint, Endpoint) and isinstance(name, str):
            dialect = endpoint.dialect
            called = f"lessons {dialect.wire} {endpoint.shown} {name}"
            if secrets is None or secrets.hide(called) == called:
                subjects.append(_Subject(called, dialect, known_of(endpoint, name)))
    return subjects


async def _take_in(memory: Remembers, subject: _Subject) -> None:
    """Have the process know what the store has remembered, once."""
    known = subject.known
    if known.sources.get(id(memory)) is memory:
        return
    lessons = await memory.recall(subject.name, within=FRESH)
    if lessons:
        known.dialect = taught(known.dialect, lessons)
    # one that nothing can refer to weakly is asked each time
    with suppress(TypeError):
        known.sources[id(memory)] = memory


async def _keep(memory: Remembers, subject: _Subject, before: Dialect) -> None:
    """Have the store remember what was learnt, beside what it has and others learnt meanwhile.

    What the process has known for longer is not told again: it may be out of date.
    """
    there = await memory.recall(subject.name, within=FRESH) or {}
    old = taught(subject.configured, there)
    new = taught(old, lessons_between(before, subject.known.dialect))
    if new != old:
        await memory.remember(subject.name, {**there, **lessons_between(subject.configured, new)})


async def _tried(work: Awaitable[None], secrets: Secrets | None) -> None:
    try:
        await work
    except Exception as error:  # noqa: BLE001 - a store may be the caller's own
        told = f"What servers refuse is not remembered: {type(error).__name__}: {error}"
        logger.warning("%s", told if secrets is None else secrets.hide(told))
