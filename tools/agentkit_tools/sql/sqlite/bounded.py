"""A SQLite file as an engine that is asked, and written to, by processes of its own."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from agentkit_tools.sql.bounded import Bounded, Stopped
from agentkit_tools.sql.running import Deadline
from agentkit_tools.sql.shown import Reader
from agentkit_tools.sql.sqlite.opening import SqliteFile


class BoundedSqlite(Bounded):
    """A SQLite file. Raises ConfigurationError for a path that leads to none."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path)
        self.name = path.name
        super().__init__("sqlite", "SQLite", self._file.path)

    def execute(self, sql: str, deadline: Deadline, read: Reader) -> tuple[int, str]:
        """How many rows a statement changed, once that is committed, and what it returned."""
        try:
            process, answer = self.asked(deadline, "execute", sql=sql, read=asdict(read))
        except Stopped:
            self._file.recover()
            raise
        if "ready" in answer:
            # behind the deadline: what is being committed is not killed
            committed = process.asked({"commit": True})
            if committed is None:
                process.end()
                raise Stopped("The process has ended while it committed. See whether it has.")
            answer = committed
        done = self.kept(process, answer)
        return int(done["changed"]), str(done["text"])
