"""Clients that no one here wrote, each a process in a virtual environment of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.obeying import Client

HERE = Path(__file__).parent


@pytest.fixture(scope="session", params=["openai-agents", "pydantic-ai"])
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    """Each of the clients that are installed."""
    venvs = Path(os.environ.get("AGENTKIT_CLIENTS") or HERE.parents[1])
    python = venvs / f".venv-clients-{request.param}" / "bin" / "python"
    if not python.exists():
        pytest.skip(f"{request.param} is not installed: `make test-clients` does it")
    script = HERE / f"{request.param.replace('-', '_')}_runs.py"
    with subprocess.Popen(
        [str(python), str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Client(process)
        process.terminate()
