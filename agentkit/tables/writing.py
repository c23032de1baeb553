"""The tables that a job writes: rows come in any order, a reader sees whole rows in input order.

    lines.py         a row as a line of text           file_table.py    a file, replaced whole
    published.py     publishing now and then           sqlite_table.py  a table in a database
    pace.py          how often                         stream_table.py  standard output
    part_file.py     where rows gather

Knows cells, not what they mean.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Collection, Sequence
from os import PathLike
from typing import BinaryIO

from agentkit.encoding import decode
from agentkit.errors import ConfigurationError
from agentkit.tables.columns import ENDING
from agentkit.tables.file_table import FileGathering
from agentkit.tables.places import Place, place_of, place_of_file, place_of_table
from agentkit.tables.published import PublishedTable
from agentkit.tables.sqlite_table import TABLE, TableGathering
from agentkit.tables.stream_table import StreamTable
from agentkit.tables.table import TableWriter
from agentkit.tables.text_source import LONGEST, text_source

__all__ = ["TableWriter", "table_for"]


def table_for(
    out: str | PathLike[str],
    columns: Sequence[str],
    *,
    kind: str | None = None,
    origins: Collection[str] = frozenset(),
    replace: bool = False,
    now: Callable[[], float] = time.monotonic,
    stdout: BinaryIO | None = None,
) -> TableWriter:
    """The table at a path, at `db.sqlite::table`, or at `-`, which is standard output.

    `origins` are those of the source: they are not written over. What is there already is
    replaced where it is the table of an earlier job, or with `replace`. `kind` is `"csv"`,
    `"tsv"` or `"jsonl"` where the name does not say it; a database without a table gets one
    named `answers`. Raises ConfigurationError for a place that cannot be written; entering the
    table raises it, too, where another job is writing there.
    """
    place = place_of(out, kind, "out")
    if place.is_standard:
        return StreamTable(stdout or sys.stdout.buffer, place.kind, columns)
    _check_file(place)
    if place.kind == "sqlite":
        _check_origin(place, place_of_table(place.path, place.inner or TABLE), origins)
        return PublishedTable(TableGathering(place, columns, replace=replace), now)
    _check_origin(place, place_of_file(place.path), origins)
    if not replace:
        _check_former(place)
    return PublishedTable(FileGathering(place, columns), now)


def _check_file(place: Place) -> None:
    path = os.path.realpath(place.path)
    folder = os.path.dirname(path)
    if place.is_compressed:
        raise _refused(place, "it would be packed, which is not done. Give a name without .gz")
    if not os.path.isdir(folder):
        raise _refused(place, f"there is no folder {folder}. Make it first")
    if os.path.isdir(path):
        raise _refused(place, "it is a folder. Give the name of a file in it")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _refused(place, f"the folder {folder} is read-only. Allow writing, or give another")
    if os.path.exists(path) and not os.path.isfile(path):
        raise _refused(place, "it is no plain file. Give another name, or - for standard output")
    if os.path.exists(path) and not os.access(path, os.W_OK):
        raise _refused(place, "it is read-only. Allow writing, or give another name")


def _check_origin(place: Place, own: str, origins: Collection[str]) -> None:
    if own in origins:
        raise _refused(place, "the rows are read from there. Give another name")


def _check_former(place: Place) -> None:
    """Refuse to replace what no job has written."""
    try:
        if os.path.getsize(place.path) == 0 or set(ENDING) <= set(_former_columns(place)):
            return
    except FileNotFoundError:
        return
    except (ConfigurationError, ValueError):
        pass
    raise _refused(
        place, "it is there, and no job has written it. Give another name, or have it replaced"
    )


def _former_columns(place: Place) -> Collection[str]:
    if place.kind == "jsonl":  # the first line is enough
        with open(place.path, "rb") as file:
            first = decode(file.readline(LONGEST))
        return first if isinstance(first, dict) else ()
    return text_source(place).columns


def _refused(place: Place, why: str) -> ConfigurationError:
    return ConfigurationError(f"out: {place.given} cannot be written: {why}.")
