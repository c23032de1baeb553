"""What a row of a table costs, beside a plain httpx loop that posts the same bytes.

    python benchmarks/table.py

A job of 10,000 rows, from a CSV file into another, with its logs in SQLite and a request a row. It
stands still after each thousand, and plain httpx posts meanwhile: so whatever else the machine does
falls on both. Then the same job again, which has nothing to ask; and the most memory that processes
have which do nothing but a job, by its rows. Prints one JSON object; `page.py` makes a page of it.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypedDict

import httpx
from at_once import resident_peak
from work import HEADERS, UNLIMITED, canned_server

from agentkit import Agent, ResponsesModel

ROWS, SLICE = 10_000, 1_000
POSTED = 320
"""How many requests plain httpx posts at a time."""
AT_ONCE = 16
"""Rows that run at once."""
SIZES = (1_000, 10_000, 30_000)
SETTLED = 0.05
"""Seconds in which the rows that are under way end, or wait to be read."""
PROMPT = "Who leads {country}, and since when? Its number is {number}."


class Leader(TypedDict):
    """The answer about a row."""

    leader: str
    since: int


def agent(url: str, store: Path | None = None, client: httpx.AsyncClient | None = None) -> Agent:
    model = ResponsesModel("gpt-5-mini", url, api_key="sk-benchmark-1234567890", http_client=client)
    told = "You know the world as it is."
    return Agent(model, instructions=told, output=Leader, store=store)


def table(folder: Path, rows: int) -> Path:
    """A CSV file of so many rows."""
    path = folder / f"{rows}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["country", "number"])
        writer.writerows([f"Country {number}", number] for number in range(rows))
    return path


async def bodies_of(url: str, rows: Path) -> list[bytes]:
    """What a job posts, row by row."""
    sent: list[bytes] = []

    async def note(request: httpx.Request) -> None:
        sent.append(request.content)

    async with httpx.AsyncClient(event_hooks={"request": [note]}) as client:
        await agent(url, client=client).map(rows, PROMPT, concurrency=1)
    return sent


class Posts:
    """The same requests with nothing around them, so many at once."""

    def __init__(self, url: str, bodies: Sequence[bytes], at_once: int) -> None:
        self._url, self._bodies, self._at_once = f"{url}/responses", bodies, at_once
        self._client = httpx.AsyncClient(timeout=600, limits=UNLIMITED)

    async def run(self) -> None:
        shares = [self._bodies[place :: self._at_once] for place in range(self._at_once)]
        await asyncio.gather(*(self._posted(share) for share in shares))

    async def _posted(self, bodies: Sequence[bytes]) -> None:
        for body in bodies:
            answer = await self._client.post(self._url, content=body, headers=HEADERS)
            json.loads(answer.content)


async def cpu(run: Callable[[], Awaitable[object]]) -> float:
    """CPU seconds that it takes."""
    began = time.process_time()
    await run()
    return time.process_time() - began


async def compared(url: str, folder: Path, rows: int) -> dict[str, Any]:
    """A job, with what plain httpx takes between its slices, and the same job again."""
    bodies = await bodies_of(url, table(folder, POSTED))
    plain = {number: Posts(url, bodies, number) for number in (1, AT_ONCE)}
    for each in plain.values():
        await each.run()
    made, source, out = agent(url, folder / "logs.db"), table(folder, rows), folder / "out.csv"
    ours, theirs = list[float](), {number: list[float]() for number in plain}
    began, ended = time.process_time(), 0
    async for row in made.map(source, PROMPT, out=out, concurrency=AT_ONCE):
        assert row.output, row
        ended += 1
        if ended % SLICE == 0:
            await asyncio.sleep(SETTLED)
            ours.append((time.process_time() - began) / SLICE)
            for number, each in plain.items():
                theirs[number].append(await cpu(each.run) / POSTED)
            began = time.process_time()
    found = {f"table_by_{number}": beside(ours, taken) for number, taken in theirs.items()}
    return {**found, "table_again": await again(made, source, out, rows)}


def beside(ours: Sequence[float], plain: Sequence[float]) -> dict[str, Any]:
    ratios = [a / b for a, b in zip(ours, plain, strict=True)]
    return {
        "ratio": statistics.median(ratios),
        "spread": statistics.quantiles(ratios, n=4)[::2],
        "ours_ms": statistics.median(ours) * 1e3,
        "plain_ms": statistics.median(plain) * 1e3,
        "pairs": len(ratios),
    }


async def again(made: Agent, source: Path, out: Path, rows: int) -> dict[str, float]:
    """The job once more: all rows have their answer."""
    began = time.perf_counter()
    job = made.map(source, PROMPT, out=out, concurrency=AT_ONCE)
    ours = await cpu(job.run)
    assert job.result.kept == job.result.done == rows, job.result
    return {"ms": ours / rows * 1e3, "rows_a_second": rows / (time.perf_counter() - began)}


async def peak(url: str, folder: Path, rows: int) -> int:
    """The most memory that this process has, with a job of so many rows."""
    job = agent(url, folder / "logs.db").map(
        table(folder, rows), PROMPT, out=folder / "out.csv", concurrency=AT_ONCE
    )
    result = await job
    assert result.done == rows, result
    return resident_peak()


def peaks(sizes: Sequence[int]) -> dict[str, Any]:
    """The same of processes of their own, which do not disturb one another."""
    begun = []
    with ExitStack() as stack:
        for rows in sizes:
            command = [sys.executable, __file__, "--peak", str(rows)]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            begun.append(stack.enter_context(process))
        most = [int(process.communicate()[0]) for process in begun]
    resident = [each / 1e6 for each in most]
    return {"rows": sizes, "resident_mb": resident, "growth": most[-1] / most[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--peak", type=int, help="only: the most bytes with a job of so many rows")
    options = parser.parse_args()
    with canned_server() as server, tempfile.TemporaryDirectory() as folder:
        url, place = f"{server}/row/v1", Path(folder)
        if options.peak:
            print(asyncio.run(peak(url, place, options.peak)))
            return
        found = asyncio.run(compared(url, place, options.rows))
    found["table_memory"] = peaks(SIZES)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
