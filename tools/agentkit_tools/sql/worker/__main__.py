"""Answers what is asked of one database: a line of JSON each, from stdin to stdout.

python -m agentkit_tools.sql.worker sqlite|duckdb PATH

It ends when stdin does, also in the midst of its work: then nobody is there for its answer.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from agentkit import Retry
from agentkit_tools.sql.engine import Engine
from agentkit_tools.sql.running import Deadline
from agentkit_tools.sql.shown import Caps, Reader
from agentkit_tools.sql.sqlite import SqliteEngine

MOST_MEMORY = {"sqlite": 1 << 30, "duckdb": 3 << 30}
"""Bytes of addresses. DuckDB reserves 1.3 GB of them before it is asked anything, and uses few."""

Answer = Mapping[str, object]


def main(kind: str, path: str) -> None:
    """Answer until there is nobody to ask."""
    _bound(MOST_MEMORY[kind])
    heard: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_hear, args=(heard,), daemon=True).start()
    try:
        engine = _opened(kind, Path(path))
    except Exception as error:  # noqa: BLE001 - raised again where it is awaited
        _say({"error": str(error)})
        os._exit(1)
    _say({"ready": True})

    def agreed() -> None:
        _say({"ready": True})
        heard.get()

    while True:
        _say(_answered(engine, json.loads(heard.get()), agreed))


def _opened(kind: str, path: Path) -> Engine | SqliteEngine:
    if kind == "sqlite":
        return SqliteEngine(path)
    from agentkit_tools.table.in_duckdb import DuckdbEngine

    return DuckdbEngine(path)


def _answered(
    engine: Engine | SqliteEngine, asked: Mapping[str, Any], agreed: Callable[[], None]
) -> Answer:
    try:
        return _asked(engine, asked, agreed)
    except Retry as error:
        return {"retry": str(error)}
    except MemoryError:
        return {"retry": "That took too much memory. Ask for less."}
    except Exception as error:  # noqa: BLE001 - raised again where it is awaited
        return {"error": f"{type(error).__name__}: {error}"}


def _asked(
    engine: Engine | SqliteEngine, asked: Mapping[str, Any], agreed: Callable[[], None]
) -> Answer:
    deadline = Deadline(asked["seconds"])
    if asked["ask"] == "shapes":
        return {"shapes": [asdict(each) for each in engine.shapes(deadline)]}
    read = Reader(Caps(**asked["read"]["caps"]), asked["read"]["hint"])
    if asked["ask"] == "query":
        return {"text": engine.query(asked["sql"], deadline, read)}
    writable = cast(SqliteEngine, engine)
    changed, text = writable.execute(asked["sql"], deadline, read, agreed)
    return {"changed": changed, "text": text}


def _hear(heard: queue.SimpleQueue[bytes]) -> None:
    for line in sys.stdin.buffer:
        heard.put(line)
    os._exit(0)


def _say(answer: Answer) -> None:
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
    sys.stdout.buffer.flush()


def _bound(most: int) -> None:
    """Bound the memory of this process, where the system can."""
    try:
        import resource
    except ImportError:
        return
    with contextlib.suppress(ValueError, OSError):  # a lower one is set already
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    main(*sys.argv[1:])
