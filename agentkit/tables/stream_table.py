"""A table on standard output: each row as it finishes, for the next program of a pipe."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, BinaryIO, Self

from agentkit.tables.lines import header_of, lines_of
from agentkit.tables.published import unwritten


class StreamTable:
    """Rows in the order in which they finish; what was written stays."""

    name = "standard output"

    def __init__(self, stream: BinaryIO, kind: str, columns: Sequence[str]) -> None:
        self._stream = stream
        self._header = header_of(kind, columns)
        self._as_line = lines_of(kind, columns)

    def __enter__(self) -> Self:
        self._put(self._header)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing: each row has been written whole."""

    def write(self, index: int, cells: Sequence[Any]) -> None:  # noqa: ARG002 - as TableWriter
        """Write the row. Raises AgentkitError where nobody reads any more."""
        self._put(self._as_line(cells))

    def finish(self) -> None:
        """Nothing: each row has been written whole."""

    def _put(self, line: bytes) -> None:
        try:
            self._stream.write(line)
            self._stream.flush()
        except OSError as error:
            raise unwritten(self.name, error) from error
