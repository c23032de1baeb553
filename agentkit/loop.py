"""The loop: ask the log what comes next, do it, until there is nothing to do.

Start reading here. A run, a resumed run, an approved and a recovered one are all this.
"""

from __future__ import annotations

from agentkit.ask import ask
from agentkit.dispatch import dispatch
from agentkit.moves import AskModel, CallTools, Finish, Wait, next_move
from agentkit.run import Run


async def loop(run: Run) -> Finish | Wait:
    """Make every move that follows from the log; the end it comes to. Raises ModelError."""
    while True:
        match next_move(run.log):
            case AskModel():
                await ask(run)
            case CallTools(calls):
                await dispatch(run, calls)
            case Finish() | Wait() as end:
                return end
