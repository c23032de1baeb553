import tempfile
from pathlib import Path

from agentkit import Agent, Approve, tool
from agentkit.testing import ScriptedModel, call


@tool(approval=True)
def send(to: str, text: str) -> str:
    """Send a letter."""
    return f"sent {text!r} to {to}"


with tempfile.TemporaryDirectory() as folder:
    store = Path(folder) / "log.db"

    model = ScriptedModel(call("send", to="Ada", text="Hi"))
    waiting = Agent(model, tools=[send], store=store).run_sync("Write to Ada.", session="letters")
    print(waiting.status)

    # later, in another process
    agent = Agent(ScriptedModel("Ada has her letter."), tools=[send], store=store)
    waiting = agent.resume_sync("letters")
    decisions = [Approve(pending.call_id) for pending in waiting.pending]
    print([(pending.name, pending.arguments) for pending in waiting.pending])
    print(agent.resume_sync("letters", decisions).output)
