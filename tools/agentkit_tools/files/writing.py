"""Files replaced as a whole: a reader sees what was there before or what is there now."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress

from agentkit import Retry
from agentkit_tools.files.root import Place


def write(place: Place, content: bytes) -> bool:
    """Whether a file was replaced, and not made. Raises Retry for what is no file of its own.

    The name is moved to the new content at once; a link that was put there meanwhile is replaced
    itself, and what it leads to is not touched.
    """
    found = place.found()
    if found is not None:
        check_own(place, found)
    name = f".agentkit-{secrets.token_hex(8)}.tmp"
    try:
        _put(place.folder, name, content, found)
        os.rename(name, place.name, src_dir_fd=place.folder, dst_dir_fd=place.folder)
    except BaseException:
        with suppress(OSError):
            os.unlink(name, dir_fd=place.folder)
        raise
    with suppress(OSError):  # some file systems cannot
        os.fsync(place.folder)
    return found is not None


def edit(place: Place, old: str, new: str, most: int) -> str:
    """What was done: `old`, which stands there once, was replaced by `new`. Raises Retry else."""
    with place.opened() as descriptor:
        before = os.fstat(descriptor)
        check_own(place, before)
        text = _text(place, descriptor, before.st_size, most)
    old, new = _with_its_ends(text, old, new)
    at = _only_place(place, text, old)
    content = (text[:at] + new + text[at + len(old) :]).encode()
    if len(content) > most:
        raise Retry(f"{place.shown} would have {len(content):,} bytes; {most:,} are the most.")
    now = place.found()
    if now is None or _version(now) != _version(before):
        raise Retry(f"{place.shown} was changed meanwhile. Read it again.")
    write(place, content)
    return f"{place.shown}: replaced at line {text.count(chr(10), 0, at) + 1:,}."


def check_own(place: Place, found: os.stat_result) -> None:
    """Raise Retry for what is no regular file, or has another name elsewhere."""
    place.check(found)
    if found.st_nlink > 1:
        raise Retry(f"{place.shown} has other names (hard links) and is not changed.")


def _put(folder: int, name: str, content: bytes, before: os.stat_result | None) -> None:
    """A new file with the content, on the disk, with the mode of the one it will replace."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    mode = 0o666 if before is None else 0o600
    descriptor = os.open(name, flags, mode, dir_fd=folder)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        if before is not None:
            # not set-user-id: what has new content is another program
            os.fchmod(stream.fileno(), stat.S_IMODE(before.st_mode) & 0o1777)
        stream.flush()
        os.fsync(stream.fileno())


def _text(place: Place, descriptor: int, size: int, most: int) -> str:
    if size > most:
        raise Retry(f"{place.shown} has {size:,} bytes; files of up to {most:,} are edited.")
    with os.fdopen(os.dup(descriptor), "rb") as stream:
        content = stream.read(most + 1)
    try:
        if len(content) > most or b"\0" in content:
            raise ValueError
        return content.decode()
    except ValueError:
        raise Retry(f"{place.shown} is no text in UTF-8 and is not edited.") from None


def _with_its_ends(text: str, old: str, new: str) -> tuple[str, str]:
    """The texts with the file's line ends, which a model does not see."""
    is_of_both = text.count("\n") > text.count("\r\n")
    if "\r\n" not in text or (is_of_both and old in text):
        return old, new
    return _ended(old), _ended(new)


def _ended(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


def _only_place(place: Place, text: str, old: str) -> int:
    if not old:
        raise Retry("The text to replace is empty. Give the lines as they stand in the file.")
    places: list[int] = []
    at = text.find(old)
    while at >= 0 and len(places) < 20:
        places.append(at)
        at = text.find(old, at + 1)
    if not places:
        raise Retry(f"{place.shown} does not have that text. {_near(text, old)}")
    if len(places) > 1:
        lines = ", ".join(str(text.count("\n", 0, each) + 1) for each in places)
        raise Retry(
            f"{place.shown} has that text {len(places)} times (lines {lines}). Give more of what "
            "stands around the one that is meant."
        )
    return places[0]


def _near(text: str, old: str) -> str:
    """Where it stands but for white space, which is what a model most often has wrong."""
    wanted = old.split()
    for number, line in enumerate(text.splitlines(), 1):
        if wanted and line.split() == old.strip().splitlines()[0].split():
            return f"Line {number:,} differs in white space only: {line!r}."
    return "Read it, and give the text exactly as it stands there."


def _version(found: os.stat_result) -> tuple[int, int, int, int]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
