"""A person at a terminal: lines to read, and questions that are answered in words."""

from __future__ import annotations

import argparse
import io
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from agentkit.cli.answer import write
from agentkit.cli.safe_text import visible
from agentkit.errors import ConfigurationError


class Terminal:
    """The terminal that the command was started in. Asks on stderr: stdout is the answer's."""

    def __init__(self, stdin: TextIO, stderr: TextIO) -> None:
        self._stdin, self._stderr = stdin, stderr
        if isinstance(stdin, io.TextIOWrapper):
            with suppress(io.UnsupportedOperation):  # it has been read from
                stdin.reconfigure(errors="replace")

    def show(self, text: str) -> None:
        """Write lines, harmless ones."""
        write(self._stderr, f"{visible(text)}\n")

    def ask(self, prompt: str) -> str:
        """The line that is typed. Raises EOFError at the end, KeyboardInterrupt at Ctrl-C."""
        write(self._stderr, visible(prompt))
        line = self._stdin.readline()
        if not line:
            write(self._stderr, "\n")
            raise EOFError
        return line.strip()

    def ask_anew(self, prompt: str) -> str:
        """`ask`, but what was typed before the prompt stood there is no answer to it."""
        _forget_what_was_typed(self._stdin)
        return self.ask(prompt)

    def edit(self, editor: str, text: str) -> str:
        """The text as the editor leaves it. Raises ConfigurationError where that fails."""
        with tempfile.TemporaryDirectory(prefix="agentkit-") as folder:
            path = Path(folder) / "arguments.json"
            path.write_text(text, encoding="utf-8")
            try:
                _run_undisturbed([*shlex.split(editor), str(path)], self._stderr)
                return path.read_text(encoding="utf-8")
            except (OSError, ValueError, subprocess.CalledProcessError) as error:
                raise ConfigurationError(f"The editor {editor!r} failed: {error}.") from error


def terminal_at_hand() -> Terminal | None:
    """The terminal, where there is one to read from and to write to."""
    if sys.stdin is None or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    return Terminal(sys.stdin, sys.stderr)


def terminal_for(arguments: argparse.Namespace) -> Terminal | None:
    """The terminal, unless another program reads what is written."""
    if arguments.json or arguments.jsonl or arguments.quiet:
        return None
    return terminal_at_hand()


def editor_of(environment: Mapping[str, str] = os.environ) -> str:
    """The command of the person's editor, empty where none is named."""
    return (environment.get("VISUAL") or environment.get("EDITOR") or "").strip()


def _forget_what_was_typed(stdin: TextIO) -> None:
    try:
        import termios
    except ImportError:  # Windows
        return
    termios.tcflush(stdin, termios.TCIFLUSH)


def _run_undisturbed(command: list[str], stdout: TextIO) -> None:
    """Run an editor, whose Ctrl-C is its own."""
    # a function and not SIG_IGN, which the editor would inherit
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        subprocess.run(command, stdout=stdout, check=True)
    finally:
        signal.signal(signal.SIGINT, before)
