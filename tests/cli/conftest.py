"""What every test of the command needs: no keys, nothing piped in, files of its own."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agentkit.responses.providers import PROVIDERS

FAIL_AFTER = 60.0
"""Seconds after which a process that still runs is killed, and so its test fails."""

BOT = """\
import asyncio, sys, threading
from agentkit import Agent, Final, Limits, tool
from agentkit.testing import ScriptedModel, call, failed, incomplete, reasoning, refusal

@tool
def population(city: str) -> int:
    "People in a city."
    return 717710

"""
KEYS = {provider.key_variable for provider in PROVIDERS.values()} - {""}
ENVIRONMENT = (
    *KEYS,
    *("AGENTKIT_DB", "AGENTKIT_PROVIDER", "COLUMNS", "FORCE_COLOR", "NO_COLOR", "OLLAMA_HOST"),
)

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    # nothing is kept in the home folder of whoever runs the tests
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def bot(tmp_path: Path) -> Callable[[str], str]:
    """Writes bot.py, with imports and the tool `population` above the code; gives its path."""

    def write(code: str) -> str:
        path = tmp_path / "bot.py"
        path.write_text(BOT + code, encoding="utf-8")
        return str(path)

    return write


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts `python -m agentkit` as a process of its own, which ends with the test.

    `through` is a redirection of the shell, such as `2>&-`.
    """
    running: list[tuple[subprocess.Popen[str], threading.Timer]] = []

    def begin(*arguments: str, **options: Any) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        environment |= {"PYTHONUTF8": "1", **options.pop("env", {})}
        command = [sys.executable, "-m", "agentkit", *arguments]
        if through := options.pop("through", ""):
            command = ["sh", "-c", f'exec "$@" {through}', "sh", *command]
        process = subprocess.Popen(
            command,
            **{"stdin": subprocess.DEVNULL, "stdout": pipe, "stderr": pipe, **options},
            env=environment,
            encoding="utf-8",
        )
        watch = threading.Timer(FAIL_AFTER, process.kill)
        watch.start()
        running.append((process, watch))
        return process

    yield begin
    for process, watch in running:
        watch.cancel()
        process.kill()
        process.wait()
        for stream in filter(None, (process.stdin, process.stdout, process.stderr)):
            stream.close()
