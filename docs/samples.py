"""Fills the samples of README and docs from what they show, so that none can go stale.

    python docs/samples.py          writes them
    python docs/samples.py --check  says which differ, exit code 1

A comment names what the block behind it shows: `sample: examples/x.py` the file itself,
`output: examples/x.py` what it prints, `command: agentkit …` what the command prints.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

BLOCK = re.compile(
    r"<!-- (?P<kind>sample|output|command): (?P<what>[^\n]+) -->\n```(?P<language>\w*)\n"
    r"(?P<body>.*?)```\n",
    re.DOTALL,
)
LANGUAGE = {"sample": "python", "output": "text", "command": "text"}


def filled(page: str) -> str:
    """The page with every block as it should be."""
    return BLOCK.sub(_block, page)


def untold(page: str) -> list[str]:
    """The first lines of Python blocks that no comment ties to a file."""
    told = {match["body"] for match in BLOCK.finditer(page)}
    blocks = re.findall(r"```python\n(.*?)```\n", page, re.DOTALL)
    return [block.splitlines()[0] for block in blocks if block not in told]


def run(*command: str) -> str:
    """What a command prints, in a terminal of 88 columns, without any key and any log before."""
    keys = ("PATH", "HOME", "SYSTEMROOT", "VIRTUAL_ENV", "PYTHONPATH")
    environment = {key: os.environ[key] for key in keys if key in os.environ}
    environment |= {"COLUMNS": "88", "NO_COLOR": "1", "PYTHONWARNINGS": "error"}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**environment, "AGENTKIT_DB": str(Path(folder) / "runs.db")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    if done.returncode:
        raise SystemExit(f"{shlex.join(command)} failed:\n{done.stderr}")
    return done.stdout


def _block(match: re.Match[str]) -> str:
    kind, what = match["kind"], match["what"]
    body = _SHOWN[kind](what).rstrip("\n")
    language = LANGUAGE[kind]
    return f"<!-- {kind}: {what} -->\n```{language}\n{body}\n```\n"


def _output(what: str) -> str:
    return run(sys.executable, what)


def _command(what: str) -> str:
    words = shlex.split(what)
    if words[0] != "agentkit":
        raise SystemExit(f"{what!r}: only the agentkit command is shown")
    return run(sys.executable, "-m", *words)


_SHOWN: dict[str, Callable[[str], str]] = {
    "sample": lambda what: (ROOT / what).read_text(),
    "output": _output,
    "command": _command,
}


def main(arguments: Iterable[str]) -> int:
    """Write the pages, or check them."""
    stale = []
    for page in PAGES:
        text = page.read_text()
        if filled(text) != text:
            stale.append(page.relative_to(ROOT))
            if "--check" not in arguments:
                page.write_text(filled(text))
    for path in stale:
        sys.stdout.write(f"{path}\n")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
