"""Databases as tools: a schema to learn, questions in SQL, and writes that a person agrees to.

toolbox     `Sql`: what the model can call
engine      what a database has to be able to do; engines: sqlite/, postgres/
bounded     an engine in processes that are killed in time; process, worker/: one of them
running     work in threads that ends in time
shown       rows as text            described   tables as text
near        names that come close to one that is not there
"""

from agentkit_tools.sql.toolbox import Sql

__all__ = ["Sql"]
