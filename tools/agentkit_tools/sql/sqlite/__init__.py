"""SQLite as an engine: `rules` says what a statement may do, `opening` how a file is opened."""

from agentkit_tools.sql.sqlite.engine import SqliteEngine

__all__ = ["SqliteEngine"]
