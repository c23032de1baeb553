"""Fills the tables of docs/faults.md from the endings that the tests hold the code to.

    python docs/faults.py          writes them
    python docs/faults.py --check  says whether they differ, exit code 1

A comment names the table behind it: `<!-- endings: CUTS -->`, `<!-- tools: NAMES -->`,
`<!-- shapes -->`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from agentkit.testing import FAULTS
from agentkit.testing.faults.refusals import SHAPES, error_body

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "faults.md"
sys.path.insert(0, str(ROOT / "tests" / "faults"))

import expected  # noqa: E402
import tool_endings  # noqa: E402

TABLE = re.compile(r"<!-- (?P<kind>endings|tools|shapes)(: (?P<name>\w+))? -->\n(?:\|[^\n]*\n)*")
HEAD = "| fault | the server | JSON | stream |\n|---|---|---|---|\n"


def filled(page: str) -> str:
    """The page with every table as it should be."""
    return TABLE.sub(_table, page)


def _table(match: re.Match[str]) -> str:
    comment = match[0].partition("\n")[0]
    made = {"endings": endings, "tools": tools, "shapes": shapes}[match["kind"]](match["name"])
    # half a character can be told, and not written
    return f"{comment}\n{made}".encode("utf-8", "backslashreplace").decode()


def shapes(_: str) -> str:
    """The shapes of error bodies, each with how it begins."""
    rows = (f"| `{shape}` | {shown(*error_body(shape, 400))} |\n" for shape in SHAPES)
    return "| shape | such as |\n|---|---|\n" + "".join(rows)


def shown(body: bytes, content_type: str) -> str:
    """A body in a line, and its content type where that is no JSON."""
    text = " ".join(body.decode().split())
    code = f"`{text}`" if text else "nothing"
    if content_type == "application/json":
        return code
    return f"{code} as `{content_type}`" if content_type else f"{code} without a content type"


def tools(name: str) -> str:
    """What calls and tools do, by the rows of that name in `tests/faults/tool_endings.py`."""
    rows: Iterable[tool_endings.ToolEnding] = getattr(tool_endings, name)
    cells = (f"{row.what} | {row.ending}".replace("\n", " ") for row in rows)
    return "| what is done | what becomes of it |\n|---|---|\n" + "".join(
        f"| {cell} |\n" for cell in cells
    )


def endings(name: str) -> str:
    """The endings of that name in `tests/faults/expected.py`."""
    endings: Mapping[str, expected.Pair] = getattr(expected, name)
    return HEAD + "".join(row(fault, *pair) for fault, pair in endings.items())


def row(fault: str, in_json: expected.Ending, in_stream: expected.Ending) -> str:
    """One fault and its endings."""
    does = FAULTS[re.split("[=,]", fault)[0]].does
    return f"| `{fault}` | {does} | {in_json} | {in_stream} |\n"


def main(arguments: Iterable[str]) -> int:
    """Write the page, or check it."""
    text = PAGE.read_text()
    if filled(text) == text:
        return 0
    if "--check" in arguments:
        sys.stdout.write(f"{PAGE.relative_to(ROOT)}\n")
        return 1
    PAGE.write_text(filled(text))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
