"""Ready-made tools: `from agentkit_tools import now`, then `Agent(..., tools=[now])`.

    ask_user    a question to the person: at the terminal, else the run waits for the answer
    calculate   exact arithmetic, with units and dates
    Files       a folder: list, read, search, and where it is said so write
    Python      programs in Python, in a sandbox
    Shell       command lines, in a sandbox
    Sql         a SQLite or PostgreSQL database: its tables, queries, and where it is said so writes
    Table       CSV, TSV, JSON Lines and Parquet files, asked in SQL
    now         the date and time in a time zone
    Web         pages of the web, from public addresses alone
    WebSearch   a web search: SearXNG, Brave, or one of your own

Names load on first use, so that a tool costs nothing until it is wanted. agentkit never imports
this package; it is made of what agentkit exports.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# at once, since the module has the tool's name and would stand in its place
from agentkit_tools.now import now

if TYPE_CHECKING:
    from agentkit_tools.calculator import calculate
    from agentkit_tools.files import Files
    from agentkit_tools.questions import ask_user
    from agentkit_tools.sandbox.limits import SandboxLimits
    from agentkit_tools.shell import Python, Shell
    from agentkit_tools.sql import Sql
    from agentkit_tools.table import Table
    from agentkit_tools.web.toolbox import Web
    from agentkit_tools.web_search.hits import SearchHit, SearchProvider
    from agentkit_tools.web_search.providers import Brave, SearXNG
    from agentkit_tools.web_search.toolbox import WebSearch

_ROOM_OF = {
    "Brave": "web_search.providers",
    "Files": "files",
    "Python": "shell",
    "SandboxLimits": "sandbox.limits",
    "SearXNG": "web_search.providers",
    "SearchHit": "web_search.hits",
    "SearchProvider": "web_search.hits",
    "Shell": "shell",
    "Sql": "sql",
    "Table": "table",
    "Web": "web.toolbox",
    "WebSearch": "web_search.toolbox",
    "ask_user": "questions",
    "calculate": "calculator",
}

__all__ = [
    "Brave",
    "Files",
    "Python",
    "SandboxLimits",
    "SearXNG",
    "SearchHit",
    "SearchProvider",
    "Shell",
    "Sql",
    "Table",
    "Web",
    "WebSearch",
    "ask_user",
    "calculate",
    "now",
]


def __getattr__(name: str) -> Any:
    room = _ROOM_OF.get(name)
    if room is None:
        raise AttributeError(f"module 'agentkit_tools' has no attribute {name!r}")
    value = getattr(import_module(f"agentkit_tools.{room}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
