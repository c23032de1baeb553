"""Text tables: CSV and TSV with a header, JSONL with an object in each line.

Cells of CSV and TSV are text as they stand; of JSONL they keep their types. UTF-8, with or without
a byte order mark.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import os
import zlib
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, BinaryIO, cast

from agentkit.encoding import Wire, decode
from agentkit.errors import ConfigurationError
from agentkit.tables.places import Place, place_of_file
from agentkit.tables.spool import Spool
from agentkit.tables.table import Row

LONGEST = 16 * 1024 * 1024
"""Characters that a line, and a cell, may have."""

_NUL = "it has a NUL character, so it is no plain text, or UTF-16. "
_CONVERT = "Save it as UTF-8, or convert it: iconv -f {encoding} -t UTF-8 FILE > NEW."


@dataclass(frozen=True)
class Text:
    """A file of text; each `opened` reads it from the beginning."""

    name: str
    opened: Callable[[], BinaryIO]

    def lines(self) -> Generator[str, None, None]:
        """Its lines with their ends. Raises ConfigurationError, naming the line and the remedy."""
        with self._reading(), self.opened() as file:
            text = io.TextIOWrapper(file, "utf-8-sig", newline="")
            number = 0
            while line := text.readline(LONGEST + 1):
                number += 1
                if len(line) > LONGEST:
                    raise self.wrong(number, f"it is longer than {LONGEST:,} characters")
                if "\0" in line:
                    raise self.wrong(number, _NUL + _CONVERT.format(encoding="UTF-16"))
                yield line

    def wrong(self, line: int, what: str) -> ConfigurationError:
        """The error for a line."""
        return ConfigurationError(f"{self.name}, line {line}: {what.removesuffix('.')}.")

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except UnicodeDecodeError as error:
            raise self._not_utf8() from error
        except (OSError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or error
            raise ConfigurationError(f"{self.name} cannot be read: {reason}.") from error

    def _not_utf8(self) -> ConfigurationError:
        """The error for bytes that are no UTF-8, with the line, which is looked for only now."""
        with self.opened() as file:
            is_utf16 = file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        encoding = "UTF-16" if is_utf16 else "WINDOWS-1252"
        what = f"it is not UTF-8. {_CONVERT.format(encoding=encoding)}"
        return self.wrong(self._first_undecodable(), what)

    def _first_undecodable(self) -> int:
        decoder = codecs.getincrementaldecoder("utf-8")()
        number = 1
        with self.opened() as file, suppress(UnicodeDecodeError):
            while piece := file.readline(LONGEST):
                decoder.decode(piece)
                number += piece.endswith(b"\n")
        return number


@dataclass(frozen=True)
class DelimitedSource:
    """CSV or TSV. The first line names the columns; empty lines are left out."""

    text: Text
    delimiter: str
    origins: frozenset[str] = frozenset()
    count: int | None = None
    is_once: bool = False

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.text.name

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Those that the header names. Raises ConfigurationError."""
        with closing(self._records()) as records:
            line, header = next(records, (1, []))
        if not header:
            raise ConfigurationError(f"{self.name} is empty. Give a table with a header.")
        if len(header) == 1 and ";" in header[0] and self.delimiter == ",":
            raise self.text.wrong(
                line, "its cells are divided by semicolons. Save the table with commas"
            )
        return checked_names(header, f"{self.name}, line {line}")

    def __iter__(self) -> Iterator[Row]:
        columns = self.columns
        with closing(self._records()) as records:
            next(records)
            for line, cells in records:
                if len(cells) != len(columns):
                    raise self._ragged(line, len(cells))
                yield dict(zip(columns, cells, strict=True))

    def place(self, index: int) -> str:
        """`line 7`."""
        with closing(self._records()) as records:
            return f"line {_nth(records, index + 1)}"

    def _records(self) -> Generator[tuple[int, list[str]], None, None]:
        """Records, each with the number of its first line; a cell may have line ends."""
        # the module has no limit of a reader's own
        csv.field_size_limit(max(csv.field_size_limit(), LONGEST))
        with closing(self.text.lines()) as lines:
            reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
            begins = 1
            while (cells := self._next(reader, begins)) is not None:
                if cells:
                    yield begins, cells
                begins = reader.line_num + 1

    def _next(self, reader: Any, line: int) -> list[str] | None:
        try:
            return next(reader, None)
        except csv.Error as error:
            raise self.text.wrong(
                line,
                f"its quotes or its length are wrong ({error}). A cell in quotes ends with one, "
                f'has "" for each within, and at most {LONGEST:,} characters',
            ) from error

    def _ragged(self, line: int, cells: int) -> ConfigurationError:
        sign = "tab" if self.delimiter == "\t" else "comma"
        counted = f"{cells} cell" if cells == 1 else f"{cells} cells"
        return self.text.wrong(
            line,
            f"{counted}, and the header has {len(self.columns)}. A cell with a {sign} in it "
            "stands in quotes, and an empty one is not left out",
        )


