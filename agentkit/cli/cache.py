"""`agentkit cache`: what answers are kept for the same question, and letting go of them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from agentkit.ages import checked_age
from agentkit.cli.answer import write_json
from agentkit.cli.errors import FAILED, say
from agentkit.cli.kept import add_db_option, in_use, store_to_look_at
from agentkit.cli.leaving import drive
from agentkit.cli.options import Commands, add_command, age
from agentkit.cli.show import counted
from agentkit.cli.table import Table, write_rows, write_table
from agentkit.cli.when import exact, short, utc
from agentkit.encoding import Wire
from agentkit.errors import ConfigurationError
from agentkit.stores.protocol import CachedAnswers, Caches, Store, cache_of

OLD = "30d"
"""The age from which on answers are taken away where none is said."""

_NUMBERS = ("ANSWERS", "SIZE")
_UNITS = ("B", "kB", "MB", "GB", "TB")

EXAMPLES = """\
  agentkit cache ls
  agentkit cache prune --older-than 7d
  agentkit cache clear --yes
"""


def add(commands: Commands) -> None:
    """Add the command's parser, and those of what it does."""
    summary = "list the answers kept by --cache, or let go of them"
    parser = add_command(commands, "cache", summary, EXAMPLES)
    parser.set_defaults(command=partial(_help, parser))
    parts = parser.add_subparsers(metavar="COMMAND", title="commands")
    _add_listing(parts)
    _add_pruning(parts)
    _add_clearing(parts)


def _add_listing(parts: Commands) -> None:
    summary = "what is kept of each model"
    parser = add_command(parts, "ls", summary, "  agentkit cache ls --json\n")
    parser.set_defaults(command=partial(command, _listed))
    parser.add_argument("--json", action="store_true", help="a JSON array, an object for each")
    add_db_option(parser)


def _add_pruning(parts: Commands) -> None:
    example = "  agentkit cache prune --older-than 12h\n"
    parser = add_command(parts, "prune", "take away what was kept long ago", example)
    parser.set_defaults(command=partial(command, _pruned), json=False)
    parser.add_argument(
        "--older-than",
        metavar="AGE",
        type=age,
        default=OLD,
        help="how long ago, such as 90s, 30m, 12h, 7d or 1w (default: %(default)s)",
    )
    add_db_option(parser)


def _add_clearing(parts: Commands) -> None:
    example = "  agentkit cache clear --yes\n"
    parser = add_command(parts, "clear", "take away all that is kept", example)
    parser.set_defaults(command=partial(command, _cleared), json=False)
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask first")
    add_db_option(parser)


Work = Callable[[Caches, argparse.Namespace], Awaitable[int]]


def command(work: Work, arguments: argparse.Namespace) -> int:
    """Do one of the three with the log's cache; the exit code."""
    if not getattr(arguments, "yes", True) and not sys.stdin.isatty():
        raise ConfigurationError("Nobody can be asked here. Say --yes to clear the cache.")
    store = store_to_look_at(arguments)
    if store is None:
        if arguments.json:
            write_json(sys.stdout, [])
        return _nothing()
    return drive(_done(store, work, arguments))


def _help(parser: argparse.ArgumentParser, _: argparse.Namespace) -> int:
    parser.print_help()
    return 0


async def _done(store: Store, work: Work, arguments: argparse.Namespace) -> int:
    async with in_use(store):
        cache = cache_of(store)
        if cache is None:
            raise ConfigurationError("This log keeps no answers. Name another with --db.")
        return await work(cache, arguments)


async def _listed(cache: Caches, arguments: argparse.Namespace) -> int:
    kept = await cache.cached_answers()
    if arguments.json:
        write_json(sys.stdout, [_wire(each) for each in kept])
    elif not kept:
        return _nothing()
    elif sys.stdout.isatty():
        head = ("MODEL", "ANSWERS", "SIZE", "OLDEST", "NEWEST")
        rows = [_short_row(each) for each in [*kept, *_sum(kept)]]
        write_table(sys.stdout, Table(head, rows, numbers=_NUMBERS))
    else:
        write_rows(sys.stdout, [_exact_row(each) for each in kept])
    return 0


async def _pruned(cache: Caches, arguments: argparse.Namespace) -> int:
    return _told(await cache.prune_cache(checked_age(arguments.older_than, "--older-than")))


async def _cleared(cache: Caches, arguments: argparse.Namespace) -> int:
    if not arguments.yes and not _is_agreed(await cache.cached_answers()):
        say("Nothing was deleted.")
        return FAILED
    return _told(await cache.prune_cache())


def _told(deleted: int) -> int:
    print(f"Deleted {counted(deleted, 'answer')}.")
    return 0


def _nothing() -> int:
    say("No answers are kept yet: --cache 7d keeps those of a run.")
    return 0


def _is_agreed(kept: Sequence[CachedAnswers]) -> bool:
    answers = counted(sum(each.count for each in kept), "answer")
    print(f"Delete {answers}? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().casefold() in ("y", "yes")


def _sum(kept: Sequence[CachedAnswers]) -> list[CachedAnswers]:
    """A line for all of them, where there is more than one."""
    if len(kept) < 2:
        return []
    count, size = sum(each.count for each in kept), sum(each.size for each in kept)
    oldest, newest = min(each.oldest for each in kept), max(each.newest for each in kept)
    return [CachedAnswers("(all)", count, size, oldest, newest)]


def _short_row(kept: CachedAnswers) -> tuple[str, ...]:
    counts = f"{kept.count:,}", size(kept.size)
    return kept.model, *counts, short(kept.oldest), short(kept.newest)


def _exact_row(kept: CachedAnswers) -> tuple[str, ...]:
    counts = str(kept.count), str(kept.size)
    return kept.model, *counts, exact(kept.oldest), exact(kept.newest)


def _wire(kept: CachedAnswers) -> Wire:
    return {
        "model": kept.model,
        "answers": kept.count,
        "bytes": kept.size,
        "oldest": utc(kept.oldest),
        "newest": utc(kept.newest),
    }


def size(number: float) -> str:
    """Bytes as a person reads them: `812 B`, `1.4 MB`."""
    for unit in _UNITS[:-1]:
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:,.1f} {_UNITS[-1]}"
