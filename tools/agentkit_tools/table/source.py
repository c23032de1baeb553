"""Which files there are, and what their tables are named."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from agentkit import ConfigurationError
from agentkit_tools.table.delimited import Delimited
from agentkit_tools.table.lines import Lines
from agentkit_tools.table.rows import Rows, TextFile

Paths = str | PathLike[str] | Iterable[str | PathLike[str]] | Mapping[str, str | PathLike[str]]

MOST_FILE = 500_000_000
"""Bytes of one file."""

DELIMITED, LINES, PARQUET = (".csv", ".tsv", ".txt"), (".jsonl", ".ndjson"), (".parquet",)


@dataclass(frozen=True)
class Source:
    """A file that is a table."""

    name: str
    path: Path

    @property
    def is_parquet(self) -> bool:
        """Whether the engine has to read it, which is a format of its own."""
        return self.path.suffix.lower() in PARQUET

    def rows(self, encoding: str | None, delimiter: str | None) -> Rows:
        """Its rows, where it is a file of text."""
        file = TextFile(self.path, encoding)
        is_lines = self.path.suffix.lower() in LINES
        return Lines(file) if is_lines else Delimited(file, delimiter)


def sources_of(paths: Paths) -> list[Source]:
    """The files by the names of their tables. Raises ConfigurationError for what is none."""
    named = _named(paths)
    if not named:
        raise ConfigurationError("paths: give at least one file.")
    for name, path in named.items():
        _check(path)
        if not name.strip():
            raise ConfigurationError(f"paths: a table needs a name, got {name!r}.")
    return [Source(name, path.absolute()) for name, path in named.items()]


def _named(paths: Paths) -> dict[str, Path]:
    if isinstance(paths, Mapping):
        return {str(name): Path(path) for name, path in paths.items()}
    given = [paths] if isinstance(paths, str | PathLike) else list(paths)
    named: dict[str, Path] = {}
    for path in map(Path, given):
        name = wanted = table_name(path)
        number = 2
        while name.casefold() in {each.casefold() for each in named}:
            name, number = f"{wanted}_{number}", number + 1
        named[name] = path
    return named


def table_name(path: Path) -> str:
    """What the table of a file is named: the file's name, as one word."""
    word = re.sub(r"\W+", "_", path.stem).strip("_") or "rows"
    return f"t_{word}" if word[0].isdigit() else word


def _check(path: Path) -> None:
    known = (*DELIMITED, *LINES, *PARQUET)
    if path.suffix.lower() not in known:
        raise ConfigurationError(f"paths: {path.name} is none of {', '.join(known)}.")
    if not path.is_file():
        raise ConfigurationError(f"paths: there is no file {str(path)!r}.")
    if (size := path.stat().st_size) > MOST_FILE:
        raise ConfigurationError(
            f"paths: {path.name} has {size:,} bytes, more than {MOST_FILE:,}. Put such data into "
            "a database, and use Sql."
        )
