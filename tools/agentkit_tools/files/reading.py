"""Lines of a text file, numbered; of a file that is no text, what it is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import BufferedReader

from agentkit_tools.files.root import Place

MOST_LINE = 2_000
"""Bytes of one line that are shown."""

MOST_READ = 100_000_000
"""Bytes of a file that are looked at, however far down the lines are."""

_HEAD = 8_192
"""Bytes that are looked at to see whether it is text. Source: what git looks at."""


def read_lines(place: Place, start: int, count: int, most: int) -> str:
    """Up to `count` lines from `start` on, within about `most` bytes; and what there is behind."""
    with place.opened() as descriptor:
        size = os.fstat(descriptor).st_size
        with os.fdopen(os.dup(descriptor), "rb") as stream:
            if is_binary(stream.read(_HEAD)):
                return f"{place.shown} is a binary file of {size:,} bytes, which is not shown."
            stream.seek(0)
            return _shown(place.shown, size, numbered(stream), start, count, most)


def is_binary(head: bytes) -> bool:
    """Whether a file that begins so is no text."""
    return b"\0" in head


def numbered(stream: BufferedReader, most: int = MOST_LINE) -> Iterator[tuple[int, bytes, int]]:
    """Each line with its number: its first `most` bytes, and how many bytes there are."""
    number, read = 0, 0
    while read < MOST_READ and (head := stream.readline(most)):
        number, length, part = number + 1, len(head), head
        while not part.endswith(b"\n") and read + length < MOST_READ:
            if not (part := stream.readline(65_536)):
                break
            length += len(part)
        read += length
        yield number, head.rstrip(b"\r\n"), length


def text_of(line: bytes, length: int) -> str:
    """A line as text; bytes that are no UTF-8 as \\xNN, and said where it is cut."""
    text = line.decode("utf-8", "backslashreplace")
    left = length - len(line)
    return f"{text}… [{left:,} bytes of this line left out]" if left > 2 else text


def _shown(
    path: str, size: int, lines: Iterator[tuple[int, bytes, int]], start: int, count: int, most: int
) -> str:
    kept: list[str] = []
    used, last, is_more = 0, 0, False
    for number, line, length in lines:
        last = number
        if number < start:
            continue
        text = f"{number}\t{text_of(line, length)}"
        used += len(text.encode(errors="replace")) + 1
        if len(kept) == count or (kept and used > most):
            is_more = True
            break
        kept.append(text)
    ended = "That is the end." if size <= MOST_READ else f"Only {MOST_READ:,} bytes are read."
    if not kept:
        return f"{path} ({size:,} bytes): line {last:,} is the last. {ended}"
    end = start + len(kept) - 1
    more = f"There is more: read on with start={end + 1}." if is_more else ended
    return "\n".join([f"{path}, lines {start:,} to {end:,} ({size:,} bytes)", *kept, more])
