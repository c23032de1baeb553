"""What it costs to begin: loading agentkit beside loading httpx and pydantic, and a tool's schema.

    python benchmarks/imports.py

CPU time of whole new processes, in turn, so that a busy machine disturbs them alike; what counts
is the median of the ratios of neighbours. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from functions import six, six_with_a_date

from agentkit import tool

FLOOR = "import httpx, pydantic"
FIRST_TOOL = """
from agentkit import Agent, tool

@tool
def population(city: str, year: int = 2024) -> int:
    "How many people live in a city."
    return 0

population.schema()
"""
FIRST_DATE = f"import datetime{FIRST_TOOL}".replace("year: int = 2024", "day: datetime.date")
"""A type that JSON does not have, for which all of pydantic is loaded."""
PAIRS, SCHEMAS = 30, 300


def process_cpu(code: str) -> float:
    """CPU seconds of a new process that runs the code."""
    # also where it is not wanted elsewhere, bytecode is written, by the first process
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"failed: {code}")
    return usage.ru_utime + usage.ru_stime


def beside_the_floor(code: str, pairs: int) -> dict[str, Any]:
    for each in (code, FLOOR):
        process_cpu(each)
    both = list[tuple[float, float]]()
    for number in range(pairs):
        if number % 2:
            both.append((process_cpu(code), process_cpu(FLOOR)))
        else:
            plain = process_cpu(FLOOR)
            both.append((process_cpu(code), plain))
    ratios = [ours / plain for ours, plain in both]
    return {
        "ratio": statistics.median(ratios),
        "spread": statistics.quantiles(ratios, n=4)[::2],
        "ours_ms": statistics.median(ours for ours, _ in both) * 1e3,
        "plain_ms": statistics.median(plain for _, plain in both) * 1e3,
        "pairs": pairs,
    }


def schema_ms(function: Callable[..., Any]) -> dict[str, Any]:
    """CPU milliseconds from a function to its schema."""
    tool(function).schema()
    times = list[float]()
    for _ in range(SCHEMAS):
        began = time.process_time()
        tool(function).schema()
        times.append((time.process_time() - began) * 1e3)
    return {"ms": statistics.median(times), "spread": statistics.quantiles(times, n=4)[::2]}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=PAIRS)
    pairs = parser.parse_args().pairs
    found = {
        "import": beside_the_floor(FIRST_TOOL, pairs),
        "import_date": beside_the_floor(FIRST_DATE, pairs),
        "schema": schema_ms(six),
        "schema_date": schema_ms(six_with_a_date),
    }
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
