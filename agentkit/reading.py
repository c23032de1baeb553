"""`read_output`: how a model reads on in an output that it was given head and tail of.

The tool is there once a log has such an output, and from then on. It reads the log alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from typing import Annotated, Any

from agentkit.encoding import Wire
from agentkit.log import Log
from agentkit.schema.problems import did_you_mean
from agentkit.tool_output import MOST_KEPT
from agentkit.tools import Retry, Tool, tool

NAME = "read_output"
MOST_AT_ONCE = 20_000
"""Characters that one call gives."""


def reader_of(log: Log) -> Tool[..., Any]:
    """The tool that reads on in the outputs of a log."""
    kind = _reader()
    return Tool(
        kind.name,
        kind.description,
        partial(_read, log),
        kind.arguments,
        effect="read",
        max_output=2 * MOST_AT_ONCE,
    )


def with_reader(tools: Mapping[str, Tool], log: Log) -> Mapping[str, Tool]:
    """The tools of a run: where there are any, this one is behind them."""
    return {NAME: reader_of(log), **tools} if tools else tools


def is_reader(made: Tool[..., Any]) -> bool:
    """Whether a tool is this one, and not one of the caller's of the same name."""
    return getattr(made.function, "func", None) is _read


def reader_schema() -> Wire:
    """The tool as a request carries it."""
    return _reader().schema()


def hint_at(call_id: str, start: int, stop: int) -> str:
    """What the model is told of the characters that an output leaves out."""
    if start >= MOST_KEPT:
        return "they were not kept"
    return f'{NAME}(call_id="{call_id}", start={start}, stop={min(stop, MOST_KEPT)}) reads on'


@cache  # made of its signature, which takes longer than all of the import
def _reader() -> Tool[..., Any]:
    async def read_output(
        call_id: Annotated[str, "The id that is named where the output was cut."],
        start: Annotated[int, "The first character to read, counted from 0."] = 0,
        stop: Annotated[int | None, "Where to end; at most 20,000 characters are read."] = None,
    ) -> str:
        """Read on in the output of an earlier call of which the middle was left out."""
        raise NotImplementedError  # a log's own stands in its place

    return tool(effect="read")(read_output)


async def _read(log: Log, call_id: str, start: int = 0, stop: int | None = None) -> str:
    output = log.long_outputs.get(call_id)
    if output is None or output.whole is None:
        known = list(log.long_outputs)
        hint = did_you_mean(call_id, known)
        raise Retry(f"No output of {call_id!r} was cut.{hint} Cut ones: {', '.join(known)}.")
    size = len(output.whole)
    if not 0 <= start < size:
        raise Retry(f"start: the output has the characters 0 to {size - 1:,}, got {start:,}.")
    if stop is not None and stop <= start:
        raise Retry(f"stop: give one behind start ({start:,}), got {stop:,}.")
    end = min(size, start + MOST_AT_ONCE, size if stop is None else stop)
    more = "" if end == size else f" Go on with start={end}."
    return f"{output.whole[start:end]}\n[characters {start:,} to {end:,} of {size:,}.{more}]"
