"""How long a program in the sandbox may run, and how much it may take."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from agentkit import ConfigurationError

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class SandboxLimits:
    """What one call may take; past any of it everything inside is killed."""

    seconds: float = 30.0
    """Wall-clock time."""
    cpu_seconds: int = 30
    """Processor time of one process."""
    memory: int = 1024 * MEBIBYTE
    """Bytes that all processes hold together; also the address space of each."""
    processes: int = 64
    """Processes and threads of them at the same time."""
    file_size: int = 64 * MEBIBYTE
    """Bytes of one file that is written."""
    scratch: int = 64 * MEBIBYTE
    """Bytes in /tmp, which is in memory and gone when the call ends; the same in /dev/shm."""
    output: int = 50_000
    """Bytes of stdout, and of stderr; who writes more is killed."""

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            is_whole = each.name == "seconds" or isinstance(value, int)
            if not (is_number and is_whole and math.isfinite(value) and value > 0):
                kind = "seconds" if each.name == "seconds" else "a whole number"
                raise ConfigurationError(
                    f"{each.name} of SandboxLimits must be {kind} above 0, not {value!r}."
                )
