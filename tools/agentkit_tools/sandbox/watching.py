"""What is inside a sandbox, seen from outside: how many processes, and the memory they hold.

The kernel's own limits are those of single processes, and for root there is none on their number.
"""

from __future__ import annotations

import os
import resource
from pathlib import Path

_PAGE = resource.getpagesize()


class Watch:
    """The processes of one sandbox."""

    def __init__(self, first: int) -> None:
        """`first` is the sandbox's first process, by its id out here."""
        # its own /proc, through its root: it lists only what is inside, and what is done to the
        # files inside does not change it
        self._processes = Path(f"/proc/{first}/root/proc")

    def is_inside(self) -> bool:
        """Whether it sees the sandbox's processes, and not those of the machine."""
        try:
            return self._processes.stat().st_dev != os.stat("/proc").st_dev
        except OSError:
            return False

    def count(self) -> int:
        """How many processes there are; 0 once all has ended. Takes no longer for what they do."""
        return len(self._names())

    def look(self) -> tuple[int, int]:
        """The number of threads, and the bytes that all processes hold; zeros once all has ended.

        Reads two files for every process, so it is for when they have been counted.
        """
        seen = [self._of(name) for name in self._names()]
        return sum(threads for threads, _ in seen), sum(memory for _, memory in seen)

    def _names(self) -> list[str]:
        try:
            return [name for name in os.listdir(self._processes) if name.isdigit()]
        except OSError:
            return []

    def _of(self, name: str) -> tuple[int, int]:
        try:
            # the 20th field is the number of threads and the 24th the pages held, counted from
            # the name in parentheses, which is the second; see proc_pid_stat(5)
            stat = (self._processes / name / "stat").read_bytes().rpartition(b")")[2].split()
            shared = int((self._processes / name / "statm").read_bytes().split()[2])
            return int(stat[17]), max(0, int(stat[21]) - shared) * _PAGE
        except (OSError, ValueError, IndexError):  # it has ended meanwhile
            return 0, 0
