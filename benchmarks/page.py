"""Measures everything and writes docs/performance.md, whose words are those of `page.md`.

    python benchmarks/page.py          # or: make bench

What other frameworks need is measured by `compare.py`; where it has left figures, they are shown.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from figures_of_peers import FOUND as PEERS
from figures_of_peers import table as table_of_peers
from work import canned_server

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "performance.md"
ROUNDS = 5
"""Processes of each kind that have many runs at once."""


@dataclass(frozen=True)
class Row:
    """One figure, and what it is to be."""

    said: str
    case: str
    key: str
    most: float
    why: str = ""
    """What there is to say where it is not reached."""


ROWS = (
    Row("one tool turn: two requests", "one_turn", "ratio", 0.85),
    Row(
        "ten turns of four parallel calls",
        "ten_by_four",
        "ratio",
        0.85,
        why="each of the forty calls has its arguments checked, is written down before and after "
        "it runs, and runs in a task of its own, so that whatever it does harms no other.",
    ),
    Row("a hundred turns in one run", "hundred", "ratio", 0.85),
    Row("the second fifty of them / the first fifty", "halves", "ratio", 1.15),
    Row("a text delta that comes with many others, to `on_event`", "delta", "ratio", 1.0),
    Row("the same, to `agent.stream`", "delta_stream", "ratio", 1.0),
    Row("five hundred runs at once", "at_once", "ratio", 0.07),
    Row("resident memory there, MB", "at_once", "resident_mb", 70),
    Row(
        "a row of a table, sixteen at once / a request, one after the other",
        "table_by_1",
        "ratio",
        1.5,
        why="of each row a session is looked for, held and kept in SQLite, by threads that take "
        "turns with the one that asks.",
    ),
    Row("the same / a request, sixteen at once as well", "table_by_16", "ratio", 1.5),
    Row("a row that has its answer, ms", "table_again", "ms", 0.3),
    Row("resident memory with 30,000 rows / with 1,000", "table_memory", "growth", 1.1),
    Row("import and the first tool / importing httpx and pydantic", "import", "ratio", 1.1),
    Row("the schema of a function with six parameters, ms", "schema", "ms", 0.8),
)


def printed(script: str, *arguments: str) -> Any:
    command = [sys.executable, str(HERE / script), *arguments]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def at_once(rounds: int) -> dict[str, Any]:
    """Many runs at once, in processes of their own that take turns."""
    ours, plain = list[dict[str, float]](), list[dict[str, float]]()
    with canned_server() as server:
        for _ in range(rounds):
            for kind, found in (("ours", ours), ("plain", plain)):
                found.append(printed("at_once.py", kind, f"{server}/slow/turns/1/1/v1"))
    ratios = [a["ms_a_run"] / b["ms_a_run"] for a, b in zip(ours, plain, strict=True)]
    return {
        "ratio": statistics.median(ratios),
        "spread": statistics.quantiles(ratios, n=4)[::2],
        "ours_ms": statistics.median(each["ms_a_run"] for each in ours),
        "plain_ms": statistics.median(each["ms_a_run"] for each in plain),
        "resident_mb": statistics.median(each["resident_mb"] for each in ours),
        "plain_mb": statistics.median(each["resident_mb"] for each in plain),
    }


def measured(seconds: float, rounds: int) -> dict[str, Any]:
    found: dict[str, Any] = printed("work.py", "--seconds", str(seconds))
    found["at_once"] = at_once(rounds)
    found |= printed("imports.py")
    found |= printed("table.py")
    return found


def line(row: Row, found: dict[str, Any]) -> str:
    figures = found[row.case]
    value = figures[row.key]
    is_ratio = row.key == "ratio" and "spread" in figures
    spread = "{:.3g} to {:.3g}".format(*figures["spread"]) if is_ratio else ""
    took = ""
    if is_ratio:
        unit, key = ("µs", "us") if "ours_us" in figures else ("ms", "ms")
        took = f"{figures[f'ours_{key}']:.3g} {unit} | {figures[f'plain_{key}']:.3g} {unit}"
    mark = "yes" if value <= row.most else "**no**"
    cells = [row.said, f"{value:.3g}", spread, took or " | ", f"{row.most:g}", mark]
    return f"| {' | '.join(cells)} |"


def machine() -> str:
    names = [
        each.partition(":")[2].strip()
        for each in (Path("/proc/cpuinfo").read_text().splitlines() if on_linux() else [])
        if each.startswith("model name")
    ]
    processor = f"{len(names)} cores of {names[0]}" if names else platform.processor()
    packages = ", ".join(f"{name} {version(name)}" for name in ("httpx", "httpcore", "pydantic"))
    return f"{processor}, {platform.system()}, Python {platform.python_version()}, {packages}"


def on_linux() -> bool:
    return Path("/proc/cpuinfo").exists()


def page(found: dict[str, Any]) -> str:
    missed = [row for row in ROWS if found[row.case][row.key] > row.most]
    said = "".join(f"\n- **{row.said}**: {row.why or 'not known.'}" for row in missed)
    peers = ""
    if PEERS.exists():
        peers = OTHERS.format(table=table_of_peers(json.loads(PEERS.read_text())))
    return (
        (HERE / "page.md")
        .read_text()
        .format(
            machine=machine(),
            rows="\n".join(line(row, found) for row in ROWS),
            missed=f"\nNot reached:\n{said}\n" if missed else "\nAll of them are reached.\n",
            plain_mb=found["at_once"]["plain_mb"],
            **of_the_table(found),
            peers=peers,
        )
    )


def of_the_table(found: dict[str, Any]) -> dict[str, Any]:
    """What the page says of a table."""
    memory, again = found["table_memory"], found["table_again"]
    by = found["table_by_1"]
    sizes = zip(memory["rows"], memory["resident_mb"], strict=True)
    return {
        "table_sizes": "\n".join(f"| {rows:,} | {resident:.1f} MB |" for rows, resident in sizes),
        "table_rows": f"{1e3 / by['ours_ms']:,.0f}",
        "table_again": f"{again['rows_a_second']:,.0f}",
        "table_plain": f"{found['table_by_16']['plain_ms']:.2f}",
        "table_plain_in_turn": f"{by['plain_ms']:.2f}",
    }


OTHERS = """
## Other frameworks

The same work, in the same rounds. A ratio is to the plain httpx loop of its round; tracing is off.

{table}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=6.0, help="for each case")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", type=Path, help="write what was found there, too")
    parser.add_argument("--found", type=Path, help="measure nothing: take what was written there")
    options = parser.parse_args()
    if options.found:
        found = json.loads(options.found.read_text())
    else:
        found = measured(options.seconds, options.rounds)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))
    PAGE.write_text(page(found))
    print("\n".join(line(row, found) for row in ROWS))
    print(f"written: {PAGE.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()
