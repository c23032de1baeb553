"""What a database has to be able to do for the tools; knows no database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from agentkit_tools.sql.running import Deadline
from agentkit_tools.sql.shown import Reader


@dataclass(frozen=True)
class Column:
    """A column as a model has to know it."""

    name: str
    """As SQL wants it, in double quotes where it needs them."""
    type: str
    notes: tuple[str, ...] = ()
    """What else holds: a key, a reference, that it cannot be null."""


@dataclass(frozen=True)
class Shape:
    """A table or a view, without its rows."""

    name: str
    """As SQL wants it, with the schema where it needs one."""
    columns: tuple[Column, ...]
    kind: str = "table"
    notes: tuple[str, ...] = ()
    rows: str = ""
    """How many there are, as far as that is known without reading them all."""


def counted(rows: int) -> str:
    """How many rows, in words."""
    return f"{rows:,} row{'' if rows == 1 else 's'}"


class Engine(Protocol):
    """A database that can be asked. What the model did wrong is raised as Retry."""

    dialect: str
    """What the model is told it writes for."""

    def shapes(self, deadline: Deadline) -> list[Shape]:
        """Every table and view that can be read, in the order of their names."""

    def query(self, sql: str, deadline: Deadline, read: Reader) -> str:
        """What is read of the rows of one query, which changes nothing."""


class WritableEngine(Engine, Protocol):
    """A database that can be changed too."""

    name: str
    """What it is called, to tell it from others."""

    def execute(self, sql: str, deadline: Deadline, read: Reader) -> tuple[int, str]:
        """How many rows one statement changed, and what is read of the rows it returned."""
