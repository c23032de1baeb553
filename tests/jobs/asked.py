"""A model for tests of jobs: what it answers depends on what it is asked."""

from __future__ import annotations

import asyncio
import csv
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from agentkit.responses.events import StreamEvent
from agentkit.responses.items import Message
from agentkit.responses.response import Request
from agentkit.testing import ScriptedModel
from agentkit.testing.scripted import Entry


class Answers:
    """Answers each question as a function of it says, and counts what it was asked."""

    name = "answers"

    def __init__(self, answer: Callable[[str], Entry] = str.upper) -> None:
        self.answer = answer
        self.asked: list[str] = []
        self.running = self.most_running = 0

    @property
    def times(self) -> Counter[str]:
        """How often each question was asked."""
        return Counter(self.asked)

    async def stream(self, request: Request) -> AsyncIterator[StreamEvent]:
        """The events of the answer."""
        said = question(request)
        self.asked.append(said)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            for _ in range(10):  # others get their turn meanwhile
                await asyncio.sleep(0)
            async for event in ScriptedModel(self.answer(said)).stream(request):
                yield event
        finally:
            self.running -= 1


class Gate:
    """An answer that comes when it is let go."""

    def __init__(self) -> None:
        self.is_asked, self.is_open = asyncio.Event(), asyncio.Event()

    async def __call__(self, _request: Request) -> str:
        self.is_asked.set()
        await self.is_open.wait()
        return "late"


def question(request: Request) -> str:
    """What the caller said first."""
    first = request.input[0]
    assert isinstance(first, Message)
    return first.text


def table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
