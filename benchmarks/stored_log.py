"""What keeping the log costs: CPU and wall time of a run with and without SQLite, bytes a turn.

    python benchmarks/stored_log.py

Each run asks a real server on loopback, in a process of its own, makes one tool call a turn and
then answers. Runs with and without a store take turns, so that a busy machine disturbs both alike;
shown are medians, and the medians of the ratios of neighbours.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from agentkit import Agent, Limits, Request, ResponsesModel, tool
from agentkit.stores.sqlite import SQLiteStore
from agentkit.testing import ResponsesServer, ScriptedModel, call

TURNS, RUNS = 10, 40
GROWTH = (10, 20, 40, 80, 160)
PAGE = "Population, area and capital of a country, as a table of the year before has them. " * 12


@tool(effect="read")
async def look_up(number: int) -> str:
    """A page of a reference work."""
    return f"{number}: {PAGE}"


@tool(effect="read")
async def convert(amount: float, unit: str = "km") -> str:
    """An amount in another unit."""
    return f"{amount} {unit}"


def entry(request: Request) -> Any:
    done = len(request.outputs)
    turns = int(request.fields.values["instructions"].split()[-1])
    return call("look_up", number=done) if done < turns else "That is all there is to say."


def serve(send: Any, stop: Any) -> None:
    model = ScriptedModel(*[entry] * 10**6)
    with ResponsesServer(model) as server:
        send.send(server.url)
        with suppress(EOFError):
            stop.recv()


def agent(url: str, turns: int, store: SQLiteStore | None) -> Agent:
    model = ResponsesModel("scripted", url)
    told = f"Look things up. Turns: {turns}"
    unbound = Limits(turns=None)
    return Agent(model, instructions=told, tools=[look_up, convert], limits=unbound, store=store)


async def run(made: Agent) -> None:
    result = await made.run("Tell me all.")
    assert result.status == "completed", result


def took(made: Agent, loop: asyncio.AbstractEventLoop) -> tuple[float, float]:
    """CPU and wall seconds of one run."""
    cpu, wall = time.process_time(), time.perf_counter()
    loop.run_until_complete(run(made))
    return time.process_time() - cpu, time.perf_counter() - wall


def compare(url: str, folder: Path, runs: int) -> None:
    loop = asyncio.new_event_loop()
    store = SQLiteStore(folder / "runs.db")
    plain, kept = agent(url, TURNS, None), agent(url, TURNS, store)
    took(plain, loop)
    took(kept, loop)
    pairs = [(took(plain, loop), took(kept, loop)) for _ in range(runs)]
    loop.run_until_complete(store.close())
    loop.close()
    print(f"one run of {TURNS} tool calls, {runs} pairs, medians")
    for place, name in enumerate(("CPU", "wall")):
        without = statistics.median(pair[0][place] for pair in pairs)
        with_store = statistics.median(pair[1][place] for pair in pairs)
        ratio = statistics.median(pair[1][place] / pair[0][place] for pair in pairs)
        print(
            f"  {name:4}  without {without * 1e3:6.2f} ms   with SQLite {with_store * 1e3:6.2f} ms"
            f"   ratio {ratio:.2f}"
        )


def growth(url: str, folder: Path) -> None:
    loop = asyncio.new_event_loop()
    print(f"bytes of the file a turn, each turn with an output of {len(PAGE):,} characters")
    before = 0.0
    for turns in GROWTH:
        path = folder / f"{turns}.db"
        store = SQLiteStore(path)
        loop.run_until_complete(run(agent(url, turns, store)))
        loop.run_until_complete(store.close())
        size = sum(each.stat().st_size for each in folder.glob(f"{path.name}*") if each.is_file())
        more = "" if not before else f"   {size / before:.2f} times the half"
        print(f"  {turns:4} turns  {size:10,} bytes  {size / turns:8,.0f} a turn{more}")
        before = size
    loop.close()


def measured(measure: Callable[[str, Path], None]) -> None:
    """Measure against a server that has a process of its own."""
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    server = context.Process(target=serve, args=(theirs, theirs), daemon=True)
    server.start()
    url = ours.recv()
    with tempfile.TemporaryDirectory() as folder:
        measure(url, Path(folder))
    ours.send("stop")
    server.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=RUNS)
    runs: int = parser.parse_args().runs
    measured(lambda url, folder: compare(url, folder, runs))
    measured(growth)


if __name__ == "__main__":
    main()
