"""A run: the values its moves are made with.

Holds no state of its own: what happens goes into the log, what is heard goes to the listener.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from agentkit.cache import AnswerCache
from agentkit.conversation import Conversation
from agentkit.events import Event, Listener
from agentkit.hiding import hidden
from agentkit.journal import Journal
from agentkit.limits import TOOL_TIME, Limits
from agentkit.log import Log
from agentkit.middleware import Middleware
from agentkit.output import OutputFormat
from agentkit.prices import Prices
from agentkit.purse import INSIDE, Purse
from agentkit.reading import is_reader
from agentkit.records import Record, Setup
from agentkit.responses.events import Notice
from agentkit.responses.response import Model
from agentkit.rules import ApprovalRule
from agentkit.secrets import Secrets, told_of
from agentkit.tools import Tool

logger = logging.getLogger("agentkit")


@dataclass(frozen=True)
class Run:
    """One trip in a log, from what the caller said to an end."""

    log: Log
    journal: Journal | None
    """Where the log is kept; None where it is in memory alone."""
    setup: Setup
    """What the requests are made of besides their input."""
    model: Model
    tools: Mapping[str, Tool]
    conversation: Conversation
    limits: Limits
    output: OutputFormat | None
    """None for plain text."""
    approve: ApprovalRule | None
    middleware: tuple[Middleware, ...]
    session: str
    deps: Any
    listener: Listener | None
    clock: Callable[[], float]
    """Seconds since the run began."""
    prices: Prices | None = None
    """The caller's own, which are asked before any list."""
    purse: Purse | None = None
    """What its requests are paid from; None where no budget bounds them."""
    secrets: Secrets | None = None
    """What is hidden in all that the log takes in; None where nothing is."""
    others: tuple[tuple[Model, Setup], ...] = ()
    """The models that go on where this one's server fails, in order."""
    cache: AnswerCache | None = None
    """Where answers are looked up before the model is asked, and kept; None for nowhere."""

    @property
    def asks_people(self) -> bool:
        """Whether any call may need a person's word."""
        return self.approve is not None or any(tool.approval for tool in self.tools.values())

    @property
    def tool_names(self) -> list[str]:
        """The names of the tools that the model may call now."""
        return [
            name
            for name, tool in self.tools.items()
            if self.log.long_outputs or not is_reader(tool)
        ]

    @property
    def may_go_on(self) -> bool:
        """Whether another request may follow the next answer."""
        return bool(self.setup.fields.values.get("tools")) or self.log.answer is not None

    @property
    def time_left(self) -> float | None:
        """Seconds until the run must have ended."""
        return None if self.limits.seconds is None else self.limits.seconds - self.clock()

    @property
    def tool_time_left(self) -> float | None:
        """Seconds until no tool may run any more, so that an answer still fits."""
        seconds = self.limits.seconds
        return None if seconds is None else seconds * TOOL_TIME - self.clock()

    @property
    def is_out_of_tool_time(self) -> bool:
        """Whether no tool may run any more."""
        left = self.tool_time_left
        return left is not None and left <= 0

    def hold(self, *records: Record) -> None:
        """Take records into the log, to be kept together with those that come next."""
        secrets = self.secrets
        self.take(*(records if secrets is None else [hidden(each, secrets) for each in records]))

    def take(self, *records: Record) -> None:
        """`hold`, for records in which secrets have been hidden before."""
        self.log.append(*records)
        if self.log.untrusted:  # so is what a call gives in which this run is
            for inside in INSIDE.get():
                inside.untrusted = True
        for record in records if self.listener else ():
            self.emit(record)

    async def append(self, *records: Record) -> None:
        """Take records into the log and have all of it kept, before anything else happens.

        Raises StoreError where it cannot be, and Conflict where another has gone on with it.
        """
        self.hold(*records)
        if self.journal is not None:
            await self.journal.write(self.log)

    def notify(self, text: str) -> None:
        """Say that something was done differently: to the listener, else in the program's log."""
        text = text if self.secrets is None else self.secrets.hide(text)
        if self.listener is None:
            logger.warning("%s", text)
        self.emit(Notice(text))

    def emit(self, event: Event) -> None:
        """Let the listener hear an event. One that fails changes nothing but the program's log."""
        if self.listener is None:
            return
        try:
            self.listener(event)
        except Exception as error:  # noqa: BLE001 - the caller's own code
            told = told_of(error, self.secrets)
            logger.error("A listener failed on %s\n%s", type(event).__name__, told)
