"""Prompts with a place for each row's cells: `Who leads {company}?`.

What is within braces is the name of a column and nothing else: nothing of it is evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from agentkit.errors import ConfigurationError
from agentkit.schema.problems import did_you_mean
from agentkit.tables.cells import as_json, as_text

ROW = "row"
"""The name for the whole row, where no column has it."""

_PIECES = re.compile(r"\{\{|\}\}|\{[^{}]*\}|[{}]")
_BRACES = {"{{": "{", "}}": "}"}
_MOST_NAMED = 20


class Prompt(Protocol):
    """What is asked of a row."""

    @property
    def columns_used(self) -> tuple[str, ...]:
        """The names in the prompt, each once, in order; none where it is a function."""

    def check(self, columns: Sequence[str]) -> None:
        """Raise ConfigurationError where the table has no such column."""

    def said(self, row: Mapping[str, Any]) -> Any:
        """The prompt with the cells of a row: what `Agent.run` takes.

        Raises ConfigurationError where the row lacks a column that is used.
        """


@dataclass(frozen=True)
class Template:
    """A text with `{column}` in it, `{{` and `}}` for braces, `{row}` for the whole row as JSON.

    An empty cell, and null, is said as an empty text; what is no text is said as JSON.
    """

    text: str
    pieces: tuple[tuple[str, str | None], ...]
    """Texts, each with the name of the column behind it; the last has none."""

    @classmethod
    def of(cls, prompt: str) -> Template:
        """The template of a prompt. Raises ConfigurationError for a brace without its partner."""
        pieces: list[tuple[str, str | None]] = []
        before, end = "", 0
        for found in _PIECES.finditer(prompt):
            before += prompt[end : found.start()]
            end = found.end()
            if found[0] in _BRACES:
                before += _BRACES[found[0]]
            else:
                pieces.append((before, _name_in(found)))
                before = ""
        return cls(prompt, (*pieces, (before + prompt[end:], None)))

    @property
    def columns_used(self) -> tuple[str, ...]:
        """The names in the prompt, each once, in order."""
        return tuple(dict.fromkeys(name for _, name in self.pieces if name is not None))

    def check(self, columns: Sequence[str]) -> None:
        """Raise ConfigurationError where the table has no such column, or none is named."""
        if not self.columns_used:
            raise ConfigurationError(
                "prompt: it names no column, so every row would ask the same. Name one of "
                f"{_listed(columns)}, or {{{ROW}}} for the whole row."
            )
        for name in self.columns_used:
            if name not in columns and name != ROW:
                raise ConfigurationError(
                    f"prompt: there is no column {name!r}.{did_you_mean(name, columns)} Columns: "
                    f"{_listed(columns)}. Write {{{{ and }}}} for braces that name none."
                )

    def said(self, row: Mapping[str, Any]) -> str:
        """The prompt with the cells of a row. Raises ConfigurationError where it lacks one."""
        return "".join(
            text if name is None else text + self._cell(row, name) for text, name in self.pieces
        )

    def _cell(self, row: Mapping[str, Any], name: str) -> str:
        if name in row:
            return as_text(row[name])
        if name == ROW:
            return as_json(dict(row)).decode()
        raise ConfigurationError(
            f"prompt: the row has no {name!r}. Give each row one, or leave it out of the prompt."
        )


@dataclass(frozen=True)
class Spoken:
    """A function from a row to what `Agent.run` takes, with the interface of a template."""

    function: Callable[[Mapping[str, Any]], Any]
    columns_used: tuple[str, ...] = ()

    def check(self, columns: Sequence[str]) -> None:
        """Nothing: which columns a function uses is not known."""

    def said(self, row: Mapping[str, Any]) -> Any:
        """What the function makes of a row; it raises what it likes."""
        return self.function(row)


def prompt_of(prompt: str | Callable[[Mapping[str, Any]], Any]) -> Prompt:
    """The prompt of a text or a function. Raises ConfigurationError for anything else."""
    if isinstance(prompt, str):
        return Template.of(prompt)
    if callable(prompt):
        return Spoken(prompt)
    raise ConfigurationError(
        "prompt: expected a text with {column} in it, or a function of a row, "
        f"got {prompt!r:.80}."
    )


def _name_in(found: re.Match[str]) -> str:
    name = found[0][1:-1]
    if len(found[0]) == 1 or not name:
        raise ConfigurationError(
            f"prompt, character {found.start() + 1}: {found[0]} names no column. Write the name "
            "of one within braces, such as {company}, and {{ or }} for a brace."
        )
    return name


def _listed(columns: Sequence[str]) -> str:
    named = ", ".join(f"{{{each}}}" for each in columns[:_MOST_NAMED])
    more = len(columns) - _MOST_NAMED
    return f"{named} and {more:,} more" if more > 0 else named
