"""Paths as a model gives them, and names as it can read them. Knows no file system."""

from __future__ import annotations

import json
import re

from agentkit import Retry

MOST_DEEP = 64
"""Folders on the way to a file."""

MOST_LONG = 4_096
"""Bytes of a path."""

MOST_PATTERN = 255
"""Characters of a pattern for names."""

_UNSEEN = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_PLAIN = re.compile(r"[^\s\"'\x00-\x1f](?:[^\"\x00-\x1f]*[^\s\"\x00-\x1f])?")


def parts_of(path: str, roots: tuple[str, ...]) -> tuple[str, ...]:
    """The names that lead from the root to a file; none for the root itself.

    A path that begins with one of `roots`, ways to spell the root, is taken from there. Raises
    Retry for any other absolute path, for `..`, and for what no path can be.
    """
    _check(path)
    if path.startswith("/"):
        path = _from_root(path, roots)
    parts = tuple(part for part in path.split("/") if part not in ("", "."))
    if ".." in parts:
        raise Retry(f"{shown(path)}: '..' is not followed. Spell the path from the root.")
    if len(parts) > MOST_DEEP:
        raise Retry(f"The path has {len(parts):,} parts; {MOST_DEEP} are followed.")
    return parts


def check_pattern(pattern: str) -> None:
    """Raise Retry for a pattern longer than a name, which takes long to be understood."""
    if len(pattern) > MOST_PATTERN:
        raise Retry(f"The pattern has {len(pattern):,} characters; {MOST_PATTERN} are the most.")


def shown(name: str) -> str:
    """A name as it is, or in quotes with what cannot be seen in it escaped."""
    if _PLAIN.fullmatch(name) and not _UNSEEN.search(name):
        return name
    quoted = json.dumps(name[:500], ensure_ascii=False)
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


def folder_shown(path: str) -> str:
    """A folder, where the root has no name of its own."""
    return shown(path) if path.strip("./") else "the root"


def _check(path: str) -> None:
    if "\0" in path:
        raise Retry("There is a NUL character in the path.")
    try:
        size = len(path.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        raise Retry("The path has characters that no name of a file can have.") from None
    if size > MOST_LONG:
        raise Retry(f"The path has {size:,} bytes; {MOST_LONG:,} are the most.")


def _from_root(path: str, roots: tuple[str, ...]) -> str:
    for root in roots:
        if path == root or path.startswith(f"{root.rstrip('/')}/"):
            return path[len(root) :]
    raise Retry(f"{shown(path)} is not in the root. Give a path from the root, such as 'a/b.txt'.")
