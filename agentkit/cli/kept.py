"""Where the command keeps its log, and which session of it is meant.

`--db`, then the agent's own store, then `AGENTKIT_DB`, then a file in the user's data folder.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from agentkit.agent import Agent
from agentkit.cli.options import not_empty
from agentkit.cli.passwords import without_password
from agentkit.errors import ConfigurationError
from agentkit.schema.problems import did_you_mean
from agentkit.stores.opened import opened_store
from agentkit.stores.protocol import SessionInfo, Store

VARIABLE = "AGENTKIT_DB"
FILE = "runs.db"

_NO_STORE_HERE = ("a path, postgresql://… or a Store", "a path or postgresql://…")

HISTORY = "-chat-history"
"""What the file with the typed lines is called behind the name of the log's."""

MOST_NAMED = 10
"""Sessions that an error names one by one."""


def add_db_option(parser: argparse._ActionsContainer, default: str | None = None) -> None:
    """Add where the log is, for commands that only look at it."""
    parser.add_argument(
        "--db",
        metavar="PLACE",
        type=not_empty,
        default=default,
        help=f"the log: a file or a database's URL (default: {VARIABLE}, else the user's data)",
    )


def add_store_options(parser: argparse.ArgumentParser) -> None:
    """Add where the log is kept, and how to keep none, for commands that run."""
    group = parser.add_argument_group("log").add_mutually_exclusive_group()
    add_db_option(group)
    group.add_argument("--no-log", action="store_true", help="keep no log of this run")


def store_for(arguments: argparse.Namespace, agent: Agent | None = None) -> Store | None:
    """The store to keep a run in, None with `--no-log`; its folder is there from now on.

    An agent that has a store of its own keeps it unless `--db` names another.
    Raises ConfigurationError for a place that cannot be used.
    """
    if getattr(arguments, "no_log", False):
        return None
    if not arguments.db and agent is not None and agent.store is not None:
        return agent.store
    place, said_by = _place(arguments)
    if not said_by:
        _make(Path(place).parent)
    return _opened(place, said_by)


def store_to_look_at(arguments: argparse.Namespace) -> Store | None:
    """The store that is there, None where nothing has been logged yet; makes no file.

    Raises ConfigurationError for a place that cannot be used.
    """
    place, said_by = _place(arguments)
    file = _file_of(place)
    if file is not None and not file.exists():
        return None
    return _opened(place, said_by)


@asynccontextmanager
async def in_use(store: Store) -> AsyncIterator[Store]:
    """The store for as long as the block lasts; then it lets go of its file."""
    try:
        yield store
    finally:
        await store.close()


def history_of(arguments: argparse.Namespace, agent: Agent | None) -> Path | None:
    """The file that keeps what is typed: beside a log that is a file, else in the user's data.

    None with `--no-log`.
    """
    if arguments.no_log:
        return None
    with suppress(ConfigurationError, RuntimeError):
        place = _place(arguments)[0]
        if not arguments.db and agent is not None and agent.store is not None:
            place = getattr(agent.store, "path", "://")
        if (file := _file_of(place)) is not None:
            return file.with_name(f"{file.name}{HISTORY}")
        folder = data_folder(os.environ, sys.platform, Path.home())
        _make(folder)
        return folder / f"runs{HISTORY}"
    return None


def nothing_yet(arguments: argparse.Namespace) -> str:
    """What to say where nothing has been logged."""
    place, said_by = _place(arguments)
    where = f" in {without_password(place)}" if said_by else ""
    return f"No runs are logged yet{where}."


async def session_named(store: Store, said: str) -> str:
    """The session of that name, or the only one whose name begins so.

    Raises ConfigurationError where there is none or more than one.
    """
    return (await info_named(store, said)).session


async def info_named(store: Store, said: str) -> SessionInfo:
    """`session_named`, with what a list shows of it."""
    runs = {each.session: each for each in await store.list(limit=None)}
    names = list(runs)
    meant = [name for name in names if name.startswith(said)] if said else []
    if said in runs or len(meant) == 1:
        return runs[said if said in runs else meant[0]]
    if not meant:
        raise ConfigurationError(
            f"There is no session {said!r}.{did_you_mean(said, names)} List them: agentkit runs."
        )
    more = f" and {len(meant) - MOST_NAMED} more" if len(meant) > MOST_NAMED else ""
    raise ConfigurationError(
        f"{len(meant)} sessions begin with {said!r}: {', '.join(meant[:MOST_NAMED])}{more}. "
        "Give more of the name."
    )


def data_folder(environment: Mapping[str, str], platform: str, home: Path) -> Path:
    """The folder of this program in the user's own data.

    Source: XDG Base Directory Specification; the conventions of macOS and Windows.
    """
    if platform == "win32":
        local = environment.get("LOCALAPPDATA")
        return (Path(local) if local else home / "AppData" / "Local") / "agentkit"
    if platform == "darwin":
        return home / "Library" / "Application Support" / "agentkit"
    said = environment.get("XDG_DATA_HOME") or ""
    # the specification has relative paths ignored
    folder = Path(said) if os.path.isabs(said) else home / ".local" / "share"
    return folder / "agentkit"


def _place(arguments: argparse.Namespace) -> tuple[str, str]:
    """A path or a URL, and what named it; nothing did where it is the default."""
    said: str | None = arguments.db
    if said:
        return _expanded(said, "--db"), "--db"
    if said := os.environ.get(VARIABLE, "").strip():
        return _expanded(said, VARIABLE), VARIABLE
    try:
        home = Path.home()
    except RuntimeError as error:
        raise ConfigurationError(
            f"There is no home folder to keep the log in. Name a file with --db or {VARIABLE}."
        ) from error
    return str(data_folder(os.environ, sys.platform, home) / FILE), ""


def _expanded(place: str, said_by: str) -> str:
    if "://" in place:
        return place
    if place.startswith(("postgresql:", "postgres:")) or "password=" in place:
        # it would be a path, and be shown as one
        reason = "write a PostgreSQL database as postgresql://user:password@host/database"
        raise ConfigurationError(f"{said_by}: {reason}.")
    return os.path.expanduser(place)


def _file_of(place: str) -> Path | None:
    """The file that a place names, None for a database elsewhere."""
    scheme, separator, path = place.partition("://")
    if not separator:
        return Path(place)
    return Path(path.removeprefix("/")) if scheme == "sqlite" else None


def _opened(place: str, said_by: str) -> Store:
    file = _file_of(place)
    if file is not None and file.is_dir():
        raise ConfigurationError(f"{said_by or VARIABLE}: {file} is a folder. Name a file in it.")
    if file is not None and not file.absolute().parent.is_dir():
        raise ConfigurationError(
            f"{said_by or VARIABLE}: there is no folder {str(file.parent)!r}. "
            "Make it, or name another place."
        )
    try:
        return opened_store(place)
    except ConfigurationError as error:
        why = str(error).removeprefix("store: ").replace(*_NO_STORE_HERE)
        raise ConfigurationError(f"{said_by or VARIABLE}: {why}") from error
    except ValueError as error:  # its text may have a part of the password
        why = "the URL cannot be read. Is its host written right?"
        raise ConfigurationError(f"{said_by or VARIABLE}: {why}") from error


def _make(folder: Path) -> None:
    """Make the folder, for nobody else to look into."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"The log cannot be kept in {str(folder)!r}: {error.strerror or error}. "
            f"Name a file with --db or {VARIABLE}, or keep no log with --no-log."
        ) from error
