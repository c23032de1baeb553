"""Files of rows that a model may ask in SQL."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from agentkit import ConfigurationError
from agentkit_tools.sql.bounded import Bounded
from agentkit_tools.sql.described import identifier
from agentkit_tools.sql.engine import Engine
from agentkit_tools.sql.shown import Caps
from agentkit_tools.sql.sqlite.bounded import BoundedSqlite
from agentkit_tools.sql.toolbox import Questions, checked
from agentkit_tools.table.source import Paths, Source, sources_of


class Table(Questions):
    """Tools over CSV, TSV, JSON Lines and Parquet files: `table_schema` and `table_query`.

    `paths` is a file, several, or a mapping of names to files; a table is named after its file.
    They are read once, here, into a database of their own that is gone with this object. That is
    DuckDB where it is installed (`pip install 'agentkit[tables]'`, which Parquet needs), else
    SQLite. `encoding` and `delimiter` are seen from the files unless they are given.

    Raises ConfigurationError for a file that there is not, or that cannot be read without guessing.
    """

    def __init__(  # noqa: PLR0913 - options by name
        self,
        paths: Paths,
        *,
        name: str = "table",
        engine: Literal["duckdb", "sqlite"] | None = None,
        encoding: str | None = None,
        delimiter: str | None = None,
        max_rows: int = 100,
        max_bytes: int = 20_000,
        timeout: float = 10.0,
        untrusted: bool = False,
    ) -> None:
        caps = checked(Caps(max_rows, max_bytes, timeout=timeout))
        sources = sources_of(paths)
        folder = Path(tempfile.mkdtemp(prefix="agentkit-table-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        if _chosen(engine, sources) == "duckdb":
            made: Engine = _in_duckdb(sources, folder, (encoding, delimiter))
        else:
            made = _in_sqlite(sources, folder, (encoding, delimiter))
        names = ", ".join(identifier(source.name) for source in sources)
        about = f"the table{'' if len(sources) == 1 else 's'} {names}"
        super().__init__(made, caps, name=name, about=about, untrusted=untrusted)


def _chosen(engine: str | None, sources: list[Source]) -> str:
    has_duckdb = find_spec("duckdb") is not None
    chosen = engine or ("duckdb" if has_duckdb else "sqlite")
    if chosen not in ("duckdb", "sqlite"):
        raise ConfigurationError(f"engine: expected 'duckdb' or 'sqlite', got {engine!r:.80}.")
    if chosen == "duckdb" and not has_duckdb:
        raise ConfigurationError("engine: DuckDB is not here: pip install 'agentkit[tables]'.")
    parquet = [source.path.name for source in sources if source.is_parquet]
    if parquet and chosen == "sqlite":
        raise ConfigurationError(
            f"paths: {parquet[0]} is read by DuckDB alone: pip install 'agentkit[tables]'."
        )
    return chosen


def _in_duckdb(
    sources: list[Source], folder: Path, written: tuple[str | None, str | None]
) -> Engine:
    from agentkit_tools.table.in_duckdb import load

    database = folder / "tables.duckdb"
    load([(each, None if each.is_parquet else each.rows(*written)) for each in sources], database)
    return Bounded("duckdb", "DuckDB", database)


def _in_sqlite(
    sources: list[Source], folder: Path, written: tuple[str | None, str | None]
) -> Engine:
    from agentkit_tools.table.in_sqlite import load

    database = folder / "tables.sqlite"
    load([(each, each.rows(*written)) for each in sources], database)
    return BoundedSqlite(database)
