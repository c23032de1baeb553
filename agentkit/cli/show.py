"""Stderr: what happens on the way to the answer, a line each, and what it came to.

On a terminal in colour, with a sign of life while something is waited for; plain lines elsewhere,
and where `NO_COLOR` is set. A stream that takes nothing does not keep the run from its answer.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol, TextIO

from agentkit.cli.answer import write
from agentkit.cli.safe_text import one_line, visible
from agentkit.encoding import Wire, encode
from agentkit.events import (
    Event,
    Notice,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    ToolOutput,
    ToolProgress,
)
from agentkit.log import calls_in
from agentkit.records import Answer, Output
from agentkit.result import RunResult

MOST = 200
"""Characters of a call's arguments or output that a line shows."""


class Screen(Protocol):
    """Where lines go."""

    def line(self, text: str, style: str) -> None: ...

    def waiting(self, what: str) -> None:
        """Show that something is waited for, until the next line or `still`."""
        ...

    def still(self) -> None: ...


class NoScreen:
    """Shows nothing."""

    def line(self, text: str, style: str) -> None:
        pass

    def waiting(self, what: str) -> None:
        pass

    def still(self) -> None:
        pass


class PlainScreen(NoScreen):
    """Lines without colour."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def line(self, text: str, style: str) -> None:  # noqa: ARG002
        with suppress(OSError):
            write(self._stream, f"{text}\n")


class ColourScreen:
    """Lines in colour on a terminal, and a spinner while something is waited for."""

    def __init__(self, stream: TextIO) -> None:
        # takes as long to load as the rest of the command
        from rich.console import Console
        from rich.text import Text

        self._console = Console(file=stream, highlight=False, markup=False, emoji=False)
        self._text = Text
        self._status: Any = None

    def line(self, text: str, style: str) -> None:
        self.still()
        with suppress(OSError):
            self._console.print(self._text(text, style=style), soft_wrap=True)

    def waiting(self, what: str) -> None:
        self.still()
        self._status = self._console.status(self._text(what, style="dim"))
        with suppress(OSError):
            self._status.start()

    def still(self) -> None:
        if self._status is not None:
            with suppress(OSError):
                self._status.stop()
            self._status = None


def screen_for(stream: TextIO, *, is_quiet: bool) -> Screen:
    """The screen that suits the stream."""
    if is_quiet:
        return NoScreen()
    is_plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return ColourScreen(stream) if stream.isatty() and not is_plain else PlainScreen(stream)


class Progress:
    """Tells a run's events to a screen."""

    def __init__(
        self,
        screen: Screen,
        *,
        clock: Callable[[], float],
        before_line: Callable[[], None],
        shows_tracebacks: bool = False,
        is_kept: bool = False,
    ) -> None:
        self._screen = screen
        self._clock = clock
        self._before_line = before_line
        self._shows_tracebacks = shows_tracebacks
        self._is_kept = is_kept
        """Whether the session is in a log, so that its name is of use."""
        self._began = clock()
        self._turns = 0
        self._running: dict[str, str] = {}
        """Names of the tools that run, by call id."""
        self._open: set[str] = set()
        """Ids of the calls of this turn that have no output yet."""
        self._thoughts: list[str] = []

    def begin(self) -> None:
        """Show that something is under way."""
        self._screen.waiting("asking")

    def hear(self, event: Event) -> None:
        """Show what the event says."""
        if not isinstance(event, ReasoningDelta):
            self._flush_thoughts()
        match event:
            case ReasoningDelta(text):
                self._thoughts.append(text)
            case TextDelta():
                self._screen.still()
            case Answer():
                self._turns += 1
                self._open = {call.call_id for call in calls_in(event.response)}
            case Output():
                self._open.discard(event.call_id)
            case Notice(text):
                self._line(f"note: {one_line(text)}", "yellow")
            case ToolCall() | ToolProgress() | ToolOutput():
                self._tool(event)
            case _:
                pass

    def still(self) -> None:
        """Leave the screen in order, whatever comes."""
        self._flush_thoughts()
        self._screen.still()

    def end(self, result: RunResult) -> None:
        """Sum up the run in one line."""
        self.note(self.summary(result))

    def note(self, text: str) -> None:
        """Show a line that is about the run, and not of it."""
        self.still()
        self._line(visible(text), "dim")

    def trace(self, error: BaseException | None) -> None:
        """Show where an error came from, where that is asked for."""
        if error is not None and self._shows_tracebacks:
            self._line(visible("".join(traceback.format_exception(error))).rstrip(), "red")

    def summary(self, result: RunResult) -> str:
        """How the run ended, and what it took."""
        calls = result.log.trip.calls.total()
        cost = "cost unknown" if result.cost is None else f"${result.cost:.4f}"
        seconds = self._clock() - self._began
        session = f", session {one_line(result.session)}" if self._is_kept else ""
        return (
            f"{result.status}: {counted(result.turns, 'turn')}, {counted(calls, 'call')}, "
            f"{counted(result.usage.total_tokens, 'token')}, {cost}, {seconds:.1f} s{session}"
        )

    def unfinished(self) -> str:
        """The tools that run, as the end of a sentence; empty where none does."""
        names = ", ".join(self._running.values())
        return f"; cut off: {names}" if names else ""

    def _tool(self, event: ToolCall | ToolProgress | ToolOutput) -> None:
        match event:
            case ToolCall(call_id, name, arguments):
                self._running[call_id] = one_line(name)
                self._line(f"→ {one_line(name)}({one_line(arguments, MOST)})", "cyan")
            case ToolProgress(call_id, value):
                name = self._running.get(call_id, "a tool")
                self._line(f"  {name}: {one_line(str(value), MOST)}", "dim")
            case ToolOutput():
                self._running.pop(event.call_id, None)
                self._output(event)
        self._wait()

    def _output(self, event: ToolOutput) -> None:
        name, output = one_line(event.name), one_line(_text_of(event.output), MOST)
        if event.ended == "ok":
            self._line(f"← {name}: {output} ({event.seconds:.1f} s)", "green")
        else:
            said = output if output.startswith(f"{name} ") else f"{name}: {output}"
            self._line(f"✗ {said} ({event.ended})", "red")
        self.trace(event.error)

    def _wait(self) -> None:
        names = ", ".join(self._running.values()) or ("tools" if self._open else "")
        self._screen.waiting(f"running {names}" if names else f"asking, turn {self._turns + 1}")

    def _flush_thoughts(self) -> None:
        thoughts, self._thoughts = "".join(self._thoughts).strip(), []
        for line in visible(thoughts).splitlines():
            self._line(f"  {line}", "dim italic")

    def _line(self, text: str, style: str) -> None:
        self._screen.still()
        self._before_line()
        self._screen.line(text, style)


def counted(number: int, noun: str) -> str:
    """`1 turn`, `2 turns`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _text_of(output: str | list[Wire]) -> str:
    if isinstance(output, str):
        return output
    return (
        " ".join(str(part.get("text") or f"[{part.get('type')}]") for part in output)
        or encode(output).decode()
    )
