"""Many runs at once: CPU and memory of a process that does nothing else.

    python benchmarks/at_once.py ours URL      # or: plain URL

Prints one JSON object. The server has a process of its own; see `work.py`.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from work import Plain, agent, bodies_of, one_run

RUNS = 500


async def measured(run: Callable[[], Awaitable[object]]) -> dict[str, float]:
    await run()
    began = time.process_time()
    await asyncio.gather(*(run() for _ in range(RUNS)))
    cpu = time.process_time() - began
    return {"ms_a_run": cpu / RUNS * 1e3, "resident_mb": resident_peak() / 1e6}


def resident_peak() -> int:
    """The most bytes of memory that this process has ever had resident."""
    status = Path("/proc/self/status")
    if status.exists():  # what getrusage says may be the parent's
        lines = status.read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


async def main(kind: str, url: str) -> dict[str, float]:
    if kind == "ours":
        made = agent(url)
        return await measured(lambda: one_run(made))
    plain = Plain(url, await bodies_of(url, one_run))
    return await measured(plain.run)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(*sys.argv[1:]))))
