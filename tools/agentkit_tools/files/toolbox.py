"""A folder that a model may read, and where it is said so, change."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from agentkit import ConfigurationError, Retry, Tool, tool
from agentkit_tools.files.listing import list_text
from agentkit_tools.files.names import check_pattern
from agentkit_tools.files.reading import read_lines
from agentkit_tools.files.root import Root
from agentkit_tools.files.searching import Search, search_text
from agentkit_tools.files.writing import edit, write

_MOST_LISTED = 500
_SEARCH_SECONDS = 10.0
_TIMEOUT = 20.0


class Files:
    """Tools over a folder: `files_list`, `files_read`, `files_search`; nothing outside of it.

    With `writable` also `files_write` and `files_edit`, which a person has to agree to. `name` is
    what the tools' names begin with; `max_bytes` bounds what one call reads out, `max_file` what
    one writes; `untrusted` says that others may have written what is in the files.

    Raises ConfigurationError where there is no such folder, and on platforms that cannot keep to
    one.
    """

    tools: tuple[Tool, ...]
    """In the order in which a model is told of them."""

    def __init__(
        self,
        root: str | PathLike[str],
        *,
        name: str = "files",
        writable: bool = False,
        max_bytes: int = 40_000,
        max_file: int = 1_000_000,
        untrusted: bool = False,
    ) -> None:
        for option, value in (("max_bytes", max_bytes), ("max_file", max_file)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigurationError(f"{option}: expected a number above 0, got {value!r:.80}.")
        self._root = Root(Path(root))
        self._most, self._most_file = max_bytes, max_file
        self._name, self._untrusted = name, untrusted
        self._is_writable = writable
        reads = (self.list, self.read, self.search)
        self.tools = tuple(self._tool(each, effect="read") for each in reads)
        if writable:
            writes = (self.write, self.edit)
            made = (self._tool(each, effect="once", approval=True) for each in writes)
            self.tools = (*self.tools, *made)

    def list(
        self, path: str = ".", depth: Annotated[int, Field(ge=1, le=5)] = 1, pattern: str = "*"
    ) -> str:
        """What is in a folder, with sizes.

        Args:
            path: A folder, from the root.
            depth: How many levels of folders to go down.
            pattern: Only names of this form, where * stands for anything, such as "*.csv".
        """
        check_pattern(pattern)
        with self._root.folder(path) as folder:
            return list_text(folder, path, depth, pattern, _MOST_LISTED)

    def read(
        self,
        path: str,
        start: Annotated[int, Field(ge=1)] = 1,
        lines: Annotated[int, Field(ge=1, le=5_000)] = 500,
    ) -> str:
        """The lines of a text file, each with its number and a tab before it.

        Args:
            path: A file, from the root.
            start: Number of the first line.
            lines: How many lines.
        """
        with self._root.place(path) as place:
            return read_lines(place, start, lines, self._most)

    def search(
        self, text: str, path: str = ".", pattern: str = "*", ignore_case: bool = False
    ) -> str:
        """The lines of the text files in a folder, and in folders in it, that hold a text.

        Folders whose names begin with a dot are left out, unless the path leads into one.

        Args:
            text: Looked for as it stands: no pattern, no regular expression, on one line.
            path: The folder to search, from the root.
            pattern: Only files with names of this form, where * stands for anything.
            ignore_case: Whether capital and small letters are the same.
        """
        check_pattern(pattern)
        if not text or "\n" in text:
            raise Retry("Give a text to look for that is not empty and stands on one line.")
        search = Search(text, pattern, ignore_case, _SEARCH_SECONDS)
        with self._root.folder(path) as folder:
            return search_text(search, folder, path)

    def write(self, path: str, text: str) -> str:
        """Make a file, or replace all that is in it. Folders on the way are made.

        Args:
            path: The file, from the root.
            text: All that the file is to hold.
        """
        self._check_writable()
        try:
            content = text.encode()
        except UnicodeEncodeError:
            raise Retry("The text has half a character in it (a lone surrogate).") from None
        if len(content) > self._most_file:
            raise Retry(f"The text has {len(content):,} bytes; {self._most_file:,} are the most.")
        with self._root.place(path, make=True) as place:
            done = "replaced" if write(place, content) else "made"
            return f"{place.shown} {done}: {len(content):,} bytes."

    def edit(self, path: str, old: str, new: str) -> str:
        """Replace a text that stands exactly once in a file.

        Args:
            path: The file, from the root.
            old: The text as it stands there, without line numbers.
            new: What is to stand there instead.
        """
        self._check_writable()
        with self._root.place(path) as place:
            return edit(place, old, new, self._most_file)

    def _check_writable(self) -> None:
        if not self._is_writable:
            raise ConfigurationError("This folder is only read. Say Files(…, writable=True).")

    def _tool(self, method: Callable[..., str], **options: Any) -> Tool:
        return tool(
            method,
            name=f"{self._name}_{method.__name__}",
            timeout=_TIMEOUT,
            max_output=self._most + 10_000,
            untrusted=self._untrusted,
            **options,
        )
