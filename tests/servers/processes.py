"""Programs that the tests start, and that say where they listen."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

PATIENCE = 90.0
"""Seconds that a server may take to listen; the slowest needs seven on a machine of its own."""


@contextmanager
def started(
    command: Sequence[str], listening: str, environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """The URL in what a program says of itself; the program is ended on leaving.

    `listening` is a pattern whose group is the URL.
    """
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, **(environment or {})},
    ) as process:
        said = _Said(process, re.compile(listening))
        try:
            yield said.url()
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
            said.thread.join()


class _Said:
    """What a program prints, read to its end so that it never waits for a reader."""

    def __init__(self, process: subprocess.Popen[str], listening: re.Pattern[str]) -> None:
        self._process = process
        self._listening = listening
        self._lines: list[str] = []
        self._url = ""
        self._settled = threading.Event()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def url(self) -> str:
        """Waits for it. Raises RuntimeError, with what was said, when it does not come."""
        self._settled.wait(PATIENCE)
        if not self._url:
            raise RuntimeError("The server does not listen:\n" + "".join(self._lines[-40:]))
        return self._url

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line)
            if not self._url and (found := self._listening.search(line)):
                self._url = found[1]
                self._settled.set()
        self._settled.set()
