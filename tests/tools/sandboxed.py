"""What the tests of the sandbox share: skipping where there is none, and a program run in it."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from agentkit import ConfigurationError
from agentkit_tools import Python, SandboxLimits, Shell

CANARY = "the-canary-sings"
"""Stands where nothing inside may read it."""


def why_not() -> str:
    """Why there is no sandbox here; empty where there is one."""
    try:
        Shell("/usr/share")
    except ConfigurationError as error:
        return str(error)
    return ""


REASON = why_not()
needs_sandbox = pytest.mark.skipif(bool(REASON), reason=REASON)


async def shell(root: Path, command: str, **options) -> str:
    """What the model reads of a command line."""
    limits = SandboxLimits(**{"seconds": 20, **options.pop("limits", {})})
    [tool] = Shell(root, limits=limits, **options).tools
    return await tool.invoke(json.dumps({"command": command}))


async def python(code: str, root: Path | None = None, **options) -> str:
    """What the model reads of a program in Python."""
    limits = SandboxLimits(**{"seconds": 20, **options.pop("limits", {})})
    [tool] = Python(root, limits=limits, **options).tools
    return await tool.invoke(json.dumps({"code": code}))


class Alive:
    """Tells, by a pipe in a folder, whether a program inside runs that has it open."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "alive"
        os.mkfifo(self.path)
        self._began = threading.Event()
        self._ended = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with open(self.path, "rb") as pipe:
            pipe.read(1)
            self._began.set()
            pipe.read()
        self._ended.set()

    def wait_until_begun(self) -> None:
        assert self._began.wait(20)

    def wait_until_ended(self) -> None:
        """Every process that has it open is gone."""
        assert self._ended.wait(20)
