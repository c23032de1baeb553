"""A path or a URL to a store."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from agentkit.errors import ConfigurationError

if TYPE_CHECKING:
    from agentkit.stores.protocol import Store

Where: TypeAlias = "Store | str | os.PathLike[str]"
"""A store, the path of a file for one, or the URL of a database."""

_POSTGRES = ("postgresql", "postgres")


def opened_store(place: Where) -> Store:
    """The store itself, or the one at a path (SQLite) or a URL (`postgresql://…`).

    Nothing is opened yet. Raises ConfigurationError for a place of no known kind.
    """
    if isinstance(place, os.PathLike):
        place = os.fspath(place)
    if not isinstance(place, str):
        return _checked(place)
    scheme = urlsplit(place).scheme if "://" in place else ""
    # each loads a database library, which a run without a store does not need
    if scheme in _POSTGRES:
        from agentkit.stores.postgres import PostgresStore

        return PostgresStore(place)
    if scheme not in ("", "sqlite"):
        raise ConfigurationError(
            f"store: {scheme}:// is of no known kind. Give a path, postgresql://… or a Store."
        )
    path = _path(place) if scheme else place
    from agentkit.stores.sqlite import SQLiteStore

    return SQLiteStore(path)


def _path(url: str) -> Path:
    """The path of `sqlite:///relative.db` or `sqlite:////absolute.db`."""
    path = url.partition("://")[2].removeprefix("/")
    if not path:
        raise ConfigurationError(f"store: {url!r} names no file, such as sqlite:///runs.db.")
    return Path(path)


def _checked(store: Store) -> Store:
    missing = [name for name in ("load", "append", "hold") if not hasattr(store, name)]
    if missing:
        raise ConfigurationError(
            f"store: expected a path, a URL or a Store, got {type(store).__name__}, "
            f"which has no {missing[0]}()."
        )
    return store
