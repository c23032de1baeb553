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

# What takes longer to load than a first tool does; a run needs them, an agent does not.
FOR_LATER = {
    "asyncio",
    "concurrent",
    "email",
    "hashlib",
    "importlib.metadata",
    "logging",
    "pydantic",
    "socket",
    "ssl",
    "subprocess",
    "threading",
    "uuid",
}
# Rooms that only a run enters.
OF_A_RUN = {
    f"agentkit.{room}"
    for room in (
        "ask background budget compact context dispatch journal log loop measure moves paying "
        "perform prices purse quote records result resuming run sessions stores.protocol stream"
    ).split()
}
MOST_MODULES = 48
"""Of agentkit's own, for an agent and its first tool."""

FIRST_TOOL = """
from agentkit import Agent, tool
@tool
def add(a: int, b: int = 3, unit: str | None = None) -> int:
    "The sum of two numbers."
    return a + b
add.schema()
"""


def modules_loaded_by(code: str) -> set[str]:
    """The modules that are loaded once the code has run in a new process."""
    script = f"import sys, json\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    return set(json.loads(run.stdout.splitlines()[-1]))


def loaded_by(code: str) -> set[str]:
    """The top-level modules that are loaded once the code has run in a new process."""
    return {name.split(".")[0] for name in modules_loaded_by(code)}


def test_importing_agentkit_loads_none_of_the_heavy_libraries():
    loaded = loaded_by("import agentkit")
    assert "agentkit" in loaded
    assert not loaded & (HEAVY | {"pydantic"})


@pytest.mark.parametrize("name", ["Agent", "tool", "Limits", "RunResult", "Image", "ModelError"])
def test_a_public_name_loads_none_of_them_either(name):
    assert not loaded_by(f"from agentkit import {name}") & HEAVY


def test_an_agent_can_be_made_before_anything_heavy_is_loaded():
    code = f"{FIRST_TOOL}\nAgent('gpt-5-mini', tools=[add])"
    assert not loaded_by(code) & HEAVY


def test_an_agent_with_its_first_tool_loads_nothing_that_only_a_run_needs():
    loaded = modules_loaded_by(f"{FIRST_TOOL}\nAgent('gpt-5-mini', tools=[add])")
    before = modules_loaded_by("")
    assert not (loaded - before) & (FOR_LATER | OF_A_RUN)


def test_an_agent_with_its_first_tool_needs_few_modules():
    loaded = modules_loaded_by(FIRST_TOOL)
    own = sorted(name for name in loaded if name.split(".")[0] == "agentkit")
    assert len(own) <= MOST_MODULES, own


def test_all_of_pydantic_is_loaded_for_a_type_that_json_does_not_have():
    code = "import datetime\nfrom agentkit import tool\n@tool\ndef on(day: datetime.date): ..."
    assert "pydantic" in loaded_by(code)


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
