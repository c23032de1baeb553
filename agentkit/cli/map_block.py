"""How a job over a table is shown while it goes on: as a block of lines, or as one line.

Pure: a look at the job becomes text. Knows no terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agentkit.cli.map_look import Look
from agentkit.cli.table import dollars

WIDEST = 72
"""Columns of a block on a terminal that has more, so that few windows are too small for it."""

_FULL, _EMPTY = "█", "░"
_PERIODS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def block(look: Look, width: int) -> list[str]:
    """The lines of a block, none of them wider than `width`.

    There are as many of them at any moment of a job.
    """
    room = max(min(width, WIDEST), 1)
    lines = [
        _bar(look, room),
        ", ".join(_counts(look)),
        ", ".join(_times(look)),
        _money(look),
        ", ".join(_server(look)),
    ]
    return [line if len(line) <= room else f"{line[: room - 1]}…" for line in lines]


def line(look: Look) -> str:
    """The same on one line, for a log."""
    parts = [f"{_progress(look)}: {', '.join(_counts(look))}"]
    if look.per_minute is not None:
        parts.append(", ".join(_times(look)))
    parts.append(_money(look))
    if look.refusals:
        parts.append(", ".join(_server(look)))
    return "; ".join(parts)


def span(seconds: float) -> str:
    """A time as a person reads it: `4.5 s`, `45 s`, `12 min`, `1 h 31 min`, `2 d 4 h`."""
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    whole = max(round(seconds), 0)
    if whole >= 600:  # then seconds say nothing
        whole = round(whole / 60) * 60
    if whole >= 86400:
        whole = round(whole / 3600) * 3600
    return " ".join(list(_parts(whole))[:2])


def _parts(seconds: int) -> Iterator[str]:
    for unit, size in _PERIODS:
        count, seconds = divmod(seconds, size)
        if count:
            yield f"{count} {unit}"


def _bar(look: Look, room: int) -> str:
    said = _progress(look)
    if look.total is None:
        return said
    said = f" {said}, {int(look.share * 100)} %"
    cells = max(room - len(said), 0)
    full = int(cells * look.share)
    return f"{_FULL * full}{_EMPTY * (cells - full)}{said}" if cells >= 5 else said.strip()


def _progress(look: Look) -> str:
    return f"{look.ended:,}{'' if look.total is None else f' of {look.total:,}'} rows"


def _counts(look: Look) -> Iterable[str]:
    yield f"{look.done:,} done"
    yield f"{look.failed:,} failed"
    yield f"{look.running:,} running"
    if look.left is not None:
        yield f"{look.left:,} left"


def _times(look: Look) -> Iterable[str]:
    if look.per_minute is None:
        yield "no rate yet"
        return
    yield f"{look.per_minute:,.0f} a minute"
    if look.seconds_left is not None:
        yield f"{span(look.seconds_left)} left"


def _money(look: Look) -> str:
    spent = "cost unknown"
    if look.spent is not None:
        spent = f"{dollars(look.before + look.spent)} spent"
    whole = "" if look.whole_cost is None else f", about {dollars(look.whole_cost)} in all"
    return f"{spent}{whole}" + ("" if look.budget is None else f", budget {dollars(look.budget)}")


def _server(look: Look) -> Iterable[str]:
    yield f"{look.from_before:.0%} from log or cache".replace("%", " %")
    yield f"{look.refusals:,} × 429"
    yield f"{look.level:,} at once"
