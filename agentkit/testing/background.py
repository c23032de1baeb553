"""Responses that are made while nobody has to listen: `background: true`.

Knows events and responses; nothing of HTTP, and nothing of what is remembered afterwards.
Source: the background guide of the Responses API, and recorded streams of it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, field

from agentkit.encoding import Wire
from agentkit.errors import ModelError
from agentkit.responses.events import TERMINAL, StreamEvent
from agentkit.responses.fold import Fold
from agentkit.testing.rejection import RejectionError
from agentkit.testing.relay import Complete, relayed

KEPT = 1000
"""How many are known at most."""


@dataclass(frozen=True)
class Order:
    """What is to be made, and for whom."""

    events: AsyncIterator[StreamEvent]
    """The model's."""
    complete: Complete
    """Fills the fields that a response lacks."""
    keep: Callable[[Wire], None]
    """Remembers the response; called when it is whole."""
    is_streamed: bool
    """Whether its events may be read."""
    is_stored: bool
    """Whether it may be read again once its end has been."""


@dataclass
class Job:
    """One response in the making: how it stands, and the events so far, numbered from 0."""

    order: Order
    response: Wire
    events: list[Wire] = field(default_factory=list)
    task: asyncio.Task[None] | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes."""
        return self.response["status"] not in ("queued", "in_progress")

    async def after(self, number: int) -> AsyncGenerator[Wire, None]:
        """The events behind that number, as soon as they are there, up to the last."""
        at = number + 1
        while True:
            while at < len(self.events):
                yield self.events[at]
                at += 1
            if self.is_over:
                return
            await self._news.wait()

    async def make(self) -> None:
        """Have the model answer."""
        try:
            await self._make()
        except Exception as error:  # noqa: BLE001 — whatever the model raises is how it ends
            self.end("failed", _said(error))

    def end(self, status: str, error: Wire | None = None) -> None:
        """End it without an answer."""
        if not self.is_over:
            stands = {**self.response, "status": status, "error": error}
            self._add({"type": f"response.{status}", "response": stands})

    def begin(self) -> None:
        """Say that it has been taken in."""
        for kind in ("response.created", "response.queued"):
            self._add({"type": kind, "response": self.response})

    async def _make(self) -> None:
        fold = Fold()
        events = self.order.events
        async for wire in relayed(added_to(fold, events), self.order.complete):
            if wire["type"] in TERMINAL:
                wire["response"] = self.order.complete(fold.response().wire)
            if wire["type"] != "response.created" and not self.is_over:
                self._add(wire)
        self.end("failed", {"code": "server_error", "message": "The model did not answer."})

    def _add(self, event: Wire) -> None:
        if "response" in event:
            self.response = {**event["response"], "id": self.response["id"], "background": True}
            event = {**event, "response": self.response}
        if self.response["status"] in ("completed", "incomplete"):
            self.order.keep(self.response)
        self.events.append({**event, "sequence_number": len(self.events)})
        news, self._news = self._news, asyncio.Event()
        news.set()


async def added_to(fold: Fold, events: AsyncIterator[StreamEvent]) -> AsyncIterator[StreamEvent]:
    """The events, each of which the fold takes on its way."""
    async for event in events:
        fold.add(event)
        yield event


class Jobs:
    """The responses that are made in the background, by id."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._begun = 0

    def __contains__(self, response_id: str) -> bool:
        return response_id in self._jobs

    def begin(self, order: Order) -> Job:
        """Have a response made; it says `queued` until the model begins."""
        self._begun += 1
        queued = {"id": f"resp_bg_{self._begun}", "status": "queued", "background": True}
        job = Job(order, {**order.complete(queued), "usage": None})
        job.begin()
        job.task = asyncio.get_running_loop().create_task(job.make())
        self._jobs[job.response["id"]] = job
        if len(self._jobs) > KEPT:
            self.forget(next(iter(self._jobs)))
        return job

    def find(self, response_id: str) -> Job | None:
        """The response as it is being made, None where it is not known here."""
        job = self._jobs.get(response_id)
        if job is not None and job.is_over and not job.order.is_stored:
            del self._jobs[response_id]
        return job

    def stream(self, response_id: str, number: int) -> AsyncGenerator[Wire, None]:
        """The events behind that number. Raises RejectionError where they cannot be read."""
        job = self._jobs.get(response_id)
        if job is None or not job.order.is_streamed:
            raise RejectionError(
                "This response cannot be streamed because it was not created with "
                "background=true and stream=true."
            )
        return job.after(number)

    def forget(self, response_id: str) -> bool:
        """Whether there was one to be forgotten; it is no longer made."""
        job = self._jobs.pop(response_id, None)
        if job is not None and job.task is not None:
            job.task.cancel()
        return job is not None

    async def cancel(self, response_id: str) -> Job:
        """The response, which is no longer made. Raises RejectionError where it never was here."""
        job = self._jobs.get(response_id)
        if job is None:
            raise RejectionError("Cannot cancel a synchronous response.")
        if job.task is not None and not job.is_over:
            job.task.cancel()
            await asyncio.wait([job.task])
            job.end("cancelled")
        return job

    async def close(self) -> None:
        """End them all."""
        tasks = [job.task for job in self._jobs.values() if job.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _said(error: Exception) -> Wire:
    code = error.code if isinstance(error, ModelError) else None
    message = error.message if isinstance(error, ModelError) else f"{type(error).__name__}: {error}"
    return {"code": code or "server_error", "message": message}
