import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from agentkit import Agent, Answer, tool
from agentkit.testing import ScriptedModel, call


@tool(effect="read")
def balance() -> int:
    """What is in the account."""
    print("  balance runs", flush=True)
    return 12


@tool  # effect="once" is the default
def pay(amount: int) -> str:
    """Pay an amount."""
    print("  pay runs, and the power goes off", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
    return f"{amount} paid"


def agent(*script: Any, store: str) -> Agent:
    return Agent(ScriptedModel(*script), tools=[balance, pay], store=store)


if len(sys.argv) > 1:  # the process that dies
    dying = agent([call("balance")], [call("pay", amount=12)], store=sys.argv[1])
    dying.run_sync("Pay the bill.", session="bill")

with tempfile.TemporaryDirectory() as folder:
    runs = str(Path(folder) / "runs.db")
    dead = subprocess.run([sys.executable, __file__, runs], check=False)
    print("killed by", signal.Signals(-dead.returncode).name)

    living = agent("All is paid.", store=runs)
    waiting = living.resume_sync("bill")
    for pending in waiting.pending:
        print(waiting.status, pending.name, pending.arguments, pending.reason)
    done = living.resume_sync("bill", [Answer(waiting.pending[0].call_id, "12 paid, I looked")])
    print(done.status, "-", done.output)
