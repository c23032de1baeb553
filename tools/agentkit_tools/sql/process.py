"""A process that answers what is asked of one database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any, cast

NEEDED = (
    *("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
    *("TMPDIR", "TEMP", "TMP", "SQLITE_TMPDIR"),
)
"""What is kept of the environment, in which there are secrets."""


class Process:
    """`python -m agentkit_tools.sql.worker`, from its beginning to its end."""

    def __init__(self, kind: str, path: str) -> None:
        # not in another one that was forked off since, which has the same pipes
        self._owner = os.getpid()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "agentkit_tools.sql.worker", kind, path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            # Ctrl-C at the terminal is for the program, which may let what is under way come to
            # its end
            start_new_session=True,
        )
        self._to = cast(IO[bytes], self._process.stdin)
        self._from = cast(IO[bytes], self._process.stdout)

    @property
    def is_usable(self) -> bool:
        """Whether it is there to be asked, and this program's own."""
        return self._owner == os.getpid() and self._process.poll() is None

    def asked(self, question: Mapping[str, object]) -> dict[str, Any] | None:
        """Its answer; None where it has ended before."""
        try:
            self._to.write(json.dumps(question).encode() + b"\n")
            self._to.flush()
        except OSError:
            return None
        return self.heard()

    def heard(self) -> dict[str, Any] | None:
        """What it says next; None where it has ended before."""
        line = self._from.readline()
        return dict(json.loads(line)) if line.endswith(b"\n") else None

    def kill(self) -> None:
        """End it from any thread; who waits for its answer gets None."""
        self._process.kill()

    def end(self) -> None:
        """Kill it, and keep nothing of it."""
        self._process.kill()
        for pipe in (self._to, self._from):
            with suppress(OSError):  # there is something left that it has not read
                pipe.close()
        self._process.wait()


def _environment() -> dict[str, str]:
    """What the process needs to find the modules that are found here, and no more."""
    kept = {name: os.environ[name] for name in NEEDED if name in os.environ}
    path = os.pathsep.join(each for each in sys.path if each)
    return {**kept, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
