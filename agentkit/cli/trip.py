"""One trip of an agent in a session, at whose calls that wait a person is asked on the way."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial

from agentkit.agent import Agent
from agentkit.cli.asking import Asked
from agentkit.cli.telling import Ending, Teller, heard
from agentkit.cli.terminal import Terminal
from agentkit.events import Listener
from agentkit.input import UserInput
from agentkit.result import RunResult
from agentkit.sessions import Session, WhenBusy
from agentkit.stores.protocol import Store


@dataclass(frozen=True)
class Trips:
    """Trips of one agent: where they are kept, and who is asked."""

    agent: Agent
    store: Store | None
    runner: asyncio.Runner
    terminal: Terminal | None = None
    """None where nobody can be asked."""
    when_busy: WhenBusy = "conflict"

    def say(self, said: UserInput, session: Session, teller: Teller) -> Ending:
        """The ending of a run with this input."""
        return self._asked(partial(self.agent.run, said, session=session), teller)

    def resume(self, session: Session, teller: Teller) -> Ending:
        """The ending of a run that goes on where it stands."""
        return self._asked(partial(self.agent.resume, session), teller)

    def _asked(self, start: Callable[..., Awaitable[RunResult]], teller: Teller) -> Ending:
        ending = self._heard(start, teller)
        if self.terminal is None:
            return ending
        asked = Asked(self.terminal, self.agent.tools)
        while ending.result.status == "waiting":
            teller.still()
            decisions = asked.decisions(ending.result)
            if not decisions:
                break
            ending = self._heard(partial(self.agent.resume, ending.result, decisions), teller)
        return ending

    def _heard(self, start: Callable[..., Awaitable[RunResult]], teller: Teller) -> Ending:
        def begin(listener: Listener) -> Awaitable[RunResult]:
            return start(on_event=listener, store=self.store, when_busy=self.when_busy)

        with redirect_stdout(sys.stderr):  # stdout is the answer, whatever a tool prints
            return self.runner.run(heard(begin, teller))
