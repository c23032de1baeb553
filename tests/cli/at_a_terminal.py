"""A person at a terminal of a process: reads what it shows, and types."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import subprocess
import termios
import time
from collections.abc import Callable
from typing import Any

FAIL_AFTER = 30.0
"""Seconds after which what was waited for has not come."""

CTRL_C, CTRL_D, ALT_ENTER, ENTER = "\x03", "\x04", "\x1b\r", "\r"

PLAIN = {"TERM": "dumb"}
"""A terminal without line editing."""


class Person:
    """Starts a command at a terminal of its own; `stdout` may be a pipe beside it."""

    def __init__(self, start: Callable[..., subprocess.Popen[str]], *words: str, **options: Any):
        self._ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (40, 200))
        environment = {"TERM": "xterm", "COLUMNS": "200", "PROMPT_TOOLKIT_NO_CPR": "1"}
        streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs, **options}
        environment |= streams.pop("env", {})
        # the terminal has to be the process's own, or Ctrl-C reaches nobody
        self.process = start(
            *words, **streams, env=environment, start_new_session=True, preexec_fn=_take_terminal
        )
        os.close(theirs)
        self._seen = ""
        self._read_to = 0

    def reads(self, text: str) -> str:
        """What was shown until `text`, and that; what was read is not read again."""
        deadline = time.monotonic() + FAIL_AFTER
        while text not in self._seen[self._read_to :]:
            ready, _, _ = select.select([self._ours], [], [], deadline - time.monotonic())
            assert ready, f"{text!r} did not come: {self._seen[self._read_to :]!r}"
            piece = self._piece()
            assert piece, f"it ended without {text!r}: {self._seen[self._read_to :]!r}"
        begin, self._read_to = (
            self._read_to,
            self._seen.index(text, self._read_to) + len(text),
        )
        return self._seen[begin : self._read_to]

    def types(self, text: str) -> None:
        """Type it as it is."""
        os.write(self._ours, text.encode())

    def says(self, line: str) -> None:
        """Type a line."""
        self.types(line + ENTER)

    def leaves(self) -> tuple[str, int]:
        """All that is shown until the end, and the exit code."""
        while self._piece():
            pass
        os.close(self._ours)
        return self._seen[self._read_to :], self.process.wait()

    def _piece(self) -> str:
        with contextlib.suppress(OSError):  # the other end is closed
            piece = os.read(self._ours, 65536).decode(errors="replace")
            self._seen += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\r", "", piece)
            return piece
        return ""


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
