"""Where a command begins: a log's place, a session in it, and what the session holds so far."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from agentkit.agent import Agent
from agentkit.cli.again import Again, again
from agentkit.cli.kept import nothing_yet, session_named, store_to_look_at
from agentkit.cli.listed import listed
from agentkit.cli.options import not_empty
from agentkit.errors import ConfigurationError
from agentkit.log import Log
from agentkit.records import Setup
from agentkit.sessions import WhenBusy
from agentkit.stores.protocol import Store


@dataclass(frozen=True)
class Beginning:
    """A session to begin or to go on with."""

    store: Store | None
    """None where nothing is kept."""
    session: str | None = None
    """None for a new one."""
    log: Log = field(default_factory=Log)
    """What it holds so far."""

    @property
    def setup(self) -> Setup | None:
        """What it was run with so far."""
        return self.log.setup


def add_session_options(parser: argparse.ArgumentParser) -> None:
    """Add which session to go on with."""
    which = parser.add_argument_group("session").add_mutually_exclusive_group()
    which.add_argument(
        "--session", metavar="ID", type=not_empty, help="go on with this one, or begin it"
    )
    which.add_argument(
        "-c",
        "--continue",
        dest="goes_on",
        action="store_true",
        help="go on with the one that was last used",
    )


def add_wait_option(parser: argparse.ArgumentParser) -> None:
    """Add what to do where the session is busy."""
    parser.add_argument(
        "--wait", action="store_true", help="wait until no other process runs the session"
    )


def when_busy(arguments: argparse.Namespace) -> WhenBusy:
    """What the option says of it."""
    return "wait" if arguments.wait else "conflict"


@contextmanager
def closed_at_the_end(store: Store | None, runner: asyncio.Runner) -> Iterator[None]:
    """Let the store go of its file when the block is left."""
    try:
        yield
    finally:
        if store is not None:
            runner.run(store.close())


async def beginning_of(arguments: argparse.Namespace, store: Store | None) -> Beginning:
    """The session that the options name, or a new one.

    Raises ConfigurationError where there is nothing to go on with.
    """
    session: str | None = arguments.session
    if store is None:
        _check_needs_no_log(arguments)
        return Beginning(None)
    if arguments.goes_on:
        last = (await listed(store, most=1)).runs
        if not last:
            raise ConfigurationError(f"-c: {nothing_yet(arguments)} Leave it out to begin.")
        session = last[0].session
    return await _found(store, session) if session else Beginning(store)


async def kept_session(arguments: argparse.Namespace, store: Store | None) -> Beginning:
    """The session that the command names, or that alone begins so.

    Raises ConfigurationError where there is none, or more than one.
    """
    if store is None:
        said = arguments.session
        raise ConfigurationError(f"There is no session {said!r}. {nothing_yet(arguments)}")
    return await _found(store, await session_named(store, arguments.session))


def store_with_sessions(arguments: argparse.Namespace, agent: Agent | None) -> Store | None:
    """The store that is there already, the agent's own one before others; None without."""
    if agent is not None and agent.store is not None and not arguments.db:
        return agent.store
    return store_to_look_at(arguments)


def commands_for(
    arguments: argparse.Namespace, session: str, store: Store | None, agent: Agent | None
) -> Again | None:
    """The commands that go on with a session; None where it is not kept."""
    if store is None:
        return None
    return again(arguments, session, is_agents_own=agent is not None and store is agent.store)


async def _found(store: Store, session: str) -> Beginning:
    return Beginning(store, session, Log((await store.load(session)).records))


def _check_needs_no_log(arguments: argparse.Namespace) -> None:
    option = "-c" if arguments.goes_on else "--session" if arguments.session else ""
    if option:
        raise ConfigurationError(f"{option} needs the log that --no-log leaves out. Drop one.")
