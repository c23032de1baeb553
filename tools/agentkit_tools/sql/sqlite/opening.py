"""A SQLite file, opened so that a statement can do no more than it is meant to."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from agentkit import ConfigurationError
from agentkit_tools.sql.described import identifier
from agentkit_tools.sql.running import Deadline
from agentkit_tools.sql.sqlite.rules import LIMITS, MODULES, reading, writing

_STEPS = 1_000
"""Instructions of SQLite's machine between two looks at the clock."""

_BUSY = 5.0
"""Seconds at most that another program's lock is waited for."""


@dataclass(frozen=True)
class SqliteFile:
    """A database that is there. Raises ConfigurationError for a path that leads to none."""

    path: Path

    def __post_init__(self) -> None:
        # a later change of the working directory must not lead elsewhere
        object.__setattr__(self, "path", self.path.absolute())
        if not self.path.is_file():
            raise ConfigurationError(f"url_or_path: there is no database {str(self.path)!r}.")
        try:
            connection = self._connected("ro", Deadline(1))
            connection.close()
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_BUSY:
                return  # it is one, and is being written to
            reason = f"url_or_path: {self.path} cannot be read as a SQLite database: {error}."
            raise ConfigurationError(reason) from error

    def to_read(self, deadline: Deadline) -> sqlite3.Connection:
        """A connection that can change nothing."""
        connection = self._connected("ro", deadline)
        connection.execute("PRAGMA query_only = ON")
        _touch_modules(connection)
        connection.set_authorizer(reading)
        return connection

    def to_write(self, deadline: Deadline) -> sqlite3.Connection:
        """A connection in a transaction that can change rows, and nothing else."""
        connection = self._connected("rw", deadline)
        connection.execute("PRAGMA foreign_keys = ON")
        _touch_modules(connection)
        connection.execute("BEGIN IMMEDIATE")
        connection.set_authorizer(writing)
        return connection

    def recover(self) -> None:
        """Take back what a process that was killed has left half written."""
        with suppress(sqlite3.Error), closing(self._connected("rw", Deadline(_BUSY))):
            pass  # opened to write, SQLite does it

    def _connected(self, mode: str, deadline: Deadline) -> sqlite3.Connection:
        # as_uri quotes what would end the path, or be read as another parameter
        address = f"{self.path.as_uri()}?mode={mode}"
        # not all the time that is left: who waited in vain is to be told so
        wait = min(_BUSY, deadline.left / 2)
        connection = sqlite3.connect(address, uri=True, isolation_level=None, timeout=wait)
        try:
            self._guard(connection, deadline)
        except BaseException:
            connection.close()
            raise
        return connection

    def _guard(self, connection: sqlite3.Connection, deadline: Deadline) -> None:
        connection.text_factory = _text
        for category, most in LIMITS.items():
            connection.setlimit(category, most)
        _defend(connection)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        connection.set_progress_handler(lambda: deadline.is_over, _STEPS)
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _text(raw: bytes) -> str:
    """Text as it is stored; what is not UTF-8 in it stays apart from what is."""
    return raw.decode("utf-8", "surrogateescape")


def _defend(connection: sqlite3.Connection) -> None:
    """What Python offers from 3.12 on, beyond what the authorizer refuses."""
    with suppress(AttributeError):
        connection.enable_load_extension(False)
    if not hasattr(connection, "setconfig"):
        return
    switches = {
        "SQLITE_DBCONFIG_DEFENSIVE": True,
        "SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER": False,
        "SQLITE_DBCONFIG_TRUSTED_SCHEMA": False,
        # "nmae" in double quotes is then a column that is missing, not a text
        "SQLITE_DBCONFIG_DQS_DML": False,
    }
    for name, is_on in switches.items():
        connection.setconfig(getattr(sqlite3, name), is_on)


def _touch_modules(connection: sqlite3.Connection) -> None:
    """Have tables that are made by modules ready: those write to their own while they get so."""
    made = "SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%'"
    names = [str(name) for (name,) in connection.execute(made)]
    for name in [*MODULES, *names]:
        with suppress(sqlite3.Error):  # a module that this SQLite does not have
            connection.execute(f"SELECT 1 FROM {identifier(name)} LIMIT 0")  # noqa: S608
