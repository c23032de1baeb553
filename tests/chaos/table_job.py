"""A job over the countries table that is killed and begun again, seen from outside of it."""

from __future__ import annotations

import asyncio
import csv
import io
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal, TypeVar

from agentkit import Log, Request
from agentkit.records import Answer, Output
from agentkit.responses.events import StreamEvent
from agentkit.stores.opened import opened_store
from agentkit.stores.protocol import Spent, Store
from agentkit.testing import OfflineModel, ResponsesServer

ROOT = Path(__file__).resolve().parents[2]
FAIL_AFTER = 60.0
"""Seconds after which a process that still runs is killed, and so its test fails."""

BEFORE, BEHIND = "What is the capital of ", ", and how many people live there?"
COLUMNS = ["iso3", "name", "capital", "population"]
ENDING = ["_status", "_error", "_cost", "_attempts", "_session"]

T = TypeVar("T")
When = Literal["asked", "half told", "told"]


@dataclass(frozen=True)
class Kill:
    """The moment at which a process is killed, as its server sees it."""

    number: int
    """So many requests were seen before, of all processes."""
    when: When
    """Where the request stands that it is killed at."""


@dataclass(frozen=True)
class Seen:
    """A request that the server has seen."""

    country: str
    turn: int
    """0 for the question, 1 for what its calls gave."""


