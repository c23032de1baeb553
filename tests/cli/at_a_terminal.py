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

CTRL_C, CTRL_D, CTRL_Z, ALT_ENTER, ENTER = "\x03", "\x04", "\x1a", "\x1b\r", "\r"

PROMPTED = "⏵"
"""Shown in place of what a line editor begins with: from here on it has the keys."""
_EDITS_A_LINE = "\x1b[?2004h"

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
        self._shown = b""
        self._read_to = 0

    def reads(self, text: str) -> str:
        """What was shown until `text`, and that; what was read is not read again."""
        deadline = time.monotonic() + FAIL_AFTER
        while text not in self._unread:
            ready, _, _ = select.select([self._ours], [], [], deadline - time.monotonic())
            assert ready, f"{text!r} did not come: {self._unread!r}"
            assert self._waits_for_more(), f"it ended without {text!r}: {self._unread!r}"
        read = self._unread[: self._unread.index(text) + len(text)]
        self._read_to += len(read)
        return read

    def types(self, text: str) -> None:
        """Type it as it is."""
        os.write(self._ours, text.encode())

    def says(self, line: str) -> None:
        """Type a line."""
        self.types(line + ENTER)

    def leaves(self) -> tuple[str, int]:
        """All that is shown until the end, and the exit code."""
        while self._waits_for_more():
            pass
        os.close(self._ours)
        return self._unread, self.process.wait()

    @property
    def _unread(self) -> str:
        text = self._shown.decode(errors="ignore").replace(_EDITS_A_LINE, PROMPTED)
        return re.sub(r"\x1b\[[0-9;?]*([a-zA-Z]|$)|\x1b$|\r", "", text)[self._read_to :]

    def _waits_for_more(self) -> bool:
        with contextlib.suppress(OSError):  # the other end is closed
            piece = os.read(self._ours, 65536)
            self._shown += piece
            return bool(piece)
        return False


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
