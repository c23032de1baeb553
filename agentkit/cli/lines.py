"""The messages of a conversation: typed at a terminal, or line by line from a pipe."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TextIO

from agentkit.cli.answer import write
from agentkit.errors import ConfigurationError

PROMPT, MORE = "> ", "… "
BLOCK = '"""'


class Messages(Protocol):
    """Where messages come from."""

    is_typed: bool
    """Whether a person types them."""

    def read(self) -> str:
        """The next message; empty where one was begun and thrown away.

        Raises EOFError at the end, KeyboardInterrupt at Ctrl-C where none was begun.
        """
        ...


def messages_from(stdin: TextIO | None, history: Callable[[], Path | None]) -> Messages:
    """The messages of a terminal, whose lines a file keeps if `history` names one, or of a pipe."""
    if stdin is None or not stdin.isatty():
        return PipedMessages(stdin)
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        with contextlib.suppress(ImportError):
            return EditedMessages(history())
    return TypedMessages(stdin)


def message(read_line: Callable[[str], str]) -> str:
    """One message: a line, lines that end with a backslash, or all between two triple quotes."""
    line = read_line(PROMPT)
    lines = [line]
    try:
        if line.lstrip().startswith(BLOCK):
            return _block(line.lstrip().removeprefix(BLOCK), read_line)
        while lines[-1].endswith("\\"):
            lines[-1] = lines[-1][:-1]
            lines.append(read_line(MORE))
    except EOFError:  # what there is has been said
        pass
    return "\n".join(lines)


def _block(first: str, read_line: Callable[[str], str]) -> str:
    lines = [first]
    with contextlib.suppress(EOFError):
        while not lines[-1].rstrip().endswith(BLOCK):
            lines.append(read_line(MORE))
    lines[-1] = lines[-1].rstrip().removesuffix(BLOCK)
    return "\n".join(lines).strip("\n")


class PipedMessages:
    """A script: every line a message."""

    is_typed = False

    def __init__(self, stdin: TextIO | None) -> None:
        if isinstance(stdin, io.TextIOWrapper):
            # in the C locale Python would let other bytes pass, as lone surrogates
            stdin.reconfigure(encoding="utf-8", errors="strict")
        self._stdin = stdin

    def read(self) -> str:
        return message(self._line)

    def _line(self, _prompt: str) -> str:
        try:
            line = self._stdin.readline() if self._stdin else ""
        except UnicodeDecodeError as error:
            raise ConfigurationError("Standard input is not UTF-8 text.") from error
        if not line:
            raise EOFError
        return line.rstrip("\r\n")


class TypedMessages:
    """A terminal, with what line editing Python itself has."""

    is_typed = True

    def __init__(self, stdin: TextIO) -> None:
        self._stdin = stdin
        # where it is there, `input` edits lines with it
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401

    def read(self) -> str:
        try:
            return message(self._line)
        except (KeyboardInterrupt, EOFError):
            write(sys.stderr, "\n")
            raise

    def _line(self, prompt: str) -> str:
        if sys.stdout.isatty():
            return input(prompt)
        write(sys.stderr, prompt)
        line = self._stdin.readline()
        if not line:
            raise EOFError
        return line.rstrip("\n")


class EditedMessages:
    """A terminal with history, and lines that go on: by Alt-Enter, a backslash, or pasted.

    Needs the extra `[chat]`; raises ImportError without.
    """

    is_typed = True

    def __init__(self, history: Path | None) -> None:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.output import create_output

        self._session: PromptSession[str] = PromptSession(
            PROMPT,
            history=_kept_in(history) if history and _is_private(history) else None,
            key_bindings=_bindings(),
            prompt_continuation=MORE,
            enable_suspend=True,
            output=None if sys.stdout.isatty() else create_output(sys.stderr),
        )

    def read(self) -> str:
        try:
            return self._session.prompt()
        # before the editor has the keys, Ctrl-C is a signal, which may only cancel its loop
        except (KeyboardInterrupt, asyncio.CancelledError):
            if self._session.default_buffer.text:
                return ""
            raise KeyboardInterrupt from None


def _kept_in(path: Path) -> Any:
    """The lines of a file, which takes more of them for as long as it can."""
    from prompt_toolkit.history import FileHistory

    class Kept(FileHistory):
        def store_string(self, string: str) -> None:
            with contextlib.suppress(OSError):
                super().store_string(string)

    return Kept(str(path))


def _bindings() -> Any:
    from prompt_toolkit.application import get_app
    from prompt_toolkit.filters import Condition
    from prompt_toolkit.key_binding import KeyBindings
    from prompt_toolkit.keys import Keys

    bindings = KeyBindings()

    # text with colours looks like one, and is not what prompt_toolkit expects of it
    @bindings.add(Keys.Vt100MouseEvent)
    def _(event: Any) -> None:
        pass

    @bindings.add("escape", "enter")
    def _(event: Any) -> None:
        event.current_buffer.insert_text("\n")

    @bindings.add(
        "enter",
        filter=Condition(lambda: get_app().current_buffer.document.text.endswith("\\")),
    )
    def _(event: Any) -> None:
        event.current_buffer.delete_before_cursor()
        event.current_buffer.insert_text("\n")

    return bindings


def _is_private(path: Path) -> bool:
    """Whether there is such a file, made for nobody else to read; there may be no place for one."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600))
    except OSError:
        return False
    return True