@cache
def facts() -> Mapping[str, Mapping[str, str]]:
    """The table that answers are compared with, by name."""
    with (ROOT / "examples/countries/countries.csv").open(encoding="utf-8", newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


class Watched:
    """The offline model: it knows what it was asked, and kills who asks at the moment it is told.

    A moment that has passed comes with the next request that is at that place.
    """

    name = "offline"

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.told: dict[str, int] = {}
        """The tokens of each answer that was delivered whole, by its id."""
        self.asks: subprocess.Popen[str] | None = None
        self.kill: Kill | None = None

    async def stream(self, request: Request) -> AsyncIterator[StreamEvent]:
        question = str(request.input[0].wire["content"])
        country = question.removeprefix(BEFORE).removesuffix(BEHIND)
        self.seen.append(Seen(country, min(len(request.outputs), 1)))
        self._at("asked")
        events = [event async for event in OfflineModel().stream(request)]
        for number, event in enumerate(events):
            if number == len(events) // 2:
                self._at("half told")
            yield event
        # gone on with once the last event is on its way
        answer = event.response
        self.told[answer["id"]] = answer["usage"]["total_tokens"]
        self._at("told")

    def _at(self, place: When) -> None:
        if self.kill and self.kill.when == place and len(self.seen) >= self.kill.number:
            self.kill = None
            assert self.asks is not None
            self.asks.kill()


class Reader(threading.Thread):
    """Looks at a table all the time; `wrong` says what it saw that was no whole table."""

    def __init__(self, path: Path, wanted: Sequence[str]) -> None:
        super().__init__(name="reader", daemon=True)
        self.wrong: list[str] = []
        self.tables = 0
        """How many it saw, one after the other."""
        self._path, self._wanted = path, wanted
        self._ended = threading.Event()
        self._last = b""

    def run(self) -> None:
        while not self._ended.wait(0.001):
            self.look()

    def look(self) -> None:
        """Read the table as it is at this moment."""
        if not self._path.exists() or (content := self._path.read_bytes()) == self._last:
            return
        self.tables, self._last = self.tables + 1, content
        try:
            check_rows(content, self._wanted)
        except (AssertionError, ValueError, csv.Error) as error:
            self.wrong.append(f"{error!r} in {content!r:.2000}")

    def end(self) -> None:
        """The last look."""
        self._ended.set()
        self.join()
        self.look()


def check_rows(content: bytes, wanted: Sequence[str]) -> list[Mapping[str, str]]:
    """The rows of a table, whole, right, and in the order of the input; some may be missing."""
    text = content.decode()
    assert text.endswith("\n")
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert header == [*COLUMNS, *ENDING]
    read = [dict(zip(header, row, strict=True)) for row in rows]
    places = [wanted.index(row["name"]) for row in read]
    assert places == sorted(set(places))
    for row in read:
        assert [row[name] for name in COLUMNS] == [facts()[row["name"]][name] for name in COLUMNS]
        assert (row["_status"], row["_error"], row["_attempts"]) == ("completed", "", "1")
    return read


@dataclass(frozen=True)
class Moment:
    """How things stood when a process had ended."""

    asked: int
    ran: int
    logs: Mapping[str, Log]
    """By session."""

    @property
    def answers(self) -> list[tuple[str, Answer]]:
        """The answers that were kept, each with its session."""
        return [
            (session, record)
            for session, log in self.logs.items()
            for record in log
            if isinstance(record, Answer)
        ]

    @property
    def finished(self) -> list[str]:
        """The calls whose outputs were kept."""
        records = (record for log in self.logs.values() for record in log)
        return [record.call_id for record in records if isinstance(record, Output)]


@dataclass
class World:
    """What is outside of the processes that are killed: server, store, ledger, and the table."""

    place: str
    folder: Path
    wanted: Sequence[str]
    """The countries of the input, in order."""
    model: Watched
    url: str
    reader: Reader
    jobs: str = "auto"
    """How many rows run at once, as the command is told."""
    moments: list[Moment] = field(default_factory=list)
    said: str = ""
    """What the last process said at its end."""

    @property
    def out(self) -> Path:
        return self.folder / "out.csv"

    def run(self, kill: Kill | None = None) -> int:
        """Run the command to its end or its death; its exit code."""
        own = {"LEDGER": str(self.folder / "ledger"), "PYTHONUTF8": "1", "PYTHONPATH": str(ROOT)}
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            self.command,
            cwd=self.folder,
            env={**os.environ, **own},
            stdout=pipe,
            stderr=pipe,
            encoding="utf-8",
        )
        self.model.asks, self.model.kill = process, kill
        hung = threading.Timer(FAIL_AFTER, process.kill)
        hung.start()
        out, self.said = process.communicate()
        hung.cancel()
        assert (out, "Traceback" in self.said) == ("", False), self.said
        self.moments.append(Moment(len(self.model.seen), len(self.ran()), self.logs()))
        return process.returncode

    @property
    def command(self) -> list[str]:
        """What a person types, again and again."""
        agent = f"{Path(__file__).with_name('counted_countries.py')}:agent"
        return [
            *(sys.executable, "-m", "agentkit", "map", "in.csv", "-o", "out.csv"),
            *("-p", f"{BEFORE}{{name}}{BEHIND}", "--schema", "capital, population int"),
            *("-a", agent, "-m", "any", "--base-url", self.url),
            *("--db", self.place, "-j", self.jobs),
        ]

    def ran(self) -> list[str]:
        """The calls that have begun to run, in order."""
        path = self.folder / "ledger"
        return path.read_text().split("\n")[:-1] if path.exists() else []

    def logs(self) -> dict[str, Log]:
        """The logs as they are stored, by session."""

        async def load(store: Store) -> dict[str, Log]:
            names = [each.session for each in await store.list(limit=None)]
            return {name: Log((await store.load(name)).records) for name in names}

        return self._of_store(load)

    def spent(self) -> Sequence[Spent]:
        """The ledger."""
        return self._of_store(lambda store: store.spent())

    def _of_store(self, work: Callable[[Store], Awaitable[T]]) -> T:
        async def done() -> T:
            store = opened_store(self.place)
            try:
                return await work(store)
            finally:
                await store.close()

        return asyncio.run(done())


@contextmanager
def world(folder: Path, place: str, wanted: Sequence[str]) -> Iterator[World]:
    """A server, a table to ask about, a reader of its answers, and a store that is empty."""
    with (folder / "in.csv").open("w", encoding="utf-8", newline="") as file:
        rows = ([facts()[name][column] for column in COLUMNS[:2]] for name in wanted)
        csv.writer(file).writerows([COLUMNS[:2], *rows])
    model, reader = Watched(), Reader(folder / "out.csv", wanted)
    with ResponsesServer(model) as server:
        reader.start()
        try:
            yield World(place, folder, wanted, model, server.url, reader)
        finally:
            reader.end()
