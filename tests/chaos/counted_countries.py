"""The agent of `examples/countries`; in the file `$LEDGER` is a line for each call that it ran."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "examples" / "countries"))

from countries import agent as countries

from agentkit import Agent, around_calls
from agentkit.middleware import Call, CallRequest


async def noted(request: CallRequest, proceed: Call) -> object:
    file = os.open(os.environ["LEDGER"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(file, f"{request.call_id}\n".encode())
    os.close(file)
    return await proceed(request)


agent = Agent(
    "offline",
    instructions=countries.instructions,
    tools=list(countries.tools.values()),
    middleware=[around_calls(noted)],
)
