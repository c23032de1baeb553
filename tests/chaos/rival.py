"""A process that runs a session which another may run too: `python rival.py PLACE LEDGER WORD`.

It says `running` when its tool runs, which lasts until it is told to go on, and in the end what
it came to.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from agentkit import Agent, Approve, Conflict, Request, ToolContext, tool
from agentkit.testing import ScriptedModel, call


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def entry(request: Request) -> Any:
    return "Done." if request.outputs else [call("look", "a"), call("pay", "b")]


async def main(place: str, ledger: str, when_busy: Any) -> None:
    def note(context: ToolContext[Any]) -> None:
        file = os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(file, f"{context.call_id}\n".encode())
        os.close(file)

    @tool(effect="read")
    def look(context: ToolContext[Any]) -> str:
        note(context)
        say("running")
        sys.stdin.readline()
        return "seen"

    @tool(approval=True)
    def pay(context: ToolContext[Any]) -> str:
        note(context)
        return "paid"

    agent = Agent(ScriptedModel(*[entry] * 9), tools=[look, pay], store=place)
    try:
        result = await agent.run("Go.", session="s", when_busy=when_busy)
        result = await agent.resume("s", [Approve(each.call_id) for each in result.pending])
    except Conflict:
        say("conflict")
        return
    say(f"{result.status} {result.output}")


asyncio.run(main(*sys.argv[1:]))
