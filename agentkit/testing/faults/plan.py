"""Which request meets which fault."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from agentkit.encoding import JSON
from agentkit.errors import ConfigurationError
from agentkit.testing.faults.answers import one_by_one, pieces_of
from agentkit.testing.faults.cuts import REFUSED
from agentkit.testing.faults.definition import Asked, Fault, Proceed
from agentkit.testing.faults.spec import fault
from agentkit.testing.http import HttpRequest, Reply
from agentkit.testing.rejection import RejectionError

PREFIX = "fault:"
"""What a model's name begins with that asks for a fault."""
KEPT = 1000
"""Answers that are kept at most, in case that they are asked for again."""


class Plan:
    """The faults of one server: the model's name asks for one, else they come in order.

    An answer that a fault has lost is given to the same request when it comes again, as the model
    would have given it: what it is asked, and what a script has left, is as if it had arrived.
    """

    def __init__(self, faults: Iterable[Fault | str] = ()) -> None:
        listed = (faults,) if isinstance(faults, Fault | str) else faults
        self._due = deque(fault(each) if isinstance(each, str) else each for each in listed)
        self._met: dict[str, int] = {}
        self._lost: dict[bytes, Reply] = {}

    @property
    def refuses(self) -> bool:
        """Whether nothing is to listen at the port."""
        return bool(self._due) and self._due[0].name == REFUSED.name

    async def reply(self, request: HttpRequest, body: JSON, proceed: Proceed) -> Reply:
        """What the server replies to a request that asks its model something."""
        model = body.get("model") if isinstance(body, dict) else None
        met = self._next(model)

        async def right() -> Reply:
            return await self._right(request, met, proceed)

        return await (
            right() if met is None else met.effect(Asked(request, body, met.options, right))
        )

    def _next(self, model: object) -> Fault | None:
        if isinstance(model, str) and model.startswith(PREFIX):
            return self._named(model)
        if not self._due:
            return None
        due = self._due[0]
        if self._count("") == due.times:
            self._due.popleft()
            del self._met[""]
        return due

    def _named(self, model: str) -> Fault | None:
        """A model's name asks for its fault each time, unless it says how often."""
        try:
            named = fault(model.removeprefix(PREFIX))
        except ConfigurationError as error:
            raise RejectionError(str(error), param="model") from error
        is_over = "times=" in model and self._count(model) > (named.times or float("inf"))
        return None if is_over else named

    def _count(self, name: str) -> int:
        self._met[name] = self._met.get(name, 0) + 1
        return self._met[name]

    async def _right(self, request: HttpRequest, met: Fault | None, proceed: Proceed) -> Reply:
        reply = self._lost.pop(request.body, None) or await proceed()
        if met is None or not met.loses or reply.status != 200:
            return reply
        given, kept = await _twice(reply)
        self._lost[request.body] = kept
        if len(self._lost) > KEPT:
            del self._lost[next(iter(self._lost))]
        return given


async def _twice(reply: Reply) -> tuple[Reply, Reply]:
    """The same reply two times; a stream can be read once."""
    if isinstance(reply.body, bytes):
        return reply, reply
    pieces = await pieces_of(reply)
    return replace(reply, body=one_by_one(pieces)), replace(reply, body=one_by_one(pieces))
