"""A client that no one here wrote, as a test meets it."""

from __future__ import annotations

import json
import subprocess
import threading
from typing import Any

FAIL_AFTER = 60.0
"""Seconds after which a client that still runs has failed; the first run imports the package."""


class Client:
    """A client that runs what it is told."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def does(self, run: str, url: str, wire: str = "responses") -> dict[str, Any]:
        """What came of a run against the server at that base URL."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"run": run, "url": url, "wire": wire}) + "\n")
        self._process.stdin.flush()
        too_late = threading.Timer(FAIL_AFTER, self._process.kill)
        too_late.start()
        try:
            return json.loads(self._process.stdout.readline() or '{"error": "the client ended"}')
        finally:
            too_late.cancel()
