"""An engine in processes of its own, which are killed where they do not end in time."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agentkit import Retry
from agentkit_tools.sql.engine import Column, Shape
from agentkit_tools.sql.process import Process
from agentkit_tools.sql.running import Deadline
from agentkit_tools.sql.shown import Reader

_ENDED = (
    "The database's process has ended in the midst of it, perhaps for want of memory. Ask for "
    "less: narrow WHERE, or aggregate a part of the rows."
)


class Stopped(Retry):
    """Nothing has come of it: the process was killed, or has ended."""


class Bounded:
    """A database that is asked by processes, so that nothing that a model asks goes on for ever.

    A process is kept for the next call, since it takes a fifth of a second to begin. It is killed
    when the time of its call is up, and at the end of this object or of the program.
    """

    def __init__(self, kind: str, dialect: str, path: Path) -> None:
        self.dialect = dialect
        self._words = (kind, str(path))
        self._idle: list[Process] = []
        weakref.finalize(self, _end_all, self._idle)

    def shapes(self, deadline: Deadline) -> list[Shape]:
        """Every table and view, in the order of their names."""
        process, answer = self.asked(deadline, "shapes")
        return [_shape(each) for each in self.kept(process, answer)["shapes"]]

    def query(self, sql: str, deadline: Deadline, read: Reader) -> str:
        """What is read of the rows of a query. Raises Retry for one that fails or is refused."""
        process, answer = self.asked(deadline, "query", sql=sql, read=asdict(read))
        return str(self.kept(process, answer)["text"])

    def asked(
        self, deadline: Deadline, ask: str, **words: object
    ) -> tuple[Process, Mapping[str, Any]]:
        """A process and its answer. Raises Stopped where there was none in time."""
        process = self._idle_one() or self._begun(deadline)
        with deadline.interrupting(process.kill):
            answer = process.asked({"ask": ask, "seconds": deadline.left, **words})
        if answer is None or deadline.is_over:
            process.end()
            raise Stopped(deadline.told if deadline.is_over else _ENDED)
        return process, answer

    def kept(self, process: Process, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """The answer, where it is no error; the process is there for the next call."""
        self._idle.append(process)
        if "retry" in answer:
            raise Retry(answer["retry"])
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def _idle_one(self) -> Process | None:
        while self._idle:
            try:
                process = self._idle.pop()
            except IndexError:  # another thread was faster
                return None
            if process.is_usable:
                return process
            process.end()
        return None

    def _begun(self, deadline: Deadline) -> Process:
        process = Process(*self._words)
        said = process.heard() or {"error": f"The process that asks {self.dialect} did not begin."}
        if "error" in said:
            process.end()
            raise RuntimeError(said["error"])
        deadline.begin()
        return process


def _end_all(processes: list[Process]) -> None:
    while processes:
        processes.pop().end()


def _shape(told: Mapping[str, Any]) -> Shape:
    columns = tuple(
        Column(each["name"], each["type"], tuple(each["notes"])) for each in told["columns"]
    )
    return Shape(told["name"], columns, told["kind"], tuple(told["notes"]), told["rows"])
