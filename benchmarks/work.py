"""What runs cost beside a plain httpx loop that posts the same bytes and parses the same JSON.

    python benchmarks/work.py

CPU time of this process alone; the server has one of its own. Both take turns, so that a busy
machine disturbs them alike, and what counts is the median of the ratios of neighbours. Prints one
JSON object; `page.py` makes a page of it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from agentkit import Agent, Limits, ResponsesModel, tool
from agentkit.events import TextDelta

HERE = Path(__file__).parent
HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer sk-benchmark-1234567890"}
SECONDS = 6.0
"""How long one case is measured."""
DELTAS = 2000
UNLIMITED = httpx.Limits()


@tool(effect="read")
async def add(a: int, b: int = 1) -> int:
    """The sum of two numbers."""
    return a + b


@contextmanager
def canned_server() -> Iterator[str]:
    """The address of a server in a process of its own."""
    command = [sys.executable, str(HERE / "canned.py")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as server:
        assert server.stdin
        assert server.stdout
        yield server.stdout.readline().strip()
        server.stdin.close()


def agent(url: str, http_client: httpx.AsyncClient | None = None) -> Agent:
    model = ResponsesModel(
        "gpt-5-mini", url, api_key="sk-benchmark-1234567890", http_client=http_client
    )
    told = "Add what you are told to add."
    return Agent(model, instructions=told, tools=[add], limits=Limits(turns=None))


async def bodies_of(url: str, run: Callable[[Agent], Awaitable[object]]) -> list[bytes]:
    """What a run posts, request by request."""
    sent: list[bytes] = []

    async def note(request: httpx.Request) -> None:
        sent.append(request.content)

    async with httpx.AsyncClient(event_hooks={"request": [note]}) as client:
        await run(agent(url, client))
    return sent


async def one_run(made: Agent) -> None:
    result = await made.run("Tell me all.")
    assert result.status == "completed", result.status


async def one_heard_run(made: Agent) -> None:
    heard = 0

    def count(event: object) -> None:
        nonlocal heard
        heard += isinstance(event, TextDelta)

    await made.run("Tell me all.", on_event=count)
    assert heard == DELTAS, heard


async def one_stream(made: Agent) -> None:
    heard = 0
    async with made.stream("Tell me all.") as stream:
        async for event in stream:
            heard += isinstance(event, TextDelta)
    assert heard == DELTAS, heard


class Plain:
    """The same requests with nothing around them."""

    def __init__(self, url: str, bodies: list[bytes], limits: httpx.Limits = UNLIMITED) -> None:
        self._url, self._bodies = f"{url}/responses", bodies
        # unless told otherwise a client has a hundred connections, and the rest wait for them
        self._client = httpx.AsyncClient(timeout=600, limits=limits)

    async def run(self) -> None:
        for body in self._bodies:
            answer = await self._client.post(self._url, content=body, headers=HEADERS)
            json.loads(answer.content)

    async def stream(self) -> None:
        client, heard = self._client, 0
        body = self._bodies[0]
        async with client.stream("POST", self._url, content=body, headers=HEADERS) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("data: "):
                    heard += json.loads(line[6:])["type"] == "response.output_text.delta"
        assert heard == DELTAS, heard


async def cpu(run: Callable[[], Awaitable[object]], times: int) -> float:
    """CPU seconds of one run, as the mean of a few in a row."""
    began = time.process_time()
    for _ in range(times):
        await run()
    return (time.process_time() - began) / times


async def compared(
    ours: Callable[[], Awaitable[object]], plain: Callable[[], Awaitable[object]], seconds: float
) -> dict[str, Any]:
    """Both in turn, for so many seconds."""
    for each in (ours, plain, ours, plain):
        await each()
    times = max(1, int(0.02 / max(await cpu(plain, 1), 1e-6)))
    pairs = list[tuple[float, float]]()
    end = time.perf_counter() + seconds
    while len(pairs) < 5 or time.perf_counter() < end:
        first, second = (ours, plain) if len(pairs) % 2 else (plain, ours)
        a, b = await cpu(first, times), await cpu(second, times)
        pairs.append((a, b) if first is ours else (b, a))
    ratios = [ours / plain for ours, plain in pairs]
    return {
        "ratio": statistics.median(ratios),
        "spread": statistics.quantiles(ratios, n=4)[::2],
        "ours_ms": statistics.median(ours for ours, _ in pairs) * 1e3,
        "plain_ms": statistics.median(plain for _, plain in pairs) * 1e3,
        "pairs": len(pairs),
    }


async def turns(server: str, count: int, calls: int, seconds: float) -> dict[str, Any]:
    url = f"{server}/turns/{count}/{calls}/v1"
    made, plain = agent(url), Plain(url, await bodies_of(url, one_run))
    return await compared(lambda: one_run(made), plain.run, seconds)


async def halves(server: str, count: int, seconds: float) -> dict[str, Any]:
    """The second half of a long run beside its first, with the plain loop's own taken out."""
    url = f"{server}/turns/{count}/1/v1"
    marks = list[float]()

    @tool(name="add", effect="read")
    async def marked(a: int, b: int = 1) -> int:
        """The sum of two numbers."""
        if a in (0, count // 2, count - 1):
            marks.append(time.process_time())
        return a + b

    made = agent(url).replace(tools=[marked])
    ratios = list[float]()
    end = time.perf_counter() + seconds
    while len(ratios) < 5 or time.perf_counter() < end:
        marks.clear()
        await one_run(made)
        first, middle, last = marks
        ratios.append(
            (last - middle) / (count - 1 - count // 2) / ((middle - first) / (count // 2))
        )
    return {"ratio": statistics.median(ratios), "pairs": len(ratios)}


async def streamed(server: str, run: Any, seconds: float) -> dict[str, Any]:
    url = f"{server}/deltas/{DELTAS}/v1"
    made, plain = agent(url), Plain(url, await bodies_of(url, run))
    found = await compared(lambda: run(made), plain.stream, seconds)
    each = {key: found[key] * 1e3 / DELTAS for key in ("ours_ms", "plain_ms")}
    return {**found, "ours_us": each["ours_ms"], "plain_us": each["plain_ms"]}


CASES: dict[str, Callable[[str, float], Awaitable[dict[str, Any]]]] = {
    "one_turn": lambda server, seconds: turns(server, 1, 1, seconds),
    "ten_by_four": lambda server, seconds: turns(server, 10, 4, seconds),
    "hundred": lambda server, seconds: turns(server, 100, 1, seconds),
    "halves": lambda server, seconds: halves(server, 100, seconds),
    "delta": lambda server, seconds: streamed(server, one_heard_run, seconds),
    "delta_stream": lambda server, seconds: streamed(server, one_stream, seconds),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("cases", nargs="*", default=list(CASES))
    parser.add_argument("--seconds", type=float, default=SECONDS)
    options = parser.parse_args()
    with canned_server() as server:
        found = {
            name: asyncio.run(CASES[name](server, options.seconds))  # type: ignore[arg-type]
            for name in options.cases
        }
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
