"""Where a job over a table is told while it goes on: a live block, a line now and then, nowhere.

On a terminal the block is drawn anew some four times a second, and what tools print goes above it.
Elsewhere a line is written every ten seconds, for a log.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any, Protocol, TextIO

from agentkit.cli.answer import write
from agentkit.cli.map_block import block, line
from agentkit.cli.map_look import Look
from agentkit.cli.safe_text import visible
from agentkit.cli.show import ColourScreen, screen_for

Wait = Callable[[float], Awaitable[object]]


class Display(Protocol):
    """Shows how a job stands."""

    every: float
    """Seconds between two looks."""

    def shown(self) -> Any:
        """A context manager: the display is there until it is left. May be entered again."""

    def show(self, look: Look) -> None: ...

    def last(self, look: Look) -> None:
        """Leave behind how it stood at the end."""

    def note(self, text: str) -> None:
        """Show a line that stays."""


class NoDisplay:
    """Shows nothing but notes."""

    every = 3600.0

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @contextmanager
    def shown(self) -> Iterator[None]:
        with redirect_stdout(sys.stderr):  # stdout is for rows, whatever a tool prints
            yield

    def show(self, look: Look) -> None:
        pass

    def last(self, look: Look) -> None:
        pass

    def note(self, text: str) -> None:
        with suppress(OSError):
            write(self._stream, f"{visible(text)}\n")


class PlainDisplay(NoDisplay):
    """A line every ten seconds."""

    every = 10.0

    def show(self, look: Look) -> None:
        self.note(line(look))


class LiveDisplay:
    """A block of lines at the bottom of a terminal, which stays there at the end."""

    every = 0.25

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.text import Text

        self._console = Console(file=stream, highlight=False, markup=False, emoji=False)
        self._text = Text
        self._live: Any = None

    @contextmanager
    def shown(self) -> Iterator[None]:
        from rich.live import Live

        self._live = Live(console=self._console, auto_refresh=False, vertical_overflow="crop")
        with suppress(OSError):
            self._live.start()
            # one that is hidden would stay so where the process is killed
            self._console.show_cursor(True)
        try:
            yield
        finally:
            with suppress(OSError):
                self._live.stop()
            self._live = None

    def show(self, look: Look) -> None:
        if self._live is None:
            return
        # a line as wide as the terminal would begin another one
        lines = block(look, max(self._console.width - 1, 1))
        with suppress(OSError):
            self._live.update(self._text("\n".join(lines), no_wrap=True), refresh=True)

    def last(self, look: Look) -> None:
        self.show(look)

    def note(self, text: str) -> None:
        with suppress(OSError):
            self._console.print(self._text(visible(text)), soft_wrap=True)


def display_for(stream: TextIO, *, is_quiet: bool, shares_with_rows: bool) -> Display:
    """The display that suits the stream; no block where rows are written to the same terminal."""
    if is_quiet:
        return NoDisplay(stream)
    has_colours = isinstance(screen_for(stream, is_quiet=False), ColourScreen)
    return LiveDisplay(stream) if has_colours and not shares_with_rows else PlainDisplay(stream)


def is_same_terminal(one: TextIO, other: TextIO) -> bool:
    """Whether both are shown on the same terminal, or on two that cannot be told apart."""
    if not (one.isatty() and other.isatty()):
        return False
    try:
        return os.ttyname(one.fileno()) == os.ttyname(other.fileno())
    except (OSError, ValueError, AttributeError):
        return True
