"""Files of rows as tables of a database that is made of them: CSV, TSV, JSON Lines, Parquet.

toolbox     `Table`: what the model can call
source      which files, and what their tables are named
rows  delimited  lines    a file -> rows, read twice: once for the types, once for the values
types       what a column holds, so that no digit is lost
loading     the rows in a database of their own: in_sqlite, in_duckdb
"""

from agentkit_tools.table.toolbox import Table

__all__ = ["Table"]
