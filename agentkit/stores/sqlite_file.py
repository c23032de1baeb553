"""The file of a SQLite store: where it is, how it is opened, and what is wrong with it in words."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from agentkit.errors import ConfigurationError, StoreError
from agentkit.stores.sqlite_schema import bring_up_to_date

Connect = Callable[[str], sqlite3.Connection]

_RETRY = 0.01
"""Seconds between two tries at what SQLite does not wait for by itself."""

_SENTENCES = {
    sqlite3.SQLITE_BUSY: "{path} is locked by another program, and still was after {timeout:g} "
    "seconds. End that program, or try again later.",
    sqlite3.SQLITE_FULL: "The disk of {path} is full. Free some space and go on from there.",
    sqlite3.SQLITE_READONLY: "{path} cannot be written: the file or its folder is read-only. "
    "Allow writing, or give another path.",
    sqlite3.SQLITE_CANTOPEN: "{path} cannot be opened. See that its folder is there, and that "
    "both may be read and written.",
    sqlite3.SQLITE_PERM: "{path} may not be opened. Allow it, or give another path.",
    sqlite3.SQLITE_IOERR: "{path} cannot be read or written ({error}). See that its disk is "
    "sound and has space.",
    sqlite3.SQLITE_CORRUPT: "{path} is damaged ({error}). Put a copy of it in its place, or move "
    "it away; what can be read of a session comes with the error of loading it.",
    sqlite3.SQLITE_NOTADB: "{path} is no SQLite database. Give another path, or move it away.",
    sqlite3.SQLITE_TOOBIG: "A record is too long for {path}: SQLite keeps up to 1 GB in one.",
}
_SENTENCES[sqlite3.SQLITE_LOCKED] = _SENTENCES[sqlite3.SQLITE_BUSY]
_SENTENCES[sqlite3.SQLITE_PROTOCOL] = _SENTENCES[sqlite3.SQLITE_BUSY]


def connect(path: str) -> sqlite3.Connection:
    """A plain connection to the file."""
    return sqlite3.connect(path)


@dataclass(frozen=True)
class DatabaseFile:
    """A database at a path, which need not be there yet."""

    given: str
    timeout: float
    """Seconds that another program's lock is waited for."""
    connect: Connect = connect

    @cached_property
    def path(self) -> str:
        """Where it really is, so that all who reach it by other ways share its locks."""
        return os.path.realpath(self.given)

    @property
    def identity(self) -> tuple[int, int] | None:
        """Which file is at the path now, None where there is none."""
        try:
            found = os.stat(self.path)
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def opened(self) -> sqlite3.Connection:
        """A connection to it; a new file is only its owner's to read.

        Raises ConfigurationError for a place where no database can be, StoreError otherwise.
        """
        self.make()
        try:
            connection = self.connect(self.path)
        except sqlite3.Error as error:
            raise self.spoken(error) from error
        try:
            self._prepare(connection)
        except BaseException as error:
            connection.close()
            if isinstance(error, sqlite3.Error):
                raise self.spoken(error) from error
            raise
        return connection

    def make(self) -> None:
        """Have a file there, its owner's alone. Raises ConfigurationError where none can be.

        One that is there is not opened: closing it would let go of SQLite's own locks on it.
        """
        folder = os.path.dirname(self.path)
        if not os.path.isdir(folder):
            raise ConfigurationError(f"store: there is no folder {folder}. Make it first.")
        try:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            self._check()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise StoreError(
                f"{self.path} cannot be made: {reason}. Allow it, or give another path."
            ) from error

    def _check(self) -> None:
        if os.path.exists(self.path) and not os.path.isfile(self.path):
            raise ConfigurationError(f"store: {self.path} is no file. Give a path of its own.")

    def spoken(self, error: sqlite3.Error) -> StoreError:
        """The error in words that say what to do."""
        sentence = _SENTENCES.get(_code(error), "{path} cannot be used: SQLite says {error}.")
        return StoreError(sentence.format(path=self.path, timeout=self.timeout, error=error))

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {round(self.timeout * 1000)}")
        bring_up_to_date(connection, self.path)
        self._write_ahead(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        # macOS alone answers a plain sync before the disk has it
        connection.execute("PRAGMA fullfsync = ON")
        # what is deleted is overwritten
        connection.execute("PRAGMA secure_delete = ON")

    def _write_ahead(self, connection: sqlite3.Connection) -> None:
        """Turn to the write-ahead log, for which SQLite does not wait where others open it too."""
        deadline = time.monotonic() + self.timeout
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                is_busy = _code(error) == sqlite3.SQLITE_BUSY
                if not is_busy or time.monotonic() > deadline:
                    raise
                time.sleep(_RETRY)


def _code(error: sqlite3.Error) -> int:
    """SQLite's number for it, without what is said of it more exactly."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF
