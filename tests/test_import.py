"""Promise 10: importing agentkit loads nothing heavy, and does nothing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {
    "agentkit_tools",
    "docstring_parser",
    "genai_prices",
    "h11",
    "httpx",
    "jsonschema",
    "prompt_toolkit",
    "psycopg",
    "rich",
    "sqlite3",
    "tenacity",
    "tomllib",
}


def loaded_by(code: str) -> set[str]:
    """The top-level modules that are loaded once the code has run in a new process."""
    script = f"import sys, json\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    return {name.split(".")[0] for name in json.loads(run.stdout.splitlines()[-1])}


def test_importing_agentkit_loads_none_of_the_heavy_libraries():
    loaded = loaded_by("import agentkit")
    assert "agentkit" in loaded
    assert not loaded & (HEAVY | {"pydantic"})


@pytest.mark.parametrize("name", ["Agent", "tool", "Limits", "RunResult", "Image", "ModelError"])
def test_a_public_name_loads_none_of_them_either(name):
    assert not loaded_by(f"from agentkit import {name}") & HEAVY


def test_an_agent_can_be_made_before_anything_heavy_is_loaded():
    code = (
        "from agentkit import Agent, tool\n"
        "@tool\n"
        "def add(a: int, b: int = 3) -> int: return a + b\n"
        "Agent('gpt-5-mini', tools=[add])"
    )
    assert not loaded_by(code) & HEAVY


def test_importing_starts_no_thread_and_opens_no_file():
    code = (
        "import threading, os\n"
        "before = set(os.listdir('/proc/self/fd')) if os.path.isdir('/proc/self/fd') else set()\n"
        "from agentkit import Agent, tool\n"
        "after = set(os.listdir('/proc/self/fd')) if os.path.isdir('/proc/self/fd') else set()\n"
        "assert threading.active_count() == 1\n"
        "assert after == before, after - before"
    )
    assert "agentkit" in loaded_by(code)
