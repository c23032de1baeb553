"""Where a table is, as a caller names it: `rows.csv`, `answers.db::answers`, `-`."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from os import PathLike

from agentkit.errors import ConfigurationError

STANDARD = "-"
"""The name of standard input and output."""

KINDS = ("csv", "tsv", "jsonl")
"""The kinds of text tables."""

_SUFFIXES = {".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_DATABASE = re.compile(
    r"(?P<path>.+?\.(?:db|sqlite3?))(?:::(?P<inner>.*))?", re.IGNORECASE | re.DOTALL
)


@dataclass(frozen=True)
class Place:
    """A file, or what is inside a database."""

    given: str
    """As the caller named it."""
    path: str
    """The file; `-` is none."""
    kind: str
    """One of KINDS, or `sqlite`."""
    inner: str | None = None
    """The query or the table behind `::`."""

    @property
    def is_standard(self) -> bool:
        """Whether it is standard input or output."""
        return self.path == STANDARD

    @property
    def is_compressed(self) -> bool:
        """Whether the file is to be unpacked."""
        return self.path.lower().endswith(".gz")


def place_of(given: str | PathLike[str], kind: str | None, argument: str) -> Place:
    """The place of a name. Raises ConfigurationError where it does not say what kind it is."""
    if kind is not None and kind not in KINDS:
        raise ConfigurationError(f"kind: expected one of {', '.join(KINDS)}, got {kind!r}.")
    name = os.fspath(given)
    if not isinstance(name, str):
        raise ConfigurationError(f"{argument}: expected a path that is text, got {name!r:.80}.")
    if kind is None and (database := _DATABASE.fullmatch(name)):
        return Place(name, database["path"], "sqlite", database["inner"])
    plain = name.lower().removesuffix(".gz")
    found = kind or ("csv" if name == STANDARD else _SUFFIXES.get(os.path.splitext(plain)[1]))
    if found is None:
        raise ConfigurationError(
            f"{argument}: {name!r:.200} does not say what kind of table it is. Give a name that "
            "ends in .csv, .tsv, .jsonl or .db, or the kind beside it."
        )
    return Place(name, name, found)


def place_of_file(path: str) -> str:
    """One name for a file, by whatever way it is reached."""
    return os.path.realpath(path)


def place_of_table(path: str, table: str) -> str:
    """One name for a table in a database; SQLite takes large letters for small ones."""
    return f"{os.path.realpath(path)}::{table.casefold()}"
