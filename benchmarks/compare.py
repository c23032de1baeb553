"""agentkit beside other frameworks: the same work, the same server, a process for each case.

    python benchmarks/compare.py          # or: make bench-peers

Each has an environment of its own in `.venv-peers`, with the versions of its requirements file.
CPU time of the process that runs the loop; they take turns, round by round, and a ratio is the
median of those of single rounds to the plain httpx loop. Tracing is off wherever there is any.
Prints the table, and, where no peer is left out, keeps what it was made of in
`benchmarks/peers.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

from figures_of_peers import FOUND, table
from work import canned_server

HERE = Path(__file__).parent
LOOPS = HERE / "peers"
FLOOR = "httpx"
PEERS = {
    "openai": "openai",
    "openai_agents": "openai-agents",
    "pydantic_ai": "pydantic-ai-slim",
    "langchain": "langchain",
}
"""The loops by name, and the package whose version stands for each."""
ROUNDS = {"first_tool": 5, "hundred": 2, "at_once": 1}
CASES = ("one_turn", "ten_by_four", "hundred", "at_once", "delta", "first_tool", "schema")
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": str(HERE),
    "PYTHONDONTWRITEBYTECODE": "",
    "DO_NOT_TRACK": "1",
    "LANGCHAIN_TRACING_V2": "false",
    "LANGSMITH_TRACING": "false",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
}


def python_of(name: str) -> str:
    """The interpreter that has the packages of a loop; they are installed where they are not."""
    if name not in PEERS:
        return sys.executable
    wanted = LOOPS / f"requirements-{name.replace('_', '-')}.txt"
    home = HERE.parent / ".venv-peers" / name
    python, ready = home / "bin" / "python", home / "installed.txt"
    if not ready.exists() or ready.read_text() != wanted.read_text():
        print(f"installing {wanted.name} …", file=sys.stderr)
        venv.create(home, clear=True, with_pip=True)
        (home.parent / ".gitignore").write_text("*\n")
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        # pins of this project are not for them
        environment = {key: value for key, value in os.environ.items() if "CONSTRAINT" not in key}
        subprocess.run([*pip, "-r", wanted], check=True, env=environment)
        ready.write_text(wanted.read_text())
    return str(python)


def version_of(name: str) -> str:
    package = {FLOOR: "httpx", "agentkit": "agentkit", **PEERS}[name]
    code = f"from importlib.metadata import version; print(version({package!r}))"
    return subprocess.run([python_of(name), "-c", code], check=True, **_TEXT).stdout.strip()


def measured(name: str, case: str, server: str, seconds: float) -> dict[str, Any]:
    """One case of one loop, in a process of its own."""
    command = [python_of(name), str(LOOPS / "measure.py"), name, case, server, str(seconds)]
    ran = subprocess.run(command, env=ENVIRONMENT, check=False, **_TEXT)
    if ran.returncode:
        raise SystemExit(f"{name}, {case}: {ran.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    if case == "first_tool":
        first = [python_of(name), "-c", found["code"]]
        process_cpu(first)  # writes bytecode
        return {"ms": process_cpu(first) * 1e3}
    return found


def process_cpu(command: list[str]) -> float:
    """CPU seconds of a new process."""
    process = subprocess.Popen(command, env=ENVIRONMENT)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"failed: {command}")
    return usage.ru_utime + usage.ru_stime


def compared(case: str, names: list[str], server: str, options: Any) -> dict[str, Any]:
    """What a case costs in each loop, and how much that is of the floor."""
    rounds = [
        {name: measured(name, case, server, options.seconds) for name in names}
        for _ in range(min(options.rounds, ROUNDS.get(case, options.rounds)))
    ]
    found = dict[str, Any]()
    for name in names:
        mine = [each[name] for each in rounds]
        keys = mine[0].keys()
        found[name] = {key: statistics.median(each[key] for each in mine) for key in keys}
        if keys and rounds[0][FLOOR]:
            ratios = [each[name]["ms"] / each[FLOOR]["ms"] for each in rounds]
            found[name]["ratio"] = statistics.median(ratios)
    return found


def known_cases(versions: dict[str, str]) -> dict[str, Any]:
    """What was measured before, with the same versions."""
    before: dict[str, Any] = json.loads(FOUND.read_text()) if FOUND.exists() else {}
    is_same = before.get("python") == platform.python_version()
    return before["cases"] if is_same and before["versions"] == versions else {}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("peers", nargs="*", default=list(PEERS), metavar="PEER")
    said = "measured anew; the others stay as they are, where the versions are the same"
    parser.add_argument("--cases", nargs="*", default=CASES, choices=CASES, help=said)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of one case in one round")
    options = parser.parse_args()
    names = [FLOOR, "agentkit", *options.peers]
    versions = {name: version_of(name) for name in names}
    cases = known_cases(versions)
    with canned_server() as server:
        for case in options.cases:
            print(f"{case} …", file=sys.stderr)
            cases[case] = compared(case, names, server, options)
    in_order = {case: cases[case] for case in CASES if case in cases}
    found = {"python": platform.python_version(), "versions": versions, "cases": in_order}
    if options.peers == list(PEERS):
        FOUND.write_text(json.dumps(found, indent=1) + "\n")
    print(table(found))


_TEXT: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}

if __name__ == "__main__":
    main()
