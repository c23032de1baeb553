"""aimock, a server that answers from a script and keeps what it was asked.

Its answers are given over HTTP, each to the requests whose instructions name its script, so that
tests share one process.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from agentkit.encoding import encode
from tests.servers.processes import started

HERE = Path(__file__).parent
INSTALLED = HERE.parents[1] / ".servers" / "node_modules" / "@copilotkit" / "aimock"

Entry = str | dict[str, Any]
"""An answer: a text, or an entry of aimock's own without what it is matched by."""


def calls(*named: tuple[str, dict[str, Any]]) -> Entry:
    """An answer that calls these tools with these arguments."""
    made = [
        {"id": f"call_{number}_{name}", "name": name, "arguments": encode(arguments).decode()}
        for number, (name, arguments) in enumerate(named, 1)
    ]
    return {"response": {"toolCalls": made}}


def refusal(status: int, message: str, **fields: Any) -> Entry:
    """An answer with this status. `retryAfter` is in seconds."""
    of_error = {key: fields.pop(key) for key in ("type", "code") if key in fields}
    return {"response": {"error": {"message": message, **of_error}, "status": status, **fields}}


def cut(entry: Entry, after: int) -> Entry:
    """That answer, with its stream cut after so many events, pieces of 4 characters.

    Its events take 5 ms each: what is written at once never leaves before the connection ends."""
    return {**_entry(entry), "truncateAfterChunks": after, "chunkSize": 4, "latency": 5}


def _entry(entry: Entry) -> dict[str, Any]:
    return {"response": {"content": entry}} if isinstance(entry, str) else entry


class Aimock:
    """A running aimock."""

    def __init__(self, url: str, http: httpx.Client) -> None:
        self.url = url
        self._http = http

    def answers(self, script: str, entries: tuple[Entry, ...]) -> None:
        """Answer requests whose instructions have this name in them, each with the next entry."""
        scripted = [
            {**_entry(entry), "match": {"systemMessage": script, "sequenceIndex": at}}
            for at, entry in enumerate(entries)
        ]
        told = self._http.post("/__aimock/fixtures", json={"fixtures": scripted})
        told.raise_for_status()

    def heard(self, script: str) -> list[dict[str, Any]]:
        """The bodies of the requests for that script, in order.

        They are in the words of chat completions, also those that came to `/responses`.
        """
        journal = self._http.get("/__aimock/journal").raise_for_status().json()
        bodies = [entry["body"] for entry in journal if isinstance(entry.get("body"), dict)]
        return [body for body in bodies if script in str(body.get("messages", [])[:1])]


def program() -> Path | None:
    """Where aimock is installed: `AGENTKIT_AIMOCK`, its folder, or where the Makefile puts it."""
    folder = Path(os.environ.get("AGENTKIT_AIMOCK") or INSTALLED)
    found = folder / "dist" / "cli.js"
    return found if found.exists() and shutil.which("node") else None


@contextmanager
def running(program: Path) -> Iterator[Aimock]:
    """An aimock of this process."""
    options = ["--port", "0", "--fixtures", str(HERE / "broken_arguments.json")]
    # it closes connections that rest, so none is kept
    limits = httpx.Limits(max_keepalive_connections=0)
    with (
        started(["node", str(program), *options], r"listening on (http://\S+)") as url,
        httpx.Client(base_url=url, limits=limits) as http,
    ):
        yield Aimock(url, http)
