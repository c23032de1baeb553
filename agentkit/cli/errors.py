"""An error as one line on stderr, with what to do about it, and the exit codes."""

from __future__ import annotations

import contextlib
import sys
import traceback

from agentkit.cli.safe_text import one_line, visible
from agentkit.errors import (
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ContextLengthError,
    ModelTimeoutError,
    ProtocolError,
    QuotaError,
    RateLimitError,
    ServerError,
    StreamTruncatedError,
)
from agentkit.moves import Status

FAILED = 1
MISUSED = 2
ROWS_FAILED = 5
"""Of a table, all rows were tried, and some have no answer."""
INTERRUPTED = 130
BROKEN_PIPE = 141
"""What a shell says of a program that SIGPIPE ended."""

EXIT_CODES: dict[Status, int] = {
    "completed": 0,
    "failed": FAILED,
    "refused": FAILED,
    "incomplete": FAILED,
    "limited": 3,
    "waiting": 4,
    "cancelled": INTERRUPTED,
}

# The first that fits counts, so a kind stands before the kind it is one of.
_REMEDIES: tuple[tuple[type[Exception], str], ...] = (
    (AuthenticationError, "Check the key, and that it is one for this server."),
    (ContextLengthError, "Give less text, or a model that reads more."),
    (BadRequestError, "Check the model's name and the settings."),
    (QuotaError, "Add credit to the account, or take another provider with -m."),
    (RateLimitError, "Wait a while and run it again."),
    (ModelTimeoutError, "Run it again, or check the address."),
    (ProtocolError, "Check that the base URL is one of a Responses API; most end in /v1."),
    (ServerError, "Run it again later."),
    (StreamTruncatedError, "Run it again, or take --no-stream."),
)
_NO_SUCH_PLACE = (
    "Check the base URL, most end in /v1, and the model's name; `agentkit doctor` finds out which."
)
_IN_THE_COMMAND = {
    "or pass api_key.": "or name the variable it is in with --key-variable.",
    "(model 'ollama:qwen3'), or try without a model: 'offline'.": (
        "with -m ollama:qwen3, or try without a model: -m offline."
    ),
    "since this result. Pass its name to go on where it stands, or fork it to go on from here.": (
        "elsewhere meanwhile, and what was said here was not kept. See it with `agentkit show`, "
        "go on with `agentkit resume`."
    ),
}
"""What an error says to a programmer, and how it is said here."""


def say(text: str) -> None:
    """Write one line to stderr, under the command's name."""
    with contextlib.suppress(OSError):  # nobody is told, and the exit code stays
        print(f"agentkit: {one_line(text)}", file=sys.stderr, flush=True)


def note(text: str) -> None:
    """Write a line to stderr that is no complaint."""
    with contextlib.suppress(OSError):
        print(visible(text), file=sys.stderr, flush=True)


def say_command(text: str, command: str) -> None:
    """Write a line that ends with a command, as a shell is to read it."""
    with contextlib.suppress(OSError):
        print(f"agentkit: {text} {visible(command)}", file=sys.stderr, flush=True)


def told(error: Exception) -> str:
    """What went wrong, and what to do about it."""
    text = str(error).strip() or type(error).__name__
    for said, here in _IN_THE_COMMAND.items():
        text = text.replace(said, here)
    remedy = next((words for kind, words in _REMEDIES if isinstance(error, kind)), "")
    if isinstance(error, BadRequestError) and error.status == 404 and error.code is None:
        remedy = _NO_SUCH_PLACE
    if not remedy:
        return text
    stop = "" if text.endswith((".", "!", "?")) else "."
    return f"{text}{stop} {remedy}"


def complain(error: Exception, *, shows_traceback: bool) -> int:
    """Say what went wrong in one line, behind the traceback where that is asked for; its code."""
    if shows_traceback:
        with contextlib.suppress(OSError):
            traceback.print_exception(error)
    say(told(error))
    return exit_code(error)


def exit_code(error: Exception) -> int:
    """The exit code of a command that ended with this error."""
    return MISUSED if isinstance(error, ConfigurationError) else FAILED
