"""One case of one loop in a process of its own, as JSON. Started by `compare.py`.

PYTHONPATH=benchmarks python benchmarks/peers/measure.py LOOP CASE SERVER SECONDS
"""

from __future__ import annotations

import asyncio
import importlib
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from functions import six
from work_of_peers import times_at

FLOOR = "httpx"
"""Calls no tool."""
RUNS_AT_ONCE = 500
DELTAS = 2000
SCHEMAS = 100
WORK = {
    "one_turn": "turns/1/1",
    "ten_by_four": "turns/10/4",
    "hundred": "turns/100/1",
    "at_once": "slow/turns/1/1",
    "delta": f"deltas/{DELTAS}",
}
LAST_TURN = {"one_turn": 0, "ten_by_four": 9, "hundred": 99, "at_once": 0}
"""The number that the tool is called with in the last turn."""


async def cpu_ms(run: Callable[[], Awaitable[object]], seconds: float) -> float:
    """The median CPU milliseconds of a run, behind one that does not count."""
    await run()
    times = list[float]()
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        began = time.process_time()
        await run()
        times.append((time.process_time() - began) * 1e3)
    return statistics.median(times)


async def long_run(loop: Any, turns: int, seconds: float) -> dict[str, float]:
    """Also how much more the second half of its turns costs than the first."""
    growth = list[float]()

    async def run() -> None:
        places = (0, turns // 2, turns - 1)
        times_at.update(dict.fromkeys(places, 0.0))
        await loop.run()
        first, middle, last = (times_at[each] for each in places)
        if middle:
            later = (last - middle) / (turns - 1 - turns // 2)
            growth.append(later / ((middle - first) / (turns // 2)))

    found = {"ms": await cpu_ms(run, seconds)}
    return {**found, "growth": statistics.median(growth)} if growth else found


async def at_once(loop: Any) -> dict[str, float]:
    await loop.run()
    began = time.process_time()
    await asyncio.gather(*(loop.run() for _ in range(RUNS_AT_ONCE)))
    spent = (time.process_time() - began) * 1e3 / RUNS_AT_ONCE
    return {"ms": spent, "resident_mb": resident_peak() / 1e6}


def resident_peak() -> int:
    """The most bytes of memory that this process has ever had resident."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


async def streamed(loop: Any, seconds: float) -> dict[str, float]:
    heard = await loop.stream()
    if heard < DELTAS:
        raise SystemExit(f"heard {heard} of {DELTAS} deltas")
    return {"ms": await cpu_ms(loop.stream, seconds) / DELTAS}


def schema_ms(schema: Callable[..., Any]) -> float:
    times = list[float]()
    for _ in range(SCHEMAS):
        began = time.process_time()
        schema(six)
        times.append((time.process_time() - began) * 1e3)
    return statistics.median(times)


def main(name: str, case: str, server: str, seconds: str) -> dict[str, Any]:
    module = importlib.import_module(f"loop_{name}")
    if case == "first_tool":
        return {"code": module.FIRST_TOOL}
    if case == "schema":
        return {"ms": schema_ms(module.schema)} if module.schema else {}
    asked = LAST_TURN.get(case)
    times_at.update({} if asked is None else {asked: 0.0})
    found = of_loop(module, case, server, float(seconds))
    if name != FLOOR and asked is not None and not times_at[asked]:
        raise SystemExit("the run ended before its last turn")
    return found


def of_loop(module: Any, case: str, server: str, seconds: float) -> dict[str, Any]:
    loop = module.Loop(f"{server}/{WORK[case]}/v1")
    if case == "delta":
        return asyncio.run(streamed(loop, seconds))
    if case == "at_once":
        return asyncio.run(at_once(loop))
    if case == "hundred":
        return asyncio.run(long_run(loop, 100, seconds))
    return {"ms": asyncio.run(cpu_ms(loop.run, seconds))}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
