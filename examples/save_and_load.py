import json

from agentkit import Agent, Approve, Log, tool
from agentkit.testing import ScriptedModel, call


@tool(approval=True)
def delete(path: str) -> str:
    """Delete a file."""
    return f"{path} deleted"


agent = Agent(ScriptedModel(call("delete", path="old.txt"), "Tidied up."), tools=[delete])
result = agent.run_sync("Tidy up.")
saved = json.dumps(result.log.dump())  # into a file, a row of a database, …

# later, perhaps in another process, with an agent made in the same way
waiting = agent.resume_sync(Log.load(json.loads(saved)))
print(waiting.status, [call.arguments for call in waiting.pending])
done = agent.resume_sync(waiting, [Approve(call.call_id) for call in waiting.pending])
print(done.status, "-", done.output)
for record in done.log:
    print("-", record.kind)
