"""The options of `agentkit map`, and what of them a job is told."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Literal

from agentkit.cli.agent_options import add_agent_options, add_limit_options
from agentkit.cli.kept import add_store_options
from agentkit.cli.options import age, at_least_one, dollars, not_empty, not_negative
from agentkit.errors import ConfigurationError
from agentkit.jobs.options import MapOptions
from agentkit.tables.places import KINDS, STANDARD

ALL = "all"
"""What `--refresh` is without an age."""


def add_map_options(parser: argparse.ArgumentParser) -> None:
    """Add all of them."""
    parser.add_argument(
        "rows",
        metavar="ROWS",
        type=not_empty,
        help="the table: a .csv, .tsv or .jsonl file, 'db.sqlite::select …', or - for standard "
        "input",
    )
    _add_table_options(parser)
    _add_row_options(parser)
    _add_pace_options(parser)
    add_agent_options(parser)
    add_limit_options(parser, "limits of each row")
    add_store_options(parser)
    _add_output_options(parser)


def _add_table_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("table").add_argument
    add(
        "-p",
        "--prompt",
        metavar="TEXT",
        required=True,
        type=not_empty,
        help="what is asked of each row, with {column} for a cell and {row} for all of them; "
        "@FILE reads it",
    )
    add(
        "-o",
        "--out",
        metavar="PLACE",
        type=not_empty,
        default=STANDARD,
        help="where the answers go: a .csv, .tsv or .jsonl file, or db.sqlite::table (default: "
        "standard output, as CSV)",
    )
    add("--replace", action="store_true", help="write over a table that no job has written")
    add(
        "--kind",
        choices=KINDS,
        help="what a table is whose name does not say it (standard input and output: csv)",
    )


def _add_row_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("rows").add_argument
    add("--limit", metavar="N", type=at_least_one, help="only the first N rows")
    add(
        "--sample",
        metavar="N",
        type=at_least_one,
        help="only N rows from all over the table, the same each time",
    )
    add(
        "--only",
        choices=("failed", "new"),
        help="ask only rows that were tried and have no answer, or only those never tried",
    )
    add(
        "--retry",
        metavar="N",
        type=not_negative,
        help="try rows that fail up to N times more, at the end",
    )
    add(
        "--refresh",
        metavar="AGE",
        nargs="?",
        const=ALL,
        type=_refreshed,
        help="ask rows again that have an answer, or one older than AGE, such as 7d",
    )


def _add_pace_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("pace and money").add_argument
    add(
        "-j",
        "--jobs",
        metavar="N",
        type=_jobs,
        default="auto",
        help="how many rows run at once, or auto for as many as the server answers well "
        "(default: %(default)s)",
    )
    add(
        "--budget",
        metavar="DOLLARS",
        type=dollars,
        help="what the table may cost, earlier runs of it included",
    )
    add(
        "--pilot",
        metavar="N",
        type=at_least_one,
        help="run N rows, show them with an estimate of all, and ask whether to go on",
    )
    add("-y", "--yes", action="store_true", help="go on after the pilot without asking")


def _add_output_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument(
        "--json", action="store_true", help="a JSON line at the launch and one at the end"
    )
    group.add_argument(
        "--no-stream",
        dest="stream",
        action="store_false",
        default=None,
        help="ask for whole answers, for servers that cannot stream",
    )
    group.add_argument(
        "-q", "--quiet", action="store_true", help="no progress on stderr, only the last line"
    )
    parser.set_defaults(jsonl=False)


def _jobs(text: str) -> int | Literal["auto"]:
    return "auto" if text == "auto" else at_least_one(text)


def _refreshed(text: str) -> str:
    return ALL if text == ALL else age(text)


def check_options(arguments: argparse.Namespace) -> None:
    """Raise ConfigurationError for options that do not go together."""
    if arguments.json and arguments.out == STANDARD:
        raise ConfigurationError(
            "--json: its lines have standard output. Say with -o where the rows go."
        )
    if arguments.yes and not arguments.pilot:
        raise ConfigurationError("--yes: it goes on after a pilot. Say --pilot 10, or leave it.")
    if arguments.only and arguments.refresh:
        raise ConfigurationError(
            "--refresh asks rows that have an answer, --only does not: leave one out."
        )
    if arguments.pilot and arguments.sample:
        raise ConfigurationError("--pilot: a sample is one already. Leave --pilot or --sample out.")
    if arguments.pilot and arguments.no_log:
        raise ConfigurationError("--pilot needs the log that --no-log leaves out. Drop one.")


def prompt_of_option(said: str) -> str:
    """The prompt itself, which `@FILE` reads.

    Raises ConfigurationError for a file that cannot be read, or has nothing in it.
    """
    if not said.startswith("@"):
        return said
    path = Path(said[1:]).expanduser()
    try:
        text = path.read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigurationError(f"-p: cannot read {str(path)!r}: {reason}.") from error
    if not text.strip():
        raise ConfigurationError(f"-p: {str(path)!r} is empty.")
    return text


def job_options(arguments: argparse.Namespace) -> MapOptions:
    """What a job is told of the options, but for where its rows and logs go."""
    given: dict[str, Any] = {
        "concurrency": arguments.jobs,
        "budget": arguments.budget,
        "limit": arguments.limit,
        "sample": arguments.sample,
        "only": arguments.only,
        "retry": arguments.retry,
        "refresh": True if arguments.refresh == ALL else arguments.refresh,
    }
    options: MapOptions = {}
    options.update({key: each for key, each in given.items() if each is not None})  # type: ignore[typeddict-item]
    return options
