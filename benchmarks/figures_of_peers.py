"""The table of other frameworks, made of what `compare.py` has measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOUND = Path(__file__).parent / "peers.json"
ROWS = (
    ("one_turn", "ratio", "one tool turn"),
    ("ten_by_four", "ratio", "ten turns of four parallel calls"),
    ("hundred", "ratio", "a hundred turns in one run"),
    ("hundred", "growth", "second fifty turns / first fifty"),
    ("at_once", "ratio", "five hundred runs at once"),
    ("at_once", "resident_mb", "resident memory there, MB"),
    ("delta", "ratio", "a streamed text delta"),
    ("first_tool", "ratio", "import and first tool"),
    ("first_tool", "ms", "the same, ms"),
    ("schema", "ms", "schema of six parameters, ms"),
)
"""Case, figure, and what the page calls it."""
NAMES = {
    "httpx": "plain httpx",
    "openai": "openai, a loop by hand",
    "openai_agents": "openai-agents",
    "pydantic_ai": "pydantic-ai",
}


def table(found: dict[str, Any]) -> str:
    """What was found, as Markdown; ratios are to the plain httpx loop of the same round."""
    names = list(found["versions"])
    heads = [f"{NAMES.get(name, name)} {found['versions'][name]}" for name in names]
    rows = [
        [said, *(_shown(found["cases"][case].get(name, {}).get(key), key) for name in names)]
        for case, key, said in ROWS
        if case in found["cases"]
    ]
    lines = [["", *heads], ["---", *("--:" for _ in names)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _shown(value: float | None, key: str) -> str:
    if value is None:
        return "–"
    if key == "resident_mb" or value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


if __name__ == "__main__":
    print(table(json.loads(FOUND.read_text())))
