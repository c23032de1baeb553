from agentkit import Agent, Answer, Approve, Edit, Reject, tool
from agentkit.testing import ScriptedModel, call


@tool(approval=True)
def send(to: str, text: str) -> str:
    """Send a letter."""
    print(f"  sending {text!r} to {to}")
    return "sent"


def agent() -> Agent:
    return Agent(ScriptedModel(call("send", to="Ada", text="Hi"), "Done."), tools=[send])


waiting = agent().run_sync("Write to Ada.")
[pending] = waiting.pending
print(waiting.status, pending.name, pending.arguments, pending.reason)

for decision in (
    Approve(pending.call_id),
    Edit(pending.call_id, {"to": "Ada", "text": "Dear Ada"}),
    Reject(pending.call_id, "She is on holiday."),
    Answer(pending.call_id, "sent by hand"),
):
    ended = agent().run_sync("Write to Ada.")
    print(type(decision).__name__)
    done = Agent(ScriptedModel("Done."), tools=[send]).resume_sync(ended, [decision])
    print("  the model reads:", done.log.items[-2].wire["output"])
