"""A database asked in a process of its own: `python -m agentkit_tools.sql.worker`.

One call of a function can keep SQLite or DuckDB busy for minutes, and no interrupt ends it. A
thread cannot be stopped; a process can, and its memory can be bounded.
"""
