from agentkit import Agent, Answer, Approve, Edit, Reject, tool
from agentkit.testing import ScriptedModel, call


@tool(approval=True)
def send(to: str, text: str) -> str:
    """Send a letter."""
    print(f"  sending {text!r} to {to}")
    return "sent"


for decision in (
    Approve("call_1"),
    Edit("call_1", {"to": "Ada", "text": "Dear Ada"}),
    Reject("call_1", "She is on holiday."),
    Answer("call_1", "sent by hand"),
):
    model = ScriptedModel(call("send", "call_1", to="Ada", text="Hi"), "Done.")
    agent = Agent(model, tools=[send])

    waiting = agent.run_sync("Write to Ada.")
    [pending] = waiting.pending
    print(waiting.status, pending.call_id, pending.name, pending.arguments)

    print(type(decision).__name__)
    agent.resume_sync(waiting, [decision])
    print("  the model reads:", model.requests[1].outputs)
