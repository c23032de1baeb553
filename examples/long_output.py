from agentkit import Agent, tool
from agentkit.testing import ScriptedModel, call

LOG = "".join(f"{n:02d}:00 all is well\n" if n != 13 else "13:00 disk full\n" for n in range(24))


@tool(effect="read", max_output=60)
def machine_log() -> str:
    """Read the log of the machine."""
    return LOG


model = ScriptedModel(
    [call("machine_log", "call_1")],
    [call("read_output", call_id="call_1", start=200, stop=300)],
    "The disk was full at 13:00.",
)
agent = Agent(model, tools=[machine_log])
result = agent.run_sync("What went wrong?")
for record in result.log:
    if record.kind == "output":
        print(record.body()["item"]["output"], end="\n---\n")
print(result.output)
