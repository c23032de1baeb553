"""The file in which rows gather: its owner's alone, one job's at a time, gone with the job.

Locked while it is used, and the kernel lets go of that when a process dies, however it dies: what
a killed job has left is used again by the next one.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO

from agentkit.errors import ConfigurationError


@dataclass(frozen=True)
class PartFile:
    """A part file that is held."""

    path: str
    file: FileIO
    """Without a buffer: what is written is there for other readers at once."""

    def write_at(self, position: int, content: bytes) -> None:
        """Write all of it."""
        self.file.seek(position)
        rest = memoryview(content)
        while rest:
            rest = rest[self.file.write(rest) :]

    def close(self) -> None:
        """Take it away, and let go of it."""
        with suppress(OSError):
            os.unlink(self.path)
        self.file.close()


def taken(path: str, table: str) -> PartFile:
    """The part file at the path, empty. Raises ConfigurationError where another job has it."""
    while True:
        file = _opened(path, table)
        if not _lock(file.fileno()):
            file.close()
            raise ConfigurationError(
                f"out: another job is writing {table}. Wait for its end, or give another name."
            )
        if _is_at(path, file.fileno()):
            file.truncate(0)
            return PartFile(path, file)
        # who had it has taken it away in the meantime
        file.close()


def beside(path: str, what: str) -> str:
    """A hidden name in the folder of a file."""
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}.agentkit-{what}")


def _opened(path: str, table: str) -> FileIO:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _BINARY | _NO_LINK, 0o600)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigurationError(
            f"out: {table} cannot be written: {os.path.dirname(path)}: {reason}. Its folder has "
            "to be one that may be written."
        ) from error
    return FileIO(descriptor, "r+b")


def _is_at(path: str, descriptor: int) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    return False


_BINARY = getattr(os, "O_BINARY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> bool:
        # a locked byte cannot be read there, so it is one that no file has
        os.lseek(descriptor, 2**31 - 2, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
