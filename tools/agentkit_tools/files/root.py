"""The one way to a file: from folder to folder, each opened within the one before.

No path is ever given to the system, only single names within folders that are open, and no link is
followed. So what a name leads to cannot be changed by a link put in its place in time. Source:
openat(2), `O_NOFOLLOW`.
"""

from __future__ import annotations

import errno
import os
import stat
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from agentkit import ConfigurationError, Retry
from agentkit_tools.files.names import parts_of, shown

_NEEDED = ("open", "stat", "mkdir", "rename", "unlink")

_REASONS = {
    errno.ENOENT: "There is no {path}.",
    errno.ENOTDIR: "{path}: a folder on the way is a file or a link, which is not followed.",
    errno.ELOOP: "{path} is a link, which is not followed.",
    errno.ENAMETOOLONG: "{path}: a name is too long.",
    errno.EACCES: "{path} may not be opened.",
    errno.EPERM: "{path} may not be changed.",
    errno.EROFS: "{path} cannot be written: the file system is read-only.",
    errno.ENOSPC: "{path} cannot be written: the disk is full.",
    errno.EISDIR: "{path} is a folder.",
    errno.EEXIST: "{path} is there already, as something else.",
    errno.ENOTEMPTY: "{path} is a folder.",
    errno.EILSEQ: "{path} is no name that this file system takes.",
    errno.EINVAL: "{path} is no name that this file system takes.",
    errno.ENXIO: "{path} is no regular file.",
}


@dataclass(frozen=True)
class Place:
    """A name within a folder that is open."""

    folder: int
    """Its file descriptor."""
    name: str
    shown: str
    """The whole path, to speak of it."""

    def found(self) -> os.stat_result | None:
        """What is there under the name, a link as itself; None for nothing."""
        try:
            return os.stat(self.name, dir_fd=self.folder, follow_symlinks=False)
        except FileNotFoundError:
            return None

    @contextmanager
    def opened(self) -> Iterator[int]:
        """A descriptor to read the regular file there. Raises Retry where there is none."""
        # asked before as well: opening alone can already do something to a device
        found = self.found()
        if found is not None:
            self.check(found)
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        descriptor = os.open(self.name, flags, dir_fd=self.folder)
        try:
            self.check(os.fstat(descriptor))
            yield descriptor
        finally:
            os.close(descriptor)

    def check(self, found: os.stat_result) -> None:
        """Raise Retry for what is no regular file."""
        if stat.S_ISLNK(found.st_mode):
            raise Retry(f"{self.shown} is a link, which is not followed.")
        if stat.S_ISDIR(found.st_mode):
            raise Retry(f"{self.shown} is a folder.")
        if not stat.S_ISREG(found.st_mode):
            raise Retry(f"{self.shown} is no regular file, and is not opened.")


class Root:
    """A folder, held open. Raises ConfigurationError where there is none, or it cannot be kept."""

    def __init__(self, root: Path) -> None:
        _check_platform()
        try:
            self.path = os.path.realpath(root, strict=True)
            self._descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            reason = f"root: {str(root)!r} is no folder that can be opened: {error.strerror}."
            raise ConfigurationError(reason) from error
        weakref.finalize(self, os.close, self._descriptor)
        # as it was given and as it is: both are the root spelled out
        self._spellings = tuple(dict.fromkeys((os.path.abspath(root), self.path)))

    @contextmanager
    def folder(self, path: str, *, make: bool = False) -> Iterator[int]:
        """A descriptor of the folder at a path; with `make`, folders that are missing are made."""
        with self.spoken(path), self._walked(parts_of(path, self._spellings), make) as descriptor:
            yield descriptor

    @contextmanager
    def place(self, path: str, *, make: bool = False) -> Iterator[Place]:
        """The last name of a path within its folder. Raises Retry where no folder is."""
        parts = parts_of(path, self._spellings)
        if not parts or path.endswith(("/", "/.")):
            raise Retry(f"{shown(path)} is a folder; give the path of a file.")
        with self.spoken(path), self._walked(parts[:-1], make) as descriptor:
            yield Place(descriptor, parts[-1], shown("/".join(parts)))

    @contextmanager
    def spoken(self, path: str) -> Iterator[None]:
        """What the system refuses, in words for a model."""
        try:
            yield
        except OSError as error:
            words = _REASONS.get(
                error.errno or 0, "{path}: " + (error.strerror or str(error)) + "."
            )
            raise Retry(words.format(path=shown(path))) from error

    @contextmanager
    def _walked(self, parts: tuple[str, ...], make: bool) -> Iterator[int]:
        descriptor = os.dup(self._descriptor)
        try:
            for name in parts:
                inner = entered(descriptor, name, make=make)
                os.close(descriptor)
                descriptor = inner
            yield descriptor
        finally:
            os.close(descriptor)


def entered(folder: int, name: str, *, make: bool = False) -> int:
    """A descriptor of a folder within one that is open; never through a link."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(name, flags, dir_fd=folder)
    except FileNotFoundError:
        if not make:
            raise
        with suppress(FileExistsError):  # made by another meanwhile, or a link to nowhere
            os.mkdir(name, dir_fd=folder)
        return os.open(name, flags, dir_fd=folder)


def _check_platform() -> None:
    missing = [name for name in _NEEDED if getattr(os, name) not in os.supports_dir_fd]
    missing += [] if os.scandir in os.supports_fd else ["scandir"]
    missing += [name for name in ("O_NOFOLLOW", "O_DIRECTORY") if not hasattr(os, name)]
    if missing:
        raise ConfigurationError(
            "Files cannot be made here: this platform opens files by whole paths only "
            f"(it lacks {', '.join(missing)} within an open folder), and links could lead out of "
            "the root. Use it on Linux or macOS."
        )
