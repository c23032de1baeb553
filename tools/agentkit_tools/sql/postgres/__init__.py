"""PostgreSQL as an engine: `rules` says what is refused before, `line` how the server is asked."""

from agentkit_tools.sql.postgres.engine import PostgresEngine

__all__ = ["PostgresEngine"]
