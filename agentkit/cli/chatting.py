"""A conversation: what is said next, what is taken back, and the session that it goes on in.

Knows nothing of where messages are typed, nor of the words that begin with a slash.
"""

from __future__ import annotations

from collections.abc import Callable

from agentkit.agent import Agent
from agentkit.cli.beginning import Beginning
from agentkit.cli.leaving import live_on
from agentkit.cli.telling import Ending, Teller, tell_what_is_left_out
from agentkit.cli.trip import Trips
from agentkit.errors import ConfigurationError, StoreError
from agentkit.log import Log
from agentkit.moves import Finish, next_move
from agentkit.records import Input, Record, Setup
from agentkit.responses.items import Message
from agentkit.sessions import Session, fork, new_session

NOTHING_SAID = "Nothing has been said yet."

_FINAL = ("completed", "refused")
"""How a run ends that cannot go on."""


class Conversation:
    """An agent and a person in turns."""

    def __init__(
        self,
        trips: Trips,
        beginning: Beginning,
        teller_for: Callable[[Setup | None], Teller],
        *,
        is_named: bool,
    ) -> None:
        self._trips, self._teller_for = trips, teller_for
        self._is_named = is_named
        """Whether the agent is of the person's own choice, with the tools that it has."""
        self.session = beginning.session or new_session()
        """Its name."""
        self.log = beginning.log
        """What has been said and done in it so far."""
        self._at: Session = self.session if trips.store else beginning.log
        """Where the next run goes on."""
        self._unheard: str | None = None
        """What was said last, where nothing of it came to be in the log."""

    @property
    def agent(self) -> Agent:
        """Who answers."""
        return self._trips.agent

    @property
    def is_kept(self) -> bool:
        """Whether the session is in a log."""
        return self._trips.store is not None

    def say(self, said: str) -> Ending:
        """What the agent makes of a message. Raises AgentkitError where nothing was run."""
        self._unheard = said
        ending = self._ended(lambda teller: self._said(said, teller))
        self._unheard = None
        return ending

    def retry(self) -> Ending:
        """The ending of the last run once it has gone on: after an error, a limit, a Ctrl-C.

        Raises ConfigurationError where there is none, AgentkitError where nothing was run.
        """
        if self._unheard is not None:
            return self.say(self._unheard)
        if self._last_input() is None:
            raise ConfigurationError(NOTHING_SAID)
        move = next_move(self.log)
        if isinstance(move, Finish) and move.status in _FINAL:
            raise ConfigurationError("There is nothing to go on with: the last run has ended.")
        return self._ended(lambda teller: self._trips.resume(self._at, teller))

    def undo(self) -> str:
        """The text of the last message, which is taken back with all that followed it.

        A session that is kept stays as it is, and the conversation goes on in a fork.
        Raises ConfigurationError where nothing has been said.
        """
        if self._unheard is not None:
            text, self._unheard = self._unheard, None
            return text
        at = self._last_input()
        if at is None:
            raise ConfigurationError(NOTHING_SAID)
        text = _text_of(self.log.records[at])
        if self.is_kept:
            self._fork(at)
        self.log = Log(self.log.records[:at])
        self._at = self.session if self.is_kept else self.log
        return text

    def fork(self) -> str:
        """The session so far, which stays as it is; the conversation goes on in a fork of it.

        Raises ConfigurationError where there is none, or none is kept.
        """
        if not self.is_kept:
            raise ConfigurationError("There is no session to fork: --no-log keeps none.")
        if self._last_input() is None:
            raise ConfigurationError(NOTHING_SAID)
        before = self.session
        self._fork(len(self.log))
        self._at = self.session
        return before

    def _fork(self, at: int) -> None:
        store = self._trips.store
        if store is not None:
            self.session = self._trips.runner.run(fork(store, self.session, at))

    def _said(self, said: str, teller: Teller) -> Ending:
        tell_what_is_left_out(self.log, self.agent, teller.progress, is_named=self._is_named)
        return self._trips.say(said, self._at, teller)

    def _ended(self, go: Callable[[Teller], Ending]) -> Ending:
        teller = self._teller_for(self.log.setup)
        try:
            ending = go(teller)
        finally:
            live_on()
        teller.answer.end(ending.result, ending.error)
        teller.progress.trace(ending.error)
        self.log = ending.result.log
        # what could not be kept is in the result alone
        is_behind = not self.is_kept or isinstance(ending.error, StoreError)
        self._at = ending.result if is_behind else self.session
        return ending

    def _last_input(self) -> int | None:
        """The place of the last record in which a person said something."""
        places = (
            at
            for at in reversed(range(len(self.log)))
            if isinstance(record := self.log.records[at], Input)
            and record.items
            and not record.is_repair
        )
        return next(places, None)


def _text_of(record: Record) -> str:
    items = record.items if isinstance(record, Input) else ()
    return "\n".join(item.text for item in items if isinstance(item, Message))
