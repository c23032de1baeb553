"""What the clients have in common: they run what they are told, one line of JSON a run.

Runs in the environments of the clients, so it knows nothing but Python.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple


class Place(NamedTuple):
    """A server's base URL, and what is spoken with it: `responses` or `chat`."""

    url: str
    wire: str


Run = Callable[[Place], Awaitable[dict[str, Any]]]
"""A run against the server at that place, and what came of it."""


def obey(*runs: Run) -> None:
    """Do the runs that standard input names, and print what came of each."""
    named = {run.__name__: run for run in runs}
    # one loop for all, because a client may outlive its run
    with asyncio.Runner() as runner:
        for line in sys.stdin:
            told = json.loads(line)
            place = Place(told["url"], told["wire"])
            came = runner.run(_outcome(named[told["run"]], place))
            print(json.dumps(came), flush=True)


async def _outcome(run: Run, place: Place) -> dict[str, Any]:
    try:
        return await run(place)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
