"""Stdout and stderr that are closed, full or of an encoding that lacks characters.

What a run answers and the code it ends with do not depend on whether its progress can be shown.
"""

from __future__ import annotations

import io
import os
import sys


def prepare_streams() -> None:
    """Let any text be written: to nowhere where a stream is closed, as escapes where it must."""
    # Python has None for a stream that was closed when it started
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def give_up_what_cannot_be_written() -> None:
    """Python would try again at the exit, and complain."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def _nowhere() -> io.TextIOWrapper:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    return open(nowhere, "w", encoding="utf-8", closefd=False)
