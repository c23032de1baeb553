"""A server that no one here wrote, as a test meets it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from agentkit import Agent, ResponsesModel
from tests.servers.aimock import Aimock, Entry


@dataclass(frozen=True)
class Server:
    """A server with a script for one test."""

    url: str
    model: str
    key: str
    wire: str
    """What is spoken with it: `responses` or `chat`."""
    behind: Aimock
    """What gives the answers, and keeps what it was asked."""
    script: str
    """Stands in the instructions of each request, so that it finds its answer."""
    waits: list[float] = field(default_factory=list)
    """Seconds that would have been slept before a request was sent again."""

    def answers(self, *entries: Entry) -> None:
        """Answer the test's requests with these, one a request."""
        self.behind.answers(self.script, entries)

    def agent(self, instructions: str = "", **options: Any) -> Agent:
        """An agent that asks this server."""
        options.setdefault("model", self.asked())
        return Agent(instructions=f"{self.script} {instructions}".strip(), **options)

    def asked(self, **options: Any) -> ResponsesModel:
        """The model behind this server."""
        options = {"api_key": self.key, "wire": self.wire, "sleep": self._sleep, **options}
        return ResponsesModel(self.model, self.url, **options)

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The bodies of the test's requests, in the words of chat completions."""
        return self.behind.heard(self.script)

    @property
    def heard(self) -> list[list[dict[str, Any]]]:
        """What was said in each of them behind the instructions."""
        return [body["messages"][1:] for body in self.requests]

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
