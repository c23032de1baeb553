"""What is in a folder, and in the folders in it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice

from agentkit_tools.files.names import folder_shown, shown
from agentkit_tools.files.root import entered

MOST_IN_FOLDER = 10_000
"""Names of one folder that are looked at."""

MOST_LOOKED_AT = 100_000
"""Names that one listing looks at."""

_KINDS = {
    stat.S_IFLNK: "link, not followed",
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


@dataclass(frozen=True)
class Entry:
    """A name in a folder that is open while the entry is looked at."""

    folder: int
    name: str
    path: str
    """From where the walk began."""
    found: os.stat_result

    @property
    def is_folder(self) -> bool:
        """Whether it is one, and no link to one."""
        return stat.S_ISDIR(self.found.st_mode)

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self.found.st_mode)


def walked(folder: int, depth: int, above: str = "") -> Iterator[Entry]:
    """What is in a folder and, down to `depth`, in folders in it, by name; never through a link."""
    for name in _names(folder):
        try:
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except OSError:  # gone meanwhile
            continue
        entry = Entry(folder, name, f"{above}{name}", found)
        yield entry
        if entry.is_folder and depth > 1:
            yield from _within(entry, depth - 1)


def list_text(folder: int, path: str, depth: int, pattern: str, most: int) -> str:
    """A line for each entry whose name is of the pattern, up to `most` of them."""
    looked_at = islice(walked(folder, depth), MOST_LOOKED_AT)
    found = (each for each in looked_at if _is_of(each, pattern))
    entries = list(islice(found, most + 1))
    lines = [_line(each) for each in entries[:most]]
    if not lines:
        named = "" if pattern == "*" else f" is named {shown(pattern)}"
        return f"{folder_shown(path)}: nothing there{named}."
    if len(entries) > most:
        more = f"The first {most:,} are shown; list a folder of these, or give a pattern."
        return "\n".join([*lines, more])
    return "\n".join([*lines, f"{len(lines):,} in {folder_shown(path)}."])


def _within(entry: Entry, depth: int) -> Iterator[Entry]:
    try:
        inner = entered(entry.folder, entry.name)
    except OSError:  # not to be entered, or another thing by now
        return
    try:
        yield from walked(inner, depth, f"{entry.path}/")
    finally:
        os.close(inner)


def _names(folder: int) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in islice(entries, MOST_IN_FOLDER))


def _is_of(entry: Entry, pattern: str) -> bool:
    return pattern == "*" or fnmatchcase(entry.name, pattern)


def _line(entry: Entry) -> str:
    if entry.is_folder:
        return f"{shown(entry.path)}/"
    kind = _KINDS.get(stat.S_IFMT(entry.found.st_mode))
    return f"{shown(entry.path)}  {kind or f'{entry.found.st_size:,} bytes'}"