@dataclass(frozen=True)
class JsonLinesSource:
    """An object in each line; empty lines are left out.

    The columns are the keys of all lines in the order of their first appearance, so the first look
    at them reads everything once.
    """

    text: Text
    origins: frozenset[str] = frozenset()
    is_once: bool = False

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.text.name

    @property
    def columns(self) -> tuple[str, ...]:
        """The keys of all lines. Raises ConfigurationError."""
        return self._scanned[0]

    @property
    def count(self) -> int:
        """How many objects there are."""
        return self._scanned[1]

    def __iter__(self) -> Iterator[Row]:
        columns = self.columns
        with closing(self._records()) as records:
            for _, record in records:
                yield {name: record[name] for name in columns if name in record}

    def place(self, index: int) -> str:
        """`line 7`."""
        with closing(self._records()) as records:
            return f"line {_nth(records, index)}"

    @cached_property
    def _scanned(self) -> tuple[tuple[str, ...], int]:
        keys: dict[str, None] = {}
        count = 0
        with closing(self._records()) as records:
            for _, record in records:
                count += 1
                if record.keys() - keys.keys():
                    keys.update(dict.fromkeys(record))
        return checked_names(tuple(keys), self.name), count

    def _records(self) -> Generator[tuple[int, Wire], None, None]:
        with closing(self.text.lines()) as lines:
            for number, line in enumerate(lines, 1):
                if not line.isspace():
                    yield number, self._record(number, line)

    def _record(self, number: int, line: str) -> Wire:
        try:
            value = decode(line)
        except ValueError as error:
            what = str(error)
            if isinstance(error, json.JSONDecodeError):
                what = f"{error.msg}, character {error.colno}"
            raise self.text.wrong(
                number, f"not JSON: {what}. Give an object in each line"
            ) from error
        if not isinstance(value, dict):
            raise self.text.wrong(
                number,
                "not an object. Give one in each line; jq -c '.[]' makes lines of a list",
            )
        return value


def text_source(place: Place) -> DelimitedSource | JsonLinesSource:
    """The table in a file, which is unpacked where its name ends in `.gz`."""
    opened: Callable[[], BinaryIO] = partial(_opened, place)
    if not os.path.isfile(place.path):  # a pipe gives what it has only once
        with opened() as stream:
            opened = Spool.of(stream).opened
    origins = frozenset({place_of_file(place.path)})
    return read_as(place.kind, Text(place.path, opened), origins)


def read_as(
    kind: str, text: Text, origins: frozenset[str] = frozenset()
) -> DelimitedSource | JsonLinesSource:
    """The table in a text."""
    if kind == "jsonl":
        return JsonLinesSource(text, origins)
    return DelimitedSource(text, "\t" if kind == "tsv" else ",", origins)


def checked_names(names: list[str] | tuple[str, ...], where: str) -> tuple[str, ...]:
    """The names of columns. Raises ConfigurationError where one is empty or there twice."""
    for number, name in enumerate(names, 1):
        if not name.strip():
            raise ConfigurationError(f"{where}: column {number} has no name. Give it one.")
    for name, times in Counter(names).items():
        if times > 1:
            raise ConfigurationError(f"{where}: {times} columns are named {name!r}. Rename one.")
    return tuple(names)


def _nth(records: Iterator[tuple[int, Any]], index: int) -> int:
    """The line of the record with this number, from 0 on."""
    return next((line for n, (line, _) in enumerate(records) if n == index), 0)


def _opened(place: Place) -> BinaryIO:
    if place.is_compressed:
        return cast(BinaryIO, gzip.open(place.path, "rb"))
    return open(place.path, "rb")
